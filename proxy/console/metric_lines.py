"""Reads from the page for Prometheus what the console shows: it counts nothing of its own."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field

_LINE = re.compile(
    r"^consent_proxy_(requests_total|verdicts_total|upstream_seconds_bucket|own_seconds_bucket)"
    r"\{(.*)\} (\S+)$",
    re.MULTILINE,
)
_GAUGE = re.compile(
    r"^consent_proxy_(certificate_days_left|upstream_waiting)(?:\{.*\})? (\S+)$", re.MULTILINE
)
_LABEL = re.compile(r'\b(\w++)="((?:[^"\\]|\\.)*+)"')
_ESCAPED = re.compile(r"\\(.)")

Verdicts = Counter[tuple[str, str, str, str]]
"""By site, provider, what was judged, what was done."""


@dataclass(slots=True)
class Counted:
    """The counters that the console shows, at one moment, of all sites."""

    requests: int = 0
    documents: int = 0
    failed: int = 0
    own: int = 0
    upstream: Counter[float] = field(default_factory=Counter)  # by upper bound in seconds, cumulative
    own_work: Counter[float] = field(default_factory=Counter)
    verdicts: Verdicts = field(default_factory=Counter)
    certificate_days: int | None = None  # until the certificate ends; None without one
    in_line: int = 0  # requests that wait for a connection to an upstream, now


def counted(page: bytes) -> Counted:
    """Return the counters on a page for Prometheus."""
    text = page.decode("utf-8")
    found = Counted()
    for name, value in _GAUGE.findall(text):
        number = float(value)
        if name == "upstream_waiting" and number > 0:
            found.in_line += int(number)
        elif name == "certificate_days_left" and number == number:  # noqa: PLR0124 - NaN: there is none
            found.certificate_days = math.floor(number)
    for name, labels_text, value in _LINE.findall(text):
        labels = {key: _ESCAPED.sub(_unescaped, text) for key, text in _LABEL.findall(labels_text)}
        count = int(float(value))
        match name:
            case "requests_total":
                _add_requests(found, labels, count)
            case "verdicts_total":
                key = (labels["site"], labels["provider"], labels["kind"], labels["does"])
                found.verdicts[key] += count
            case "upstream_seconds_bucket":
                found.upstream[float(labels["le"])] += count
            case _:
                found.own_work[float(labels["le"])] += count
    return found


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def _add_requests(found: Counted, labels: dict[str, str], count: int) -> None:
    found.requests += count
    if labels["kind"] == "document":
        found.documents += count
    if labels["kind"] == "own":
        found.own += count
    if labels["status"] == "5xx":
        found.failed += count
