"""Days, moments and durations are read as people type them after an option."""

import pytest
import typer

from proxy.commands.time_options import moment, seconds

DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("2026-11-01", 0),
        ("2026-11-01T12:00:00", DAY // 2),
        ("2026-11-01T12:00:00Z", DAY // 2),
        ("2026-11-01T12:00:00+01:00", DAY // 2 - 3_600_000),
        ("2026-11-01T00:00:00.5", 500),
    ],
)
def test_a_day_or_moment_is_utc_unless_it_says_otherwise(text, after):
    assert moment(text) == 1_793_491_200_000 + after


def test_what_is_no_day_is_told_with_two_that_are():
    with pytest.raises(
        typer.BadParameter, match=r"'yesterday' is no day; write 2026-11-01 or 2026-11-01T12:00:00Z"
    ):
        moment("yesterday")


@pytest.mark.parametrize(
    ("text", "value"), [("1 day", 86_400), ("2 hours", 7_200), ("5 years", 5 * 365 * 86_400)]
)
def test_a_duration_is_read_in_words(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["soon", "Session", "5", ""])
def test_what_is_no_duration_or_has_no_end_is_told_with_examples(text):
    with pytest.raises(typer.BadParameter, match="is no duration; write one such as"):
        seconds(text)
