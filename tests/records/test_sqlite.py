"""One file, one thread for each connection: what is committed is on the disk, what is deleted is overwritten."""

import asyncio
import sqlite3

import pytest

from proxy.records.driver import Failure
from proxy.records.sqlite import SqliteConnection, connect


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "100% proofs?#.db"
    file.touch()
    return file


@pytest.fixture
async def connection(path):
    opened = await SqliteConnection.open(path, read_only=False, pages="")
    await opened.run("CREATE TABLE some (id INTEGER PRIMARY KEY, word TEXT)")
    await opened.many("INSERT INTO some VALUES (?, ?)", [(1, "a"), (2, "b"), (3, "c")])
    yield opened
    await opened.close()


def pragma(path, name, **how):
    with sqlite3.Connection.__enter__(connect(path, **how)) as opened:
        found = opened.execute(f"PRAGMA {name}").fetchone()[0]
    opened.close()
    return found


def test_a_commit_is_synced_and_what_is_deleted_is_overwritten(path):
    assert (pragma(path, "synchronous"), pragma(path, "secure_delete"), pragma(path, "journal_mode")) == (
        2,
        1,
        "wal",
    )
    assert pragma(path, "max_page_count", pages="60") == 60
    assert path.exists()


def test_a_file_that_is_only_read_is_not_written_to(path):
    connect(path).close()
    reader = connect(path, read_only=True)

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("CREATE TABLE other (id)")
    reader.close()


def test_no_file_is_made(tmp_path):
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        connect(tmp_path / "gone.db")
    assert list(tmp_path.iterdir()) == []


async def test_rows_are_read_by_name_and_counted_when_changed(connection):
    rows = await connection.all("SELECT id, word FROM some WHERE id > ? ORDER BY id", 1)

    assert [(row["id"], row["word"]) for row in rows] == [(2, "b"), (3, "c")]
    assert await connection.run("UPDATE some SET word = ? WHERE id > ?", "x", 1) == 2


async def test_statements_written_for_both_databases_are_read_here(connection):
    rows = await connection.all("SELECT id FROM some WHERE word IN ? ORDER BY id FOR UPDATE", ["a", "c"])

    assert [row[0] for row in rows] == [1, 3]


async def test_what_is_rolled_back_was_never_there_also_without_a_transaction(connection):
    await connection.begin(write=True)
    await connection.run("DELETE FROM some")
    await connection.rollback()
    await connection.rollback()

    assert len(await connection.all("SELECT id FROM some")) == 3
    assert await connection.alive()


async def test_who_writes_takes_the_lock_when_they_begin(connection, path):
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    await connection.begin(write=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    await connection.rollback()
    await connection.begin(write=True)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    await connection.commit()
    other.close()


@pytest.mark.parametrize(
    ("values", "refused"), [((1, "a"), True), ((2**70, "a"), True), ((9, "\ud800"), True)]
)
async def test_what_the_store_refuses_is_told_from_a_store_that_fails(connection, values, refused):
    with pytest.raises(Failure) as error:
        await connection.run("INSERT INTO some VALUES (?, ?)", *values)
    with pytest.raises(Failure) as broken:
        await connection.run("INSERT INTO gone VALUES (1)")

    assert (error.value.refused, broken.value.refused) == (refused, False)
    assert not error.value.lost


async def test_a_connection_that_is_abandoned_rolls_back_what_was_open(path):
    opened = await SqliteConnection.open(path, read_only=False, pages="")
    await opened.run("CREATE TABLE some (id INTEGER)")
    await opened.begin(write=True)
    await opened.run("INSERT INTO some VALUES (1)")
    opened.abandon()
    await asyncio.get_running_loop().run_in_executor(None, opened._thread.shutdown)
    again = connect(path)

    assert again.execute("SELECT count(*) FROM some").fetchone() == (0,)
    again.close()
