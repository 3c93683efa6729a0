"""What is erased leaves a tombstone, what is old leaves from the beginning, and the chain holds."""

import asyncio

import pytest

from proxy.consent.record import Receipt
from proxy.errors import RecordsError
from proxy.records.erasure import erasure_parts
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, answer, raw, sqlite_path

MINUTE = 60_000


YEAR = 365 * 86_400_000


async def test_an_erased_record_leaves_a_tombstone_and_a_chain_that_holds(url, store):
    records = [await store.add(answer(f"visitor-to-forget-{number}")) for number in range(3)]

    assert await store.erase(records[1].id)

    tombstone = await store.get(records[1].id)
    assert (tombstone.content, tombstone.digest, tombstone.link) == (None, records[1].digest, records[1].link)
    assert Receipt(tombstone).to_json() == {
        "id": records[1].id,
        "time": "2026-11-23T12:00:00.000Z",
        "erased": True,
    }
    assert await store.shown(tombstone) is None
    assert await store.of_visitor("visitor-to-forget-1") == []
    verified = await store.verify()
    assert (verified.records, verified.erased, verified.faults) == (3, 1, [])
    if url.startswith("sqlite"):
        folder = sqlite_path(url).parent
        left = b"".join(file.read_bytes() for file in folder.glob("proofs.db*"))
        assert b"visitor-to-forget-0" in left
        assert b"visitor-to-forget-1" not in left


async def test_erasing_twice_or_what_never_was_says_so(store):
    record = await store.add(answer())

    assert [await store.erase(record.id), await store.erase(record.id), await store.erase("nothing")] == [
        True,
        False,
        False,
    ]


async def test_a_visitor_can_have_everything_erased(store):
    for number in range(3):
        await store.add(answer("ana", time=NOON + number * MINUTE))
    kept = await store.add(answer("ben"))

    assert await store.erase_visitor("ana") == 3
    assert [record async for record in store.every()] == [kept]
    assert (await store.verify()).sound


async def test_purging_takes_what_is_older_than_keep_and_the_chain_holds(url):
    now = NOON
    store = await RecordStore.open(url, keys=[KEY], keep=365 * 86_400, clock=lambda: now)
    try:
        for number in range(10):
            await store.add(answer(time=NOON + number * YEAR // 10))
        now = NOON + YEAR + 3 * YEAR // 10

        assert await store.purge() == 3
        assert await store.purge() == 0
        assert await store.count() == 7
        assert (await store.verify()).sound

        await store.add(answer(time=now))
        now += 5 * YEAR
        assert await store.purge() == 8
        await store.add(answer(time=now))
        assert ((await store.verify()).records, (await store.verify()).faults) == (1, [])
    finally:
        await store.close()


async def test_purging_is_done_in_steps_that_nobody_waits_for(store, monkeypatch):
    monkeypatch.setattr("proxy.records.erasure._STEP", 7)
    await asyncio.gather(*(store.add(answer()) for _ in range(40)))

    _, purged, _ = await asyncio.gather(
        store.add(answer(time=NOON + 9)), store.purge(NOON + 1), store.add(answer(time=NOON + 9))
    )

    assert purged == 40
    assert await store.count() == 2
    assert (await store.verify()).sound


async def test_an_old_record_behind_a_young_one_waits_for_it(store):
    await store.add(answer(time=NOON + YEAR))
    await store.add(answer(time=NOON))  # a clock went back

    assert await store.purge(NOON + 1) == 0
    assert await store.purge(NOON + 2 * YEAR) == 2


async def test_what_would_be_purged_is_counted_as_it_is_purged(store):
    for number in range(4):
        await store.add(answer(time=NOON + number))

    assert [await store.purgeable(NOON + at) for at in (0, 3, 9)] == [0, 3, 4]
    assert await store.purge(NOON + 3) == 3
    assert await store.purgeable(NOON + 3) == 0


async def test_a_tombstone_is_sealed_over_its_record_its_content_and_its_time(store):
    records = [await store.add(answer()) for _ in range(2)]
    await store.erase(records[0].id)
    stone = await store.get(records[0].id)
    parts = erasure_parts(stone.id, stone.digest, stone.erased)

    assert store._keyring.holds(stone.seal, *parts)
    assert not store._keyring.holds(stone.seal, *erasure_parts(records[1].id, stone.digest, stone.erased))
    assert not store._keyring.holds(stone.seal, *erasure_parts(stone.id, stone.digest, stone.erased + 1))


async def test_a_gap_in_a_chain_is_not_purged_over(url):
    store = await RecordStore.open(url, keys=[KEY])
    records = [await store.add(answer(time=NOON + number)) for number in range(3)]
    await raw(url, f"DELETE FROM records WHERE id = '{records[1].id}'")

    with pytest.raises(RecordsError, match=r"record 2 of writer \w+ is missing: run `records verify`"):
        await store.purge(NOON + 2)
    await store.close()
