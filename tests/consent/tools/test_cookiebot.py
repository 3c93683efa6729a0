"""Cookiebot's cookie counts where somebody answered it, and says each category."""

import pytest

from proxy.consent.tools.cookiebot import read_cookiebot
from proxy.consent.tools.tool_answer import Silence, ToolAnswer
from tests.consent.tool_cases import NOW

PAIRS = "stamp:'x',necessary:true,preferences:true,statistics:false,marketing:false,method:'explicit',ver:1,utc:{utc}000,region:'fr'"  # fmt: skip


def read(value: str | None):
    return read_cookiebot({} if value is None else {"CookieConsent": value}, NOW)


def cookie(*changes: tuple[str, str], utc: int = NOW - 9) -> str:
    text = PAIRS.format(utc=utc)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return "{" + text + "}"


def test_each_category_is_said_with_the_time_of_the_answer():
    assert read(cookie()) == ToolAnswer(
        frozenset({"preferences"}), frozenset({"statistics", "marketing"}), NOW - 9
    )
    assert read(cookie().replace("'", "%27")) == read(cookie())


@pytest.mark.parametrize("value", [None, "", "-1", "0", cookie(("'x'", "'-1'")), cookie(("'x'", "'0'")), cookie(("explicit", "implied"))])  # fmt: skip
def test_what_nobody_answered_is_open(value):
    assert read(value) is Silence.OPEN


@pytest.mark.parametrize(
    "change",
    [("stamp:'x',", ""), ("'explicit'", "'other'"), ("preferences:true,", ""), ("preferences:true", "preferences:1"), ("necessary:true", "necessary:false"), ("marketing:false", "statistics:false"), ("ver:1", "ver:x"), ("utc:", "utc:'"), ("}", "")],
)  # fmt: skip
def test_a_part_that_is_missing_doubled_or_odd_makes_it_unreadable(change):
    value = cookie().replace(*change, 1)

    assert value != cookie()
    assert read(value) is Silence.UNREADABLE


@pytest.mark.parametrize("utc", [1_400_000_000, NOW + 2 * 86_400])
def test_a_time_at_which_nobody_can_have_answered_is_not_believed(utc):
    assert read(cookie(utc=utc)) is Silence.UNREADABLE


def test_early_versions_state_neither_method_nor_time():
    assert read(cookie(("method:'explicit',", ""), (f",utc:{NOW - 9}000", ""))).at is None
    assert read(cookie(("method:'explicit',", ""))).at is None
