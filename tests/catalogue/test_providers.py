"""The providers of the catalogue: each block alone, all of them together, and whose hosts are whose."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest

from proxy.banner.missing_words import word_problems
from proxy.catalogue.shipped import providers, shipped_catalogue
from proxy.filter.inline_tests import RuleTester, run_examples, untested, without_tag
from proxy.policy.actions import Action
from proxy.policy.hosts import covers
from proxy.policy.lint import lint
from proxy.policy.load import load_policy
from proxy.policy.model import OWN, Policy, TagRule, Undeclared
from tests.policy.rules import HEAD

ALL = sorted(providers())
PURPOSES = "  social: { basis: consent }\n  marketing: { basis: consent }\n"
KINDS = {
    "analytics", "tag manager", "advertising", "marketing automation", "chat", "form", "scheduling", "map", "player",
    "social network", "reviews", "A/B test", "session replay", "error monitor", "captcha", "payment", "fonts",
    "consent tool",
}  # fmt: skip

OF_WHOLE_FILES = ("is used by no rule", "no provider is described yet")
"""Doubts about a file of rules that one block alone cannot dispel."""


@cache
def using(*names: str) -> Policy:
    return load_policy(f"{HEAD}{PURPOSES}use: [{', '.join(names)}]\n", catalogue=shipped_catalogue())


def doubts(policy: Policy) -> list[str]:
    return [str(one) for one in lint(policy) if not any(said in one.text for said in OF_WHOLE_FILES)]


def test_there_is_a_provider_for_everything_that_a_company_site_meets():
    assert len(ALL) >= 40
    assert {one.kind for one in providers().values()} == KINDS


@pytest.mark.parametrize("name", ALL)
def test_a_block_does_what_its_tests_say_and_they_try_all_of_it(name):
    policy = using(name)

    assert [str(problem) for problem in run_examples(policy)] == []
    assert untested(policy) == ()
    assert doubts(policy) == []


def less(policy: Policy, tag: TagRule, changed: TagRule) -> Policy:
    """Return the policy with one tag rule changed."""
    swapped = [
        replace(p, tags=tuple(changed if one is tag else one for one in p.tags)) for p in policy.providers
    ]
    return replace(policy, providers=tuple(swapped))


@pytest.mark.parametrize("name", ALL)
def test_a_tag_rule_or_a_host_that_goes_is_missed(name):
    policy = using(name)
    if any(
        tag.do is Action.NEVER for tag in policy.providers[0].tags
    ):  # else held as undeclared all the same
        policy = replace(policy, undeclared_tags=Undeclared.KEEP)
        assert run_examples(policy) == ()
    for tag in policy.providers[0].tags:
        assert run_examples(without_tag(policy, tag)), tag.place.rule
        for host in tag.hosts if len(tag.hosts) > 1 else ():
            fewer = replace(tag, hosts=tuple(one for one in tag.hosts if one != host))
            assert run_examples(less(policy, tag, fewer)), (tag.place.rule, host)


def test_all_of_them_together_do_what_their_tests_say():
    policy = using(*ALL)

    assert [str(problem) for problem in run_examples(policy)] == []
    assert doubts(policy) == []


def hosts_of(name: str) -> set[str]:
    return {host for tag in using(name).providers[0].tags for host in tag.hosts if host != OWN}


def overlapping(one: str, other: str) -> bool:
    return any(covers(a, b) or covers(b, a) for a in hosts_of(one) for b in hosts_of(other))


def test_a_host_is_one_providers_unless_both_say_that_they_share_it():
    said = {frozenset((name, other)) for name in ALL for other in providers()[name].shares}
    there = {frozenset(pair) for pair in combinations(ALL, 2) if overlapping(*pair)}

    assert there == said
    assert [(n, o) for n in ALL for o in providers()[n].shares if n not in providers()[o].shares] == []


def test_what_sends_data_about_the_device_needs_consent_and_says_so_where_it_stood():
    for name, box in (
        ("recaptcha", "g-recaptcha"),
        ("hcaptcha", "h-captcha"),
        ("friendly-captcha", "frc-captcha"),
    ):
        policy = using(name)
        tester = RuleTester(policy)
        (example,) = [e for e in policy.examples if box in e.subject]

        assert tester.outcome(example, "refused").words == "replace"


def test_each_says_when_and_where_somebody_looked():
    assert [
        n for n, one in providers().items() if not all(at.startswith("https://") for at in one.checked.at)
    ] == []


@pytest.mark.parametrize("name", ALL)
def test_every_name_that_scripts_keep_on_the_site_has_a_life_of_13_months_at_most(name):
    own = [row for row in using(name).providers[0].cookies if row.domains == (".example.com",)]

    assert [row.names for row in own if (row.lasts.seconds or 0) > 395 * 86_400] == []


def test_what_visitors_read_of_a_block_is_there_in_french():
    said = [problem.text for problem in word_problems(using(*ALL)) if "is not translated" in problem.text]

    assert said == []
