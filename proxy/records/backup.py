"""Backups: a whole store, of either kind, as one SQLite file that is a store itself, and back.

A backup of PostgreSQL can be restored into SQLite and the other way round; both check the same seals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.errors import RecordsError
from proxy.records.database import Database
from proxy.records.driver import FAILURES, Connection, Row, first, why
from proxy.records.migrations import STEPS, VERSIONS
from proxy.records.sqlite import SqliteConnection, connect

_FILE = "proofs.db"
_PAGE = 500
_GUARDED = ("records", "writers")
_REPLACED = (*_GUARDED, "days")
"""What a restore puts in place of what is there. Everything else is added to it: a text goes by its own
digest, a key by its id, and a process that serves relies on those that it has written."""

_SCHEMAS = STEPS[2:]
"""The schemas that have those tables: what a backup may be written for."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How many rows of the tables that a restore replaces there are."""

    records: int
    writers: int
    days: int

    @property
    def empty(self) -> bool:
        """True when nothing would be lost."""
        return not (self.records or self.writers or self.days)

    def __str__(self) -> str:
        return f"records: {self.records}, chains: {self.writers}, daily numbers: {self.days}"


async def contents(database: Database) -> Contents:
    """Return how much a store holds."""
    async with database.reading() as connection:
        return await _contents(connection)


async def write_backup(database: Database, file: Path, schema: str = STEPS[-1]) -> Contents:
    """Write the store as it is at one moment to a new file (0600); whoever serves goes on meanwhile.

    With an older `schema` the file is for an older program; what has no place there is refused.
    """
    _require_new(file)
    with _file_errors(file), tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as name:
        part = Path(name, _FILE)
        if schema != STEPS[-1]:
            found = await _export_older(database, part, schema)
        else:
            found = await _write_current(database, part)
        await asyncio.to_thread(_put_in_place, part, file)
    return found


async def _write_current(database: Database, part: Path) -> Contents:
    if database.path is not None:
        await asyncio.to_thread(_copy_file, database.path, part)
    else:
        await _export(database, part)
    copy = Database(f"sqlite:///{_FILE}", part.parent)
    try:
        return await contents(copy)
    finally:
        await copy.close()


@contextlib.asynccontextmanager
async def opened_backup(file: Path) -> AsyncIterator[Database]:
    """Give a private copy of a backup at the schema of this program; the file is not touched."""
    _require_file(file)
    with tempfile.TemporaryDirectory(prefix="consent-proxy-") as name:
        part = Path(name, _FILE)
        with _file_errors(file):
            await asyncio.to_thread(_copy_file, file, part)
            await asyncio.to_thread(_require_store, part)
        copy = Database(f"sqlite:///{_FILE}", part.parent)
        try:
            yield copy
        finally:
            await copy.close()


async def restore(backup: Database, database: Database, *, replace: bool) -> Contents:
    """Put what a backup holds into a store, all or nothing, and return how much that was.

    A store that holds anything is refused, or emptied first with `replace`.
    """
    async with backup.reading() as source, database.writing() as target:
        if database.path is None:
            tables = ", ".join(_columns())
            await target.run(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        held = await _contents(target)
        if not held.empty:
            if not replace:
                raise RecordsError(
                    f"the store {database.name} is not empty ({held}); --replace puts the backup in its place"
                )
            await (_empty_postgresql(target) if database.path is None else _empty_sqlite(target))
        await _copy_rows(source, target)
        return await _contents(target)


async def _contents(connection: Connection) -> Contents:
    counts = []
    for table in _REPLACED:
        row = await first(connection, f"SELECT count(*) FROM {table}")  # noqa: S608 - a constant
        counts.append(int(row[0]) if row is not None else 0)
    return Contents(*counts)


async def _export(database: Database, part: Path) -> None:
    """Copy every table of a PostgreSQL, as one transaction sees it."""
    copy = Database(f"sqlite:///{_FILE}", part.parent)
    try:
        async with database.reading() as source, copy.writing() as target:
            await _copy_rows(source, target)
    finally:
        await copy.close()


async def _export_older(database: Database, part: Path, schema: str) -> Contents:
    """Copy every table to a new file at an older schema; RecordsError where that would lose a proof."""
    if schema not in _SCHEMAS:
        raise RecordsError(f"no backup can have the schema {schema}; name one of {', '.join(_SCHEMAS)}")
    from proxy.records.migrations.migrate import make_file  # noqa: PLC0415 - SQLAlchemy and Alembic: 30 MB

    await asyncio.to_thread(make_file, part, schema)
    target = await SqliteConnection.open(part, read_only=False, pages="")
    try:
        async with database.reading() as source:
            await target.begin(write=True)
            for table, (columns, _key) in _columns().items():
                there = [row["name"] for row in await target.all(f"PRAGMA table_info({table})")]
                await _require_place(source, table, [name for name in columns if name not in there], schema)
                if there:
                    await _copy_table(source, target, table, there)
            found = await _contents(target)
            await target.commit()
        return found
    finally:
        await target.close()


async def _require_place(source: Connection, table: str, lacking: Sequence[str], schema: str) -> None:
    """Raise RecordsError where columns that an older schema lacks hold something that proves or counts."""
    if not lacking or table not in _REPLACED:
        return
    held = " OR ".join(f"{name} IS NOT NULL" for name in lacking)
    row = await first(source, f"SELECT count(*) FROM {table} WHERE {held}")  # noqa: S608 - of the schema
    if row is not None and row[0]:
        raise RecordsError(
            f"schema {schema} has no place for {', '.join(lacking)}, which {row[0]} rows of {table} say: "
            "an older consent-proxy could not keep them as they are"
        )


async def _copy_rows(source: Connection, target: Connection) -> None:
    for table, (columns, _key) in _columns().items():
        await _copy_table(source, target, table, columns)


async def _copy_table(source: Connection, target: Connection, table: str, columns: Sequence[str]) -> None:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    unless = "" if table in _REPLACED else " ON CONFLICT DO NOTHING"
    insert = f"INSERT INTO {table} ({names}) VALUES ({marks}){unless}"  # noqa: S608 - of the schema
    async for rows in _pages(source, table):
        await target.many(insert, [tuple(row[name] for name in columns) for row in rows])


async def _pages(source: Connection, table: str) -> AsyncIterator[Sequence[Row]]:
    """Give the rows of a table by its key, a page at a time: memory stays constant."""
    columns, key = _columns()[table]
    by, marks = ", ".join(key), ", ".join("?" * len(key))
    begin = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - of the schema
    end = f"ORDER BY {by} LIMIT {_PAGE}"
    rows = await source.all(f"{begin} {end}")
    while rows:
        yield rows
        last = [rows[-1][name] for name in key]
        rows = await source.all(f"{begin} WHERE ({by}) > ({marks}) {end}", *last)


def _columns() -> dict[str, tuple[list[str], list[str]]]:
    """Return the columns of each table, and those of its key."""
    from proxy.records.schema import metadata  # noqa: PLC0415 - SQLAlchemy: 20 MB for this alone

    return {
        table.name: ([column.name for column in table.columns], [one.name for one in table.primary_key])
        for table in metadata.sorted_tables
    }


async def _empty_postgresql(target: Connection) -> None:
    for table in _GUARDED:
        await target.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await target.run(f"TRUNCATE {table}")
        await target.run(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await target.run("DELETE FROM days")


async def _empty_sqlite(target: Connection) -> None:
    guards = await target.all("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    for guard in guards:
        await target.run(f"DROP TRIGGER {guard['name']}")
    for table in _REPLACED:
        await target.run(f"DELETE FROM {table}")  # noqa: S608 - a constant
    for guard in guards:
        await target.run(guard["sql"])


def _copy_file(source: Path, copy: Path) -> None:
    """Copy a SQLite file in one step of its online backup: nobody who writes waits."""
    with (
        contextlib.closing(connect(source, read_only=True)) as here,
        contextlib.closing(sqlite3.connect(copy)) as there,
    ):
        here.backup(there)


def _put_in_place(part: Path, file: Path) -> None:
    """Make it one file without a journal, on the disk, then give it its name."""
    with contextlib.closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    with part.open("rb") as written:
        os.fsync(written.fileno())
    _require_new(file)
    part.replace(file)


def _require_new(file: Path) -> None:
    if file.exists():
        raise RecordsError(f"{file} exists; name a new file")


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise RecordsError(f"there is no backup at {file}")


def _require_store(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"SELECT version_num FROM {VERSIONS}").fetchone()  # noqa: S608 - a constant


@contextlib.contextmanager
def _file_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, *FAILURES) as error:
        raise RecordsError(f"the backup {file} failed: {why(error)}") from error
