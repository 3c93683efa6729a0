"""The same statements on PostgreSQL: as asyncpg reads them, durable, and told apart when they fail."""

import asyncio

import asyncpg
import pytest

from proxy.errors import StartError
from proxy.records.driver import Failure, Pool
from proxy.records.postgresql import PostgresConnection, _adapt_statement


@pytest.fixture
async def connection(postgres):
    opened = await PostgresConnection.open(await postgres.fresh())
    await opened.run("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)")
    await opened.many("INSERT INTO words VALUES (?, ?)", [(1, "a"), (2, "b"), (3, "c")])
    yield opened
    await opened.close()


def test_placeholders_are_numbered_and_a_list_is_one_value():
    statement = "SELECT a FROM b WHERE c = ? AND d IN ? AND e < ? FOR UPDATE"

    assert _adapt_statement(statement) == "SELECT a FROM b WHERE c = $1 AND d = ANY($2) AND e < $3 FOR UPDATE"


async def test_an_address_that_can_never_work_is_a_fault_of_the_config():
    with pytest.raises(StartError, match="the address of the store cannot be used"):
        await PostgresConnection.open("postgresql://db/x?sslmode=perhaps")


@pytest.mark.parametrize("password", ["pass/word", "pass#word", "pass?word", "pass[word"])
async def test_a_password_that_is_not_encoded_is_told_so_and_quoted_nowhere(password):
    with pytest.raises(StartError, match="in a password") as told:
        await PostgresConnection.open(f"postgresql://ana:{password}@127.0.0.1/x")

    assert "pass" not in str(told.value).replace("password", "")


async def test_a_commit_has_reached_the_disk_whatever_the_servers_default(connection):
    assert [tuple(row) for row in await connection.all("SHOW synchronous_commit")] == [("on",)]


async def test_rows_are_read_by_name_and_counted_when_changed(connection):
    rows = await connection.all("SELECT id, word FROM words WHERE word IN ? ORDER BY id", ["a", "c"])

    assert [(row["id"], row["word"]) for row in rows] == [(1, "a"), (3, "c")]
    assert await connection.run("UPDATE words SET word = ? WHERE id > ?", "x", 1) == 2
    assert await connection.run("CREATE TABLE other (id INTEGER)") == 0


async def test_what_is_rolled_back_was_never_there_also_without_a_transaction(connection):
    await connection.begin(write=True)
    await connection.run("DELETE FROM words")
    await connection.rollback()
    await connection.rollback()

    assert len(await connection.all("SELECT id FROM words")) == 3


async def test_who_only_reads_cannot_write(connection):
    await connection.begin(write=False)
    with pytest.raises(Failure, match="read-only"):
        await connection.run("DELETE FROM words")
    await connection.rollback()
    await connection.begin(write=True)
    await connection.run("DELETE FROM words")
    await connection.commit()

    assert await connection.all("SELECT id FROM words") == []


@pytest.mark.parametrize(
    ("statement", "values", "refused"),
    [("INSERT INTO words VALUES (?, ?)", (1, "a"), True), ("INSERT INTO words VALUES (?, ?)", (9, "nul \x00"), True), ("INSERT INTO words VALUES (?, ?)", ("x", "a"), True), ("INSERT INTO gone VALUES (1)", (), False)],
)  # fmt: skip
async def test_what_the_store_refuses_is_told_from_a_store_that_fails(connection, statement, values, refused):
    with pytest.raises(Failure) as error:
        await connection.run(statement, *values)

    assert (error.value.refused, error.value.lost) == (refused, False)


async def test_a_connection_that_is_gone_is_neither_alive_nor_at_fault(postgres):
    opened = await PostgresConnection.open(await postgres.fresh())
    assert await opened.alive()
    opened.abandon()

    assert not await opened.alive()
    with pytest.raises(Failure) as error:
        await opened.all("SELECT 1")
    assert (error.value.lost, error.value.refused) == (True, False)


async def test_a_primary_that_became_read_only_under_a_connection_is_left_and_a_reader_stays(postgres):
    opened = await PostgresConnection.open(await postgres.fresh())
    await opened.begin(write=True)
    await opened.run("SET TRANSACTION READ ONLY")
    with pytest.raises(Failure, match="read-only") as writing:
        await opened.run("CREATE TABLE words (id INTEGER)")
    await opened.rollback()
    await opened.begin(write=False)
    with pytest.raises(Failure, match="read-only") as reading:
        await opened.run("CREATE TABLE words (id INTEGER)")
    await opened.rollback()
    await opened.close()

    assert (writing.value.lost, reading.value.lost) == (True, False)


async def test_a_commit_that_gave_up_waiting_for_its_standby_is_no_commit(postgres):
    """The server says so in a warning alone: to whoever asked, it committed."""
    url = await postgres.fresh()
    opened = await PostgresConnection.open(url)
    other = await asyncpg.connect(url)
    await opened.run("CREATE TABLE words (id INTEGER)")
    pid = (await opened.all("SELECT pg_backend_pid()"))[0][0]
    try:
        await postgres.synchronous("nobody")
        await opened.begin(write=True)
        await opened.run("INSERT INTO words VALUES (1)")
        committing = asyncio.ensure_future(opened.commit())
        while not await other.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"):
            await asyncio.sleep(0.02)
        await other.execute("SELECT pg_cancel_backend($1)", pid)
        with pytest.raises(Failure, match="not certain") as error:
            await committing
    finally:
        await postgres.synchronous("")
        await other.close()
    await opened.begin(write=True)
    await opened.run("INSERT INTO words VALUES (2)")
    await opened.commit()
    await opened.close()

    assert (error.value.lost, error.value.refused) == (False, False)


async def test_a_server_that_says_nothing_is_lost_when_a_transaction_should_begin(postgres):
    opened = await PostgresConnection.open(await postgres.fresh())
    opened._connection._transport.pause_reading()
    with pytest.raises(Failure) as error:
        await opened.begin(write=True)
    assert not await opened.alive()
    opened.abandon()

    assert error.value.lost


async def test_where_one_idle_connection_lost_its_server_the_others_are_not_waited_for(postgres):
    url = await postgres.fresh()
    opened = []

    async def connect():
        opened.append(await PostgresConnection.open(url))
        return opened[-1]

    pool = Pool(connect, 3, patience=3, ping=True)
    async with pool.connection(), pool.connection(), pool.connection():
        pass
    pool._idle[-1].abandon()
    async with pool.connection() as connection:
        assert connection is opened[-1]
    closed = [one._connection.is_closed() for one in opened]
    await pool.close()

    assert closed == [True, True, True, False]
