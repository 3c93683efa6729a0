"""Consent cookies of a request and what they allow: read once a minute, and never another's."""

import pytest

from proxy.consent.answer import Answer
from proxy.consent.cookie import MAX_LENGTH, ConsentReading, write_answer
from proxy.consent.decision import Ask
from proxy.consent.effective_answer import Source
from proxy.consent.tools.known import TOOLS
from proxy.policy.scope import Pair, Scope
from proxy.snapshot import consent_lookup
from proxy.snapshot.consent_lookup import ConsentLookup
from tests.support.visits import NOW, request

SCOPE = Scope(frozenset({Pair("functional", "hubspot"), Pair("performance", "google")}))
KEYS = (b"k" * 32,)
YEAR = 365 * 86_400


@pytest.fixture
def lookup():
    return ConsentLookup(SCOPE, KEYS, "consent_callkom", lasts=YEAR)


def beside_klaro():
    source = Source(
        TOOLS["klaro"], ("klaro",), {"matomo": ("performance",)}, SCOPE.pairs, 0, takes_over=False
    )
    return ConsentLookup(SCOPE, KEYS, "consent_callkom", lasts=YEAR, source=source)


@pytest.fixture
def readings(monkeypatch):
    """What was really read, in turn."""
    read, found = consent_lookup.read_answers, []
    monkeypatch.setattr(consent_lookup, "read_answers", lambda values, *a, **k: found.append(values) or read(values, *a, **k))  # fmt: skip
    return found


def cookie(*granted: str, visitor: str = "v" * 16, keys=KEYS) -> bytes:
    answer = Answer(
        visitor, NOW - 60, frozenset(granted), SCOPE, "2026-11-01", dict.fromkeys(granted, NOW // 86_400)
    )
    return b"consent_callkom=" + write_answer(answer, keys, SCOPE).encode()


def asked(*lines: bytes, **more):
    return request(b"/", *((b"Cookie", line) for line in lines), **more)


def test_who_sent_no_answer_is_asked_and_granted_nothing(lookup, readings):
    for visit in (request(), asked(b"other=1"), asked(b"xconsent_callkom=1")):
        reading, decision = lookup.look_up(visit)

        assert (reading, decision.ask, decision.grants) == (ConsentReading(None), Ask.FIRST, frozenset())
    assert readings == []


def test_an_answer_grants_what_it_says_and_is_read_once_a_minute(lookup, readings):
    found = [
        lookup.look_up(asked(b"a=1; " + cookie("functional"), now=NOW + second)) for second in (0, 1, 60)
    ]

    assert [decision.purposes for _, decision in found] == [{"functional"}] * 3
    assert found[0][1] is found[1][1]
    assert len(readings) == 1 + (NOW // 60 != (NOW + 1) // 60) + 1


def test_another_visitors_answer_is_never_taken(lookup):
    lookup.look_up(asked(cookie("functional")))
    _, other = lookup.look_up(asked(cookie("performance", visitor="w" * 16)))
    _, forged = lookup.look_up(asked(cookie("functional", "performance", keys=(b"j" * 32,))))

    assert (other.purposes, other.answer.visitor) == ({"performance"}, "w" * 16)
    assert (forged.answer, forged.purposes) == (None, frozenset())


def test_the_signal_and_a_cookie_kept_back_are_decided_apart(lookup):
    plain = lookup.look_up(request())[1]
    signal = lookup.look_up(request(b"/", (b"Sec-GPC", b"1")))[1]
    assert (plain.ask, signal.ask) == (Ask.FIRST, Ask.SIGNAL)
    assert (plain.signal, signal.signal) == (False, True)
    assert lookup.look_up(request())[1] is plain
    kept_back = request(
        b"/", (b"Sec-Fetch-Site", b"cross-site"), (b"Sec-Fetch-Mode", b"navigate"), method=b"POST"
    )
    assert lookup.look_up(kept_back)[1].withheld
    assert not lookup.look_up(request())[1].withheld


@pytest.mark.parametrize("odd", ["two", "long"])
def test_oddities_that_anybody_may_send_are_not_remembered(lookup, readings, odd):
    lines = {
        "two": [cookie("functional"), cookie("functional")],
        "long": [b"consent_callkom=" + b"x" * (MAX_LENGTH + 1)],
    }[odd]
    for _ in range(2):
        lookup.look_up(asked(*lines))

    assert len(readings) == 2
    assert not lookup._cache


def test_of_two_answers_only_what_both_grant_is_granted(lookup):
    _, decision = lookup.look_up(asked(cookie("functional", "performance"), cookie("functional")))

    assert decision.purposes == {"functional"}


def test_an_answer_runs_out(lookup):
    _, decision = lookup.look_up(asked(cookie("functional"), now=NOW + YEAR))

    assert (decision.ask, decision.grants) == (Ask.EXPIRED, frozenset())


def test_another_tools_cookie_is_read_once_for_all_decisions_of_a_minute(monkeypatch):
    read, found = consent_lookup.read_tool, []
    monkeypatch.setattr(consent_lookup, "read_tool", lambda tool, pairs, now: found.append(pairs) or read(tool, pairs, now))  # fmt: skip
    lookup = beside_klaro()
    found.clear()
    decisions = [
        lookup.look_up(request(b"/", (b"Cookie", b'klaro={"matomo":false}'), *signal))[1]
        for signal in ((), (), ((b"Sec-GPC", b"1"),))
    ]

    assert found == [[("klaro", '{"matomo":false}')]]
    assert decisions[0] is decisions[1]
    assert [one.signal for one in decisions] == [False, False, True]
    assert all(one.is_due for one in decisions)


def test_no_stranger_fills_the_memory_with_long_cookies_of_another_tool(monkeypatch):
    monkeypatch.setattr(consent_lookup, "KEPT", 8 << 10)
    lookup = beside_klaro()
    for number in range(8):
        names = ",".join(f'"{number}-{one}":false' for one in range(200))
        assert lookup.look_up(asked(b"klaro={%b}" % names.encode()))[1].is_due

    assert 0 < lookup._cache.weight <= 8 << 10
    assert len(lookup._cache) <= 2
