"""Prometheus metrics and readiness, served on the admin address: a new metric is declared here.

Labels never come from visitors' input: sites, providers, kinds and outcomes are those of
rules and config. Counting is cheap: plain additions in a `Tally`, flushed to
prometheus-client every second and when a page is read.

What was judged is counted as a `VerdictSummary`, which the request log shows as well. Those are
cached, because pages and rules repeat themselves: by id() of the verdicts, which the cache keeps alive.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from proxy.filter.cache import Cache
from proxy.filter.verdict import Verdict
from proxy.import_stand_ins import standing_in, unused
from proxy.telemetry.logs import json_text

Judgement = tuple[str, Verdict]
"""What was judged (tag, cookie, header, request), and how."""

Labels = tuple[str, str, str]
"""Metric labels: provider id, kind, action; never text of a page."""

CACHE_SIZE = 2048

MAX_CACHED_VERDICTS = 64
"""The most verdicts of a page whose summary is cached."""

MAX_HOSTS = 200
"""Third parties of one page that are named."""


class VerdictSummary(NamedTuple):
    """What log and metrics show of a sequence of verdicts."""

    verdicts: object  # kept alive for the cache's ids
    words: str  # for the log, members of a JSON object: kind, action, provider, rule; how often
    counts: tuple[tuple[Labels, int], ...]  # for the metrics; how often
    hosts: tuple[tuple[str, str], ...] = ()  # third parties with the element that loads each


_summaries: Cache[tuple[object, ...], VerdictSummary] = Cache(CACHE_SIZE)
_labels: Cache[tuple[str, int], tuple[Verdict, str, Labels]] = Cache(CACHE_SIZE)


def summary_of(judged: Sequence[Judgement]) -> VerdictSummary:
    """Return the summary of the verdicts on a head: cookies, headers, the request."""
    key = tuple([(kind, id(verdict)) for kind, verdict in judged])
    return _summaries.get(key) or _cached(key, tuple(judged), judged)


def summary_of_tags(verdicts: Sequence[Verdict]) -> VerdictSummary:
    """Return the summary of a page's tags; a cached page passes the same tuple again."""
    key: tuple[object, ...] = (id(verdicts),)
    if not isinstance(verdicts, tuple):
        if len(verdicts) > MAX_CACHED_VERDICTS:
            return _summarise(verdicts, [("tag", verdict) for verdict in verdicts])
        key = ("tags", *map(id, verdicts))  # similar pages have the same verdicts
        verdicts = tuple(verdicts)
    return _summaries.get(key) or _cached(key, verdicts, [("tag", verdict) for verdict in verdicts])


def _cached(key: tuple[object, ...], kept: object, judged: Sequence[Judgement]) -> VerdictSummary:
    return _summaries.store(key, _summarise(kept, judged))


def _summarise(kept: object, judged: Sequence[Judgement]) -> VerdictSummary:
    words: dict[str, int] = {}
    counts: dict[Labels, int] = {}
    hosts: dict[tuple[str, str], None] = {}
    for kind, verdict in judged:
        if verdict.host and len(hosts) < MAX_HOSTS:
            hosts[verdict.host, verdict.element] = None
        _, text, labels = _labels.get((kind, id(verdict))) or _label(kind, verdict)
        words[text] = words.get(text, 0) + 1
        counts[labels] = counts.get(labels, 0) + 1
    members = ",".join([f"{text}:{count}" for text, count in words.items()])
    return VerdictSummary(kept, members, tuple(counts.items()), tuple(hosts))


def _label(kind: str, verdict: Verdict) -> tuple[Verdict, str, Labels]:
    """Return the log text and the metric labels of one verdict, and cache them."""
    whose = verdict.provider or verdict.note or "undeclared"
    rule = f" {verdict.because.rule}" if verdict.because else ""
    labels = (verdict.provider or "undeclared", kind, verdict.does.name.lower())
    text = json_text(f"{kind} {verdict.does.value} {whose}{rule}")
    return _labels.store((kind, id(verdict)), (verdict, text, labels))


if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable set by the supervisor: prometheus-client adds up its workers in that folder."""

_SERVED_AND_PUSHED = {
    "http.server": unused("BaseHTTPRequestHandler"),
    "socketserver": unused("ThreadingMixIn"),
    "urllib.request": unused(
        "BaseHandler", "build_opener", "HTTPHandler", "HTTPRedirectHandler", "HTTPSHandler", "Request"
    ),
    "wsgiref.simple_server": unused("make_server", "WSGIRequestHandler", "WSGIServer"),
}
"""What its own server and its pushing are made of: nobody here uses them."""

_SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
)

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
    "undeclared": ("Names that no rule speaks of, when first seen", ("site", "kind", "evidence")),
    "alerts": ("Alerts about names that are new after a site's first week", ("site", "outcome")),
    "upstream_failures": ("Answers an upstream owed", ("site", "status")),
    "reloads": ("Readings of rules, config and languages", ("outcome",)),
    "cpu_seconds": ("Processor time of the workers", ()),
}
_HISTOGRAMS = {
    "upstream_seconds": ("Until the upstream's answer began", ("site",)),
    "own_seconds": ("Our own work on one request before its answer began", ("site",)),
}

_GAUGES: dict[str, tuple[str, tuple[str, ...], str]] = {  # text, labels, what all workers' make together
    "upstream_connections": ("Connections to upstreams", (), "livesum"),
    "upstream_waiting": ("Requests in line for a connection", (), "livesum"),
    "upstream_in_use": ("Of the connections that limits grant", (), "livesum"),
    "upstream_up": ("0 where a worker sends an upstream no requests", ("site", "upstream"), "livemin"),
    "records_down": ("Processes that cannot write to the store of proofs", (), "livesum"),
    "records_waiting": ("Refusals that wait in memory for the store of proofs", (), "livesum"),
    "records_lost": ("Refusals that could never be written to the store of proofs", (), "sum"),
    "sites_off": ("Sites with mode: off, wholly or in part", (), "livesum"),
    "rules_refused": ("1 while the files on disk are refused and older rules are in force", (), "livemax"),
    "certificate_days_left": ("Days until the TLS certificate ends", (), "livemin"),
    "visitor_connections": ("Connections of visitors", (), "livesum"),
    "resident_bytes": ("Memory of the workers, shared pages counted in each", (), "livesum"),
    "open_files": ("Open files of the worker that has most", (), "livemax"),
    "open_files_limit": ("Files that a worker may open", (), "livemin"),
}  # fmt: skip
_OF_ALL = {
    "ready": "Whether /readyz says yes",
    "workers_configured": "Workers that the config asks for",
    "workers_alive": "Workers that run",
    "workers_ready": "Workers that take visitors",
}
"""Gauges of the proxy as a whole, by name: they are stated when the page is read."""


_CLASSES = {status: f"{status // 100}xx" for status in range(100, 600)}


def status_class(status: int) -> str:
    """Return the class of a status, as metrics label it: `2xx`."""
    return _CLASSES.get(status, "other")


@dataclass(slots=True)
class _Histogram:
    """Observed durations, counted by the buckets of a histogram."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(_SECONDS) + 1))
    total: float = 0.0


_CACHE_SIZE = 2048


@dataclass(slots=True)
class _CountedSummary:
    """A summary of verdicts, and how often it occurred."""

    summary: VerdictSummary
    times: int = 1


@dataclass(slots=True)
class Tally:
    """Counts since the last flush; requests only touch this."""

    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    times: dict[tuple[str, str], _Histogram] = field(default_factory=dict)
    # by site and id() of the summary
    _summaries: dict[tuple[str, int], _CountedSummary] = field(default_factory=dict)

    def count_request(self, site: str, kind: str, status: int, own: float, upstream: float) -> None:
        """Count one request of a site, with the seconds spent in the proxy and in its upstream."""
        self.counts["requests", site, kind, _CLASSES.get(status, "other")] += 1
        self.observe("own_seconds", site, own)
        if upstream:
            self.observe("upstream_seconds", site, upstream)

    def count_verdicts(self, site: str, summary: VerdictSummary) -> None:
        """Count a summary of verdicts: the same few recur, so labels are added up when flushed."""
        known = self._summaries.get((site, id(summary)))
        if known is not None:
            known.times += 1
            return
        if len(self._summaries) >= _CACHE_SIZE:
            self.add_up_verdicts()
        self._summaries[site, id(summary)] = _CountedSummary(summary)

    def add_up_verdicts(self) -> None:
        """Add the verdicts of all counted summaries to `counts`."""
        summaries, self._summaries = self._summaries, {}
        for (site, _), one in summaries.items():
            for labels, count in one.summary.counts:
                self.counts["verdicts", site, *labels] += count * one.times

    def add(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counts[(name, *labels)] += by

    def observe(self, name: str, site: str, seconds: float) -> None:
        """Record a duration in a histogram."""
        times = self.times.get((name, site))
        if times is None:
            times = self.times[(name, site)] = _Histogram()
        times.buckets[bisect_left(_SECONDS, seconds)] += 1
        times.total += seconds


class Metrics:
    """The metrics of this process, or of all workers when they share a folder."""

    def __init__(self) -> None:
        with standing_in(_SERVED_AND_PUSHED):
            import prometheus_client as prometheus  # noqa: PLC0415 - reads FOLDER when first imported

        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call] # else a start time per label set
        self.tally = Tally()
        self.daily: Counter[tuple[int, str, str, str]] = Counter()  # day, site, language, measure
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

    def gauge(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge of this process, such as open connections."""
        gauge = self._gauges.get(name)
        if gauge is None:
            text, names, together = _GAUGES[name]
            gauge = self._gauges[name] = self._prometheus.Gauge(
                f"consent_proxy_{name}", text, names, registry=self.registry, multiprocess_mode=together
            )
        (gauge.labels(*labels) if labels else gauge).set(value)

    def count(self, name: str, by: float) -> None:
        """Add to a counter without labels, outside of requests."""
        self._counters[name].inc(by)

    def build(self, version: str, kind: str) -> None:
        """State which version runs, and whether its filter is compiled: 1 however many workers."""
        info = self._prometheus.Gauge(
            "consent_proxy_build_info",
            "The version, and whether its filter is compiled",
            ["version", "filter"],
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        info.labels(version, kind).set(1)

    def flush(self) -> None:
        """Pass the counts since the last flush to prometheus-client."""
        self.tally.add_up_verdicts()
        counts, self.tally.counts = self.tally.counts, Counter()
        times, self.tally.times = self.tally.times, {}
        today = int(time.time()) // 86_400
        for (name, *labels), by in counts.items():
            language = labels.pop() if name == "asked" else ""  # for the record store alone
            self._counters[name].labels(*labels).inc(by)
            if name == "asked":
                self.daily[today, labels[0], language, f"shown {labels[1]}"] += by
            elif name == "answers" and labels[2] == "counted":
                self.daily[today, labels[0], language, f"unstored {labels[1]}"] += by
        for (name, site), taken in times.items():
            histogram = self._histograms[name].labels(site)
            # prometheus-client takes one observation at a time, 3 us each; its own parts take many at once
            for bucket, count in zip(histogram._buckets, taken.buckets, strict=True):  # noqa: SLF001
                if count:
                    bucket.inc(count)
            histogram._sum.inc(taken.total)  # noqa: SLF001

    def page(self, of_all: Mapping[str, float] | None = None) -> bytes:
        """Return the metrics page: of this process, or of all workers together."""
        self.flush()
        return render(None if os.environ.get(FOLDER) else self.registry, of_all or {})


def render(registry: CollectorRegistry | None, of_all: Mapping[str, float]) -> bytes:
    """Return the metrics of a registry, or of every worker that shares FOLDER, and gauges of `_OF_ALL`."""
    from prometheus_client import CollectorRegistry, exposition, multiprocess  # noqa: PLC0415

    if registry is None:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    page = bytes(exposition.generate_latest(registry))
    for name, value in of_all.items():
        whole = f"consent_proxy_{name}"
        page += f"# HELP {whole} {_OF_ALL[name]}\n# TYPE {whole} gauge\n{whole} {float(value)}\n".encode()
    return page


@dataclass(slots=True)
class WorkerHealth:
    """Whether this process is ready for requests, and why not, in words."""

    started: bool = False
    stopping: bool = False
    reasons: dict[str, str] = field(default_factory=dict)  # by part: records, certificate, ...

    def ready(self) -> bool:
        """True between start and stop; an unavailable record store does not make a worker unready."""
        return self.started and not self.stopping

    def readiness(self) -> dict[str, Any]:
        """Return the body of /readyz."""
        why = [*(["starting"] if not self.started else []), *(["stopping"] if self.stopping else [])]
        return {"ready": self.ready(), "why": why, "doubts": dict(self.reasons)}
