"""Upgrade and rollback between schemas, walked with two programs: this one, and one of the schema before.

The older one is a copy of this one that does not know the newest step, its columns included: as an
older release would be.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.records.migrations import STEPS
from tests.patience import until
from tests.ports import free_port
from tests.records.conftest import postgres
from tests.shared import ROOT
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES

__all__ = ["postgres"]

OLDER, NEWER = STEPS[-2:]
UNKNOWN = ("declared_by", "declared_at")  # what the newest step adds to a record
KEY = "k" * 64


@pytest.fixture(scope="module")
def older(tmp_path_factory) -> Path:
    """A folder with the program as it was before the newest step."""
    folder = tmp_path_factory.mktemp("older")
    records = folder / "proxy" / "records"
    shutil.copytree(ROOT / "proxy", folder / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("rules.yaml", "config"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    [newest] = records.glob(f"migrations/versions/v{NEWER}_*.py")
    assert [f'"{name}"' in newest.read_text() for name in UNKNOWN] == [True] * len(UNKNOWN)
    newest.unlink()
    _cut(records / "migrations" / "__init__.py", rf', "{NEWER}"', 1)
    for name in UNKNOWN:
        _cut(records / "rows.py", rf' +"{name}",\n', 1)
        _cut(records / "rows.py", rf" +content\.{name},\n", 1)
        _cut(records / "rows.py", rf' +{name}=row\["{name}"\],\n', 1)
        _cut(records / "schema.py", rf' +Column\("{name}", Text\),\n', 1)
    _cut(records / "days.py", r", declared_by", 1)
    _cut(records / "days.py", r' +if row\["declared_by"\] is not None:\n.*\n', 1)
    return folder


def _cut(path: Path, pattern: str, times: int) -> None:
    text, found = re.subn(pattern, "", path.read_text())
    assert found == times, (path.name, pattern)
    path.write_text(text)


@dataclass
class Program:
    """One of the two programs, with a config of its own for a store."""

    code: Path
    folder: Path
    upstream: str
    store: str

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.port, self.log = free_port(), self.folder / "log"
        (self.folder / "consent.key").write_text(KEY)
        (self.folder / "rules.yaml").write_text(RULES)
        (self.folder / "config.yaml").write_text(
            f"listen: 127.0.0.1:{self.port}\nsites: [{{ hosts: [callkom.io], upstream: '{self.upstream}' }}]\n"
            f"records: {self.store}\nconsent: {{ key: consent.key }}\n"
        )

    def command(self, *words: object) -> list[str]:
        return [sys.executable, "-m", "proxy", *map(str, words), "--config", str(self.folder / "config.yaml")]

    def run(self, *words: object, status: int = 0) -> str:
        """Run a command to its end and return what it said."""
        told = subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=100,
            cwd=self.folder, env=self._environment(),
        )  # fmt: skip
        assert told.returncode == status, told.stdout + told.stderr
        return told.stdout + told.stderr

    @contextlib.contextmanager
    def serves(self):
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                self.command("serve", "--rules", self.folder / "rules.yaml"),
                stdout=log, stderr=log, cwd=self.folder, env=self._environment(),
            )  # fmt: skip
        try:
            assert until(lambda: "serving_started" in self.log.read_text()), self.log.read_text()
            yield
        finally:
            process.terminate()
            process.wait(60)

    def accept(self) -> str:
        """Accept as a visitor; return the number on the receipt."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/.consent/choice", data=b"choice=accept&return=/"
        )
        request.add_header("Host", "callkom.io")
        request.add_header("Accept", "application/json")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)["id"]

    def exported(self) -> set[str]:
        lines = self.run("records", "export").splitlines()
        return {json.loads(line)["id"] for line in lines if line.startswith("{")}  # beside them the progress

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.code)}


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request, tmp_path):
    """Make the address of a new store."""
    number = iter(range(9))

    async def make() -> str:
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path / f'proofs-{next(number)}.db'}"
        return await request.getfixturevalue("postgres").fresh()

    return make


@pytest.mark.load
@pytest.mark.timeout(600)
async def test_a_store_is_upgraded_in_service_and_rolled_back_with_every_record(tmp_path, older, fresh):
    store, second = await fresh(), await fresh()
    async with Origin({b"/": html(PAGE)}) as origin:
        was = Program(older, tmp_path / "was", origin.url, store)
        now = Program(ROOT, tmp_path / "now", origin.url, store)
        again = Program(older, tmp_path / "again", origin.url, second)
        await asyncio.to_thread(walk, tmp_path, was, now, again)


def walk(tmp_path: Path, was: Program, now: Program, again: Program) -> None:
    with was.serves():
        ids = {was.accept()}
        was.run("records", "backup", tmp_path / "before.db")
        with now.serves():  # brings the schema up to date, and the older one goes on beside it
            ids |= {was.accept(), now.accept(), was.accept()}
    assert "every seal holds" in now.run("records", "verify")
    assert now.exported() == ids

    # Whoever is older than the store says so, whatever it is asked to do.
    sentence = f"has schema {NEWER}, this program knows up to {OLDER}"
    assert sentence in was.run("serve", "--rules", was.folder / "rules.yaml", status=1)
    assert sentence in was.run("check", "--connect", status=1)
    assert sentence in was.run("records", "list", status=1)

    # Back: the newer program writes what the older one can restore, nothing is left behind.
    now.run("records", "backup", tmp_path / "back.db", "--schema", OLDER)
    assert sentence in was.run("records", "restore", tmp_path / "back.db", "--replace", status=1)
    again.run("records", "restore", tmp_path / "back.db")
    with again.serves():
        ids.add(again.accept())
        assert "every seal holds" in again.run("records", "verify")
    assert again.exported() == ids

    # And forward once more: the newer program takes the older one's store.
    later = Program(ROOT, tmp_path / "later", now.upstream, again.store)
    with later.serves():
        ids.add(later.accept())
    assert "every seal holds" in later.run("records", "verify")
    assert later.exported() == ids

    # A backup from before the upgrade is restored by the newer program too.
    assert "would restore records: 1" in later.run(
        "records", "restore", tmp_path / "before.db", "--replace", "--dry-run"
    )
