"""A ticket opens one view: on its host, for a minute, and only if we wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.consent.embed_ticket import LASTS, MAX_LENGTH, Ticket, read_ticket, write_ticket

KEYS = (b"k" * 32, b"o" * 32)
NOW = 1_795_000_000
TICKET = Ticket("callkom.io", "calendly", "frame https://calendly.com/é?a=1&b=2", "fr")


def read(text, *, keys=KEYS, host="callkom.io", now=NOW):
    return read_ticket(text, keys, host=host, now=now)


def test_it_is_read_as_it_was_written_by_any_of_our_keys():
    assert read(write_ticket(TICKET, KEYS, now=NOW)) == TICKET
    assert read(write_ticket(TICKET, KEYS[1:], now=NOW)) == TICKET
    assert read(write_ticket(TICKET, (b"x" * 32,), now=NOW)) is None


def test_it_lasts_a_minute_and_a_clock_ahead_opens_nothing():
    word = write_ticket(TICKET, KEYS, now=NOW)

    assert read(word, now=NOW + LASTS) == TICKET
    assert read(word, now=NOW + LASTS + 1) is None
    assert read(word, now=NOW - 1) is None


def test_it_is_for_its_host_alone():
    assert read(write_ticket(TICKET, KEYS, now=NOW), host="app.callkom.io") is None


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_a_changed_ticket_opens_nothing_else(at, letter):
    word = write_ticket(TICKET, KEYS, now=NOW)
    at %= len(word)
    changed = word[:at] + letter + word[at + 1 :]

    assert read(changed) in (None, TICKET)


@pytest.mark.parametrize("word", ["", ".", "a.b", "é.é", "a" * MAX_LENGTH + ".b", "====.===="])
def test_what_is_no_ticket_is_none(word):
    assert read(word) is None
