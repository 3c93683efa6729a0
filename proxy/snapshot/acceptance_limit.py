"""How many choices one network may write a minute: far above human use (threats T46).

Pure: the time is a parameter, nothing is kept beyond memory.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from enum import Enum

from proxy.telemetry.visitor_network import ip_address_of, network_of

_MOST = 50_000
"""Networks remembered at once: a flood from more of them costs about 10 MB, no more."""
# Where load balancers live: RFC 1918, RFC 6598, RFC 4193, loopback, link-local. Python's
# is_private says yes to documentation and benchmark networks too.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)


class LimitOutcome(Enum):
    """What becomes of a choice."""

    YES = "yes"
    NO = "no"
    BLIND = "blind"  # over the limit, but every request comes from one private network: let pass, warn


class AcceptanceLimit:
    """A bucket for each /24 or /48: `per_minute` at once, refilled evenly over a minute.

    Behind a load balancer whose address is not trusted, everybody seems to come from one
    private network: then nobody is limited and BLIND says so. 0 per minute: no limit.
    """

    def __init__(self, per_minute: int = 60) -> None:
        self._most = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._networks: set[str] = set()

    def allows(self, address: str, now: float) -> LimitOutcome:
        """Count one choice from that address at `now` (seconds that never go back)."""
        if self._most <= 0:
            return LimitOutcome.YES
        network = network_of(address)
        if len(self._networks) < 2:
            self._networks.add(network)
        left, since = self._buckets.pop(network, (self._most, now))
        left = min(self._most, left + max(0.0, now - since) * self._most / 60)
        taken = left >= 1
        self._buckets[network] = (left - 1 if taken else left, now)
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        if taken:
            return LimitOutcome.YES
        blind = len(self._networks) == 1 and _is_private(address)
        return LimitOutcome.BLIND if blind else LimitOutcome.NO


def _is_private(address: str) -> bool:
    """True for an address of a private network, and for what is no address: a Unix socket, say."""
    found = ip_address_of(address)
    return found is None or any(found in inner for inner in _PRIVATE)
