"""What outlives a reload: keys, record store, upstream connections, metrics, rate limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.records.store import RecordStore
from proxy.seen.sightings import Sightings
from proxy.snapshot.presumed_cookies import PresumedCookies
from proxy.snapshot.rate_limit import RateLimit
from proxy.snapshot.site_upstreams import UpstreamsBySite
from proxy.telemetry.metrics import Tally


@dataclass(frozen=True, slots=True)
class SharedResources:
    """What every snapshot of a process uses."""

    keys: tuple[bytes, ...]
    store: RecordStore
    upstreams: UpstreamsBySite
    tally: Tally
    clock: Callable[[], float] = time.time  # for ages of answers and cookies
    presumed: PresumedCookies = field(default_factory=PresumedCookies)
    sightings: Sightings = field(default_factory=Sightings)
    _limits: dict[tuple[str, int], RateLimit] = field(default_factory=dict)

    def limit(self, of: str, per_minute: int) -> RateLimit:
        """Return the rate limit of that name and size: the same one after a reload."""
        if (of, per_minute) not in self._limits:
            self._limits[of, per_minute] = RateLimit(per_minute)
        return self._limits[of, per_minute]
