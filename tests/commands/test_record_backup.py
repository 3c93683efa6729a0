"""`records backup` and `records restore`, from a config file to what they print."""

import json
import sqlite3

import pytest

from proxy.errors import RecordsError, StartError
from proxy.records.store import RecordStore
from tests.commands.records_cli import SIGNING, run, write_config
from tests.records.answers import answer


@pytest.fixture
async def config(tmp_path):
    (tmp_path / "here").mkdir()
    config = write_config(tmp_path / "here")
    store = await RecordStore.open("sqlite:///proofs.db", keys=[SIGNING], folder=config.parent)
    await store.add(answer("ana"))
    await store.add(answer("ben"))
    await store.close()
    return config


@pytest.fixture
def elsewhere(tmp_path):
    """The config and the key on a new machine, without a store."""
    (tmp_path / "there").mkdir()
    return write_config(tmp_path / "there")


def test_a_backup_is_restored_on_a_new_machine(config, elsewhere, tmp_path):
    file = tmp_path / "backup.db"

    said = run(config, "backup", str(file)).stdout
    assert said == "backed up records: 2, chains: 1, daily numbers: 0\n"
    said = run(elsewhere, "restore", str(file), "--json").stdout
    assert json.loads(said) == {"restored": {"records": 2, "writers": 1, "days": 0}}
    assert "every seal holds" in run(elsewhere, "verify").stdout
    assert run(elsewhere, "export").stdout == run(config, "export").stdout


def test_a_dry_run_checks_and_changes_nothing(config, tmp_path):
    file = tmp_path / "backup.db"
    run(config, "backup", str(file))
    run(config, "purge", "--older-than", "1 day")

    said = run(config, "restore", str(file), "--replace", "--dry-run").stdout

    assert said == "would restore records: 2, chains: 1, daily numbers: 0\n"
    assert run(config, "export").stdout == ""


def test_a_store_that_is_not_empty_is_replaced_only_when_told(config, tmp_path):
    file = tmp_path / "backup.db"
    run(config, "backup", str(file))
    run(config, "purge", "--older-than", "1 day")

    assert "is not empty" in run(config, "restore", str(file), code=1).stderr
    assert run(config, "export").stdout == ""
    run(config, "restore", str(file), "--replace")
    assert len(run(config, "export").stdout.splitlines()) == 2


def test_a_backup_that_was_altered_is_not_restored(config, elsewhere, tmp_path):
    file = tmp_path / "backup.db"
    run(config, "backup", str(file))
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TRIGGER records_only_erased")
        connection.execute("UPDATE records SET site = 'elsewhere.example' WHERE visitor = 'ana'")

    said = run(elsewhere, "restore", str(file), code=1).stderr

    assert "altered: record" in said
    assert "is not restored" in said
    assert run(elsewhere, "export").stdout == ""


def test_the_wrong_key_or_none_is_said_before_anything_is_changed(config, elsewhere, tmp_path):
    file = tmp_path / "backup.db"
    run(config, "backup", str(file))
    key = elsewhere.parent / "consent.key"

    key.write_bytes(b"f" * 32 + b"\n")
    assert "add the old key" in run(elsewhere, "restore", str(file), code=1).stderr
    key.unlink()
    with pytest.raises(StartError, match="put that of the backup there"):
        run(elsewhere, "restore", str(file))
    assert not key.exists()


def test_an_existing_file_is_not_written_over(config, tmp_path):
    (tmp_path / "backup.db").write_text("precious")

    with pytest.raises(RecordsError, match="name a new file"):
        run(config, "backup", str(tmp_path / "backup.db"))
    assert (tmp_path / "backup.db").read_text() == "precious"
