"""The consent cookie: what is written comes back, and nothing else ever counts."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.consent import cookie as codec
from proxy.consent.answer import Answer
from proxy.consent.cookie import MAX_LENGTH, ConsentReading, consent_cookie, read_answers, write_answer
from proxy.policy.model import DAY
from proxy.policy.scope import Pair, Scope

KEY, OLD, OTHER = b"k" * 32, b"o" * 32, b"x" * 32
NOW = 1_795_428_000  # 23 November 2026
HALF_YEAR = 180 * DAY
VISITOR = "0c9b8f7e-5d4c-4b3a-9281-706f5e4d3c2b"


def scope_of_size(count):
    return Scope(frozenset(Pair(("functional", "performance")[i % 2], f"provider-{i}") for i in range(count)))


SCOPE = scope_of_size(10)


def answer(**parts):
    given = {
        "visitor": VISITOR,
        "at": NOW,
        "granted": frozenset({"performance"}),
        "scope": SCOPE,
        "policy_version": "2026-11-01",
        "since": {"performance": NOW // DAY - 100},
        "swept": NOW // DAY - 3,
    }
    return Answer(**{**given, **parts})


def read(*values, now=NOW, keys=(KEY,), known=SCOPE, lasts=None):
    return read_answers(values, keys, known, now=now, lasts=lasts)


def changed(value, at, byte):
    raw = bytearray(urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    raw[at] ^= byte
    return urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()


purposes = st.sampled_from(["functional", "performance", "social", "Ünusual"])
scopes = st.frozensets(
    st.builds(Pair, purposes, st.text("abcdefgh-0123456789", min_size=1, max_size=20)),
    min_size=1,
    max_size=60,
).map(Scope)


@given(
    scopes,
    st.data(),
    st.text("abcdef0123456789-", max_size=36),
    st.text(max_size=9),
    st.integers(NOW - 300 * DAY, NOW + 3600),
)
def test_what_was_written_comes_back(scope, data, visitor, version, at):
    granted = data.draw(st.frozensets(st.sampled_from(sorted(scope.purposes))))
    since = {purpose: data.draw(st.integers(0, 60_000)) for purpose in granted}
    swept, deleted = data.draw(st.integers(0, 60_000)), data.draw(st.integers(0, 255))
    said = Answer(visitor, at, granted, scope, version, since, swept, deleted=deleted)

    value = write_answer(said, [KEY], scope)

    assert read(value, known=scope) == ConsentReading(said, doubled=False)
    assert len(value) <= MAX_LENGTH


@settings(max_examples=300)
@given(st.lists(st.one_of(st.binary(max_size=700), st.text(max_size=700)), max_size=10))
def test_whatever_arrives_is_no_answer_and_no_error(values):
    assert read(*values).answer is None


@given(st.integers(0, 400), st.integers(1, 255))
def test_one_changed_bit_makes_it_no_answer(at, byte):
    value = write_answer(answer(), [KEY], SCOPE)
    at %= len(value) * 3 // 4

    assert read(changed(value, at, byte)).answer is None


@pytest.mark.parametrize("pairs", [0, 1, 9, 60, 80, 200, 2000])
def test_it_fits_in_512_bytes_of_cookie_octets_however_many_are_asked(pairs):
    scope = scope_of_size(pairs)
    value = write_answer(answer(scope=scope, policy_version="v" * 90, visitor="x" * 90), [KEY], scope)

    assert len(value) <= 512
    assert set(value) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert read(value, known=scope).answer.scope == scope


def test_a_scope_too_long_to_list_is_asked_again_when_it_changes():
    scope, more = scope_of_size(200), scope_of_size(201)
    value = write_answer(answer(scope=scope), [KEY], scope)

    assert read(value, known=more).answer.scope == Scope(frozenset())


def test_an_absurd_number_of_purposes_grants_nothing_rather_than_something_wrong():
    scope = Scope(frozenset(Pair(f"purpose-{i}", "p") for i in range(200)))
    value = write_answer(answer(scope=scope, granted=scope.purposes, since={}), [KEY], scope)

    assert len(value) <= 512
    assert read(value, known=scope).answer.granted == frozenset()


def test_the_newest_key_signs_and_older_ones_still_read():
    value = write_answer(answer(), [OLD], SCOPE)

    assert read(value, keys=[KEY, OLD]).answer == answer()
    assert read(write_answer(answer(), [KEY, OLD], SCOPE), keys=[KEY]).answer == answer()


def test_a_strangers_signature_is_none():
    assert read(write_answer(answer(), [OTHER], SCOPE)).answer is None
    assert read(write_answer(answer(), [KEY], SCOPE), keys=[]).answer is None


def test_bytes_and_text_are_the_same_word():
    value = write_answer(answer(), [KEY], SCOPE)

    assert read(value.encode()).answer == read(value).answer == answer()


@pytest.mark.parametrize("spoilt", ["{}=", "{}==", "{}.", " {}", "{} ", "{}\n", "{}\u00e9", '"{}"'])
def test_only_the_very_word_that_was_written_counts(spoilt):
    assert read(spoilt.format(write_answer(answer(), [KEY], SCOPE))).answer is None


def test_what_the_key_signed_for_another_use_is_no_answer():
    payload = codec._pack(answer(), SCOPE.pairs, SCOPE, 4)
    signature = hmac.digest(KEY, payload, "sha256")[: codec.SIGNATURE]

    assert read(codec._encoded(payload + signature)).answer is None


def test_a_word_longer_than_any_of_ours_is_not_read():
    scope = scope_of_size(60)
    payload = codec._pack(answer(scope=scope), scope.pairs, scope, 4) + bytes(300)
    too_long = codec._encoded(payload + codec._sign(payload, KEY))

    assert len(too_long) > MAX_LENGTH
    assert read(too_long, known=scope).answer is None


def test_a_word_of_another_kind_or_layout_signed_with_our_key_is_no_answer(monkeypatch):
    monkeypatch.setattr(codec, "PLAIN", 3)
    other = write_answer(answer(), [KEY], SCOPE)
    monkeypatch.undo()
    short = codec._encoded(bytes((codec.PLAIN, 4)) + codec._sign(bytes((codec.PLAIN, 4)), KEY))

    assert read(other).answer is None
    assert read(short).answer is None


def test_an_answer_from_the_future_is_none_but_a_clock_may_be_a_day_off():
    assert read(write_answer(answer(at=NOW + DAY), [KEY], SCOPE)).answer is not None
    assert read(write_answer(answer(at=NOW + DAY + 1), [KEY], SCOPE)).answer is None


def test_an_answer_older_than_any_cookie_lives_was_replayed():
    assert read(write_answer(answer(at=NOW - 399 * DAY), [KEY], SCOPE)).answer is not None
    assert read(write_answer(answer(at=NOW - 400 * DAY), [KEY], SCOPE)).answer is None


def test_a_provider_that_is_gone_is_left_out_and_a_new_one_was_not_asked():
    value = write_answer(answer(), [KEY], SCOPE)
    now_known = Scope(frozenset([*list(SCOPE.pairs)[1:], Pair("functional", "newcomer")]))

    assert read(value, known=now_known).answer.scope.pairs == SCOPE.pairs & now_known.pairs


def test_a_purpose_that_is_gone_is_granted_no_more():
    value = write_answer(answer(granted=frozenset({"functional", "performance"})), [KEY], SCOPE)
    functional_only = Scope(frozenset(pair for pair in SCOPE.pairs if pair.purpose == "functional"))

    assert read(value, known=functional_only).answer.granted == {"functional"}


def test_of_several_the_newest_counts_and_grants_what_all_grant():
    both = answer(granted=frozenset({"functional", "performance"}), since={"functional": 1, "performance": 2})
    older = write_answer(replace(both, at=NOW - 500, visitor="older"), [KEY], SCOPE)
    newer = write_answer(answer(at=NOW - 5), [KEY], SCOPE)

    reading = read(older, newer)

    assert reading == read(newer, older)
    assert (reading.answer.visitor, reading.answer.granted, reading.doubled) == (
        VISITOR,
        {"performance"},
        True,
    )


def test_a_tossed_refusal_takes_away_but_a_forgery_does_not():
    granted = write_answer(answer(at=NOW - 5), [KEY], SCOPE)
    refused = write_answer(answer(at=NOW - 50, granted=frozenset(), since={}), [KEY], SCOPE)
    forged = write_answer(answer(at=NOW, granted=frozenset()), [OTHER], SCOPE)

    assert read(granted, refused).answer.granted == frozenset()
    assert read(granted, forged).answer.granted == {"performance"}
    assert read(granted, forged).doubled


def test_an_expired_answer_beside_a_fresh_one_restricts_nothing():
    old = write_answer(answer(at=NOW - 200 * DAY, granted=frozenset(), since={}), [KEY], SCOPE)
    fresh = write_answer(answer(), [KEY], SCOPE)

    assert read(old, fresh, lasts=HALF_YEAR).answer.granted == {"performance"}
    assert read(old, lasts=HALF_YEAR).answer.at == NOW - 200 * DAY


def test_more_values_than_anybody_has_are_not_read():
    junk = [write_answer(answer(), [OTHER], SCOPE)] * 8

    assert read(*junk, write_answer(answer(), [KEY], SCOPE)) == ConsentReading(None, doubled=True)
    assert read(*junk[1:], write_answer(answer(), [KEY], SCOPE)).answer == answer()


def test_an_answer_to_nobody_else_is_written_without_what_another_tool_said():
    assert [urlsafe_b64decode(write_answer(one, [KEY], SCOPE) + "==")[0] for one in WRITTEN] == [1, 2, 2]


WRITTEN = [answer(), answer(taken=True), answer(declared=b"abcdef", taken=True)]


@pytest.mark.parametrize(
    ("value", "given"),
    list(
        zip(
            [
                "AQQAawQOoFEpJDBjOWI4ZjdlLTVkNGMtNGIzYS05MjgxLTcwNmY1ZTRkM2MyYgoyMDI2LTExLTAxAQabhzxQyA_SUjYS6XBsHvE1CjWAmQ5roAamrfVnJscgiK_NXAeQ8elz6v-jD7EEnZ74cajbTK0pjmwmxtdY",
                "AgQAawQOoFEpJDBjOWI4ZjdlLTVkNGMtNGIzYS05MjgxLTcwNmY1ZTRkM2MyYgoyMDI2LTExLTAxAQAAAAAAAAEGm4c8UMgP0lI2EulwbB7xNQo1gJkOa6AGpq31ZybHIIivzVwHkPHpc-r_ow-xQSUaCE_Dx8LeYzWlkRP3Aw",
                "AgQAawQOoFEpJDBjOWI4ZjdlLTVkNGMtNGIzYS05MjgxLTcwNmY1ZTRkM2MyYgoyMDI2LTExLTAxAWFiY2RlZgEGm4c8UMgP0lI2EulwbB7xNQo1gJkOa6AGpq31ZybHIIivzVwHkPHpc-r_ow-xFD0ESNWeaLKN-VYJrO7JOA",
            ],
            WRITTEN,
            strict=True,
        )
    ),
)
def test_a_cookie_of_an_earlier_day_is_read_for_ever(value, given):
    assert read(value).answer == given


def test_the_line_shares_the_answer_with_all_hosts_of_the_domain():
    assert consent_cookie("c", "v", domain="callkom.io", secure=True, max_age=60) == (
        b"c=v; Path=/; Domain=callkom.io; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    )
    assert consent_cookie("c", "v", domain=None, secure=False, max_age=-5) == (
        b"c=v; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    )


SHOP = frozenset({Pair("performance", "shop"), Pair("marketing", "ads")})


def test_what_other_sites_ask_about_is_carried_beside_and_asked_by_nobody_here():
    here = replace(SCOPE, elsewhere=SHOP)
    both = answer(
        scope=Scope(SCOPE.pairs | SHOP),
        granted=frozenset({"performance", "marketing"}),
        since={"marketing": 7},
    )

    [seen] = [read(write_answer(both, [KEY], here), known=here).answer]
    assert seen.scope.pairs == SCOPE.pairs | SHOP
    assert seen.granted == {"performance", "marketing"}
    assert read(write_answer(both, [KEY], SCOPE)).answer.scope.pairs == SCOPE.pairs


def test_an_answer_too_long_with_what_others_ask_is_written_without_it():
    many = frozenset(Pair("performance", f"of-others-{i}") for i in range(200))
    here = replace(SCOPE, elsewhere=many)
    value = write_answer(answer(scope=Scope(SCOPE.pairs | many)), [KEY], here)

    assert len(value) <= MAX_LENGTH
    assert read(value, known=here).answer.scope.pairs == SCOPE.pairs
