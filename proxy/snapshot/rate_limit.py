"""A rate limit per visitor network, for choices and relayed forms (threats T46).

Pure: the time is a parameter, and memory is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from proxy.telemetry.visitor_network import is_private, network_of

_MAX_NETWORKS = 50_000
"""Networks with a bucket at once: a flood from more of them takes about 10 MB, no more."""


class RateLimitResult(Enum):
    """Whether a request is within the limit."""

    ALLOWED = "allowed"
    DENIED = "denied"
    # over the limit, but all requests come from one private network: an untrusted load balancer
    ONE_PRIVATE_NETWORK = "one private network"


class RateLimit:
    """A token bucket for each /24 or /48: `per_minute` at once, refilled evenly over a minute.

    Behind a load balancer that is not in trusted_proxies all visitors share one private
    network: then nobody is denied, and the result is ONE_PRIVATE_NETWORK. 0: no limit.
    """

    def __init__(self, per_minute: int = 60) -> None:
        self._most = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._networks: set[str] = set()

    def allows(self, address: str, now: float) -> RateLimitResult:
        """Return whether a request from that address is within the limit at `now` (monotonic seconds)."""
        if self._most <= 0:
            return RateLimitResult.ALLOWED
        network = network_of(address)
        if len(self._networks) < 2:
            self._networks.add(network)
        left, since = self._buckets.pop(network, (self._most, now))
        left = min(self._most, left + max(0.0, now - since) * self._most / 60)
        taken = left >= 1
        self._buckets[network] = (left - 1 if taken else left, now)
        if len(self._buckets) > _MAX_NETWORKS:
            self._buckets.popitem(last=False)
        if taken:
            return RateLimitResult.ALLOWED
        return (
            RateLimitResult.ONE_PRIVATE_NETWORK
            if len(self._networks) == 1 and is_private(address)
            else RateLimitResult.DENIED
        )
