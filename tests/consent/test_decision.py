"""What holds for a request, and whether its visitor is asked."""

import pytest

from proxy.consent.answer import Answer
from proxy.consent.decision import Ask, Decision, allows, decide
from proxy.policy.model import DAY
from proxy.policy.scope import Pair, Scope

A, B, C = Pair("performance", "a"), Pair("functional", "b"), Pair("performance", "c")
SCOPE = Scope(frozenset({A, B}))
NOW = 1_795_428_000
HALF_YEAR = 180 * DAY


def said(*granted, at=NOW - DAY, scope=SCOPE):
    return Answer("v", at, frozenset(granted), scope, "v1")


def decided(answer, scope=SCOPE, **how):
    return decide(scope, answer, now=NOW, ask_again_after=HALF_YEAR, **how)


def test_who_never_answered_is_asked_and_grants_nothing():
    assert decided(None) == Decision(frozenset(), Ask.FIRST)


def test_where_nothing_needs_consent_nobody_is_asked():
    assert decided(None, Scope(frozenset())).ask is Ask.NO


def test_an_answer_grants_what_it_says_and_asks_nothing():
    yes = said("performance")

    assert decided(yes) == Decision(frozenset({A}), Ask.NO, yes)
    assert decided(said()) == Decision(frozenset(), Ask.NO, said())


@pytest.mark.parametrize(
    ("age", "ask"), [(HALF_YEAR - 1, Ask.NO), (HALF_YEAR, Ask.EXPIRED), (HALF_YEAR + 1, Ask.EXPIRED)]
)
def test_after_its_time_an_answer_grants_nothing(age, ask):
    decision = decided(said("performance", at=NOW - age))

    assert decision.ask is ask
    assert decision.grants == (frozenset({A}) if ask is Ask.NO else frozenset())


def test_an_answer_from_the_future_is_none_but_a_clock_may_be_a_day_off():
    assert decided(said("performance", at=NOW + DAY)).grants == {A}
    assert decided(said("performance", at=NOW + DAY + 1)) == Decision(frozenset(), Ask.FIRST)


def test_a_new_provider_is_asked_about_and_not_granted_meanwhile():
    decision = decided(said("performance", "functional"), Scope(SCOPE.pairs | {C}))

    assert (decision.ask, decision.new, decision.grants) == (Ask.NEW, Scope(frozenset({C})), {A, B})


def test_a_provider_that_is_gone_asks_nobody():
    assert decided(said("performance", "functional"), Scope(frozenset({A}))) == Decision(
        frozenset({A}), Ask.NO, said("performance", "functional")
    )


def test_the_signal_refuses_where_nothing_was_said_and_yields_to_an_answer():
    assert decided(None, signal=True) == Decision(frozenset(), Ask.SIGNAL, signal=True)
    assert decided(said("performance", at=NOW - HALF_YEAR), signal=True).ask is Ask.SIGNAL
    assert decided(said("performance"), signal=True).grants == {A}


def test_a_request_without_the_cookies_it_might_have_is_asked_nothing():
    decision = decided(said("performance"), withheld=True)

    assert (decision.grants, decision.ask, decision.withheld) == (frozenset(), Ask.NO, True)


def test_necessary_is_always_allowed_and_several_purposes_are_all_needed():
    decision = decided(said("performance"))

    assert decision.allows("anybody", ["necessary"])
    assert decision.allows("a", ["performance", "necessary"])
    assert not decision.allows("a", ["performance", "functional"])
    assert not allows(frozenset({A}), "b", ["performance"])


# What is on until somebody objects

X = Pair("audience", "x")
EXEMPT = Scope(frozenset({A, X}), exempt=frozenset({X}))
ALONE = Scope(frozenset({X}), exempt=frozenset({X}))


def test_what_is_exempt_is_on_before_any_answer_and_alone_it_asks_nobody():
    assert decided(None, EXEMPT) == Decision(frozenset({X}), Ask.FIRST)
    assert decided(None, ALONE) == Decision(frozenset({X}), Ask.NO)


def test_global_privacy_control_is_an_objection():
    assert decided(None, EXEMPT, signal=True).grants == frozenset()


def test_an_objection_is_kept_like_an_answer_and_when_it_has_run_out_too():
    objected, agreed = said("performance", scope=EXEMPT), said("performance", "audience", scope=EXEMPT)
    old = said(scope=EXEMPT, at=NOW - HALF_YEAR)

    assert decided(objected, EXEMPT).grants == {A}
    assert decided(agreed, EXEMPT).grants == {A, X}
    assert (decided(old, EXEMPT).ask, decided(old, EXEMPT).grants) == (Ask.EXPIRED, frozenset())


def test_who_was_never_told_of_it_is_not_asked_again_and_it_is_on():
    before = said("performance", scope=Scope(frozenset({A})))

    assert (decided(before, EXEMPT).ask, decided(before, EXEMPT).grants) == (Ask.NO, {A, X})


def test_where_the_cookie_may_be_withheld_nothing_is_on():
    assert decided(None, EXEMPT, withheld=True).grants == frozenset()
