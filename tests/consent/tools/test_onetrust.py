"""OneTrust writes groups on the first page; they are an answer once the box was closed."""

import pytest

from proxy.consent.tools.onetrust import CLOSED, CONSENT, read_onetrust
from proxy.consent.tools.tool_answer import Silence, ToolAnswer
from tests.consent.tool_cases import NOW, seconds

GROUPS = "C0001%3A1%2CC0002%3A1%2CC0003%3A0"


def read(
    consent: str = f"isGpcEnabled=0&groups={GROUPS}&AwaitingReconsent=false",
    closed: str | None = "2026-10-15T09:30:00.000Z",
):
    cookies = {CONSENT: consent} | ({} if closed is None else {CLOSED: closed})
    return read_onetrust(cookies, NOW)


def test_each_group_but_the_one_that_is_always_on_is_said():
    assert read() == ToolAnswer(frozenset({"C0002"}), frozenset({"C0003"}), seconds("2026-10-15T09:30:00Z"))
    assert read(closed="2026-10-15T09%3A30%3A00.000Z") == read()


def test_without_a_closed_box_or_while_it_asks_again_nobody_has_answered():
    assert read(closed=None) is Silence.OPEN
    assert read("") is Silence.OPEN
    assert read(f"groups={GROUPS}&AwaitingReconsent=true") is Silence.OPEN
    assert read("groups=C0001%3A1") is Silence.OPEN


@pytest.mark.parametrize(
    "consent",
    ["a=b", "groups=", "groups=C0002%3A2", "groups=C0002", f"groups={GROUPS}&groups={GROUPS}", "groups=C0002%3A1%2CC0002%3A0", "groups=%FF", f"groups={GROUPS}" + "&a=1" * 64],
)  # fmt: skip
def test_groups_that_it_does_not_write_are_unreadable(consent):
    assert read(consent) is Silence.UNREADABLE


@pytest.mark.parametrize("closed", ["", "soon", "%FF", "2010-01-01T00:00:00Z", "2027-12-01T00:00:00Z"])
def test_a_time_at_which_nobody_can_have_answered_is_not_believed(closed):
    assert read(closed=closed) is Silence.UNREADABLE
