"""Commands run on the store that a config names, which must be there, and leave it closed."""

import asyncio

import pytest

from proxy.commands.record_store import with_store
from proxy.errors import RecordsError, StartError
from proxy.records.store import RecordStore
from tests.commands.records_cli import SIGNING, write_config
from tests.records.answers import answer


async def fill(config) -> str:
    store = await RecordStore.open("sqlite:///proofs.db", keys=[SIGNING], folder=config.parent)
    record = await store.add(answer())
    await store.close()
    return record.id


async def test_the_store_is_that_of_the_config_with_its_keys_and_its_age(tmp_path):
    config = write_config(tmp_path)
    kept = await fill(config)
    found = {}

    async def run(store):
        found["record"], found["sound"] = await store.get(kept), (await store.verify()).sound
        found["store"] = store

    await asyncio.to_thread(with_store, config, run)

    assert found["record"].id == kept
    assert found["sound"]
    assert found["store"]._keep == 365 * 86_400
    with pytest.raises(RecordsError, match="closed"):
        await found["store"].add(answer())


def test_where_there_is_none_neither_store_nor_key_is_made(tmp_path):
    config = write_config(tmp_path)
    (tmp_path / "consent.key").unlink()

    async def run(store):
        pytest.fail("there is no store")

    with pytest.raises(StartError, match="there is no store"):
        with_store(config, run)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


async def test_it_is_closed_also_where_the_command_fails(tmp_path):
    config = write_config(tmp_path)
    await fill(config)
    stores = []

    async def run(store):
        stores.append(store)
        raise ValueError("of the command")

    with pytest.raises(ValueError, match="of the command"):
        await asyncio.to_thread(with_store, config, run)
    with pytest.raises(RecordsError, match="closed"):
        await stores[0].add(answer())


def test_a_damaged_store_is_opened_only_for_who_does_not_need_it_whole(tmp_path):
    config = write_config(tmp_path)
    (tmp_path / "proofs.db").write_bytes(b"no proofs at all " * 500)
    opened = []

    async def run(store):
        opened.append(store.name)

    with pytest.raises(RecordsError, match="not a database"):
        with_store(config, run)
    with_store(config, run, needed=False)
    assert len(opened) == 1
