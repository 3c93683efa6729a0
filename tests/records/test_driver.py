"""Connections that are shared: kept while they are well, let go when they may not be."""

import asyncio
import sqlite3

import pytest

from proxy.records.driver import Failure, Pool, first
from proxy.records.sqlite import SqliteConnection


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "some.db"
    made = sqlite3.connect(file)
    made.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    made.close()
    return file


@pytest.fixture
async def pool(path):
    opened = []

    async def connect():
        opened.append(await SqliteConnection.open(path, read_only=False, pages=""))
        return opened[-1]

    pool = Pool(connect, 1, patience=0.2)
    pool.opened = opened
    yield pool
    await pool.close()


async def words(pool):
    async with pool.transaction(write=False) as connection:
        return [row["word"] for row in await connection.all("SELECT word FROM words ORDER BY word")]


async def test_what_a_transaction_wrote_is_there_once_it_is_left(pool):
    async with pool.transaction(write=True) as connection:
        assert await connection.run("INSERT INTO words VALUES (?)", "one") == 1
        await connection.many("INSERT INTO words VALUES (?)", [("two",), ("three",)])

    assert await words(pool) == ["one", "three", "two"]
    assert len(pool.opened) == 1


async def test_a_transaction_that_fails_leaves_nothing_and_its_connection_serves_on(pool):
    with pytest.raises(LookupError):
        async with pool.transaction(write=True) as connection:
            await connection.run("INSERT INTO words VALUES (?)", "one")
            raise LookupError

    assert await words(pool) == []
    assert len(pool.opened) == 1


async def test_a_value_that_no_column_takes_is_told_from_a_store_that_fails(pool):
    async with pool.transaction(write=True) as connection:
        await connection.run("INSERT INTO words VALUES (?)", "one")
    with pytest.raises(Failure) as twice:
        async with pool.transaction(write=True) as connection:
            await connection.run("INSERT INTO words VALUES (?)", "one")
    with pytest.raises(Failure) as surrogate:
        async with pool.transaction(write=True) as connection:
            await connection.run("INSERT INTO words VALUES (?)", "\ud800")
    with pytest.raises(Failure) as gone:
        async with pool.transaction(write=True) as connection:
            await connection.run("INSERT INTO nowhere VALUES (?)", "one")

    assert [error.value.refused for error in (twice, surrogate, gone)] == [True, True, False]


async def test_a_connection_that_was_given_up_in_the_middle_is_never_used_again(pool):
    begun = asyncio.Event()

    async def dawdle():
        async with pool.transaction(write=True) as connection:
            await connection.run("INSERT INTO words VALUES (?)", "one")
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(dawdle())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await words(pool) == []
    assert len(pool.opened) == 2


async def test_whoever_finds_every_connection_taken_waits_no_longer_than_told(pool):
    async with pool.connection():
        with pytest.raises(TimeoutError):
            await words(pool)

    assert await words(pool) == []


async def test_a_list_is_one_value(pool):
    async with pool.transaction(write=True) as connection:
        await connection.many("INSERT INTO words VALUES (?)", [("one",), ("two",), ("it's",)])
        found = await connection.all(
            "SELECT word FROM words WHERE word IN ? ORDER BY word", ["two", "it's", "x"]
        )
        none = await first(connection, "SELECT word FROM words WHERE word IN ?", [])

    assert [row["word"] for row in found] == ["it's", "two"]
    assert none is None
