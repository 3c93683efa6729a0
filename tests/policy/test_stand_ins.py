"""The stand-ins there are, what a rule may say of its own, and the page that lists them."""

import pytest

from proxy.policy.stand_ins import STAND_INS, Reply, ReplyKind, StandIn, constant
from tests.policy.rules import policy_of, text_of
from tests.policy.test_rules_schema import told
from tests.shared import ROOT


def stand_in_of(text: str):
    return (
        policy_of(tags=f"- {{ from: acme.example, purpose: performance, stand_in: {text} }}")
        .providers[0]
        .tags[0]
        .stand_in
    )


@pytest.mark.parametrize("name", STAND_INS)
def test_a_rule_may_name_each_of_them(name):
    assert stand_in_of(name) == name


def test_a_rule_may_bring_a_table_of_functions_and_constants():
    found = stand_in_of("{ acme: nothing, acme.variant: control, acme.ready: { calls_back: '[]' } }")

    assert isinstance(found, StandIn)
    assert (found.functions, found.objects) == (("acme",), ())
    assert found.replies == {
        "acme": Reply(ReplyKind.RETURNS),
        "acme.variant": Reply(ReplyKind.RETURNS, ('"control"',)),
        "acme.ready": Reply(ReplyKind.CALLS_BACK, ("[]",)),
    }


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("nothing", ()),
        ("control", ('"control"',)),
        ("true", ("true",)),
        ("1.5", ("1.5",)),
        ('{"a": [1, null]}', ('{"a":[1,null]}',)),
        ('"true"', ('"true"',)),
        ("NaN", ('"NaN"',)),
        ("alert(1)", ('"alert(1)"',)),
        ("", ('""',)),
    ],
)
def test_a_constant_is_json_where_it_is_json_and_else_text(word, value):
    assert constant(word) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hotjr", "is 'hotjr'; did you mean 'hotjar'?, or a table of function names"),
        ("'{}'", "is '{}'; it can be google-tag"),
        ("{}", "is empty"),
        ("{ 'acme()': 1 }", "names 'acme()', which is no function; write 'acme' or 'acme.flags.get'"),
        ("{ 'a;b': 1 }", "names 'a;b', which is no function"),
        ("{ acme: { returns: 1, calls_back: 2 } }", "needs one of 'returns' and 'calls_back'"),
        ("{ acme: { runs: 1 } }", "has no key 'runs'"),
        (f"{{ acme: {'x' * 401} }}", "has 401 characters; every page carries it, 400 at most"),
        ("[hotjar]", "must be keys with values"),
    ],
)
def test_what_is_neither_is_refused(text, expected):
    found = told(text_of(tags=f"- {{ from: acme.example, purpose: performance, stand_in: {text} }}"))

    assert len(found) == 1
    assert expected in found[0]


def row(name: str, one: StandIn) -> str:
    """Return a line of the table in docs/stand-ins.md."""
    names = ", ".join(
        f"`{each.rpartition('=')[2]}`" for each in (*one.objects, *one.functions, *one.queues, *one.ready)
    )
    replies: dict[str, list[str]] = {}
    for function, reply in one.replies.items():
        replies.setdefault(str(reply), []).append(f"`{function}`")
    said = "; ".join(f"{', '.join(functions)} {reply}" for reply, functions in replies.items())
    return f"| `{name}` | {one.provider} | {', '.join(one.hosts)} | {names} | {said} |"


def test_the_documents_list_every_one_with_its_replies():
    text = (ROOT / "docs" / "stand-ins.md").read_text(encoding="utf-8")

    assert "\n".join(row(name, one) for name, one in STAND_INS.items()) in text
