"""A batch of answers is one transaction: each has its record once, on one chain, behind the one before it."""

import asyncio

import pytest

from proxy.consent.answer import How
from proxy.consent.record import Shown
from proxy.records.ledger import Ledger, WaitingRecord
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, SHOWN, answer, raw, refusal

MINUTE = 60_000


async def test_each_record_names_the_visitors_one_before(store):
    first = await store.add(answer("ana"))
    other = await store.add(answer("ben"))
    second = await store.add(refusal("ana", time=NOON + 1))

    assert (first.content.previous, other.content.previous, second.content.previous) == (None, None, first.id)
    assert [record.id for record in await store.of_visitor("ana")] == [second.id, first.id]


async def test_the_same_choice_twice_within_a_minute_is_one_record(store):
    first = await store.add(answer("ana"))
    again = await store.add(answer("ana", time=NOON + MINUTE - 1))
    together = await asyncio.gather(*(store.add(answer("ben")) for _ in range(5)))

    assert again == first
    assert len({record.id for record in together}) == 1
    assert await store.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"time": NOON + MINUTE},
        {"granted": frozenset({"functional"})},
        {"how": How.SAVE},
        {"site": "app.callkom.io"},
        {"provider": "hubspot"},
        {"shown": Shown("2026-12-01", SHOWN.rules, SHOWN.wording)},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_another_choice_is_another_record(store, changes):
    await store.add(answer("ana"))
    await store.add(answer("ana", **changes))

    assert await store.count() == 2


async def test_answers_that_arrive_together_are_all_recorded_once_and_in_one_chain(store):
    records = await asyncio.gather(*(store.add(answer()) for _ in range(1500)))

    assert sorted(record.position for record in records) == list(range(1, 1501))
    assert await store.count() == 1500
    assert (await store.verify()).sound


async def test_several_processes_write_one_store_each_on_its_own_chain(url):
    stores = await asyncio.gather(*(RecordStore.open(url, keys=[KEY]) for _ in range(4)))
    try:
        records = await asyncio.gather(*(store.add(answer()) for _ in range(50) for store in stores))
        verified = await stores[0].verify()
    finally:
        for store in stores:
            await store.close()

    assert len({record.writer for record in records}) == 4
    assert (verified.records, verified.writers, verified.faults) == (200, 4, [])


async def test_a_text_is_kept_once_however_many_saw_it(url, store):
    await asyncio.gather(*(store.add(answer()) for _ in range(20)))

    kept = await raw(url, "SELECT kind FROM texts ORDER BY kind")

    assert kept == [("rules",), ("wording",)]


async def test_a_commit_that_arrived_although_its_connection_died_is_not_made_twice(store):
    ledger = Ledger(store._database, store._keyring, lambda: NOON)
    first = WaitingRecord(answer("ana"), "a" * 26, None)
    second = WaitingRecord(refusal("ana", time=NOON + 1), "b" * 26, None)

    (record,) = await ledger.write([first])
    await ledger.write([second])
    (again,) = await ledger.write([first])

    assert again == record
    assert await store.count() == 2
    assert (await store.verify()).sound
