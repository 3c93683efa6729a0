"""An answer to another tool speaks of the names that it states, and what all readers need is bounded."""

import pytest

from proxy.consent.tools.tool_answer import (
    EARLIEST,
    MAX_NAMES,
    Silence,
    ToolAnswer,
    is_credible,
    json_object,
    moment_of,
    names_in,
    of_switches,
    text_of,
)
from tests.consent.tool_cases import NOW, seconds


def answer(granted=(), refused=None, **more) -> ToolAnswer:
    return ToolAnswer(frozenset(granted), None if refused is None else frozenset(refused), **more)


@pytest.mark.parametrize(
    ("said", "name", "granted"),
    [
        (answer("a", "b"), "a", True), (answer("a", "b"), "b", False), (answer("a", "b"), "c", None), (answer("a"), "a", True), (answer("a"), "b", False),
        (answer("a", "a"), "a", False), (answer("a", unclear=frozenset("a")), "a", None), (answer((), ()), "a", None),
    ],
)  # fmt: skip
def test_an_answer_says_yes_no_or_nothing_of_a_name(said, name, granted):
    assert said.says(name) is granted


def test_percent_encoding_is_undone_and_what_is_no_text_is_none():
    assert text_of("a%20%C3%A9+b") == "a é+b"
    assert text_of("%FF") is None


@pytest.mark.parametrize(
    ("value", "table"),
    [
        ('{"a":1}', {"a": 1}), ("%7B%22a%22%3Atrue%7D", {"a": True}), ("[]", None), ("", None), ("{", None), ('{"a":1,"a":1}', None), ('{"b":{"a":1,"a":2}}', None), ('{"a":NaN}', None), ('{"a":Infinity}', None), ("%FF", None), ("[" * 5_000, None),
    ],
)  # fmt: skip
def test_json_that_names_something_twice_or_is_no_object_is_none(value, table):
    assert json_object(value) == table


@pytest.mark.parametrize("value", ["yes", 1, None, "true"])
def test_switches_are_on_or_off(value):
    assert of_switches({"a": True, "b": False}, 7) == answer("a", "b", at=7)
    assert of_switches({"a": True, "b": value}) is Silence.UNREADABLE
    assert of_switches({}) is Silence.OPEN


def test_so_many_names_are_read_and_no_more():
    names = [f"n{number}" for number in range(MAX_NAMES)]

    assert isinstance(of_switches(dict.fromkeys(names, True)), ToolAnswer)
    assert of_switches(dict.fromkeys([*names, "more"], True)) is Silence.UNREADABLE
    assert names_in(names) == frozenset(names)
    assert names_in([*names, "more"]) is None


@pytest.mark.parametrize("value", [None, "a", ["a", 1], ["a", "a"], [""], ["x" * 129], ["<b>"]])
def test_names_are_a_list_of_words_each_once(value):
    assert names_in(value) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-30T12:00:00.000Z", "2026-11-30T12:00:00Z"), ("2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z"), ("2026-11-30T23:59:59.1Z", "2026-11-30T23:59:59Z"), ("2024-02-29T01:02:03Z", "2024-02-29T01:02:03Z"),
        ("2026-02-29T00:00:00Z", None), ("2026-11-30T24:00:00Z", None), ("2026-11-30T00:60:00Z", None), ("2026-11-30T00:00:61Z", None), ("2026-11-30T12:00:00", None), ("2026-11-30T12:00:00+01:00", None), ("1999-11-30T12:00:00Z", None), (5, None), (None, None),
    ],
)  # fmt: skip
def test_a_moment_is_utc_to_the_second_or_none(text, at):
    assert moment_of(text) == (seconds(at) if at else None)


def test_a_moment_is_credible_from_the_law_on_up_to_a_day_ahead():
    assert [is_credible(at, NOW) for at in (EARLIEST - 1, EARLIEST, NOW + 86_400, NOW + 86_401)] == [False, True, True, False]  # fmt: skip
