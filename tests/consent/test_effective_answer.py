"""What an answer to another consent tool counts for, and which of two answers is the later one."""

from dataclasses import replace

import pytest

from proxy.consent.answer import Answer, Lack
from proxy.consent.cookie import MAX_LENGTH, read_answers, write_answer
from proxy.consent.decision import Ask, decide
from proxy.consent.effective_answer import Source, effective_answer, without_asking
from proxy.consent.tools.known import TOOLS, read_tool
from proxy.consent.tools.tool_answer import Silence, ToolAnswer
from proxy.policy.model import DAY
from proxy.policy.scope import Pair, Scope
from tests.consent.tool_cases import NOW, TABLE, cases, now_of

PERFORMANCE, FUNCTIONAL = Pair("performance", "google"), Pair("functional", "hubspot")
SCOPE = Scope(frozenset({PERFORMANCE, FUNCTIONAL}))
LASTS = 180 * DAY
THEN = NOW - 46 * DAY


def source(tool="cookieconsent", *, takes_over=False, covered=SCOPE.pairs, since=0, purposes=None):
    mapped = purposes or TABLE[tool]["purposes"]
    return Source(
        TOOLS[tool],
        TOOLS[tool].cookies,
        {name: (one,) for name, one in mapped.items()},
        covered,
        since,
        takes_over,
    )


def said(*granted, refused=(), at=THEN):
    names = {"performance": "analytics", "functional": "media"}
    return ToolAnswer(frozenset(names[one] for one in granted), frozenset(names[one] for one in refused), at)


def ours(*granted, at=NOW - DAY, declared=b"", taken=False):
    return Answer(
        "v", at, frozenset(granted), SCOPE, "1", dict.fromkeys(granted, at // DAY), 0, declared, taken
    )


def stands(reading, own=None, *, scope=SCOPE, now=NOW, **how):
    return effective_answer(source(**how), reading, own, scope, now=now, lasts=LASTS, version="2")


def asked(found, scope=SCOPE, now=NOW):
    decision = decide(scope, found.answer, now=now, ask_again_after=LASTS)
    return without_asking(decision) if found.other_tool_asks else decision


YES = said("performance", "functional")
NO = said(refused=("performance", "functional"))


def test_nobody_answered_so_the_tool_asks_and_we_do_not():
    assert asked(stands(Silence.OPEN)).ask is Ask.OFF
    assert asked(stands(Silence.OPEN, takes_over=True)).ask is Ask.FIRST


def test_an_answer_of_ours_that_is_over_is_asked_again_by_the_tool_alone():
    assert asked(stands(Silence.OPEN, ours("performance", at=NOW - LASTS))).ask is Ask.OFF
    assert asked(stands(Silence.OPEN, ours("performance"))).ask is Ask.NO


def test_what_cannot_be_read_is_no_answer_and_we_ask():
    found = stands(Silence.UNREADABLE)

    assert asked(found).ask is Ask.FIRST
    assert found.declared.due is None


def test_a_grant_is_due_and_grants_nothing_before_it_is_recorded():
    found = stands(YES)

    assert asked(found).grants == frozenset()
    assert found.declared.due is not None
    assert found.declared.lacks is None
    assert found.declared.due.grants() == SCOPE.pairs


def test_a_taken_grant_has_its_own_time_and_the_rest_of_that_life():
    due = stands(YES).declared.due

    assert (due.at, due.taken, due.policy_version) == (THEN, True, "2")
    assert due.since == {"performance": THEN // DAY, "functional": THEN // DAY}
    assert decide(SCOPE, due, now=THEN + LASTS - 1, ask_again_after=LASTS).ask is Ask.NO
    assert decide(SCOPE, due, now=THEN + LASTS, ask_again_after=LASTS).ask is Ask.EXPIRED


def test_once_recorded_it_stands_as_long_as_the_tool_says_the_same():
    kept = replace(stands(YES).declared.due, visitor="v")
    again = stands(YES, kept)

    assert (again.answer, again.declared.due) == (kept, None)
    assert asked(again).grants == SCOPE.pairs
    assert asked(again).ask is Ask.NO


def test_it_is_never_renewed():
    kept = replace(stands(YES).declared.due, visitor="v")
    later = THEN + LASTS
    found = stands(YES, kept, now=later)

    assert found.declared.due is None
    assert asked(found, now=later).ask is Ask.EXPIRED


def test_where_the_tool_forgets_its_answer_the_taken_one_ends_with_it():
    kept = replace(stands(YES).declared.due, visitor="v")

    assert asked(stands(Silence.OPEN, kept)).grants == frozenset()
    assert asked(stands(Silence.OPEN, kept)).ask is Ask.OFF
    assert asked(stands(Silence.UNREADABLE, kept)).ask is Ask.FIRST


def test_what_was_taken_over_stays_ours_whatever_the_tool_says_later():
    kept = replace(stands(YES, takes_over=True).declared.due, visitor="v")
    for reading in (
        Silence.OPEN,
        Silence.UNREADABLE,
        said(refused=("performance", "functional"), at=NOW - 5),
    ):
        found = stands(reading, kept, takes_over=True)

        assert (found.answer, found.declared.due) == (kept, None)
    assert (
        asked(stands(Silence.OPEN, kept, takes_over=True, now=THEN + LASTS), now=THEN + LASTS).ask
        is Ask.EXPIRED
    )


def test_a_refusal_counts_at_once_with_or_without_a_time():
    for reading in (NO, replace(NO, at=None)):
        found = stands(reading)

        assert asked(found).ask is Ask.NO
        assert asked(found).grants == frozenset()
        assert found.declared.due == found.answer
    assert stands(NO).answer.at == THEN


def test_a_refusal_does_not_hold_longer_than_ours():
    found = stands(said(refused=("performance",), at=NOW - LASTS))

    assert asked(found).ask is Ask.EXPIRED
    assert found.declared.due is None


@pytest.mark.parametrize(
    ("how", "reading", "lack"),
    [
        ({}, replace(YES, at=None), Lack.TIME),
        ({}, replace(YES, at=NOW - LASTS), Lack.OLD),
        ({"covered": frozenset({PERFORMANCE})}, YES, Lack.UNNAMED),
        ({"since": THEN + 1}, YES, Lack.UNNAMED),
        ({}, said("performance"), Lack.UNNAMED),  # nothing is said of the other purpose
        ({}, replace(YES, unclear=frozenset({"media"})), Lack.UNNAMED),
        ({}, replace(YES, exceptions=frozenset({"vendor/hotjar"})), Lack.UNNAMED),
        ({"purposes": {"analytics": "performance"}}, YES, Lack.UNNAMED),
    ],
)
def test_a_grant_that_lacks_something_counts_for_nothing_and_we_ask(how, reading, lack):
    found = stands(reading, **how)

    assert asked(found).grants == frozenset()
    assert asked(found).ask in (Ask.FIRST, Ask.EXPIRED)
    assert (found.declared.due, found.declared.lacks) == (None, lack)


def test_an_exception_that_the_config_maps_is_no_gap():
    mapped = {"analytics": "performance", "media": "functional", "vendor/hotjar": "performance"}
    reading = ToolAnswer(
        frozenset({"analytics", "media"}),
        frozenset({"vendor/hotjar"}),
        THEN,
        exceptions=frozenset({"vendor/hotjar"}),
    )

    assert stands(reading, purposes=mapped).declared.due.granted == {"functional"}


def test_some_granted_and_some_refused_is_taken_as_it_is():
    due = stands(said("performance", refused=("functional",))).declared.due

    assert due.grants() == {PERFORMANCE}
    assert decide(SCOPE, due, now=NOW, ask_again_after=LASTS).ask is Ask.NO


def test_a_later_answer_of_ours_wins():
    found = stands(YES, ours())

    assert asked(found).grants == frozenset()
    assert asked(found).ask is Ask.NO
    assert found.declared.due is None


def test_a_later_answer_of_ours_wins_over_one_without_a_time_that_was_there_before():
    refusal = replace(NO, at=None)
    before = stands(refusal).declared.digest
    found = stands(refusal, ours("performance", declared=before))

    assert asked(found).grants == {PERFORMANCE}
    assert found.declared.due is None


def test_a_later_refusal_of_theirs_counts_at_once():
    for reading in (replace(NO, at=NOW - 60), replace(NO, at=None)):
        found = stands(reading, ours("performance", "functional"))

        assert asked(found).grants == frozenset()
        assert found.declared.due.visitor == "v"


def test_of_a_later_mixed_answer_the_refusal_counts_at_once_and_the_grant_after_its_record():
    found = stands(said("functional", refused=("performance",), at=NOW - 60), ours("performance"))

    assert asked(found).grants == frozenset()
    assert found.declared.due.grants() == {FUNCTIONAL}


def test_a_later_grant_without_a_time_only_narrows():
    mixed = said("functional", refused=("performance",), at=None)
    found = stands(mixed, ours("performance", "functional"))

    assert asked(found).grants == {FUNCTIONAL}
    assert found.declared.due == found.answer
    assert stands(mixed, ours("functional")).declared.due is None


def test_what_is_on_without_consent_stays_on_unless_it_was_refused():
    counted = Pair("audience", "matomo")
    scope = Scope(SCOPE.pairs | {counted}, exempt=frozenset({counted}))
    due = stands(YES, scope=scope).declared.due

    assert decide(scope, due, now=NOW, ask_again_after=LASTS).grants == scope.pairs
    assert asked(stands(NO, scope=scope), scope).grants == frozenset()


@pytest.mark.parametrize(("tool", "case"), **cases("accept", "custom", now="today"))
def test_a_sample_of_a_grant_is_due_exactly_where_the_tool_states_its_time(tool, case):
    reading = read_tool(TOOLS[tool], case["cookies"].items(), now_of(case))
    found = effective_answer(source(tool), reading, None, SCOPE, now=NOW, lasts=LASTS, version="2")
    wanted = {mapped for name, mapped in TABLE[tool]["purposes"].items() if name in case["granted"]}

    if "at" in case and not case.get("exceptions") and wanted:
        assert found.declared.due.granted == wanted
    elif wanted:
        assert (found.declared.due, asked(found).ask) == (None, Ask.FIRST)


@pytest.mark.parametrize(("tool", "case"), **cases("refuse"))
def test_a_sample_of_a_refusal_counts_whatever_the_tool(tool, case):
    reading = read_tool(TOOLS[tool], case["cookies"].items(), NOW)
    found = effective_answer(source(tool), reading, None, SCOPE, now=NOW, lasts=LASTS, version="2")

    assert asked(found).ask is Ask.NO
    assert found.declared.due.granted == frozenset()


@pytest.mark.parametrize(("tool", "case"), **cases("expired", "garbage", "forged", "open"))
def test_a_sample_of_anything_else_grants_nothing(tool, case):
    reading = read_tool(TOOLS[tool], case["cookies"].items(), NOW)
    found = effective_answer(source(tool), reading, None, SCOPE, now=NOW, lasts=LASTS, version="2")

    assert asked(found).grants == frozenset()
    assert found.declared.due is None
    assert asked(found).ask is not Ask.NO


def test_our_cookie_carries_what_the_tool_said_and_that_the_answer_is_its():
    keys = (b"k" * 32,)
    for answer in (
        replace(stands(YES).declared.due, visitor="v"),
        ours("performance", declared=stands(NO).declared.digest),
        ours(taken=True),
    ):
        value = write_answer(answer, keys, SCOPE)
        read = read_answers([value], keys, SCOPE, now=NOW, lasts=LASTS).answer

        assert len(value) <= MAX_LENGTH
        assert (read.declared, read.taken) == (answer.declared, answer.taken)
        assert (read.granted, read.at) == (answer.granted, answer.at)
