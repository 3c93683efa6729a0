"""From one answer to the next: what is carried on, and what starts anew."""

import pytest

from proxy.consent.answer import Answer, beside_other_sites, is_fresh, next_answer
from proxy.policy.model import DAY
from proxy.policy.scope import Pair, Scope

SCOPE = Scope(frozenset({Pair("functional", "a"), Pair("performance", "a"), Pair("performance", "b")}))
NOW = 20_000 * DAY + 3_000
HALF_YEAR = 180 * DAY


def choose(previous, *granted, now=NOW, scope=SCOPE):
    return next_answer(
        previous,
        visitor="new",
        granted=granted,
        scope=scope,
        policy_version="v2",
        now=now,
        ask_again_after=HALF_YEAR,
    )


def test_an_answer_grants_the_providers_it_was_asked_about():
    said = Answer("v", NOW, frozenset({"performance"}), SCOPE, "v1")

    assert said.grants() == {Pair("performance", "a"), Pair("performance", "b")}


def test_a_first_answer_begins_today():
    said = choose(None, "performance")

    assert said == Answer(
        "new", NOW, frozenset({"performance"}), SCOPE, "v2", {"performance": 20_000}, 20_000
    )
    assert not said.taken  # over from another tool


@pytest.mark.parametrize(
    ("age", "stands"),
    [(-DAY - 1, False), (-DAY, True), (0, True), (HALF_YEAR - 1, True), (HALF_YEAR, False)],
)
def test_an_answer_holds_for_its_time_and_a_clock_may_be_a_day_off(age, stands):
    first = choose(None, "performance", now=NOW - age)

    assert is_fresh(first, NOW, HALF_YEAR) == stands
    assert choose(first, "performance").swept == (first.swept if stands else 20_000)


def test_only_what_was_asked_can_be_granted():
    assert choose(None, "performance", "necessary", "marketing").granted == {"performance"}


def test_the_visitor_keeps_id_and_days_of_what_stays_granted():
    first = choose(None, "performance", now=NOW - 100 * DAY)
    second = choose(first, "functional", "performance")

    assert second.visitor == first.visitor
    assert second.since == {"functional": 20_000, "performance": 19_900}
    assert second.swept == 19_900


def test_an_answer_that_nothing_is_recorded_of_yet_gives_no_id_to_the_next():
    unrecorded = Answer("", NOW - 200 * DAY, frozenset({"performance"}), SCOPE, "v1", taken=True)

    assert choose(unrecorded, "performance").visitor == "new"


def test_days_are_carried_through_many_renewals():
    said = choose(None, "performance", now=NOW)
    for month in range(1, 13):
        said = choose(said, "performance", now=NOW + month * 30 * DAY)

    assert said.since == {"performance": 20_000}


def test_a_purpose_refused_in_between_starts_anew():
    granted = choose(None, "performance", now=NOW - 100 * DAY)
    refused = choose(granted, now=NOW - 50 * DAY)
    again = choose(refused, "performance")

    assert refused.since == {}
    assert again.since == {"performance": 20_000}


def test_an_answer_that_ran_out_is_an_interruption():
    expired = choose(None, "performance", now=NOW - HALF_YEAR)

    assert choose(expired, "performance").since == {"performance": 20_000}
    assert choose(expired, "performance").visitor == "new"
    assert choose(choose(None, "performance", now=NOW - HALF_YEAR + 1), "performance").since == {
        "performance": 19_820
    }


def test_a_day_of_the_future_is_not_carried_on():
    ahead = Answer("v", NOW + 3_600, frozenset({"performance"}), SCOPE, "v1", {"performance": 20_001})

    assert choose(ahead, "performance").since == {"performance": 20_000}


HERE = Scope(frozenset({Pair("functional", "a"), Pair("performance", "b")}))
THERE = frozenset({Pair("functional", "c"), Pair("marketing", "d")})


def at_both(*granted, before=(), asked=THERE):
    """Return an answer of now here, given an answer there of a day ago."""
    day = dict.fromkeys(before, 1)
    previous = Answer("v", NOW - DAY, frozenset(before), Scope(asked), "1", day)
    answer = Answer("v", NOW, frozenset(granted), HERE, "1", dict.fromkeys(granted, 2))
    return beside_other_sites(answer, previous, THERE)


def test_what_was_refused_there_and_is_granted_here_is_asked_there_again():
    both = at_both("functional", before=["marketing"])

    assert Pair("functional", "c") not in both.scope.pairs
    assert both.grants() == {Pair("functional", "a"), Pair("marketing", "d")}


def test_what_was_granted_there_and_is_granted_here_holds_as_long_as_the_older_answer():
    both = at_both("functional", before=["functional"])

    assert Pair("functional", "c") in both.grants()
    assert both.at == NOW - DAY


def test_what_is_refused_here_is_refused_there_and_not_asked_again():
    both = at_both("performance", before=["functional"])

    assert both.scope.pairs == HERE.pairs | THERE
    assert both.grants() == {Pair("performance", "b")}
    assert both.at == NOW


def test_refusing_everything_here_refuses_everything_there():
    both = at_both(before=["functional", "marketing"])

    assert both.grants() == frozenset()
    assert both.scope.pairs == HERE.pairs | THERE


def test_a_purpose_that_is_not_asked_here_stays_with_its_day():
    both = at_both("functional", before=["marketing"], asked={Pair("marketing", "d")})

    assert Pair("marketing", "d") in both.grants()
    assert both.since == {"functional": 2, "marketing": 1}


def test_what_nobody_else_asks_about_any_more_is_left_out():
    both = at_both("functional", before=["social"], asked=frozenset({Pair("social", "gone")}))

    assert (both.scope.pairs, both.granted, both.at) == (HERE.pairs, {"functional"}, NOW)
