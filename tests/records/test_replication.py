"""A primary and its streaming standby, real ones: found, told apart, and followed when they change."""

import asyncio

import pytest

from proxy.errors import RecordsError
from proxy.records.database import Database
from proxy.records.replication import ServerState, replication_doubts, server_states
from proxy.records.store import RecordStore
from tests.records.answers import KEY, answer, raw
from tests.records.postgres import both


async def test_a_store_goes_on_at_the_promoted_standby_with_every_record(pair):
    old, new = pair
    await old.synchronous("*")
    store = await RecordStore.open(both(new, old), keys=[KEY])  # the standby first: it is passed over
    before = await store.add(answer("before"))
    assert (await store.of_visitor("before")) == [before]

    old.kill()
    new.promote()
    await new_store_accepts(store)
    found = {record.content.visitor async for record in store.every()}
    verified = await store.verify()
    await store.close()

    assert found == {"before", "after"}
    assert verified.faults == []


async def new_store_accepts(store):
    for _ in range(20):
        try:
            await store.add(answer("after"))
        except RecordsError:
            continue
        return
    raise AssertionError(store.trouble)


async def test_a_second_click_proves_no_more_than_the_first_while_the_standby_is_away(pair):
    """The primary has the record and shows it, since it was made to give up its wait for the standby."""
    primary, standby = pair
    await primary.synchronous("*")
    store = await RecordStore.open(both(primary, standby), keys=[KEY])
    await store.add(answer("earlier"))
    standby.stop("immediate")

    first = asyncio.ensure_future(store.add(answer("somebody")))
    stuck = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    while not await raw(primary.url(), stuck):
        await asyncio.sleep(0.02)
    with pytest.raises(RecordsError, match="not certain"):
        await first
    [(there,)] = await raw(primary.url(), "SELECT id FROM records WHERE visitor = 'somebody'")
    with pytest.raises(RecordsError):
        await store.add(answer("somebody"))
    standby.start()
    proof = await store.add(answer("somebody"))
    await store.close()

    assert proof.id == there


async def test_texts_that_a_promoted_standby_lacks_are_stored_again(pair):
    primary, standby = pair  # asynchronous: what the primary had last is not in the standby
    url = both(primary, standby)
    store = await RecordStore.open(url, keys=[KEY])
    await store.add(answer("before"))
    await raw(primary.url(), "DELETE FROM texts")  # as if it had been promoted without them
    [(pid,)] = await raw(primary.url(), "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT;' LIMIT 1")
    await raw(primary.url(), f"SELECT pg_terminate_backend({pid})")
    await store.add(answer("after"))
    verified = await store.verify()
    await store.close()

    assert verified.faults == []


async def test_check_says_who_is_who_and_that_a_commit_does_not_wait(pair):
    primary, standby = pair
    url = both(standby, primary)
    before = await server_states(url)
    await primary.synchronous("*")
    after = await server_states(url)
    standby.promote()
    torn = await server_states(url)
    database = Database(url)
    await database.inspect()
    await database.close()
    standby.stop()
    [gone, *_] = await server_states(url)

    assert [(state.standby, state.synchronous) for state in before] == [(True, False), (False, False)]
    assert "set synchronous_standby_names" in " ".join(replication_doubts(before))
    assert list(replication_doubts(after)) == []
    assert "both take writes" in " ".join(replication_doubts(torn))
    assert gone.standby is None
    assert "no failover would find it" in " ".join(replication_doubts([gone]))


def test_a_pair_of_which_only_one_answers_is_told_with_its_reason():
    states = [ServerState("db1", False, synchronous=True), ServerState("db2", None, trouble="refused")]

    assert list(replication_doubts(states)) == ["db2 cannot be asked: refused; no failover would find it"]


async def test_a_standby_alone_is_passed_over_with_a_reason(pair):
    primary, standby = pair
    url = both(primary, standby)
    primary.stop()

    with pytest.raises(RecordsError, match="it is a standby, or read-only"):
        await RecordStore.open(url, keys=[KEY])
