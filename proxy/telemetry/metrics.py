"""What operations see from outside, on the admin address only: health and figures.

Labels never come from visitors' input: sites, providers, kinds and outcomes are all
written in our own two files. Counting is cheap: plain additions, handed to
prometheus-client only when somebody asks (or every few seconds, between workers).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from proxy.telemetry.verdict_summary import VerdictSummary

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Set by the supervisor for its workers: prometheus-client adds them up in that folder."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "requests": ("Requests answered", ("site", "kind", "status")),
    "verdicts": ("What was not kept, by the provider it belongs to", ("site", "provider", "kind", "does")),
    "rewritten_bytes": ("Bytes of documents read by the filter", ("site",)),
    "passed_unread": ("Documents passed unread because on_error says so", ("site",)),
    "unreadable": ("Documents refused because they cannot be read", ("site",)),
    "answers": (
        "Choices of visitors; outcome counted: refusals above the limit, not stored",
        ("site", "choice", "outcome"),
    ),
    "asked": ("Pages that carried the banner", ("site", "why")),
    "reports": ("What browsers reported of our fence and guard", ("site", "kind", "provider")),
    "upstream_failures": ("Answers an upstream owed", ("site", "status")),
    "reloads": ("Readings of rules, config and languages", ("outcome",)),
}
_HISTOGRAMS = {
    "upstream_seconds": ("Until the upstream's answer began", ("site",)),
    "own_seconds": ("Our own work on one request before its answer began", ("site",)),
}


_CLASSES = {status: f"{status // 100}xx" for status in range(100, 600)}


def status_class(status: int) -> str:
    """Return a status as it is counted: `2xx`."""
    return _CLASSES.get(status, "other")


@dataclass(slots=True)
class _Times:
    """How often something took how long, by the buckets of a histogram."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(_SECONDS) + 1))
    total: float = 0.0


_KEPT = 2048


@dataclass(slots=True)
class _Judged:
    """What was said of verdicts, and how often."""

    said: VerdictSummary
    times: int = 1


@dataclass(slots=True)
class Tally:
    """Additions since they were last handed over; the hot path touches only this."""

    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    times: dict[tuple[str, str], _Times] = field(default_factory=dict)
    _judged: dict[tuple[str, int], _Judged] = field(default_factory=dict)  # by site and id() of what was said

    def relayed(self, site: str, kind: str, status: int, own: float, upstream: float) -> None:
        """Count a request of a site's, and how many seconds were ours and its upstream's."""
        self.counts["requests", site, kind, _CLASSES.get(status, "other")] += 1
        self.took("own_seconds", site, own)
        if upstream:
            self.took("upstream_seconds", site, upstream)

    def judged(self, site: str, said: VerdictSummary) -> None:
        """Count verdicts: what is said of them is often the same, and is added up when somebody asks."""
        known = self._judged.get((site, id(said)))
        if known is not None:
            known.times += 1
            return
        if len(self._judged) >= _KEPT:
            self.add_up()
        self._judged[site, id(said)] = _Judged(said)

    def add_up(self) -> None:
        """Add to `counts` what was judged."""
        judged, self._judged = self._judged, {}
        for (site, _), one in judged.items():
            for labels, count in one.said.counts:
                self.counts["verdicts", site, *labels] += count * one.times

    def add(self, name: str, *labels: str, by: int = 1) -> None:
        """Count something that happened."""
        self.counts[(name, *labels)] += by

    def took(self, name: str, site: str, seconds: float) -> None:
        """Note how long something took."""
        times = self.times.get((name, site))
        if times is None:
            times = self.times[(name, site)] = _Times()
        times.buckets[bisect_left(_SECONDS, seconds)] += 1
        times.total += seconds


class Metrics:
    """The figures of this process, or of all workers when they share a folder."""

    def __init__(self) -> None:
        import prometheus_client as prometheus  # noqa: PLC0415 - reads FOLDER when first imported

        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call] # a start time per label set is figures nobody asked for
        self.tally = Tally()
        self._prometheus: Any = prometheus
        self.registry: CollectorRegistry = prometheus.CollectorRegistry()
        self._counters = {
            name: prometheus.Counter(f"consent_proxy_{name}", text, labels, registry=self.registry)
            for name, (text, labels) in _COUNTERS.items()
        }
        self._histograms = {
            name: prometheus.Histogram(
                f"consent_proxy_{name}", text, labels, registry=self.registry, buckets=_SECONDS
            )
            for name, (text, labels) in _HISTOGRAMS.items()
        }
        self._gauges: dict[str, Any] = {}

    def gauge(self, name: str, text: str, value: float) -> None:
        """Set a figure that goes up and down, such as connections open; workers are added up."""
        if name not in self._gauges:
            self._gauges[name] = self._prometheus.Gauge(
                f"consent_proxy_{name}", text, registry=self.registry, multiprocess_mode="livesum"
            )
        self._gauges[name].set(value)

    def hand_over(self) -> None:
        """Give the additions since the last time to prometheus-client."""
        self.tally.add_up()
        counts, self.tally.counts = self.tally.counts, Counter()
        times, self.tally.times = self.tally.times, {}
        for (name, *labels), by in counts.items():
            self._counters[name].labels(*labels).inc(by)
        for (name, site), taken in times.items():
            histogram = self._histograms[name].labels(site)
            # prometheus-client takes one observation at a time, 3 us each; its own parts take many at once
            for bucket, count in zip(histogram._buckets, taken.buckets, strict=True):  # noqa: SLF001
                if count:
                    bucket.inc(count)
            histogram._sum.inc(taken.total)  # noqa: SLF001

    def page(self) -> bytes:
        """Return the page that Prometheus reads: this process's, or all workers' together."""
        self.hand_over()
        return render(None if os.environ.get(FOLDER) else self.registry)


def render(registry: CollectorRegistry | None) -> bytes:
    """Return the figures of a registry, or those of every worker that shares FOLDER."""
    from prometheus_client import CollectorRegistry, exposition, multiprocess  # noqa: PLC0415

    if registry is None:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return bytes(exposition.generate_latest(registry))


@dataclass(slots=True)
class WorkerHealth:
    """Whether this process should be sent visitors, and why not, in words."""

    started: bool = False
    stopping: bool = False
    reasons: dict[str, str] = field(default_factory=dict)  # by part: records, certificate, ...

    def ready(self) -> bool:
        """True when visitors are welcome. A store of proofs that is down does not stop a site."""
        return self.started and not self.stopping

    def words(self) -> dict[str, Any]:
        """Return what /readyz says."""
        why = [*(["starting"] if not self.started else []), *(["stopping"] if self.stopping else [])]
        return {"ready": self.ready(), "why": why, "doubts": dict(self.reasons)}
