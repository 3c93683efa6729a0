"""Durations mean what the policy means by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.durations import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30 min", 1_800),
        ("1 year", 31_536_000),
        ("6 months", 15_552_000),
        ("11 months", 28_944_000),
        ("up to 13 months", 34_128_000),
        ("13 months", 34_128_000),
        ("12 months", 31_536_000),
        ("1 month", 2_592_000),
        ("18 months", (365 + 180) * 86_400),
        ("23 months", (730 - 30) * 86_400),
        ("2 years", 63_072_000),
        ("1 day", 86_400),
        ("2 weeks", 1_209_600),
        ("24 hours", 86_400),
        ("45 seconds", 45),
        ("45 sec", 45),
        ("1 minute", 60),
        ("Session", None),
        ("session", None),
    ],
)
def test_the_policys_words_are_understood(text, seconds):
    duration = parse_duration(text)

    assert duration.seconds == seconds
    assert duration.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "six months",
        "6",
        "months",
        "0 days",
        "-1 day",
        "6months",
        "1.5 years",
        "6 moons",
        "99999 days",
        "6 months or so",
    ],
)
def test_other_words_are_no_duration(text):
    assert parse_duration(text) is None


@given(st.integers(1, 120))
def test_a_longer_duration_in_months_is_longer(months):
    assert parse_duration(f"{months} months").seconds < parse_duration(f"{months + 1} months").seconds


@given(st.integers(1, 120))
def test_months_are_never_longer_than_the_calendars_own(months):
    longest = months // 12 * 366 + (months % 12) * 31

    assert parse_duration(f"{months} months").seconds <= longest * 86_400


def test_a_life_of_a_day_or_less_slides():
    assert parse_duration("30 min").slides
    assert parse_duration("1 day").slides
    assert not parse_duration("2 days").slides
    assert not parse_duration("Session").slides


@pytest.mark.parametrize(
    ("text", "size"),
    [("4096", 4096), ("64 kB", 64_000), ("1MB", 1_000_000), ("0", None), ("64 KB", None), ("much", None)],
)
def test_sizes_are_bytes_kilobytes_or_megabytes(text, size):
    assert parse_size(text) == size
