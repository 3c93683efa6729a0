"""What outlives a reload: keys, proofs, connections, figures, and who chose too often."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.records.store import RecordStore
from proxy.snapshot.acceptance_limit import AcceptanceLimit
from proxy.snapshot.upstreams import UpstreamsBySite
from proxy.telemetry.metrics import Tally


@dataclass(frozen=True, slots=True)
class SharedResources:
    """What every House stands on."""

    keys: tuple[bytes, ...]
    store: RecordStore
    reach: UpstreamsBySite
    tally: Tally
    clock: Callable[[], float] = time.time  # what visits count their days by
    _limits: dict[tuple[str, int], AcceptanceLimit] = field(default_factory=dict)

    def limit(self, of: str, per_minute: int) -> AcceptanceLimit:
        """Return the limit of that name and size; a reload forgives nobody."""
        if (of, per_minute) not in self._limits:
            self._limits[of, per_minute] = AcceptanceLimit(per_minute)
        return self._limits[of, per_minute]
