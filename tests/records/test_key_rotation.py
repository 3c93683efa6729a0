"""Older keys are kept wrapped under newer ones, so that what they sealed verifies for years."""

from proxy.records.chain import Keyring
from proxy.records.key_rotation import load_keys, store_keys
from proxy.records.store import RecordStore
from tests.records.answers import NOON, answer, raw


async def test_records_stay_verifiable_after_the_old_key_is_thrown_away(url):
    old, new, newest = b"old signing key.", b"new signing key.", b"next signing key"
    for keys in ([old], [new, old], [newest, new]):
        store = await RecordStore.open(url, keys=keys)
        await store.add(answer(visitor := f"under-{keys[0].decode()}"))
        await store.close()

    store = await RecordStore.open(url, keys=[newest])
    try:
        assert (await store.verify()).faults == []
        assert await store.erase_visitor(visitor) == 1
        assert await store.purge(NOON + 1) == 3
        assert (await store.verify()).faults == []
    finally:
        await store.close()


async def test_each_older_key_is_stored_once_under_each_newer_one(url, store):
    first, second = Keyring([b"b", b"a"]), Keyring([b"c", b"b", b"a"])
    for ring in (first, first, second):
        async with store.database.writing() as connection:
            await store_keys(connection, ring)

    assert await raw(url, "SELECT count(*) FROM keys") == [(3,)]


async def test_keys_are_unwrapped_one_by_another_as_far_as_they_can(store):
    rings = [Keyring([b"b", b"a"]), Keyring([b"c", b"b"]), Keyring([b"y", b"x"])]
    for ring in rings:
        async with store.database.writing() as connection:
            await store_keys(connection, ring)
    last = Keyring([b"c"])
    await load_keys(store.database, last)

    assert last.knows(Keyring([b"b"]).seal("x"))
    assert last.knows(Keyring([b"a"]).seal("x"))
    assert not last.knows(Keyring([b"x"]).seal("x"))


async def test_a_store_in_use_goes_on_under_a_new_key_on_a_new_chain(url):
    old, new = b"old signing key.", b"new signing key."
    store = await RecordStore.open(url, keys=[old])
    await store.add(answer("before"))
    store.rotate([old, new])
    await store.add(answer("appended"))
    store.rotate([new, old])
    await store.add(answer("promoted"))
    await store.close()

    later = await RecordStore.open(url, keys=[new])
    wrong = await RecordStore.open(url, keys=[b"some other key.."])
    try:
        found = await later.verify()
        assert (found.faults, found.records, found.writers) == ([], 3, 2)
        assert await later.unknown_keys() == []
        assert len(await wrong.unknown_keys()) == 2
    finally:
        await later.close()
        await wrong.close()
