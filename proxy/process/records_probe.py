"""Checks that the record store is writable, and reports it in the log, on /readyz and as a metric."""

from __future__ import annotations

import asyncio

from proxy.records.store import RecordStore
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Metrics, WorkerHealth

PROBE_EVERY = 30.0
"""Seconds between probes of a store that works: each is a small durable write."""
RETRY_EVERY = 5.0
"""Seconds between probes of a store that failed."""


class RecordsProbe:
    """Probes a record store regularly, and reports when it fails and when it recovers."""

    def __init__(self, store: RecordStore, metrics: Metrics, health: WorkerHealth) -> None:
        self._store = store
        self._metrics = metrics
        self._health = health
        self._failed = False

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            await self._store.probe()
            self.report()
            await asyncio.sleep(RETRY_EVERY if self._store.trouble else PROBE_EVERY)

    def report(self) -> None:
        """Report the outcome of the last write or probe."""
        trouble = self._store.trouble
        self._health.reasons.pop("records", None)
        if trouble:
            self._health.reasons["records"] = trouble
        self._metrics.gauge("records_down", 1 if trouble else 0)
        if trouble and not self._failed:
            log().error("records_failed", why=trouble, store=self._store.name)
        elif self._failed and not trouble:
            log().info("records_restored", store=self._store.name, waiting=self._store.backlog)
        self._failed = bool(trouble)
