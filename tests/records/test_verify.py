"""Whoever lays hands on the store is named by `verify`, on both databases."""

import asyncio

import pytest

from proxy.records.chain import ChainHead
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, answer, raw, sqlite_path


async def filled(url, count=6):
    store = await RecordStore.open(url, keys=[KEY])
    records = [await store.add(answer(time=NOON + number)) for number in range(count)]
    await store.close()
    return records


async def verified(url, keys=(KEY,), heads=()):
    store = await RecordStore.open(url, keys=keys)
    try:
        return await store.verify(heads)
    finally:
        await store.close()


def first(found):
    return (found.faults[0].kind, found.faults[0].position, found.faults[0].id)


async def test_a_store_that_nobody_touched_is_sound(url):
    await filled(url)

    found = await verified(url)

    assert (found.records, found.writers, found.sound, found.faults) == (6, 1, True, [])


async def test_an_empty_store_is_sound(url):
    found = await verified(url)

    assert (found.records, found.writers, found.sound) == (0, 0, True)


@pytest.mark.parametrize(
    "change",
    [
        "granted = '[\"functional\"]'",
        "refused = '[\"performance\"]'",
        "visitor = 'somebody else'",
        "time = time - 1",
        "how = 'refuse'",
        "how = 'nonsense'",
        "scope = '{}'",
        "scope = 'not json'",
        "scope = '[]'",
        "policy_version = '2026-11-02'",
        "rules_digest = wording_digest",
        "language = NULL",
        "previous = id",
        "provider = 'hubspot'",
    ],
)
async def test_an_altered_record_is_named(url, change):
    records = await filled(url)
    await raw(url, f"UPDATE records SET {change} WHERE position = 3")

    assert first(await verified(url)) == ("altered", 3, records[2].id)


async def test_one_changed_byte_in_the_file_is_named(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    store = await RecordStore.open(url, keys=[KEY])
    record = await store.add(answer("a-visitor-with-a-long-name"))
    await store.close()
    path = sqlite_path(url)
    path.write_bytes(
        path.read_bytes().replace(b"a-visitor-with-a-long-name", b"a-visitor-with-a-long-nbme", 2)
    )

    assert first(await verified(url)) in {("altered", 1, record.id), ("damaged", None, None)}


@pytest.mark.parametrize("column", ["digest", "link"])
async def test_a_changed_seal_is_named(url, column):
    records = await filled(url)
    other = await raw(url, f"SELECT {column} FROM records WHERE position = 5")
    assert other
    await raw(
        url,
        f"UPDATE records SET {column} = (SELECT {column} FROM records WHERE position = 5) WHERE position = 3",
    )

    kind, position, record_id = first(await verified(url))

    assert (kind in {"altered", "swapped"}, position, record_id) == (True, 3, records[2].id)


async def test_a_deleted_record_is_named(url):
    await filled(url)
    await raw(url, "DELETE FROM records WHERE position = 3")

    found = await verified(url)

    assert first(found) == ("missing", 3, None)
    assert len(found.faults) == 1


async def test_a_deleted_record_whose_gap_was_closed_is_named(url):
    records = await filled(url)
    await raw(
        url,
        "DELETE FROM records WHERE position = 3",
        "UPDATE records SET position = position - 100 WHERE position > 3",
        "UPDATE records SET position = position + 99 WHERE position < 0",
    )

    assert first(await verified(url)) == ("swapped", 3, records[3].id)


async def test_the_first_records_cannot_be_taken_away_as_if_purged(url):
    await filled(url)
    await raw(
        url,
        "UPDATE writers SET base_position = 2, base_link = (SELECT link FROM records WHERE position = 2)",
        "DELETE FROM records WHERE position <= 2",
    )

    assert first(await verified(url)) == ("altered", 2, None)


async def test_the_last_records_cannot_be_taken_away(url):
    await filled(url)
    await raw(url, "DELETE FROM records WHERE position > 4")

    assert first(await verified(url)) == ("missing", 5, None)


async def test_the_last_records_cannot_be_taken_away_with_the_head(url):
    await filled(url)
    await raw(
        url,
        "DELETE FROM records WHERE position > 4",
        "UPDATE writers SET head_position = 4, head_link = (SELECT link FROM records WHERE position = 4)",
    )

    assert first(await verified(url)) == ("altered", 4, None)


async def test_two_swapped_records_are_named(url):
    records = await filled(url)
    await raw(
        url,
        "UPDATE records SET position = 100 WHERE position = 3",
        "UPDATE records SET position = 3 WHERE position = 4",
        "UPDATE records SET position = 4 WHERE position = 100",
    )

    assert first(await verified(url)) == ("swapped", 3, records[3].id)


async def test_a_record_slipped_in_behind_the_end_is_named(url):
    records = await filled(url)
    columns = "time, digest, link, visitor, site, language, policy_version, rules_digest, wording_digest, policy_digest, scope, granted, refused, how"
    await raw(
        url,
        f"INSERT INTO records (id, position, writer, {columns}) "
        f"SELECT 'forged', 7, writer, {columns} FROM records WHERE id = '{records[0].id}'",
    )

    assert first(await verified(url)) == ("added", 7, "forged")


async def test_a_record_emptied_without_our_key_is_named(url):
    records = await filled(url)
    empty = "visitor = NULL, site = NULL, language = NULL, scope = NULL, granted = NULL, refused = NULL, how = NULL"
    await raw(url, f"UPDATE records SET {empty}, erased = {NOON}, seal = digest WHERE position = 2")

    assert first(await verified(url)) == ("altered", 2, records[1].id)


async def test_a_tombstone_of_one_record_does_not_cover_another(url):
    records = await filled(url)
    store = await RecordStore.open(url, keys=[KEY])
    await store.erase(records[0].id)
    await store.close()
    empty = "visitor = NULL, site = NULL, language = NULL, scope = NULL, granted = NULL, refused = NULL, how = NULL"
    seal = "(SELECT seal FROM records WHERE position = 1)"
    erased = "(SELECT erased FROM records WHERE position = 1)"
    await raw(url, f"UPDATE records SET {empty}, erased = {erased}, seal = {seal} WHERE position = 2")

    assert first(await verified(url)) == ("altered", 2, records[1].id)


async def test_a_whole_writer_cannot_vanish(url):
    await filled(url)
    await filled(url)
    await filled(url)
    await raw(
        url,
        "DELETE FROM records WHERE writer = (SELECT name FROM writers WHERE number = 2)",
        "DELETE FROM writers WHERE number = 2",
    )

    found = await verified(url)

    assert found.faults[0].kind == "missing"
    assert found.faults[0].says == "writer 2 is missing, with all of its records"


async def test_a_whole_writer_cannot_be_put_in_anothers_place(url):
    for _ in range(3):
        await filled(url)
    await raw(
        url,
        "DELETE FROM records WHERE writer = (SELECT name FROM writers WHERE number = 2)",
        "DELETE FROM writers WHERE number = 2",
        "UPDATE writers SET number = 2 WHERE number = 3",
    )

    found = await verified(url)

    assert found.faults[0].kind == "altered"


async def test_an_altered_text_is_named(url):
    await filled(url)
    await raw(url, "UPDATE texts SET body = body || ' ' WHERE kind = 'wording'")

    found = await verified(url)

    assert [fault.kind for fault in found.faults] == ["text"]
    assert "wording text of policy version 2026-11-01" in found.faults[0].says


async def test_a_missing_text_is_named(url):
    await filled(url)
    await raw(url, "DELETE FROM texts WHERE kind = 'rules'")

    found = await verified(url)

    assert [fault.kind for fault in found.faults] == ["text"]


async def test_every_fault_is_named_not_only_the_first(url):
    await filled(url)
    await raw(
        url,
        "UPDATE records SET granted = '[]' WHERE position = 2",
        "DELETE FROM records WHERE position = 4",
        "UPDATE records SET site = 'x' WHERE position = 6",
    )

    found = await verified(url)

    assert [(fault.kind, fault.position) for fault in found.faults] == [
        ("altered", 2),
        ("missing", 4),
        ("altered", 6),
    ]


async def test_a_key_that_is_not_given_is_said_so(url):
    await filled(url)

    found = await verified(url, keys=[b"another key altogether"])

    assert [fault.kind for fault in found.faults] == ["unsealed"]


async def test_another_key_cannot_make_a_store_that_holds(url):
    await filled(url)
    await raw(url, "DELETE FROM records", "DELETE FROM writers")
    store = await RecordStore.open(url, keys=[b"the key of somebody else"])
    await store.add(answer())
    await store.close()

    assert not (await verified(url)).sound


async def test_a_truncated_file_is_named(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    await filled(url, 300)
    path = sqlite_path(url)
    size = path.stat().st_size
    sound = path.read_bytes()
    for kept in (size // 2, size - 4096, size - 1):
        path.write_bytes(sound[:kept])
        store = await RecordStore.open(url, keys=[KEY], needed=False)
        found = await store.verify()
        await store.close()

        # SQLite reads one missing byte as zero; then it is the seal that tells.
        assert {fault.kind for fault in found.faults} in ({"damaged"}, {"altered"}), kept
        assert found.faults[0].kind == "damaged" or kept == size - 1


async def test_heads_kept_elsewhere_tell_of_a_store_put_back_to_an_older_copy(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    store = await RecordStore.open(url, keys=[KEY])
    await store.add(answer())
    await store.close()
    copy = sqlite_path(url).read_bytes()
    store = await RecordStore.open(url, keys=[KEY])
    await store.add(answer())
    heads = await store.heads()
    await store.close()
    assert (await verified(url, heads=heads)).sound

    sqlite_path(url).write_bytes(copy)

    assert (await verified(url)).sound
    found = await verified(url, heads=heads)
    assert [fault.kind for fault in found.faults] == ["head"]


async def test_a_head_kept_elsewhere_must_be_reached_and_must_match(url):
    records = await filled(url)
    beyond = ChainHead(records[0].writer, 7, b"x" * 32, NOON)
    wrong = ChainHead(records[0].writer, 3, b"x" * 32, NOON)
    right = ChainHead(records[0].writer, 3, records[2].link, NOON)

    assert (await verified(url, heads=[right])).sound
    assert first(await verified(url, heads=[wrong])) == ("head", 3, records[2].id)
    assert first(await verified(url, heads=[beyond])) == ("head", 7, None)


async def test_a_head_whose_record_was_purged_is_believed(url):
    records = await filled(url)
    store = await RecordStore.open(url, keys=[KEY])
    await store.purge(NOON + 4)
    await store.close()

    assert (await verified(url, heads=[ChainHead(records[0].writer, 2, records[1].link, NOON)])).sound


async def test_verifying_does_not_mind_what_happens_meanwhile(url, monkeypatch):
    monkeypatch.setattr("proxy.records.verify.PAGE", 5)
    monkeypatch.setattr("proxy.records.erasure._STEP", 5)
    store = await RecordStore.open(url, keys=[KEY])
    try:
        await asyncio.gather(*(store.add(answer(time=NOON)) for _ in range(60)))

        async def busy():
            for _ in range(20):
                await store.add(answer(time=NOON + 5))

        results = await asyncio.gather(store.verify(), busy(), store.purge(NOON + 1), store.verify())

        assert results[0].faults == []
        assert results[3].faults == []
        assert ((await store.verify()).records, (await store.verify()).faults) == (20, [])
    finally:
        await store.close()
