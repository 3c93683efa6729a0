"""A whole store as one file, and back: into either kind, all or nothing, also while somebody serves."""

import contextlib
import sqlite3
import stat

import pytest

from proxy.errors import RecordsError
from proxy.records.driver import Failure
from proxy.records.migrations import STEPS
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, answer, raw, refusal


@pytest.fixture
def other(request, tmp_path):
    """A second address of an empty store, of each kind."""

    async def fresh(kind):
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'second.db'}"
        return await request.getfixturevalue("postgres").fresh()

    return fresh


async def fill(store: RecordStore) -> list[str]:
    """Add two visitors' records, one of them erased, and daily numbers."""
    kept = [(await store.add(answer("ana"))).id, (await store.add(refusal("ben", time=NOON + 1))).id]
    await store.erase(kept[1])
    await store.add_days({(20_000, "callkom.io", "fr", "shown", ""): 7})
    return kept


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_backup_of_either_kind_is_restored_into_either_kind(url, store, other, kind, tmp_path):
    ana, ben = await fill(store)
    file = tmp_path / "backup.db"
    wrote = await store.back_up(file)

    second = await RecordStore.open(await other(kind), keys=[KEY])
    try:
        restored = await second.restore(file)

        assert restored == wrote
        assert (restored.records, restored.writers) == (2, 1)
        assert (await second.verify()).sound
        assert await second.get(ana) == await store.get(ana)
        assert await second.shown(await second.get(ana)) == await store.shown(await store.get(ana))
        assert (await second.get(ben)).content is None
        assert await second.days() == await store.days()
        with pytest.raises(Failure, match="append-only"):
            async with second.database.writing() as connection:
                await connection.run("DELETE FROM records")
    finally:
        await second.close()


async def test_the_file_is_for_its_owner_only_one_file_and_never_written_over(store, tmp_path):
    await fill(store)
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "backup.db"
    await store.back_up(file)
    before = file.read_bytes()

    with pytest.raises(RecordsError, match="exists; name a new file"):
        await store.back_up(file)

    assert [path.name for path in folder.iterdir()] == ["backup.db"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == before


async def test_a_backup_is_a_store_of_its_own(store, tmp_path):
    ana, _ben = await fill(store)
    await store.back_up(tmp_path / "backup.db")

    copy = await RecordStore.open(f"sqlite:///{tmp_path / 'backup.db'}", keys=[KEY])
    try:
        assert (await copy.verify()).sound
        assert (await copy.get(ana)).content.visitor == "ana"
    finally:
        await copy.close()


async def test_more_than_a_page_of_rows_is_copied(store, other, monkeypatch, tmp_path):
    monkeypatch.setattr("proxy.records.backup._PAGE", 2)
    for number in range(5):
        await store.add(answer(f"visitor-{number}"))
    await store.add_days({(day, "callkom.io", lang, "shown", ""): 1 for day in (1, 2) for lang in "abc"})
    await store.back_up(tmp_path / "backup.db")

    second = await RecordStore.open(await other("postgresql"), keys=[KEY])
    try:
        assert (await second.restore(tmp_path / "backup.db")).records == 5
        assert await second.days() == await store.days()
        assert (await second.verify()).sound
    finally:
        await second.close()


async def test_a_store_that_is_not_empty_is_left_as_it_is_unless_told(store, tmp_path):
    ana, _ben = await fill(store)
    await store.back_up(tmp_path / "backup.db")
    later = await store.add(answer("later"))

    with pytest.raises(RecordsError, match=r"not empty \(records: 3, chains: 1.*--replace"):
        await store.restore(tmp_path / "backup.db")
    assert await store.get(later.id) is not None

    await store.restore(tmp_path / "backup.db", replace=True)
    assert await store.get(later.id) is None
    assert await store.get(ana) is not None
    with pytest.raises(Failure, match="append-only"):
        async with store.database.writing() as connection:
            await connection.run("DELETE FROM writers")


async def test_daily_numbers_alone_are_not_replaced_either(store, tmp_path):
    await store.back_up(tmp_path / "backup.db")
    await store.add_days({(20_000, "callkom.io", "fr", "shown", ""): 7})

    with pytest.raises(RecordsError, match="daily numbers: 1"):
        await store.restore(tmp_path / "backup.db")


async def test_who_serves_meanwhile_goes_on_recording_behind_what_was_restored(url, store, tmp_path):
    """One process whose chain the backup has, one whose chain begins after it: both go on."""
    await fill(store)
    await store.back_up(tmp_path / "backup.db")
    younger = await RecordStore.open(url, keys=[KEY])
    operator = await RecordStore.open(url, keys=[KEY])
    try:
        await younger.add(answer("of the younger"))
        await operator.restore(tmp_path / "backup.db", replace=True)

        after = [await one.add(answer(f"after {number}")) for number, one in enumerate((store, younger))]
        found = await operator.verify()

        assert found.faults == []
        assert (found.records, found.writers) == (4, 2)
        assert [await operator.get(record.id) for record in after] == after
        assert [await operator.shown(record) for record in after] == [answer().shown] * 2
    finally:
        await younger.close()
        await operator.close()


async def test_where_a_row_cannot_be_put_nothing_is_changed(url, store, tmp_path):
    await fill(store)
    file = tmp_path / "backup.db"
    await store.back_up(file)
    with sqlite3.connect(file) as broken:  # a table of days that no store would take
        broken.execute("ALTER TABLE days RENAME TO was")
        broken.execute("CREATE TABLE days (day, site, language, measure, purpose, count)")
        broken.execute("INSERT INTO days VALUES (1, 'a', 'b', 'c', 'd', NULL)")
    later = await store.add(answer("later"))

    with pytest.raises(RecordsError):
        await store.restore(file, replace=True)

    assert await store.get(later.id) is not None
    assert (await store.verify()).sound
    assert await raw(url, "SELECT count(*) FROM days", guarded=True) != [(0,)]


async def test_what_is_no_backup_is_said_to_be_none(store, tmp_path):
    (tmp_path / "letter.txt").write_text("no proofs at all " * 500)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)")

    for name, why in (
        ("none.db", "no backup at"),
        ("letter.txt", "not a database"),
        ("other.db", "no such table"),
    ):
        with pytest.raises(RecordsError, match=why):
            await store.restore(tmp_path / name)


async def test_a_backup_for_an_older_program_has_its_schema_and_every_seal_holds(store, tmp_path):
    await fill(store)
    file = tmp_path / "older.db"
    kept = await store.back_up(file, STEPS[-2])
    with contextlib.closing(sqlite3.connect(file)) as older:
        [schema] = older.execute("SELECT version_num FROM consent_proxy_schema").fetchone()
        columns = {row[1] for row in older.execute("PRAGMA table_info(records)")}
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            older.execute("DELETE FROM records")
    found, contents = await store.verify_backup(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (schema, "declared_by" in columns) == (STEPS[-2], False)
    assert found.faults == []
    assert contents == kept == await store.contents()


async def test_a_record_that_says_what_an_older_program_does_not_know_is_not_written_for_it(store, tmp_path):
    await store.add(answer("somebody", declared_by="klaro"))

    with pytest.raises(RecordsError, match="no place for declared_by, declared_at, which 1 rows of records"):
        await store.back_up(tmp_path / "older.db", STEPS[-2])
    with pytest.raises(RecordsError, match="no backup can have the schema 0001"):
        await store.back_up(tmp_path / "older.db", STEPS[0])
    assert list(tmp_path.glob("*older*")) == []
