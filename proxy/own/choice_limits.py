"""Rate limits for choices of one network (threats T46)."""

from __future__ import annotations

import time

from proxy.config.types import ConsentConfig
from proxy.http.request import Request
from proxy.snapshot.rate_limit import RateLimit, RateLimitResult
from proxy.snapshot.shared_resources import SharedResources
from proxy.telemetry.logs import log


class ChoiceLimits:
    """Acceptances beyond the limit get 429; refusals beyond it hold, but are counted and not stored."""

    def __init__(self, shared: SharedResources, config: ConsentConfig) -> None:
        self._acceptances = shared.limit("acceptances", config.acceptances_per_minute)
        self._refusals = shared.limit("refusals", config.refusals_per_minute)

    def takes(self, request: Request) -> bool:
        """True unless this network grants far more often than people do."""
        return _allows(self._acceptances, request)

    def stores(self, request: Request) -> bool:
        """True unless this network refuses so often that its refusals would fill the store."""
        return _allows(self._refusals, request)


def _allows(limit: RateLimit, request: Request) -> bool:
    allowed = limit.allows(request.visitor.address, time.monotonic())
    if allowed is RateLimitResult.ONE_PRIVATE_NETWORK:
        log().warning(
            "consent_limit_blind",
            note="all choices come from one private network: name your load balancer in trusted_proxies",
        )
    return allowed is not RateLimitResult.DENIED
