"""What a visitor told another consent tool, and what all its readers need: bounded texts, moments, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import unquote

from proxy.policy.durations import parse_date
from proxy.policy.model import DAY

MAX_LENGTH = 4096
"""Longest cookie that is read: browsers keep no longer one."""

MAX_NAMES = 256
"""Names of purposes and services that one cookie may state."""

EARLIEST = 1_500_000_000
"""Seconds since 1970: no answer to these tools is older than the law that made them (2017)."""

_WORD = re.compile(r"[\w .:/+*-]{1,128}")
_ISO = re.compile(r"(20[0-9]{2}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?Z")


class Silence(Enum):
    """Why a tool's cookies are no answer."""

    OPEN = "open"  # nobody has answered it: it asks
    UNREADABLE = "unreadable"  # not what the tool writes, as far as its documents say


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """A visitor's answer to another consent tool, in that tool's own names.

    `refused` is None where the tool lists only what was granted. `at` is the time of the answer
    in seconds since 1970, None where the tool states none; `unclear` are names that the cookie
    answers only in parts, `exceptions` refused names without which what is granted says too much.
    """

    granted: frozenset[str]
    refused: frozenset[str] | None
    at: int | None = None
    unclear: frozenset[str] = frozenset()
    exceptions: frozenset[str] = frozenset()

    def says(self, name: str) -> bool | None:
        """Return whether that was granted; None where the answer does not speak of it."""
        if name in self.unclear:
            return None
        if name in self.granted:
            return self.refused is None or name not in self.refused
        return False if self.refused is None or name in self.refused else None


Reading = ToolAnswer | Silence
Cookies = Mapping[str, str]
"""A tool's cookies of one request, by name, as they were sent."""


def text_of(value: str) -> str | None:
    """Return a cookie's value without percent-encoding; None for bytes that are no text."""
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return None


def json_object(value: str) -> dict[str, Any] | None:
    """Return the JSON object in a cookie; None for what is none, or names something twice."""
    text = text_of(value)
    try:
        found = json.loads(text or "", object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def of_switches(table: Mapping[str, object], at: int | None = None) -> Reading:
    """Return the answer in a table of names and booleans."""
    if not table:
        return Silence.OPEN
    if len(table) > MAX_NAMES or not all(isinstance(value, bool) for value in table.values()):
        return Silence.UNREADABLE
    granted = frozenset(name for name, value in table.items() if value)
    return ToolAnswer(granted, frozenset(table) - granted, at)


def names_in(value: object) -> frozenset[str] | None:
    """Return the names in a JSON list, each once; None where it is no such list."""
    if not isinstance(value, list) or len(value) > MAX_NAMES:
        return None
    if not all(isinstance(name, str) and _WORD.fullmatch(name) for name in value):
        return None
    found = frozenset(value)
    return found if len(found) == len(value) else None


def moment_of(text: object) -> int | None:
    """Return the seconds since 1970 of `2026-11-30T12:00:00.000Z`, or None."""
    found = _ISO.fullmatch(text) if isinstance(text, str) else None
    day_ends = parse_date(found[1]) if found else None
    if found is None or day_ends is None:
        return None
    hours, minutes, seconds = (int(found[part]) for part in (2, 3, 4))
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return day_ends - DAY + hours * 3600 + minutes * 60 + seconds


def is_credible(at: int, now: int) -> bool:
    """True for a moment at which somebody can have answered; a clock may be ahead by a day (T51)."""
    return EARLIEST <= at <= now + DAY


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(name)
        table[name] = value
    return table


def _refuse(word: str) -> None:
    raise ValueError(word)
