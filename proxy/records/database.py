"""One database under two drivers: an embedded SQLite file, or a PostgreSQL that proxies share.

Opened at the schema of this program: older ones are migrated under a lock, newer ones refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from proxy.errors import RecordsError, StartError
from proxy.records.driver import FAILURES, Connection, Pool, first, why
from proxy.records.migrations import STEPS, VERSIONS
from proxy.records.migrations.subprocess_main import migrate_in_subprocess
from proxy.records.sqlite import SqliteConnection
from proxy.records.store_address import StoreAddress, read_store_address

_WAIT = 3.0
"""Seconds that somebody waits for one of the connections."""
_READERS = 4
_ATTEMPTS = 10


class Database:
    """A database at the right schema: `writing()` and `reading()` give transactions.

    With `in_subprocess`, a migration runs in a subprocess: it needs SQLAlchemy and Alembic,
    30 MB that a process which serves for months does not have to keep.
    """

    def __init__(
        self, url: str, folder: Path = Path(), *, create: bool = True, in_subprocess: bool = False
    ) -> None:
        self.address = read_store_address(url, folder)
        self.path = self.address.path
        self._create = create
        self._in_subprocess = in_subprocess
        self._write, self._read = self._pools()
        self._file: tuple[int, int] | None = None  # device and inode, once open at the right schema
        self._open = False

    @property
    def name(self) -> str:
        """The address, without a password."""
        return self.address.name

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Give a transaction that holds the write lock (SQLite), durable when left."""
        await self.ready()
        async with self._write.transaction(write=True) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Give a transaction that sees one moment of the store."""
        await self.ready()
        async with self._read.transaction(write=False) as connection:
            yield connection

    async def ready(self) -> None:
        """Bring the store to our schema once, and again when its file was removed or replaced."""
        if self._open and (self.path is None or self._file == _identity(self.path)):
            return
        if self._open:
            await self.close()
            self._write, self._read = self._pools()
        if self.path is not None:
            _prepare_file(self.path, create=self._create and not self.address.read_only)
        await self._bring_to_schema()
        self._file = _identity(self.path) if self.path is not None else None
        self._open = True

    async def inspect(self) -> None:
        """Raise RecordsError or StartError where this program could not write proofs; nothing is written."""
        try:
            async with self._read.transaction(write=False) as connection:
                found = await self._schema(connection)
                _check_schema(found)
                if self.path is None and (lack := await _lacking_right(connection, found)):
                    raise RecordsError(f"the store of proofs {self.name} cannot be written: {lack}")
        except FAILURES as error:
            raise RecordsError(f"the store of proofs {self.name} cannot be used: {why(error)}") from error

    async def close(self) -> None:
        """Close every connection."""
        self._open = False
        await self._write.close()
        await self._read.close()

    async def scrub(self) -> None:
        """Take what was erased out of the files too: the journal, dead rows."""
        if self.path is not None:
            async with self._read.connection() as connection:
                await connection.all("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        async with self._write.connection() as connection:
            await connection.run("VACUUM records")

    async def damage(self) -> str | None:
        """Return what the database itself says is wrong with its file, or None."""
        if self.path is None:
            return None
        async with self._read.connection() as connection:
            found = await first(connection, "PRAGMA quick_check(1)")
        return None if found is None or found[0] == "ok" else str(found[0])

    def _pools(self) -> tuple[Pool, Pool]:
        address = self.address
        if address.path is None:
            # A reader asks whether the connection still lives; the writer tries again by itself.
            return (
                Pool(lambda: _postgresql(address), 1, patience=_WAIT),
                Pool(lambda: _postgresql(address), _READERS, patience=_WAIT, ping=True),
            )
        return (
            Pool(lambda: _sqlite(address), 1, patience=_WAIT),
            Pool(lambda: _sqlite(address), _READERS, patience=_WAIT),
        )

    async def _bring_to_schema(self) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                await self._migrate_once()
            except FAILURES as error:
                # Several processes that make one file: while the first switches it to a
                # write-ahead journal, SQLite turns the others away without waiting.
                if "database is locked" in why(error) and attempt < _ATTEMPTS - 1:
                    await asyncio.sleep(0.02 * (attempt + 1))
                    continue
                raise RecordsError(f"the store of proofs {self.name} cannot be used: {why(error)}") from error
            else:
                return

    async def _migrate_once(self) -> None:
        async with self._read.transaction(write=False) as connection:
            found = await self._schema(connection)
        if found == STEPS[-1]:
            return
        _check_schema(found)
        if self._in_subprocess:
            await migrate_in_subprocess(self.address)
            return
        from proxy.records.migrations.migrate import migrate  # noqa: PLC0415 - SQLAlchemy and Alembic: 30 MB

        await migrate(self.address)

    async def _schema(self, connection: Connection) -> str | None:
        """Return the step that the store is at, or None where it is empty."""
        there = (
            "SELECT to_regclass(?) IS NOT NULL"
            if self.path is None
            else "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
        )
        table = await first(connection, there, VERSIONS)
        if table is None or not table[0]:
            return None
        found = await first(connection, f"SELECT version_num FROM {VERSIONS}")  # noqa: S608 - a constant
        return str(found[0]) if found is not None else None


def _check_schema(found: str | None) -> None:
    if found is not None and found not in STEPS:
        raise StartError(
            f"the store of proofs has schema {found}, this program knows up to {STEPS[-1]}: "
            "it was written by a newer consent-proxy; start that one, or name another store, into which "
            f"what that one writes with `records backup --schema {STEPS[-1]}` can be restored"
        )


def check_file(path: Path) -> None:
    """Raise StartError if a SQLite file was written by a newer program; it is read as it lies there."""
    try:
        # immutable: not even the files of its journal are made
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            found = connection.execute(f"SELECT version_num FROM {VERSIONS}").fetchone()  # noqa: S608
    except sqlite3.Error:  # empty, or damaged: serving starts all the same and says so
        return
    _check_schema(str(found[0]) if found else None)


async def _lacking_right(connection: Connection, schema: str | None) -> str | None:
    """Return what forbids to write proofs to a PostgreSQL, or None."""
    standby = await first(connection, "SELECT pg_is_in_recovery()")
    if standby is not None and standby[0]:
        return "it is a standby; name the primary"
    if schema == STEPS[-1]:
        right, what = "has_table_privilege('records', 'INSERT')", "INSERT into its table records"
    else:
        right, what = "has_schema_privilege(current_schema(), 'CREATE')", "CREATE in its schema"
    granted = await first(connection, f"SELECT {right}")
    return None if granted is not None and granted[0] else f"its user has no right to {what}; grant it"


async def _sqlite(address: StoreAddress) -> Connection:
    assert address.path is not None
    return await SqliteConnection.open(address.path, read_only=address.read_only, pages=address.pages)


async def _postgresql(address: StoreAddress) -> Connection:
    from proxy.records.postgresql import PostgresConnection  # noqa: PLC0415 - asyncpg: 3 MB for SQLite

    return await PostgresConnection.open(address.url)


def is_damage(error: BaseException) -> bool:
    """True when the file of a store is broken: nothing that waiting would mend."""
    cause = error.__cause__ if isinstance(error, RecordsError) else error
    said = why(cause) if cause else ""
    return any(sign in said for sign in ("malformed", "not a database", "disk I/O error", "not decode"))


def _prepare_file(path: Path, *, create: bool) -> None:
    """Create the file with mode 0600, before SQLite would create it with the umask."""
    if path.exists():
        with contextlib.suppress(PermissionError):
            path.chmod(0o600)
        return
    if not create:
        raise StartError(f"records: there is no store of proofs at {path}")
    if not path.parent.is_dir():
        raise StartError(f"records: the folder {path.parent} does not exist; make it, or name another")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StartError(f"records: {path} cannot be written: {error.strerror}") from None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
