"""A database is opened at the schema of this program, in a file of its owner alone."""

import contextlib
import stat

import pytest

from proxy.errors import RecordsError, StartError
from proxy.records.store import RecordStore
from tests.records.answers import KEY, answer, raw


@contextlib.asynccontextmanager
async def opened(url, **options):
    store = await RecordStore.open(url, keys=[KEY], **options)
    try:
        yield store
    finally:
        await store.close()


async def test_a_store_of_a_newer_program_is_refused_in_one_sentence(url):
    async with opened(url) as store:
        await store.add(answer())
    await raw(url, "UPDATE consent_proxy_schema SET version_num = '9999'")

    with pytest.raises(StartError, match=r"schema 9999.*newer consent-proxy"):
        await RecordStore.open(url, keys=[KEY])


async def test_the_sqlite_file_is_for_its_owner_only(tmp_path):
    async with opened(f"sqlite:///{tmp_path / 'proofs.db'}") as store:
        await store.add(answer())

        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}

    assert modes == {0o600}


async def test_a_file_that_others_could_read_is_taken_from_them(tmp_path):
    path = tmp_path / "proofs.db"
    path.touch(0o644)
    async with opened(f"sqlite:///{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_relative_file_counts_from_the_folder_of_the_config(tmp_path):
    async with opened("sqlite:///proofs.db", folder=tmp_path) as store:
        await store.add(answer())

    assert (tmp_path / "proofs.db").exists()


async def test_a_command_makes_no_store(tmp_path):
    with pytest.raises(StartError, match="there is no store"):
        await RecordStore.open(f"sqlite:///{tmp_path / 'proofs.db'}", keys=[KEY], create=False)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_was_removed_is_made_anew_not_written_into_nowhere(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    async with opened(url) as store:
        await store.add(answer("before"))
        for file in tmp_path.glob("proofs.db*"):
            file.unlink()

        await store.add(answer("after"))
    async with opened(url) as store:
        assert len(await store.of_visitor("after")) == 1
        assert (await store.verify()).sound


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "proofs.db"
    path.write_bytes(b"these are no proofs " * 500)

    with pytest.raises(RecordsError, match="not a database"):
        await RecordStore.open(f"sqlite:///{path}", keys=[KEY])


async def test_a_newer_schema_that_appears_while_running_is_not_written_to(tmp_path):
    url = f"sqlite:///{tmp_path / 'proofs.db'}"
    newer = tmp_path / "newer.db"
    async with opened(f"sqlite:///{newer}"):
        pass
    await raw(f"sqlite:///{newer}", "UPDATE consent_proxy_schema SET version_num = '9999'")
    async with opened(url) as store:
        await store.add(answer())
        for file in tmp_path.glob("proofs.db-*"):
            file.unlink()
        newer.replace(tmp_path / "proofs.db")

        with pytest.raises(RecordsError, match="newer consent-proxy"):
            await store.add(answer())
