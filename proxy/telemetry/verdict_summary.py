"""What is said of verdicts, in the log and in the figures.

Remembered, because pages and rules repeat themselves: by id(), with the verdicts kept
so that no others can take theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from proxy.filter.verdict import Verdict
from proxy.telemetry.logs import json_text

Judgement = tuple[str, Verdict]
"""What was judged (tag, cookie, header, request), and how."""

Labels = tuple[str, str, str]
"""The provider's id, the kind and what is done: never words of a page."""

KEPT = 2048

MOST = 64
"""Verdicts of a page whose sum is remembered."""


class VerdictSummary(NamedTuple):
    """What is said of some verdicts."""

    judged: object
    words: str  # for the log, as members of a JSON object: what, whose, by which rule; how often
    counts: tuple[tuple[Labels, int], ...]  # for the figures; how often


_known: dict[tuple[object, ...], VerdictSummary] = {}
_single: dict[tuple[str, int], tuple[Verdict, str, Labels]] = {}


def summary_of(judged: Sequence[Judgement]) -> VerdictSummary:
    """Return what is said of a few verdicts: those on a head."""
    key = tuple([(kind, id(verdict)) for kind, verdict in judged])
    return _known.get(key) or _remembered(key, tuple(judged), judged)


def summary_of_tags(verdicts: Sequence[Verdict]) -> VerdictSummary:
    """Return what is said of a page's tags; those of a page that is remembered are the same tuple again."""
    key: tuple[object, ...] = (id(verdicts),)
    if not isinstance(verdicts, tuple):
        if len(verdicts) > MOST:
            return _summed(verdicts, [("tag", verdict) for verdict in verdicts])
        key = ("tags", *map(id, verdicts))  # pages that are alike bring the same ones
        verdicts = tuple(verdicts)
    return _known.get(key) or _remembered(key, verdicts, [("tag", verdict) for verdict in verdicts])


def _remembered(key: tuple[object, ...], kept: object, judged: Sequence[Judgement]) -> VerdictSummary:
    if len(_known) >= KEPT:
        _known.clear()
    said = _known[key] = _summed(kept, judged)
    return said


def _summed(kept: object, judged: Sequence[Judgement]) -> VerdictSummary:
    words: dict[str, int] = {}
    counts: dict[Labels, int] = {}
    for kind, verdict in judged:
        _, text, labels = _single.get((kind, id(verdict))) or _told(kind, verdict)
        words[text] = words.get(text, 0) + 1
        counts[labels] = counts.get(labels, 0) + 1
    members = ",".join([f"{text}:{count}" for text, count in words.items()])
    return VerdictSummary(kept, members, tuple(counts.items()))


def _told(kind: str, verdict: Verdict) -> tuple[Verdict, str, Labels]:
    """Return what is said of one verdict, and remember it."""
    whose = verdict.provider or verdict.note or "undeclared"
    rule = f" {verdict.because.rule}" if verdict.because else ""
    labels = (verdict.provider or "undeclared", kind, verdict.does.name.lower())
    if len(_single) >= KEPT:
        _single.clear()
    told = _single[kind, id(verdict)] = (
        verdict,
        json_text(f"{kind} {verdict.does.value} {whose}{rule}"),
        labels,
    )
    return told
