"""Runs the steps under a lock: one process at a time, whoever comes second finds them done."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from proxy.records.driver import Failure
from proxy.records.migrations import STEPS, VERSIONS
from proxy.records.sqlite import connect
from proxy.records.store_address import StoreAddress

_MIGRATING = 0x636F6E73
"""The advisory lock that a migrating proxy holds on PostgreSQL ("cons")."""


async def migrate(address: StoreAddress) -> None:
    """Bring the store at that address to the schema of this program."""
    try:
        if address.path is not None:
            await asyncio.to_thread(_sqlite, address)
        else:
            await _postgresql(address)
    except DBAPIError as error:
        raise Failure(error.orig or error) from error


def _sqlite(address: StoreAddress) -> None:
    path = address.path
    assert path is not None
    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _upgrade(connection)
        connection.commit()


def make_file(path: Path, schema: str) -> None:
    """Make a SQLite file at a schema, which may be an older one than ours (0600)."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(connection, schema)
        connection.commit()


async def _postgresql(address: StoreAddress) -> None:
    from proxy.records.postgresql import connect as reach  # noqa: PLC0415 - asyncpg: 3 MB for SQLite

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: reach(address.url), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    """Run the steps that are missing; another process may have run them while we waited."""
    if inspect(connection).has_table(VERSIONS):
        query = text(f"SELECT version_num FROM {VERSIONS}")  # noqa: S608 - a constant
        if connection.execute(query).scalar() == STEPS[-1]:
            return
    upgrade(connection, STEPS[-1])


def scripts() -> ScriptDirectory:
    """Return the steps as Alembic sees them."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(connection: Connection, to: str) -> None:
    """Bring the store behind that connection to a schema."""
    directory = scripts()
    config = Config(attributes={"connection": connection, "version_table": VERSIONS})

    def steps(found: Any, _context: object) -> Any:
        return directory._upgrade_revs(to, found)  # noqa: SLF001 - as Alembic's own command does

    with EnvironmentContext(config, directory, fn=steps):
        directory.run_env()
