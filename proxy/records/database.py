"""One database under two dialects: an embedded SQLite file, or a PostgreSQL that proxies share.

Opened at the schema of this program: older ones are migrated under a lock, newer ones refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from proxy.errors import RecordsError, StartError
from proxy.records.migrations import STEPS, VERSIONS

_BUSY = 3.0
"""Seconds that one process waits for another's write to the same SQLite file."""
_ATTEMPTS = 10
_MIGRATING = 0x636F6E73
"""The advisory lock that a migrating proxy holds on PostgreSQL ("cons")."""
_OPTIONS = frozenset({"mode", "max_page_count"})

FAILURES = (SQLAlchemyError, OSError, asyncio.TimeoutError, EOFError)
"""What a database, its file or the way to it raises."""


class Database:
    """A database at the right schema: `writing()` and `reading()` give transactions."""

    def __init__(self, url: str, folder: Path = Path(), *, create: bool = True) -> None:
        try:
            self._url = make_url(url)
        except ArgumentError:
            raise StartError(
                f"records: {url!r} is no address; write sqlite:///FILE or postgresql://..."
            ) from None
        self.path = _sqlite_file(self._url, folder) if self._url.get_backend_name() == "sqlite" else None
        self._create = create
        self._write, self._read = self._engines()
        self._file: tuple[int, int] | None = None  # device and inode, once open at the right schema
        self._open = False
        self.openings = 0  # counts up when another file took the place of ours

    @property
    def name(self) -> str:
        """The address, without a password."""
        return self._url.render_as_string(hide_password=True)

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that holds the write lock (SQLite), durable when left."""
        await self.ready()
        async with self._write.begin() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that sees one moment of the store."""
        await self.ready()
        async with self._read.connect() as connection:
            yield connection

    async def ready(self) -> None:
        """Bring the store to our schema once, and again when its file was removed or replaced."""
        if self._open and (self.path is None or self._file == _identity(self.path)):
            return
        if self._open:
            await self.close()
            self._write, self._read = self._engines()
        if self.path is not None:
            _prepare_file(self.path, create=self._create and self._url.query.get("mode") != "ro")
        await self._migrate()
        self._file = _identity(self.path) if self.path is not None else None
        self._open = True
        self.openings += 1

    async def close(self) -> None:
        """Close every connection."""
        self._open = False
        await self._write.dispose()
        await self._read.dispose()

    async def scrub(self) -> None:
        """Take what was erased out of the files too: the journal, dead rows."""
        if self.path is not None:
            async with self._read.connect() as connection:
                await connection.exec_driver_sql("ROLLBACK")
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                await connection.exec_driver_sql("BEGIN")
            return
        async with self._write.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.exec_driver_sql("VACUUM records")

    async def damage(self) -> str | None:
        """Return what the database itself says is wrong with its file, or None."""
        if self.path is None:
            return None
        async with self._read.connect() as connection:
            answer = (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar()
        return None if answer == "ok" else str(answer)

    def _engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        if self.path is not None:
            return self._sqlite("BEGIN IMMEDIATE", 1), self._sqlite("BEGIN", 4)
        # A reader asks whether the connection still lives; the writer tries again by itself.
        return self._postgresql(1, ping=False), self._postgresql(4, ping=True)

    def _sqlite(self, begin: str, connections: int) -> AsyncEngine:
        assert self.path is not None
        mode = self._url.query.get("mode", "rw")
        engine = create_async_engine(
            f"sqlite+aiosqlite:///file:{_uri(self.path)}?mode={mode}&uri=true",
            connect_args={"isolation_level": None, "timeout": _BUSY},
            pool_size=connections,
            max_overflow=0,
            pool_timeout=_BUSY,
        )
        pages = str(self._url.query.get("max_page_count", ""))
        pragmas = ["synchronous=FULL", "secure_delete=ON", f"busy_timeout={int(_BUSY * 1000)}"]
        if mode != "ro":
            pragmas.append("journal_mode=WAL")
        if pages.isdigit():
            pragmas.append(f"max_page_count={pages}")

        @event.listens_for(engine.sync_engine, "connect")
        def configure(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN" if mode == "ro" else begin)

        return engine

    def _postgresql(self, connections: int, *, ping: bool) -> AsyncEngine:
        url = self._url.set(drivername="postgresql+asyncpg")
        if "sslmode" in url.query:  # what psql calls sslmode, asyncpg calls ssl
            url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})
        return create_async_engine(
            url,
            pool_size=connections,
            pool_pre_ping=ping,
            max_overflow=0,
            pool_timeout=_BUSY,
            # A commit is an answer to a visitor: it must have reached the disk.
            connect_args={
                "timeout": 3,
                "command_timeout": 30,
                "server_settings": {"synchronous_commit": "on"},
            },
        )

    async def _migrate(self) -> None:
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
        async with self._read.connect() as connection:
            if await connection.run_sync(_is_current):
                return
        async with self._write.begin() as connection:
            if self.path is None:
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
            await connection.run_sync(_upgrade)


def why(error: BaseException) -> str:
    """Return the database's own words, in one line and without the statement."""
    if isinstance(error, asyncio.TimeoutError) and not str(error):
        return "it did not answer in time"
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause).strip().partition("\n")[0].split(">: ", 1)[-1] or type(cause).__name__


def is_damage(error: BaseException) -> bool:
    """True when the file of a store is broken: nothing that waiting would mend."""
    cause = error.__cause__ if isinstance(error, RecordsError) else error
    said = why(cause) if cause else ""
    return any(sign in said for sign in ("malformed", "not a database", "disk I/O error", "not decode"))


def _is_current(connection: Connection) -> bool:
    """True at our schema; raises StartError for a store from the future."""
    if not inspect(connection).has_table(VERSIONS):
        return False
    found = connection.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalar()  # noqa: S608 - a constant
    if found is not None and found not in STEPS:
        raise StartError(
            f"the store of proofs has schema {found}, this program knows up to {STEPS[-1]}: "
            "it was written by a newer consent-proxy; start that one, or name another store"
        )
    return bool(found == STEPS[-1])


def _upgrade(connection: Connection) -> None:
    """Run the steps that are missing; another process may have run them while we waited."""
    if not _is_current(connection):
        from proxy.records.migrations.run import upgrade  # noqa: PLC0415 - Alembic costs 10 MB a worker

        upgrade(connection, STEPS[-1])


def _sqlite_file(url: URL, folder: Path) -> Path:
    """Return the file of a SQLite address; it counts from the folder of the config."""
    unknown = sorted(set(url.query) - _OPTIONS)
    if unknown:
        raise StartError(
            f"records: the option {unknown[0]!r} is unknown; sqlite takes {', '.join(sorted(_OPTIONS))}"
        )
    if not url.database or url.database == ":memory:":
        raise StartError("records: a store in memory proves nothing; write sqlite:///FILE")
    return (folder / url.database).absolute()


def _prepare_file(path: Path, *, create: bool) -> None:
    """Make the file for our eyes only, before SQLite would make it for everybody's."""
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


def _uri(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
