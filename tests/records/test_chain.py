"""Seals and links: made by our keys alone, over exactly what they cover, and learnt again after a rotation."""

import pytest

from proxy.consent.record import chain_link, content_digest, content_of
from proxy.records.chain import Chain, Keyring, root
from tests.records.answers import KEY, NOON, answer

OLD, NEW = b"old signing key.", b"new signing key."


def test_a_seal_holds_for_its_label_and_parts_and_for_no_other():
    ring = Keyring([KEY])
    seal = ring.seal("head", "writer", 3, b"link")

    assert ring.holds(seal, "head", "writer", 3, b"link")
    assert not ring.holds(seal, "base", "writer", 3, b"link")
    assert not ring.holds(seal, "head", "writer", 4, b"link")
    assert not ring.holds(seal[:-1] + bytes([seal[-1] ^ 1]), "head", "writer", 3, b"link")
    assert not ring.holds(None, "head")
    assert not ring.holds(b"", "head")


def test_the_first_key_seals_and_all_are_believed():
    before, after = Keyring([OLD]), Keyring([NEW, OLD])
    seal = before.seal("head", 1)

    assert after.holds(seal, "head", 1)
    assert not before.holds(after.seal("head", 1), "head", 1)
    assert after.seal("head", 1)[:8] == after.newest == Keyring([NEW]).newest


def test_it_is_known_whose_seal_it_is_whatever_it_covers():
    assert Keyring([NEW, OLD]).knows(Keyring([OLD]).seal("anything"))
    assert not Keyring([NEW]).knows(Keyring([OLD]).seal("anything"))
    assert not Keyring([NEW]).knows(None)


def test_an_older_key_comes_back_from_what_a_newer_one_wrapped():
    [(key_id, by, wrapped)] = Keyring([NEW, OLD]).wrapped()
    alone = Keyring([NEW])

    assert alone.key(key_id) is None
    assert alone.unwrap(key_id, by, wrapped)
    assert alone.key(key_id) == Keyring([OLD]).key(key_id) != wrapped
    assert alone.holds(Keyring([OLD]).seal("head", 1), "head", 1)
    assert alone.newest == by


@pytest.mark.parametrize("fault", ["by nobody", "short", "another's"])
def test_what_our_keys_did_not_wrap_is_not_learnt(fault):
    [(key_id, by, wrapped)] = Keyring([NEW, OLD]).wrapped()
    ring = Keyring([NEW])
    given = {
        "by nobody": (key_id, b"x" * 8, wrapped),
        "short": (key_id, by, wrapped[:-1]),
        "another's": (b"x" * 8, by, wrapped),
    }

    assert not ring.unwrap(*given[fault])
    assert ring.key(key_id) is None
    assert ring.key(b"x" * 8) is None


def test_one_key_wraps_nothing():
    assert Keyring([KEY]).wrapped() == []


def test_where_a_chain_begins_is_bound_to_its_name_its_number_and_the_writer_before():
    key = b"k" * 32
    starts = {root(key, "a", 1, b""), root(key, "b", 1, b""), root(key, "a", 2, b""), root(key, "a", 1, b"x"), root(b"j" * 32, "a", 1, b"")}  # fmt: skip

    assert len(starts) == 5


def test_each_record_moves_the_end_of_the_chain_and_is_linked_to_the_one_before():
    key, start = b"k" * 32, b"s" * 32
    chain = Chain(key, "writer", 4, start)
    content = content_of(answer("ana"), None)
    first, second = chain.append("a" * 26, NOON, content), chain.append("b" * 26, NOON + 1, content)

    assert (first.writer, first.position, second.position, chain.position) == ("writer", 5, 6, 6)
    assert first.digest == content_digest(key, "a" * 26, NOON, content)
    assert first.link == chain_link(key, "writer", 5, start, first.digest)
    assert second.link == chain_link(key, "writer", 6, first.link, second.digest) == chain.link
