"""Who holds the slots of a pool: a crowd of one network may not take those of everybody else.

A slot is one exchange in flight on a connection of the pool. Pure: nothing here waits.
"""

from __future__ import annotations

from collections import Counter

from proxy.telemetry.visitor_network import is_private, network_of


class Shares:
    """The slots in use, by the network of the visitor (/24 or /48).

    The last quarter is kept in reserve: only networks that hold less than a sixteenth of all slots are
    served from it. Where every request came from one private address, a load balancer that
    `trusted_proxies` does not name, nobody can be told apart and there is no reserve.
    """

    __slots__ = ("_by_network", "_fair", "_only_visitor", "_several", "in_use", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_use = 0
        self._fair = max(1, limit // 16)
        self._by_network: Counter[str] = Counter()
        self._only_visitor: str | None = None
        self._several = False  # visitors can be told apart

    def note(self, visitor: str) -> None:
        """Learn whether all visitors come from one private address."""
        if visitor and not self._several and visitor != self._only_visitor:  # health checks have none
            self._several = self._only_visitor is not None or not is_private(visitor)
            self._only_visitor = visitor

    def allows(self, visitor: str) -> bool:
        """True when a request of this visitor may have a slot now."""
        if self.in_use >= self.limit:
            return False
        if not self._several or self.in_use < self.limit - self.limit // 4:
            return True
        return self._by_network[network_of(visitor)] < self._fair

    def take(self, visitor: str) -> str:
        """Take a slot; what is returned gives it back."""
        network = network_of(visitor)
        self.in_use += 1
        self._by_network[network] += 1
        return network

    def give_back(self, network: str) -> None:
        """Give back a slot."""
        self.in_use -= 1
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]
