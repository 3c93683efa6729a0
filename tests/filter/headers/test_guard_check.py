"""What the guard in the page would do with a cookie, a key or a server that a script names."""

import pytest

from proxy.filter.headers.cookies import CookieRules
from proxy.filter.headers.guard_check import UNREADABLE, GuardCheck
from proxy.filter.verdict import Does
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.policy.rules import policy_of

NOW = 1_795_428_000
OWN = OwnHosts(frozenset({"example.com", "www.example.com"}), "example.com")
COOKIES = """
- { name: stats, domain: .example.com, purpose: performance, lasts: 1 day, why: x }
- { name: basket, domain: .example.com, purpose: necessary, lasts: Session, why: x }
- { name: narrow, domain: www.example.com, purpose: performance, lasts: 1 day, why: x }
"""
STORAGE = '- { key: "stats_*", purpose: performance }'
TAGS = "- { from: stats.example, purpose: performance }"


def guard(*granted: str, undeclared: str = "{ cookies: drop, tags: hold }") -> GuardCheck:
    policy = policy_of(
        cookies=COOKIES,
        storage=STORAGE,
        connect="[turn.example]",
        tags=TAGS,
        undeclared=undeclared.strip("{ }").replace(", ", "\n"),
    )
    grants = scope_of(policy).granted(granted)
    return GuardCheck(policy, OWN, grants, CookieRules(policy))


def cookie(line: str, *granted: str, **how: str):
    return guard(*granted, **how).cookie(line, "www.example.com", NOW)


@pytest.mark.parametrize("line", ["a=1; HttpOnly", "a=1; path=/; httponly", ""])
def test_what_no_browser_takes_from_a_script_is_dropped(line):
    assert cookie(line) is UNREADABLE


def test_a_name_that_holds_the_word_is_not_taken_for_the_attribute():
    assert cookie("basket=httponly") is not UNREADABLE


def test_a_declared_name_is_dropped_until_its_purpose_is_granted():
    refused = cookie("stats=1; domain=example.com")
    granted = cookie("stats=1; domain=example.com", "performance")

    assert (refused.does, refused.needs, refused.provider) == (Does.DROP, ("performance",), "acme")
    assert granted.does is Does.KEEP
    assert granted.because == refused.because


@pytest.mark.parametrize(("age", "does"), [(86_400, "keep"), (86_401, "cap to 1 day")])
def test_a_longer_life_than_declared_is_cut_to_it(age, does):
    verdict = cookie(f"stats=1; domain=example.com; max-age={age}", "performance")

    assert str(verdict).partition(" (")[0] == does


def test_a_deletion_always_passes():
    assert cookie("stats=; max-age=0; domain=example.com").note == "deletion"
    assert cookie("stats=; max-age=0").keeps
    assert not cookie("stats=1; max-age=1; domain=example.com").keeps


@pytest.mark.parametrize(
    ("domain", "provider"), [("", "acme"), ("; domain=example.com", None), ("; domain=evil.example", "acme")]
)
def test_a_cookie_is_that_of_the_domain_it_is_stored_for(domain, provider):
    """One for another domain is stored by no browser: it is judged as the host's own."""
    assert cookie(f"narrow=1{domain}").provider == provider


def test_an_undeclared_name_follows_the_policy():
    assert cookie("other=1").does is Does.DROP
    assert cookie("other=1", undeclared="{ cookies: keep, tags: hold }").does is Does.KEEP
    assert cookie("other=1").note == "undeclared"


def test_a_key_of_the_rules_is_dropped_until_granted_and_any_other_passes():
    refused, granted, other = (
        guard().storage("stats_1"),
        guard("performance").storage("stats_1"),
        guard().storage("mine"),
    )

    assert (refused.does, refused.provider, refused.needs) == (Does.DROP, "acme", ("performance",))
    assert (granted.does, granted.note) == (Does.KEEP, "")
    assert (other.does, other.note) == (Does.KEEP, "no rule speaks of it")


def test_a_server_of_a_refused_provider_is_held_and_an_unknown_one_follows_the_policy():
    refused = guard().server("turn.example")
    granted = guard("performance").server("turn.example")
    holding = guard(undeclared="{ cookies: drop, webrtc: hold }").server("nobody.example")

    assert (refused.does, refused.provider, refused.needs) == (Does.HOLD, "acme", ("performance",))
    assert (granted.does, granted.note) == (Does.KEEP, "declared")
    assert (guard().server("nobody.example").does, holding.does) == (Does.KEEP, Does.HOLD)
