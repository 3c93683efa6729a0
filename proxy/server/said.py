"""What is said of verdicts, in the log and in the figures.

Remembered, because pages and rules repeat themselves: by id(), with the verdicts kept
so that no others can take theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from proxy.filter.verdict import Verdict
from proxy.server.logs import json_text

Judgement = tuple[str, Verdict]
"""What was judged (tag, cookie, header, request), and how."""

KEPT = 2048


class Said(NamedTuple):
    """What is said of some verdicts."""

    judged: object
    words: str  # for the log, as members of a JSON object: what, whose, by which rule; how often
    counts: tuple[tuple[tuple[str, str, str], int], ...]  # never words of a page; how often


_known: dict[tuple[object, ...], Said] = {}


def said_of(judged: Sequence[Judgement]) -> Said:
    """Return what is said of a few verdicts: those on a head."""
    key = tuple([(kind, id(verdict)) for kind, verdict in judged])
    return _known.get(key) or _remembered(key, tuple(judged), judged)


def said_of_tags(verdicts: Sequence[Verdict]) -> Said:
    """Return what is said of a page's tags; those of a page that is remembered are the same tuple again."""
    if not isinstance(verdicts, tuple):
        return _summed(verdicts, [("tag", verdict) for verdict in verdicts])
    key = (id(verdicts),)
    return _known.get(key) or _remembered(key, verdicts, [("tag", verdict) for verdict in verdicts])


def _remembered(key: tuple[object, ...], kept: object, judged: Sequence[Judgement]) -> Said:
    if len(_known) >= KEPT:
        _known.clear()
    said = _known[key] = _summed(kept, judged)
    return said


def _summed(kept: object, judged: Sequence[Judgement]) -> Said:
    words: Counter[str] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    for kind, verdict in judged:
        whose = verdict.provider or verdict.note or "undeclared"
        rule = f" {verdict.because.rule}" if verdict.because else ""
        words[f"{kind} {verdict.does.value} {whose}{rule}"] += 1
        counts[verdict.provider or "undeclared", kind, verdict.does.name.lower()] += 1
    members = ",".join([f"{json_text(text)}:{count}" for text, count in words.items()])
    return Said(kept, members, tuple(counts.items()))
