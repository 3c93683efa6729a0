"""Summaries of verdicts for the request log and the metrics.

Cached, because pages and rules repeat themselves: by id() of the verdicts, which the cache
keeps alive so that no others can take their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from proxy.filter.cache import Cache
from proxy.filter.verdict import Verdict
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
