"""How many choices of one network are taken and stored a minute (threats T46)."""

from __future__ import annotations

import time

from proxy.records.limits import AcceptanceLimit, Allowance
from proxy.server.config import ConsentConfig
from proxy.server.ground import Ground
from proxy.server.logs import log
from proxy.server.visit import Visit


class ChoiceLimits:
    """Acceptances beyond the limit are put off; refusals beyond it hold, but are only counted."""

    def __init__(self, ground: Ground, config: ConsentConfig) -> None:
        self._acceptances = ground.limit("acceptances", config.acceptances_per_minute)
        self._refusals = ground.limit("refusals", config.refusals_per_minute)

    def takes(self, visit: Visit) -> bool:
        """True unless this network grants far more often than people do."""
        return _allows(self._acceptances, visit)

    def stores(self, visit: Visit) -> bool:
        """True unless this network refuses so often that its refusals would fill the store."""
        return _allows(self._refusals, visit)


def _allows(limit: AcceptanceLimit, visit: Visit) -> bool:
    allowed = limit.allows(visit.visitor.address, time.monotonic())
    if allowed is Allowance.BLIND:
        log().warning(
            "consent_limit_blind",
            note="all choices come from one private network: name your load balancer in trusted_proxies",
        )
    return allowed is not Allowance.NO
