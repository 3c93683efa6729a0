"""A word that providers are told is granted while everybody who claims it is granted."""

import pytest

from proxy.policy.load import load_policy
from proxy.policy.scope import scope_of
from proxy.policy.signals import EVENT, GOOGLE, WORDS, signal_states
from tests.policy.rules import HEAD

RULES = (
    HEAD.replace(
        "functional: { basis: consent }",
        "functional: { basis: consent, signals: [functionality_storage, ad_storage] }",
    )
    + """
providers:
  acme:
    name: Acme
    signals: [analytics_storage, ad_storage]
    tags:
      - { from: acme.example, purpose: [functional, performance] }
  other:
    name: Other
    signals: { analytics_storage: performance, security_storage: necessary }
    tags:
      - { from: other.example, purpose: [functional, performance] }
"""
)


def states(*granted: str, text: str = RULES) -> dict[str, bool]:
    policy = load_policy(text)
    return dict(signal_states(policy, scope_of(policy).granted(granted)))


def test_what_nobody_claims_is_not_told():
    assert states().keys() == {"functionality_storage", "ad_storage", "analytics_storage", "security_storage"}


@pytest.mark.parametrize(
    ("granted", "words"),
    [
        ((), {"security_storage"}),
        (("functional",), {"security_storage", "functionality_storage"}),
        (("performance",), {"security_storage"}),
        (("functional", "performance"), {"security_storage", "functionality_storage", "ad_storage", "analytics_storage"}),
    ],
)  # fmt: skip
def test_a_word_is_granted_only_while_all_who_claim_it_are(granted, words):
    assert {word for word, state in states(*granted).items() if state} == words


def test_a_word_of_one_purpose_of_a_provider_needs_that_purpose_alone():
    alone = RULES.replace("signals: [analytics_storage, ad_storage]", "signals: [ad_storage]")

    assert states("performance", text=alone)["analytics_storage"]
    assert not states("functional", text=alone)["analytics_storage"]


def test_a_purpose_that_needs_no_consent_grants_its_words_to_all():
    free = HEAD.replace("necessary: {", "necessary: { signals: [security_storage],")

    assert states(text=free + "providers: {}\n") == {"security_storage": True}


def test_a_provider_that_is_switched_off_claims_nothing():
    off = RULES.replace("name: Other", "name: Other\n    enabled: no")

    assert "security_storage" not in states(text=off)


def test_the_words_of_all_platforms_are_told_apart():
    assert len(set(WORDS)) == len(WORDS)
    assert set(GOOGLE) < set(WORDS)
    assert EVENT.fullmatch("event:consent_given")[1] == "consent_given"
    assert EVENT.fullmatch("event:") is EVENT.fullmatch("event:a b") is None
