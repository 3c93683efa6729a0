"""Globs, host globs and compiled rules: what each matches, and that none can backtrack."""

import pytest

from proxy.filter.patterns import Glob, HostGlob, literal_suffix, matcher_of, stem, suffixes
from tests.policy.rules import policy_of


@pytest.mark.parametrize(
    ("glob", "matched", "others"),
    [
        ("_ga", ["_ga"], ["_ga1", "x_ga", "_GA", ""]),
        ("_ga_*", ["_ga_", "_ga_X"], ["_ga", "x_ga_X"]),
        ("*end", ["end", "the end"], ["end."]),
        ("a*b*c", ["abc", "a.b.c", "abbc"], ["ac", "acb", "abcd"]),
        ("ab*ba", ["abba", "ab ba"], ["aba", "ab"]),
        ("a*bb*bc", ["abbbc"], ["abbc", "abc"]),
        ("*", ["", "anything"], []),
    ],
)
def test_a_glob_means_the_whole_text_and_a_star_any_run_of_it(glob, matched, others):
    for text in matched:
        assert Glob.of(glob).matches(text), text
    for text in others:
        assert not Glob.of(glob).matches(text), text


@pytest.mark.parametrize(
    ("glob", "literal"), [("*/copy/st.js*", "/copy/st.js"), ("abc*de", "abc"), ("a*bc", None), ("*", None)]
)
def test_a_glob_is_selected_by_its_longest_literal_if_that_says_anything(glob, literal):
    assert stem(Glob.of(glob)) == literal


@pytest.mark.parametrize(
    ("glob", "matched", "others"),
    [
        ("track*.hubspot.com", ["track.hubspot.com", "track1.hubspot.com", "a.track-eu.hubspot.com"], ["hubspot.com", "nottrack.hubspot.com", "track.hubspot.org"]),
        ("*.Example.com", ["a.example.com", "a.b.example.com"], ["example.com"]),
    ],
)  # fmt: skip
def test_a_host_glob_means_a_host_and_its_subdomains_label_by_label(glob, matched, others):
    for host in matched:
        assert HostGlob.of(glob).matches(host), host
    for host in others:
        assert not HostGlob.of(glob).matches(host), host


def test_a_host_has_itself_and_its_parents_as_suffixes():
    assert suffixes("a.b.example") == ["a.b.example", "b.example", "example"]
    assert suffixes("") == []


@pytest.mark.parametrize(
    ("glob", "suffix"),
    [("track*.HubSpot.com", "hubspot.com"), ("a.*.b.*", ""), ("*.a.*.b.c", "b.c"), ("Plain.Example", "plain.example")],
)  # fmt: skip
def test_what_stands_behind_the_last_star_of_a_host_is_literal(glob, suffix):
    assert literal_suffix(glob) == suffix


def rule(tag: str):
    policy = policy_of(tags=f"- {tag}")
    return matcher_of(7, policy.providers[0].tags[0], policy)


def test_a_rule_keeps_its_rank_and_names_only_purposes_that_need_consent():
    one = rule("{ from: stats.example, purpose: [necessary, performance] }")

    assert (one.index, one.needs) == (7, ("performance",))


def test_a_host_matches_by_itself_by_a_parent_by_a_glob_or_as_the_sites_own():
    literal = rule("{ from: stats.example, purpose: performance }")
    glob = rule("{ from: 't*.both.example', purpose: performance }")
    own = rule("{ from: self, path: '/stats*', purpose: performance }")

    assert literal.matches_host("a.stats.example", suffixes("a.stats.example"), owned=False)
    assert not literal.matches_host("notstats.example", suffixes("notstats.example"), owned=True)
    assert glob.matches_host("t1.both.example", suffixes("t1.both.example"), owned=False)
    assert not glob.matches_host("both.example", suffixes("both.example"), owned=False)
    assert own.matches_host("www.own.example", (), owned=True)
    assert not own.matches_host("www.own.example", (), owned=False)


def test_a_rule_without_a_host_matches_any_and_one_without_a_path_any_path():
    by_id = rule("{ id: loader, purpose: performance }")
    by_path = rule("{ from: self, path: ['/ab*', '/ba'], purpose: performance }")

    assert by_id.matches_host("any.example", (), owned=False)
    assert not by_id.names_host("any.example", ("any.example",))
    assert by_id.matches_path("/x")
    assert not by_id.by_address
    assert by_path.by_address
    assert [path for path in ("/ab1", "/ba", "/ba1", "/") if by_path.matches_path(path)] == ["/ab1", "/ba"]


@pytest.mark.parametrize(
    ("tag", "matched", "others"),
    [
        ("{ element: iframe, class: w, purpose: performance }", [("iframe", {"class": "a w"})], [("div", {"class": "w"})]),
        ("{ id: 'part-*', purpose: performance }", [("div", {"id": "part-1"})], [("div", {"id": "apart-1"}), ("div", {})]),
        ("{ class: 'w-*', purpose: performance }", [("div", {"class": "a w-1 b"})], [("div", {"class": "aw-1"}), ("div", {})]),
        ("{ attribute: data-x, purpose: performance }", [("a", {"data-x": ""})], [("a", {})]),
        ("{ attribute: { data-x: \"*\", onclick: '*Go()*' }, purpose: performance }",
         [("a", {"data-x": "", "onclick": "a;Go();"})], [("a", {"onclick": "Go()"}), ("a", {"data-x": "", "onclick": "go()"})]),
    ],
)  # fmt: skip
def test_every_condition_on_the_element_has_to_hold(tag, matched, others):
    matcher = rule(tag)

    assert all(matcher.matches_tag(*one) for one in matched)
    assert not any(matcher.matches_tag(*one) for one in others)


def test_a_text_needs_all_words_and_one_of_those_of_which_any_will_do():
    matcher = rule("{ text: { all: [a.go], any: [b1.go, b2.go] }, purpose: performance }")

    assert matcher.matches_text(frozenset({b"a.go", b"b2.go"}))
    assert not matcher.matches_text(frozenset({b"a.go"}))
    assert not matcher.matches_text(frozenset({b"b1.go", b"b2.go"}))
    assert rule("{ text: a.go, purpose: performance }").matches_text(frozenset({b"a.go", b"other"}))
