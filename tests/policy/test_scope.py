"""What a visitor is asked is the set of purposes and providers shown, and nothing else."""

from proxy.policy.scope import Pair, Scope, scope_of
from tests.policy.rules import policy_of

ROW = "- { name: a, domain: .example.com, purpose: functional, lasts: Session, why: x }"


def test_every_kind_of_rule_is_asked_about():
    policy = policy_of(cookies=ROW, requests="- { path: /m/*, purpose: performance }")

    assert scope_of(policy).pairs == {Pair("functional", "acme"), Pair("performance", "acme")}
    assert scope_of(policy_of(storage="- { key: abc, purpose: performance }")).pairs == {
        Pair("performance", "acme")
    }
    assert scope_of(policy_of(tags="- { from: x.com, purpose: [functional, performance] }")).purposes == {
        "functional",
        "performance",
    }


def test_what_is_necessary_is_never_asked():
    assert scope_of(policy_of(cookies=ROW.replace("functional", "necessary"))).pairs == frozenset()


def test_a_provider_that_is_not_enabled_is_not_asked_about():
    assert scope_of(policy_of(cookies=ROW, enabled="no")).pairs == frozenset()


def test_a_new_provider_is_a_reason_to_ask_again_and_a_smaller_scope_is_none():
    old, new = Scope(frozenset({Pair("p", "a")})), Scope(frozenset({Pair("p", "a"), Pair("p", "b")}))

    assert not old.covers(new)
    assert new.covers(old)
    assert new.missing_from(old).pairs == {Pair("p", "b")}


def test_agreeing_to_a_purpose_grants_it_to_the_providers_shown():
    scope = Scope(frozenset({Pair("p", "a"), Pair("p", "b"), Pair("q", "a")}))

    assert scope.granted(["p"]) == {Pair("p", "a"), Pair("p", "b")}
    assert scope.granted([]) == frozenset()


def test_a_changed_duration_or_word_changes_nothing_that_was_asked():
    assert scope_of(policy_of(cookies=ROW)) == scope_of(policy_of(cookies=ROW.replace("Session", "1 day")))
