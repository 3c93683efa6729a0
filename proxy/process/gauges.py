"""The gauges of a worker, set each second: what is a state and no count, for Prometheus."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from proxy.http.listening import Certificate, Listener
from proxy.process.reload import Reloader
from proxy.records.store import RecordStore
from proxy.snapshot.snapshot import Snapshot
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.process_usage import cpu_seconds, open_files, open_files_limit, resident_bytes

FILES_EVERY = 15
"""Reports between two counts of open files: ten thousand take some milliseconds."""


class Gauges:
    """Sets the gauges of one worker; `report` is called every second."""

    def __init__(
        self,
        metrics: Metrics,
        store: RecordStore,
        listeners: list[Listener],
        *,
        certificate: Callable[[], Certificate | None],
        reloader: Reloader | None,
    ) -> None:
        self._metrics = metrics
        self._store = store
        self._listeners = listeners
        self._certificate = certificate
        self._reloader = reloader
        self._reports = 0
        self._cpu = 0.0
        self._began = time.time()
        self._upstreams: set[tuple[str, str]] = set()

    def report(self, snapshot: Snapshot) -> None:
        """Set every gauge to what it is now."""
        self._report_upstreams(snapshot)
        self._report_process()
        gauge = self._metrics.gauge
        gauge("records_waiting", self._store.backlog)
        gauge("records_lost", self._store.lost)
        gauge("visitor_connections", self._connections())
        if self._reloader is not None:
            gauge("rules_refused", self._reloader.refused)
        if (certificate := self._certificate()) is not None:
            gauge("certificate_days_left", certificate.facts.days_left(datetime.now(UTC)))

    def usage(self) -> dict[str, Any]:
        """Return what this process is and uses of the machine, as /status tells it."""
        return {
            "pid": os.getpid(),
            "since": self._began,
            "cpu_seconds": round(cpu_seconds(), 2),
            "memory_bytes": resident_bytes(),
            "connections": self._connections(),
        }

    def _connections(self) -> int:
        """Return how many visitors are connected."""
        servers = {id(one.http_server): one.http_server for one in self._listeners}.values()
        return sum(len(server.connections) for server in servers)

    def _report_upstreams(self, snapshot: Snapshot) -> None:
        states = {
            (site.name, state.address): state
            for site in snapshot.sites.all
            for state in snapshot.upstreams[site.name].snapshot()
        }
        gauge = self._metrics.gauge
        gauge("upstream_connections", sum(state.connections for state in states.values()))
        gauge("upstream_waiting", sum(state.waiting for state in states.values()))
        gauge("upstream_in_use", sum(state.in_use for state in states.values()))
        for site, address in self._upstreams - states.keys():  # no longer configured: neither up nor down
            gauge("upstream_up", math.nan, site, address)
        for (site, address), state in states.items():
            gauge("upstream_up", state.up, site, address)
        self._upstreams = set(states)

    def _report_process(self) -> None:
        cpu, before = cpu_seconds(), self._cpu
        self._cpu = cpu
        self._metrics.count("cpu_seconds", cpu - before)
        if (memory := resident_bytes()) is not None:
            self._metrics.gauge("resident_bytes", memory)
        if self._reports % FILES_EVERY == 0 and (files := open_files()) is not None:
            self._metrics.gauge("open_files", files)
            self._metrics.gauge("open_files_limit", open_files_limit())
        self._reports += 1
