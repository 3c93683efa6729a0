"""A rate limit per visitor network, for choices and relayed forms (threats T46).

Pure: the time is a parameter, and memory is bounded.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from enum import Enum

from proxy.telemetry.visitor_network import ip_address_of, network_of

_MAX_NETWORKS = 50_000
"""Networks with a bucket at once: a flood from more of them takes about 10 MB, no more."""
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
            if len(self._networks) == 1 and _is_private(address)
            else RateLimitResult.DENIED
        )


def _is_private(address: str) -> bool:
    """True for a private address, and for anything that is no address, such as a Unix socket."""
    found = ip_address_of(address)
    return found is None or any(found in network for network in _PRIVATE)
