"""The lexer tells code from strings in one pass, and says where it is unsure."""

import re

import pytest

from proxy.filter.syntax import javascript
from proxy.filter.syntax.javascript import code_of, data_names, strings_of
from tests.filter.hostile import backtracks

PATTERNS = [value for value in vars(javascript).values() if isinstance(value, re.Pattern)]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern[:20])
def test_no_pattern_gives_back_what_it_took(pattern):
    assert not backtracks(pattern)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a = 'it\\'s' + \"b\"", "a = '' + \"\""),
        ("a /* b' */ = `x ${y} z`; // c'", "a = ``; "),
        ("x = /['\"]/.test(y) ? 1 / 2 : z / '3'", "x =.test(y) ? 1 / 2 : z / ''"),
        ("<!-- it's\nf('a\\\nb')", " f('')"),
        ("a\n  .b ( 1 )", "a.b ( 1 )"),
        ("a = 'open", None),
        ("a = `x ${b ? `c` : ''}`", None),
        ("f((1)", None),
    ],
)
def test_what_is_in_strings_and_comments_is_no_code(text, code):
    assert code_of(text) == code


def test_strings_are_read_without_comments():
    assert strings_of("a('b', /* 'c' */ \"d\", `e`) // 'f'") == ["b", "d", "e"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("window.a = {b: [1, -2.5, !0, null], c: 'd()'};", ["window.a"]),
        ("var a = {}, b = 'x'; a['k'] = JSON.parse('{}');", ["JSON.parse", "a", "a['']", "a['k']", "b"]),
        ("a = (function(b){return {c:b}}('x'))", ["a"]),
        ("f('x')", None),
        ("a = b()", None),
        ("a.src = 'x'", None),
        ("location = '/x'", None),
        ("a = () => 1", None),
        ("(function(w){w[k]=1})(window)", None),
        ("a = TRACKER", None),
        ("a = {TRACKER: 1}", ["a"]),
        ("'a'", None),
    ],
)
def test_data_assigns_literals_and_does_nothing_else(text, names):
    found = data_names(text, {"TRACKER"})

    assert (sorted(found) if found else found) == (sorted(names) if names else names)
