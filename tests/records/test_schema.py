import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from proxy.consent.answer import Gesture
from proxy.consent.record import content_of
from proxy.errors import RecordsError
from proxy.records.chain import Chain, Keyring, root
from proxy.records.driver import Failure
from proxy.records.migrations import STEPS, VERSIONS
from proxy.records.migrations.migrate import scripts, upgrade
from proxy.records.migrations.subprocess_main import migrate_in_subprocess
from proxy.records.rows import COLUMNS, values_of
from proxy.records.schema import metadata
from proxy.records.store import RecordStore
from proxy.records.store_address import StoreAddress
from tests.records.answers import KEY, NOON, SHOWN, answer, raw


async def test_the_migrations_make_exactly_the_tables_that_the_program_reads(store):
    def differences(connection):
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": VERSIONS}
        )
        return compare_metadata(context, metadata)

    address = store._database.address
    if address.path is not None:
        engine = create_engine(f"sqlite:///{address.path}")
        with engine.connect() as connection:
            found = differences(connection)
        engine.dispose()
    else:
        shared = create_async_engine(address.url.replace("postgresql:", "postgresql+asyncpg:"))
        async with shared.connect() as connection:
            found = await connection.run_sync(differences)
        await shared.dispose()

    assert found == []


def test_the_steps_that_the_program_knows_are_those_that_alembic_finds():
    found = [script.revision for script in scripts().walk_revisions()]

    assert tuple(reversed(found)) == STEPS


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


async def test_a_store_can_be_brought_up_to_date_by_a_process_of_its_own(url):
    store = await RecordStore.open(url, keys=[KEY], in_subprocess=True)
    record = await store.add(answer())

    assert await store.get(record.id) == record
    await store.close()


async def test_what_that_process_could_not_do_is_told_in_its_words(tmp_path):
    (tmp_path / "proofs.db").write_bytes(b"no database, but long enough to be looked at" * 100)

    with pytest.raises(RecordsError, match="not a database"):
        await RecordStore.open(f"sqlite:///{tmp_path / 'proofs.db'}", keys=[KEY], in_subprocess=True)


async def test_a_process_that_migrates_says_why_it_cannot(tmp_path):
    with pytest.raises(Failure, match="unable to open database file"):
        await migrate_in_subprocess(StoreAddress("sqlite:///gone.db", "gone.db", tmp_path / "gone.db"))


async def test_a_store_of_the_first_release_goes_on_and_still_verifies(tmp_path):
    path = tmp_path / "proofs.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        upgrade(connection, "0001")
        connection.commit()
    engine.dispose()
    keyring = Keyring([KEY])
    content = content_of(answer("somebody"), None)
    with closing(sqlite3.connect(path)) as old, old:
        start = root(keyring.key(keyring.newest), "old", 1, b"")
        record = Chain(keyring.key(keyring.newest), "old", 0, start).append("0" * 26, NOON, content)
        row = dict(zip(COLUMNS, values_of(record), strict=True))
        for later in ("gesture", "control", "withdrawn", "asked", "surface", "declared_by", "declared_at"):
            del row[later]
        old.execute(
            f"INSERT INTO records ({','.join(row)}) VALUES ({','.join('?' * len(row))})", [*row.values()]
        )
        seals = [keyring.seal("head", "old", 1, record.link), 0, start, keyring.seal("base", "old", 0, start)]
        writer = [1, "old", keyring.newest, start, NOON, 1, record.link, NOON, *seals]
        old.execute(f"INSERT INTO writers VALUES ({','.join('?' * 12)})", writer)
        old.executemany(
            "INSERT INTO texts VALUES (?, ?, ?, ?, ?)",
            [
                (SHOWN.rules_digest, "rules", SHOWN.policy_version, SHOWN.rules, NOON),
                (SHOWN.wording_digest, "wording", SHOWN.policy_version, SHOWN.wording, NOON),
            ],
        )

    store = await RecordStore.open(f"sqlite:///{path}", keys=[KEY])
    second = await store.add(answer("somebody", time=NOON + 3_600_000, gesture=Gesture.UNKNOWN))
    before, kept = await store.verify(()), [await store.get(one) for one in (record.id, second.id)]
    erased = await store.erase_visitor("somebody")
    after = await store.verify(())
    await store.close()

    assert [one.content.gesture for one in kept] == [None, Gesture.UNKNOWN]
    assert (before.faults, before.records, erased, after.faults) == ([], 2, 2, [])
    assert await raw(f"sqlite:///{path}", "SELECT count(*) FROM records WHERE gesture IS NOT NULL") == [(0,)]
