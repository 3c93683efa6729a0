"""Whose a name is: of a rule, of the catalogue, of the site itself, or nobody's."""

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.headers.cookies import CookieRules
from proxy.filter.rules.judge import compile_rules
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.seen.declaration import Declaration, Whose, declaration, is_declared, matches_any
from proxy.seen.names import Kind
from proxy.seen.sightings import Key
from tests.policy.rules import text_of

POLICY = load_policy(
    text_of(
        neutral="- { from: fonts.example, why: x }",
        cookies='- { name: "stats*", domain: .example.com, purpose: performance, lasts: 1 day, why: x }',
        storage='- { key: "stats_*", purpose: performance }',
        connect="[wss.example]",
        tags="- { from: stats.example, purpose: performance }\n- { from: self, path: '/collect*', purpose: performance }\n- { id: box, purpose: performance }\n- { path: '*/acme.js', element: script, purpose: performance }",
    ),
    catalogue=shipped_catalogue(),
)
RULES = compile_rules(POLICY, OwnHosts(frozenset({"example.com"}), "example.com"))
COOKIES = CookieRules(POLICY)
ACME = Declaration(Whose.PROVIDER, "acme")


@pytest.mark.parametrize(
    ("kind", "name", "whose"),
    [
        (Kind.HOST, "stats.example", ACME), (Kind.HOST, "a.stats.example", ACME), (Kind.HOST, "eu.wss.example", ACME), (Kind.HOST, "fonts.example", Declaration(Whose.NEUTRAL)), (Kind.HOST, "nobody.example", Declaration(Whose.NOBODY)),
        (Kind.COOKIE, "stats_id", ACME), (Kind.COOKIE, "consent_callkom", Declaration(Whose.OWN)), (Kind.COOKIE, "_fbp", Declaration(Whose.TRACKER, "meta")), (Kind.COOKIE, "never_heard_of", Declaration(Whose.NOBODY)),
        (Kind.KEY, "stats_1", ACME), (Kind.KEY, "theme", Declaration(Whose.NOBODY)), (Kind.PAGE, "/contact", Declaration(Whose.OWN)), (Kind.CALL, "never_heard_of", Declaration(Whose.NOBODY)),
    ],
)  # fmt: skip
def test_a_name_is_whose_rule_speaks_of_it(kind, name, whose):
    assert declaration(kind, name, RULES, COOKIES) == whose


def test_a_host_of_the_site_is_its_own_although_a_rule_names_some_of_its_paths():
    assert declaration(Kind.HOST, "www.example.com", RULES, COOKIES).whose in (Whose.OWN, Whose.PROVIDER)


def test_a_platforms_cookie_is_known_and_not_yet_declared():
    found = declaration(Kind.COOKIE, "PHPSESSID", RULES, COOKIES)

    assert (found.whose, found.by_rules) == (Whose.PLATFORM, False)


def test_a_trackers_key_is_its_own():
    keys = [(one.id, glob) for one in POLICY.catalogue.trackers for glob in one.storage if "*" not in glob]
    id_, key = keys[0]

    assert declaration(Kind.KEY, key, RULES, COOKIES) == Declaration(Whose.TRACKER, id_)


@pytest.mark.parametrize("whose", Whose)
def test_rules_speak_of_what_is_a_providers_neutral_or_own(whose):
    assert Declaration(whose).by_rules is (whose in (Whose.PROVIDER, Whose.NEUTRAL, Whose.OWN))


def test_what_rules_speak_of_is_declared():
    names = [
        (Kind.HOST, "stats.example"),
        (Kind.COOKIE, "_fbp"),
        (Kind.KEY, "theme"),
        (Kind.HOST, "fonts.example"),
    ]

    assert [is_declared(Key("site", kind, name), RULES, COOKIES) for kind, name in names] == [
        True,
        False,
        False,
        True,
    ]


def test_one_pattern_that_matches_is_enough():
    assert matches_any(["a", "b*"], "b1")
    assert not matches_any(["a", "b*"], "c")
    assert not matches_any([], "a")
