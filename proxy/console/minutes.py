"""A day of minutes: what was counted in each, made of counters that only grow."""

from __future__ import annotations

from collections import Counter, deque
from itertools import pairwise
from typing import Any, NamedTuple

from proxy.console.metric_lines import Counted

MOST = 24 * 60
"""Minutes that are remembered."""

MINUTE = 60


class Minute(NamedTuple):
    """What was counted within one minute; times in ms, None where nothing was timed."""

    at: int
    requests: int
    documents: int
    failed: int
    upstream: tuple[float | None, float | None]  # median, and what 95 of 100 were below
    own_work: tuple[float | None, float | None]


class Minutes:
    """The minutes that are over, and how the counters stood when the present one began."""

    def __init__(self, now: float) -> None:
        self._over: deque[Minute] = deque(maxlen=MOST - 1)
        self._at = _minute_of(now)
        self._before = Counted()

    def note(self, now: float, counted: Counted) -> None:
        """Close the present minute if that moment is in a later one."""
        if _minute_of(now) > self._at:
            self._over.append(_minute(self._at, self._before, counted))
            self._at, self._before = _minute_of(now), counted

    def columns(self, now: float, counted: Counted) -> dict[str, Any]:
        """Return all minutes column by column, the present one last."""
        self.note(now, counted)
        rows = [*self._over, _minute(self._at, self._before, counted)]
        return {
            "at": [row.at for row in rows],
            "requests": [row.requests for row in rows],
            "documents": [row.documents for row in rows],
            "failed": [row.failed for row in rows],
            "upstream_ms": _times([row.upstream for row in rows]),
            "own_ms": _times([row.own_work for row in rows]),
        }


def _times(rows: list[tuple[float | None, float | None]]) -> dict[str, list[float | None]]:
    return {"p50": [row[0] for row in rows], "p95": [row[1] for row in rows]}


def _minute_of(now: float) -> int:
    return int(now) // MINUTE * MINUTE


def _minute(at: int, before: Counted, after: Counted) -> Minute:
    return Minute(
        at,
        after.requests - before.requests,
        after.documents - before.documents,
        after.failed - before.failed,
        _quantiles(before.upstream, after.upstream),
        _quantiles(before.own_work, after.own_work),
    )


def _quantiles(before: Counter[float], after: Counter[float]) -> tuple[float | None, float | None]:
    buckets = [(bound, after[bound] - before[bound]) for bound in sorted(after)]
    return quantile(0.5, buckets), quantile(0.95, buckets)


def quantile(part: float, buckets: list[tuple[float, int]]) -> float | None:
    """Return the ms below which that part of what was timed is, as Prometheus reckons it.

    `buckets` are upper bounds in seconds, each with how many were not above it; within one bucket times
    are taken to be spread evenly.
    """
    if not buckets or buckets[-1][1] <= 0:
        return None
    rank = part * buckets[-1][1]
    for (low, below), (high, count) in pairwise([(0.0, 0), *buckets]):
        if count >= rank:
            if high == float("inf"):
                return _ms(low)
            return _ms(low + (high - low) * (rank - below) / (count - below))
    return None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
