"""Values of `class` and `id` that no rule mentions are recognised by one pattern, quotes of either kind."""

import re

import pytest

from proxy.filter.rules.interests import Interests, class_values, id_values


def passes(patterns: tuple[bytes, bytes], value: str) -> bool:
    """Return whether a value is one of no rule, the same in both kinds of quotes."""
    double, single = (re.fullmatch(pattern, value.encode()) is not None for pattern in patterns)
    assert double == single, value
    return double


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("row", True), ("", True), ("a  b\tc", True), ("ugly-not", True), ("not-ugly", True), ("Ugly", True), ("a ugly-b", True),
        ("w", True), ("a w-", False), ("w-1 a", False), ("row&#32;x", False),
    ],
)  # fmt: skip
def test_a_class_is_of_no_rule_when_none_of_its_words_is(value, other):
    assert passes(class_values(["ugly", "w-*"]), value) is other


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("value", ["ugly", "a ugly", "ugly b", "a\nugly"])
def test_a_word_of_a_rule_is_found_up_to_the_quote(value, quote):
    pattern = class_values(["ugly"])[quote == "'"] + quote.encode()

    assert re.match(pattern, (value + quote).encode()) is None
    assert re.match(pattern, (value.replace("ugly", "uglyx") + quote).encode()) is not None


@pytest.mark.parametrize(("value", "other"), [("mine", True), ("bad-1", True), ("glob-", False), ("glob-1", False), ("a&amp;b", False)])  # fmt: skip
def test_an_id_is_of_no_rule_when_it_is_no_literal_and_begins_like_no_glob(value, other):
    assert passes(id_values(["bad", "glob-*"]), value) is other


def test_an_id_that_is_a_literal_is_found_up_to_the_quote():
    double, single = id_values(["bad"])

    assert re.match(double + b'"', b'bad"') is None
    assert re.match(single + b"'", b"bad'") is None
    assert re.match(double + b'"', b'bader"') is not None


def test_a_glob_that_begins_with_a_star_may_mean_any_value():
    assert class_values(["*-x"]) is None
    assert id_values(["a", "*"]) is None


def test_where_no_rule_mentions_any_every_value_is_of_no_rule():
    assert Interests() == Interests(set(), set(), set(), set())
    assert passes(class_values([]), "any & all")
    assert passes(id_values([]), "any")
