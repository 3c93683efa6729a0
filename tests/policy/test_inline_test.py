"""A test in rules.yaml tries one thing, for visitors there are, and expects what can happen."""

import pytest

from proxy.errors import PolicyError
from proxy.policy.load import load_policy
from tests.policy.rules import text_of


def told(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    return [problem.text for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        ("cookie", "hold", "is 'hold'; a cookie test expects keep, drop or cap to 6 months"),
        ("cookie", "cap to six months", "is 'cap to six months', and 'six months' is no duration"),
        ("html", "holt", "is 'holt'; did you mean 'hold'?"),
        ("url", "drop", "is 'drop'; a url test expects keep, hold, replace or remove"),
        ("request", "hold", "is 'hold'; a request test expects keep or answer 204"),
        ("header", "cap to 6 months", "is 'cap to 6 months'; a header test expects keep or drop"),
    ],
)
def test_a_test_expects_what_can_happen_to_its_kind(kind, said, message):
    tests = f"- {{ it: x, {kind}: some text, expect: {{ refused: {said} }} }}"

    assert told(text_of(tests=tests)) == [f"tests[0].expect.refused {message}"]


@pytest.mark.parametrize(
    ("visitor", "message"),
    [
        ("refuse", "is no visitor; did you mean 'refused'?"),
        ("performance+functionl", "is no visitor; did you mean 'functional'?"),
        (
            "necessary",
            "is no visitor; a visitor is refused, accepted, functional or performance, or several joined by '+'",
        ),
    ],
)
def test_a_visitor_is_known_by_what_was_granted(visitor, message):
    tests = f"- {{ it: x, cookie: a=b, expect: {{ {visitor}: keep }} }}"

    assert told(text_of(tests=tests)) == [f"tests[0].expect.{visitor} {message}"]


def test_a_test_tries_something():
    assert told(text_of(tests="- { it: x, expect: { refused: keep } }")) == [
        "tests[0] tries nothing; give it 'html', 'cookie', 'script_cookie', 'storage', 'url', 'request' or 'header'"
    ]


def test_wrong_visitors_are_not_judged_where_purposes_are_missing():
    text = text_of(tests="- { it: x, cookie: a=b, expect: { anybody: keep } }").replace(
        "purposes:", "purpose:"
    )

    assert told(text) == ["the file has no key 'purpose'; did you mean 'purposes'?"]
