"""Durations and days as the policy writes them: `6 months`, `30 min`, `up to 13 months`, `2027-01-31`."""

from __future__ import annotations

import re

from proxy.policy.model import DAY, Duration

_WORDS = re.compile(r"(?:up to )?([1-9][0-9]{0,3}) ([a-z]+)")

_SECONDS = {
    "second": 1,
    "sec": 1,
    "minute": 60,
    "min": 60,
    "hour": 3600,
    "day": DAY,
    "week": 7 * DAY,
}

EXAMPLES = "'6 months', '30 min', '1 year', 'up to 13 months' or 'Session'"


def parse_duration(text: str) -> Duration | None:
    """Return how long that is, or None when these words mean nothing here."""
    words = text.strip().lower()
    if words == "session":
        return Duration(text, None)
    found = _WORDS.fullmatch(words)
    if found is None:
        return None
    count, unit = int(found[1]), found[2].removesuffix("s")
    if unit == "month":
        return Duration(text, _months(count) * DAY)
    if unit == "year":
        return Duration(text, count * 365 * DAY)
    if unit not in _SECONDS:
        return None
    return Duration(text, count * _SECONDS[unit])


def _months(count: int) -> int:
    """Return days: 30 a month, counted from the nearest whole year of 365 days."""
    years, rest = divmod(count, 12)
    if rest <= 6:
        return years * 365 + rest * 30
    return (years + 1) * 365 - (12 - rest) * 30


def parse_size(text: str) -> int | None:
    """Return the bytes in `64 kB` or `1 MB` or `4096`, or None."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})(?: ?(kB|MB))?", text.strip())
    if found is None:
        return None
    return int(found[1]) * {None: 1, "kB": 1000, "MB": 1_000_000}[found[2]]


def parse_date(text: str) -> int | None:
    """Return when that day ends (UTC, seconds since 1970), or None where it is no day: 2027-01-31."""
    found = re.fullmatch(r"(20[0-9]{2})-([0-9]{2})-([0-9]{2})", text.strip())
    if found is None:
        return None
    year, month, day = map(int, found.groups())
    leap = year % 4 == 0  # true of this century, and no other is read
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        return None
    years = (year - 1970) * 365 + (year - 1969) // 4
    return (years + sum(lengths[: month - 1]) + day) * DAY
