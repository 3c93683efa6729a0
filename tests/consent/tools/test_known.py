"""Each tool's cookies are read as its documents say, and whatever else arrives is no answer."""

import pytest

from proxy.catalogue.shipped import providers
from proxy.consent.tools.known import MAX_COOKIES, MAX_OTHERS, TOOLS, read_tool
from proxy.consent.tools.tool_answer import MAX_LENGTH, Silence, ToolAnswer
from tests.consent.tool_cases import KINDS, NOW, TABLE, cases, expected, now_of

HOSTILE = [
    "",
    "%",
    "%00",
    "[" * MAX_LENGTH,
    "{" * 2000,
    '{"a":' * 800,
    "!" * MAX_LENGTH,
    "!a=true" * 585,
    "groups=" + "C0001:1," * 500,
    "&" * MAX_LENGTH,
    "{stamp:'" + "x" * 4000,
    "{" + "a:true," * 580 + "}",
    "A" * MAX_LENGTH,
    "consentid:x," * 340,
    '{"expirationTime":' + "9" * 4000 + "}",
    '{"categories":[],"consentTimestamp":"2026-10-15T09:30:00.000Z","expirationTime":1e999}',
    '{"a":NaN}',
    "\udcff",
    "\x00\xff",
]


def test_every_tool_has_a_sample_of_every_kind_and_a_block_in_the_catalogue():
    assert list(TABLE) == list(TOOLS)
    for tool, one in TABLE.items():
        assert {case["kind"] for case in one["cases"]} == set(KINDS), tool
    assert TOOLS.keys() <= set(providers())


@pytest.mark.parametrize(("tool", "case"), **cases(*KINDS))
def test_a_tools_cookies_are_read_as_they_are_meant(tool, case):
    assert read_tool(TOOLS[tool], case["cookies"].items(), now_of(case)) == expected(case)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_that_states_its_time_does_so_in_every_answer_of_its_samples(tool):
    stated = [case for case in TABLE[tool]["cases"] if "at" in case]

    assert bool(stated) == TOOLS[tool].states_time


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_grant_nothing_and_raise_nothing(tool, value):
    names = [name.replace("*", "banner-status") for name in TOOLS[tool].cookies]
    for pairs in ([(names[0], value)], [(name, value) for name in names], [(names[-1], value)]):
        said = read_tool(TOOLS[tool], pairs, NOW)

        assert not isinstance(said, ToolAnswer) or not said.granted, value[:40]


@pytest.mark.parametrize("tool", TOOLS)
def test_too_long_or_too_many_cookies_are_not_read(tool):
    name = TOOLS[tool].cookies[0]

    assert read_tool(TOOLS[tool], [(name, "x" * (MAX_LENGTH + 1))], NOW) is Silence.UNREADABLE
    assert read_tool(TOOLS[tool], [(name, "x")] * (MAX_COOKIES + 1), NOW) is Silence.UNREADABLE


def test_more_values_of_one_name_than_a_site_has_domains_are_not_read():
    pairs = [("klaro", f'{{"matomo":false,"{number}":false}}') for number in range(MAX_OTHERS + 2)]

    assert isinstance(read_tool(TOOLS["klaro"], pairs[:-1], NOW), ToolAnswer)
    assert read_tool(TOOLS["klaro"], pairs, NOW) is Silence.UNREADABLE


@pytest.mark.parametrize(("tool", "case"), **cases("accept"))
def test_the_same_cookie_twice_is_one(tool, case):
    pairs = [*case["cookies"].items(), *case["cookies"].items()]

    assert read_tool(TOOLS[tool], pairs, now_of(case)) == expected(case)


@pytest.mark.parametrize("tool", TOOLS)
def test_of_two_cookies_that_differ_only_what_both_grant_is_granted_and_nobody_says_when(tool):
    kinds = {case["kind"]: case for case in reversed(TABLE[tool]["cases"]) if "silent" not in case}
    pairs = [*kinds["accept"]["cookies"].items(), *kinds["refuse"]["cookies"].items()]
    both, refusal = read_tool(TOOLS[tool], pairs, NOW), expected(kinds["refuse"])

    assert isinstance(both, ToolAnswer)
    assert both.at is None
    assert both.granted <= refusal.granted


@pytest.mark.parametrize(("tool", "case"), **cases("accept"))
def test_an_answer_beside_something_unreadable_is_unreadable(tool, case):
    name = next(iter(case["cookies"]))
    pairs = [*case["cookies"].items(), (name, "%FF")]

    assert isinstance(read_tool(TOOLS[tool], pairs, now_of(case)), Silence)
