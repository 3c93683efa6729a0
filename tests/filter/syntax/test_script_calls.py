"""What an inline script writes out when it calls a provider: for offers, so computed values stay unknown."""

import re

import pytest

from proxy.build_digest import build_kind
from proxy.filter.syntax import script_calls as lexer
from proxy.filter.syntax.script_calls import MAX_CALLS, SPREAD, calls
from tests.filter.hostile import backtracks

NAMES = ("a.make", "b.make")


def one(text: str):
    [call] = calls(text, NAMES)
    return call


@pytest.mark.parametrize(
    "text",
    [
        "a.make({ id: 'x' })",
        "window.a.make({ id: 'x' })",
        "a . make ( { 'id' : `x` } )",
        'a?.make({id:"x"})',
        "if(1){x(function(){a.make({other: f(1, {id: 'no'}), id: 'x',})})}",
        "/* a.make({id:'no'}) */ a.make({ id: 'x' /* , id: 'no' */ }) // a.make()",
        "var s = \"a.make({id:'no'})\"; a.make({ id: 'x' });",
    ],
)
def test_a_literal_member_is_read_however_it_is_written(text):
    assert one(text).literals["id"] == "x"


def test_strings_may_hold_brackets_commas_and_escaped_quotes():
    call = one(r"""a.make({ text: "a, {b} \"c\"", id: 'it\'s' })""")

    assert call.literals == {"text": 'a, {b} "c"', "id": "it's"}


def test_computed_members_are_named_but_not_known():
    call = one("a.make({ id: ids[0], at: 'x' + y, on: function () { return { id: 'no' }; }, go, ...more })")

    assert call.literals == {}
    assert call.named == {"id", "at", "on", "go", SPREAD}


def test_an_element_of_the_page_is_known_by_its_selector():
    assert one("a.make({ at: document.getElementById('x') })").literals == {"at": "#x"}
    assert one('a.make(document.querySelector(".y"))').first == ".y"
    assert one("a.make('#z', { id: 1 })").literals == {"id": "1"}


def test_calls_come_in_the_order_of_the_text():
    assert [call.name for call in calls("b.make(1); a.make(2); b.make(3)", NAMES)] == [
        "b.make",
        "a.make",
        "b.make",
    ]


@pytest.mark.parametrize("text", ["", "a.make", "xa.make({})", "a.makes({})", "'a.make({})'", "c.a.make({})"])
def test_what_is_no_call_of_these_is_none(text):
    assert calls(text, NAMES) == []


@pytest.mark.parametrize(
    "text", ["a.make(", "a.make({", "a.make({id:", "a.make({id:'x", "a.make)({", "a.make((((" * 900]
)
def test_a_text_that_breaks_off_is_read_as_far_as_it_goes(text):
    assert len(calls(text, NAMES)) <= MAX_CALLS


UNTERMINATED = {
    "double quotes": lambda n: '"' + '\\"' * (n // 2),
    "single quotes": lambda n: "'" + "\\'" * (n // 2),
    "both quotes": lambda n: "\"'" + "\\\"\\'" * (n // 4),
    "quotes line by line": lambda n: '"\\"\n' * (n // 4),
    "templates": lambda n: "`a$" * (n // 3),
    "comments": lambda n: "/* " * (n // 3),
    "comments of stars": lambda n: "/*" + "*a" * (n // 2),
    "argument": lambda n: 'a.make("' + '\\"' * (n // 2),
}


@pytest.mark.skipif(
    build_kind() == "compiled", reason="it replaces a constant, which compiled code reads directly"
)
@pytest.mark.parametrize("size", [2_000, 64_000])
@pytest.mark.parametrize("text", UNTERMINATED.values(), ids=UNTERMINATED)
def test_the_end_of_a_literal_is_sought_once_where_there_is_none(text, size, monkeypatch):
    looked_at = 0

    class Counted:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def match(self, text: str, at: int) -> re.Match[str] | None:
            nonlocal looked_at
            found = self.pattern.match(text, at)
            looked_at += len(found[0])
            return found

    monkeypatch.setattr(lexer, "_REST", {opener: Counted(rest) for opener, rest in lexer._REST.items()})
    calls(text(size), NAMES)

    assert 0 < looked_at <= 3 * size  # once for each sort of quote


@pytest.mark.parametrize("pattern", [lexer._TOKEN, *lexer._REST.values()])
def test_no_pattern_of_the_lexer_gives_back_what_it_took(pattern):
    assert not backtracks(pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/[\"]/.test(x); a.make({ id: 'x' })", "x"),
        ("/[\"\\']/.test(x); \n a.make({ id: 'x' })", "x"),
        ("/[/*]/.test(x); a.make({ id: 'x' })", "x"),
    ],
)
def test_a_quote_in_a_pattern_opens_nothing(text, expected):
    assert one(text).literals["id"] == expected
