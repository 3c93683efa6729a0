import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.consent.answer import Gesture, How, Surface
from proxy.consent.decision import Ask
from proxy.consent.record import (
    ConsentRecord,
    Content,
    NewRecord,
    Receipt,
    Shown,
    canonical,
    chain_link,
    content_digest,
    content_of,
    digest_of,
    keyed,
    record_id,
    same_choice,
    utc,
)
from proxy.policy.scope import Pair, Scope

SCOPE = Scope(frozenset({Pair("performance", "b"), Pair("performance", "a"), Pair("functional", "c")}))
SHOWN = Shown("2026-11-01", "rules", '{"title": "Cookies"}')
NEW = NewRecord("ana", 1000, "callkom.io", "en", SHOWN, SCOPE, frozenset({"functional"}), How.SAVE)
CONTENT = content_of(NEW, None)


def test_what_was_asked_and_not_granted_is_refused():
    assert NEW.refused == {"performance"}
    assert replace(NEW, granted=SCOPE.purposes).refused == frozenset()


def test_content_keeps_each_set_in_one_order():
    assert CONTENT.scope == {"functional": ("c",), "performance": ("a", "b")}
    assert list(CONTENT.scope) == ["functional", "performance"]
    assert (CONTENT.granted, CONTENT.refused) == (("functional",), ("performance",))


def test_a_text_is_known_by_its_digest():
    assert (
        SHOWN.rules_digest
        == digest_of("rules")
        == "6c621d1a05138a7888d37d9269a9da8e2e11e4aced2f6cfd24b05ab1b9e61bb0"
    )
    assert SHOWN.policy_digest == ""
    assert Shown("v", "r", "w", "table").policy_digest == digest_of("table")
    assert digest_of("\ud800") != digest_of("")


def test_the_same_choice_is_the_same_whatever_preceded_it():
    assert same_choice(CONTENT, replace(CONTENT, previous="another"))
    assert not same_choice(CONTENT, replace(CONTENT, granted=()))


def different(content):
    """Each way in which one field of a content can differ."""
    for field in fields(Content):
        value = getattr(content, field.name)
        match value:
            case How():
                yield field.name, How.REFUSE
            case None if field.name == "gesture":
                yield field.name, Gesture.PERSON
            case None if field.name == "control":
                yield field.name, How.REFUSE
            case None if field.name == "asked":
                yield field.name, Ask.FIRST
            case None if field.name == "surface":
                yield field.name, Surface.PANEL
            case tuple():
                yield field.name, (*value, "x")
            case dict():
                yield field.name, {**value, "x": ("y",)}
            case _:
                yield field.name, f"{value}x"


@pytest.mark.parametrize(("name", "value"), list(different(CONTENT)), ids=lambda value: str(value)[:20])
def test_every_field_of_the_content_is_in_the_digest(name, value):
    changed = replace(CONTENT, **{name: value})

    assert content_digest(b"k", "id", 1, changed) != content_digest(b"k", "id", 1, CONTENT)


def test_id_time_and_key_are_in_the_digest_too():
    digest = content_digest(b"k", "id", 1, CONTENT)

    assert digest not in {
        content_digest(b"k", "ie", 1, CONTENT),
        content_digest(b"k", "id", 2, CONTENT),
        content_digest(b"l", "id", 1, CONTENT),
    }


def test_the_bytes_that_are_hashed_never_change():
    # A record of today must verify in five years: whoever changes these bytes breaks every proof.
    assert canonical("id", 1000, CONTENT) == (
        b'{"granted":["functional"],"how":"save","id":"id","language":"en","policy_digest":"",'
        b'"policy_version":"2026-11-01","previous":null,"provider":null,"refused":["performance"],'
        b'"rules_digest":"6c621d1a05138a7888d37d9269a9da8e2e11e4aced2f6cfd24b05ab1b9e61bb0",'
        b'"scope":{"functional":["c"],"performance":["a","b"]},"site":"callkom.io","time":1000,"visitor":"ana",'
        b'"wording_digest":"' + SHOWN.wording_digest.encode() + b'"}'
    )
    assert content_digest(b"key", "id", 1000, CONTENT).hex() == (
        "90823440be1d9dc7e22d8451fa2fdcd1d4db96e8b561aabd42927d2c92dd5c0b"
    )


@pytest.mark.parametrize("position", range(4))
def test_a_link_depends_on_everything_before_it(position):
    parts = [b"k", "writer", 7, b"before"]
    changed = [b"l", "writes", 8, b"beforf"]
    other = [changed[n] if n == position else part for n, part in enumerate(parts)]

    assert chain_link(*parts, b"digest") != chain_link(*other, b"digest")
    assert chain_link(*parts, b"digest") != chain_link(*parts, b"digesu")


@given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
def test_two_lists_of_parts_never_share_a_seal(one, other):
    assert (keyed(b"k", "label", *one) == keyed(b"k", "label", *other)) == (one == other)


@given(st.integers(0, 2**47), st.integers(0, 2**47), st.binary(min_size=10, max_size=10))
def test_ids_sort_by_time_and_are_26_letters_that_can_be_read_out(one, other, chance):
    first, second = record_id(one, chance), record_id(other, chance)

    assert (first < second) == (one < other)
    assert len(first) == 26
    assert not set(first) & set("ilouILOU")


def test_ids_of_one_moment_differ_by_chance():
    assert record_id(1000, b"a" * 10) != record_id(1000, b"b" * 10)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
@example(4_107_456_000_000)  # 28 February 2100, which is no leap year
@example(951_782_400_000)  # 29 February 2000, which is one
def test_a_moment_is_written_as_everybody_writes_it(ms):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)

    assert (
        utc(ms)
        == moment.strftime("%Y").rjust(4, "0") + moment.strftime("-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"
    )


def test_when_another_tool_was_answered_is_a_moment_of_the_record():
    assert content_of(replace(NEW, declared_at=1_795_428_000), None).declared_at == "2026-11-23T10:00:00.000Z"
    assert CONTENT.declared_at is None


RECORD = ConsentRecord("id", 1000, "writer", 3, b"\x01", b"\x02", CONTENT)


def test_a_receipt_carries_no_id_of_the_visitor_and_the_record_does():
    receipt = Receipt(RECORD).to_json()

    assert "ana" not in json.dumps(receipt)
    assert {
        **receipt,
        "visitor": "ana",
        "writer": "writer",
        "position": 3,
        "digest": "01",
        "link": "02",
    } == RECORD.to_json()


def test_an_erased_record_says_when_it_was_and_nothing_else():
    erased = replace(RECORD, content=None, erased=2000, seal=b"s")

    assert erased.to_json() == {
        "id": "id",
        "time": "1970-01-01T00:00:01.000Z",
        "erased": "1970-01-01T00:00:02.000Z",
        "writer": "writer",
        "position": 3,
        "digest": "01",
        "link": "02",
    }
    assert Receipt(erased).to_json() == {"id": "id", "time": "1970-01-01T00:00:01.000Z", "erased": True}


def test_refusing_twice_is_one_choice_although_the_second_had_nothing_to_withdraw():
    first = replace(
        CONTENT, how=How.WITHDRAW, control=How.REFUSE, withdrawn=("functional",), asked=Ask.FIRST, granted=()
    )
    second = replace(first, how=How.REFUSE, withdrawn=(), asked=Ask.NO, previous="first")

    assert same_choice(first, second)
    assert not same_choice(first, replace(second, control=How.SAVE, how=How.SAVE))


def test_a_record_says_what_it_says_of_the_gesture_in_the_receipt_too():
    kept = replace(
        CONTENT, control=How.REFUSE, withdrawn=("functional",), asked=Ask.NO, surface=Surface.PANEL
    )
    told = Receipt(ConsentRecord("id", 1000, "w", 1, b"", b"", kept)).to_json()

    assert (told["control"], told["withdrawn"], told["asked"], told["surface"]) == (
        "refuse",
        ["functional"],
        "no",
        "panel",
    )
