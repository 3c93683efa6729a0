"""A record is shown as its visitor saw it: every part in words, and what is gone said to be gone."""

import json
from dataclasses import replace

import pytest

from proxy.consent.answer import Gesture, How, Surface
from proxy.consent.decision import Ask
from proxy.consent.record import content_of
from proxy.records.chain import Chain
from proxy.records.display import record_json, record_page, stats_json, table, verification_json, words_of
from proxy.records.queries import Stats
from proxy.records.verify import Verification
from tests.records.answers import NOON, SHOWN, answer


def record(**changes):
    return Chain(b"k" * 32, "writer", 0, b"s" * 32).append(
        "a" * 26, NOON, content_of(answer("ana", **changes), None)
    )


def erased():
    return replace(record(), content=None, erased=NOON + 86_400_000)


def line(page: str, of: str) -> str:
    return next(text[12:] for text in page.splitlines() if text.startswith(of))


def test_the_page_says_what_was_asked_and_answered_in_the_words_of_that_day():
    page = record_page(record(granted=frozenset({"functional"}), how=How.SAVE, provider="hubspot"), SHOWN)

    assert line(page, "Answer") == "save (hubspot)"
    assert (line(page, "Granted"), line(page, "Refused")) == ("functional", "performance")
    assert (line(page, "Withdrawn"), line(page, "Before it")) == ("nothing", "no earlier answer")
    assert "  performance: analytics, hubspot\n" in page
    assert "  banner.accept: Tout accepter\n" in page
    assert "Under this policy" not in page


def test_the_policy_of_that_day_is_shown_where_it_was_kept():
    shown = replace(SHOWN, policy='{"table": ["_ga"]}')

    assert record_page(record(shown=shown), shown).endswith(
        "\nUnder this policy (version 2026-11-01)\n  table: _ga\n"
    )


def test_of_an_erased_record_there_is_its_time_and_its_place_in_the_chain():
    page = record_page(erased(), None)

    assert page == (
        f"Record {'a' * 26} of 2026-11-23T12:00:00.000Z was erased on 2026-11-24T12:00:00.000Z.\n"
        "Its content is gone; its digest still stands in the chain.\n"
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "the button is not known, not recorded who pressed it"),
        ({"control": How.REFUSE, "surface": Surface.BANNER, "gesture": Gesture.PERSON, "asked": Ask.FIRST},
         "the button refuse of the banner, pressed by a person, asked for the first time"),
        ({"control": How.SAVE, "gesture": Gesture.UNKNOWN, "asked": Ask.SIGNAL},
         "the button save, the browser does not tell who pressed it, not asked, the browser sent Global Privacy Control"),
    ],
)  # fmt: skip
def test_the_gesture_is_told_as_far_as_it_is_known(said, words):
    assert line(record_page(record(**said), SHOWN), "Gesture") == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (1_792_056_600, "by cookiebot, not shown by us; given there on 2026-10-15T09:30:00.000Z"),
        (None, "by cookiebot, not shown by us; it states no time"),
    ],
)
def test_what_another_tool_declared_was_not_shown_by_us_and_has_no_words_of_ours(at, words):
    told = record_page(record(declared_by="cookiebot", declared_at=at), replace(SHOWN, wording=""))

    assert line(told, "Declared") == words
    assert "Gesture" not in told
    assert "In words of ours: none" in told
    assert "In these words" not in told


def test_the_list_says_which_tool_declared_an_answer():
    assert "accept (declared by cookiebot)" in "\n".join(table([record(declared_by="cookiebot")]))


@pytest.mark.parametrize("asked", Ask)
@pytest.mark.parametrize("gesture", [None, *Gesture])
def test_there_are_words_for_every_gesture_and_every_reason_to_ask(asked, gesture):
    assert line(record_page(record(asked=asked, gesture=gesture), SHOWN), "Gesture").count(", ") >= 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": {"b": "c"}, "d": ["e", "f"], "g": 1}', ["a.b: c", "d: e, f", "g: 1"]),
        ('{"a": [{"b": "c"}, ["d"]]}', ["a[1].b: c", "a[2]: d"]),
        ('["a", "b"]', ["a, b"]),
        ("a text\nof two lines", ["a text", "of two lines"]),
        ("", ["(the text is not kept)"]),
    ],
)
def test_words_stand_one_a_line_under_their_name(text, words):
    assert list(words_of(text)) == words


def test_json_carries_every_text_as_what_it_is():
    found = record_json(record(), SHOWN)

    assert found["shown"] == {"wording": json.loads(SHOWN.wording), "policy": None, "rules": SHOWN.rules}
    assert record_json(record(), replace(SHOWN, policy="plain text"))["shown"]["policy"] == "plain text"
    assert "shown" not in record_json(erased(), None)


def test_columns_are_as_wide_as_what_stands_in_them_and_nothing_is_cut():
    head, one, gone = table([record(site="a-long-name.callkom.io"), erased()])

    assert head.index("granted") == one.index("functional performance")
    assert head.index("how") == one.index("accept") == gone.index("erased")
    assert "a-long-name.callkom.io" in one
    assert not any(text.endswith(" ") for text in (head, one, gone))


def test_shares_are_of_those_who_were_asked():
    stats = Stats(3, 1, 2, 1, NOON, None, granted={"a": 2, "b": 1}, refused={"a": 1, "c": 4, "d": 0})
    found = stats_json(stats)

    assert found["granted_share"] == {"a": 0.6667, "b": 1.0, "c": 0.0}
    assert (found["first"], found["last"]) == ("2026-11-23T12:00:00.000Z", None)
    assert (found["records"], found["erased"], found["visitors"], found["writers"]) == (3, 1, 2, 1)


def test_a_verification_lists_every_fault():
    found = verification_json(Verification())

    assert (found["sound"], found["faults"]) == (True, [])
