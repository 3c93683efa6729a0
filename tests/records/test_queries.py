"""Queries speak of the records that are meant, whatever the page."""

import asyncio

import pytest

from proxy.consent.answer import How
from proxy.records.queries import Which, find, texts_of
from tests.records.answers import NOON, SHOWN, answer, refusal


async def test_pages_counts_and_filters_speak_of_the_same_records(store):
    for number in range(6):
        site = "app.callkom.io" if number % 2 else "callkom.io"
        await store.add(answer(site=site, time=NOON + number))
    await store.add(refusal(time=NOON + 6))

    assert [record.time - NOON for record in await store.newest(limit=2)] == [6, 5]
    for which, count in [
        (Which(), 7),
        (Which(site="app.callkom.io"), 3),
        (Which(how="refuse"), 1),
        (Which(since=NOON + 2, until=NOON + 4), 2),
        (Which(visitor="nobody"), 0),
    ]:
        assert await store.count(which) == count
        assert len([record async for record in store.every(which)]) == count
        assert len(await store.newest(which)) == count


async def test_every_record_is_given_whatever_the_page(store, monkeypatch):
    monkeypatch.setattr("proxy.records.queries.PAGE", 7)
    monkeypatch.setattr("proxy.records.verify.PAGE", 7)
    records = await asyncio.gather(*(store.add(answer()) for _ in range(28)))

    given = [record.id async for record in store.every()]

    assert given == sorted(record.id for record in records)
    assert (await store.verify()).records == 28


async def test_stats_count_what_was_said(store):
    await store.add(answer("ana"))
    await store.add(refusal("ana", time=NOON + 5))
    await store.add(answer("ben", granted=frozenset({"functional"}), how=How.SAVE))
    gone = await store.add(answer("cleo"))
    await store.erase(gone.id)

    stats = await store.stats()

    assert (stats.records, stats.erased, stats.visitors, stats.writers) == (3, 1, 2, 1)
    assert stats.by_how == {"accept": 1, "refuse": 1, "save": 1}
    assert stats.granted == {"functional": 2, "performance": 1}
    assert stats.refused == {"functional": 1, "performance": 2}
    assert (stats.first, stats.last) == (NOON, NOON + 5)


async def test_stats_of_an_empty_store_are_zero(store):
    stats = await store.stats()

    assert (stats.records, stats.first, stats.last, stats.by_how) == (0, None, None, {})


@pytest.mark.parametrize(
    ("which", "where", "values"),
    [
        (Which(), "erased IS NULL", []),
        (Which(erased=True), "1 = 1", []),
        (Which(site="a", visitor="b"), "site = ? AND visitor = ? AND erased IS NULL", ["a", "b"]),
        (Which(since=0, until=5), "time >= ? AND time < ? AND erased IS NULL", [0, 5]),
        (Which(how="refuse"), "how = ? AND erased IS NULL", ["refuse"]),
        (Which(how="erased", site="a"), "site = ? AND erased IS NOT NULL", ["a"]),
        (Which(how="withdraw"), "withdrawn IS NOT NULL AND erased IS NULL", []),
    ],
)
def test_conditions_say_which_records_are_meant(which, where, values):
    assert which.conditions() == (where, values)


async def test_texts_are_found_by_their_digests_as_far_as_they_are_kept(store):
    await store.add(answer())

    found = await texts_of(store.database, SHOWN.rules_digest, "no digest")

    assert found == {SHOWN.rules_digest: SHOWN.rules}


async def test_a_record_is_found_by_its_id_alone(store):
    record = await store.add(answer())

    assert await find(store.database, record.id) == record
    assert await find(store.database, record.id[:-1]) is None
