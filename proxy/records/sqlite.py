"""The SQLite driver (driver.Connection): one file, one thread for each connection.

Durable means on the disk: every commit is synced. What is deleted is overwritten.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from proxy.records.driver import Failure, Row

BUSY = 3.0
"""Seconds that one process waits for another's write to the same file."""

_T = TypeVar("_T")


def connect(path: Path, *, read_only: bool = False, pages: str = "") -> sqlite3.Connection:
    """Return a connection to a file that is there; `pages` is the most it may hold."""
    connection = sqlite3.connect(
        f"file:{_uri(path)}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        isolation_level=None,
        timeout=BUSY,
        check_same_thread=False,  # of all threads only its own uses it, and whoever ends the program
    )
    try:
        pragmas = ["synchronous=FULL", "secure_delete=ON"]
        if not read_only:
            pragmas.append("journal_mode=WAL")
        if pages:
            pragmas.append(f"max_page_count={pages}")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteConnection:
    """A connection whose statements run in a thread of its own. Made by `await open(...)`."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, path: Path, *, read_only: bool, pages: str) -> SqliteConnection:
        """Return a connection to that file."""
        thread = ThreadPoolExecutor(1, "records")
        try:
            connection = await _turn(thread, lambda: connect(path, read_only=read_only, pages=pages))
            connection.row_factory = sqlite3.Row
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(connection, thread)

    async def all(self, statement: str, *values: Any) -> Sequence[Row]:
        """Return every row."""
        return await self._turn(lambda at: at.execute(_adapt_statement(statement), _bound(values)).fetchall())

    async def run(self, statement: str, *values: Any) -> int:
        """Return how many rows were changed."""
        return await self._turn(lambda at: at.execute(_adapt_statement(statement), _bound(values)).rowcount)

    async def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run it once for each row of values."""
        await self._turn(lambda at: at.executemany(_adapt_statement(statement), rows))

    async def begin(self, *, write: bool) -> None:
        """Begin; one that writes takes the lock now, so that what it reads stays true."""
        await self._turn(lambda at: at.execute("BEGIN IMMEDIATE" if write else "BEGIN"))

    async def commit(self) -> None:
        """Make it durable."""
        await self._turn(lambda at: at.execute("COMMIT"))

    async def rollback(self) -> None:
        """Let it be as if it had not begun; a full disk may have seen to that already."""
        await self._turn(lambda at: at.execute("ROLLBACK") if at.in_transaction else None)

    async def alive(self) -> bool:
        """True: a file does not hang up."""
        return True

    async def close(self) -> None:
        """Close it after what is in progress."""
        try:
            await self._turn(lambda at: at.close())
        finally:
            self._thread.shutdown(wait=False)

    def abandon(self) -> None:
        """Close it after the running statement; an open transaction is rolled back."""
        self._thread.submit(self._connection.close)
        self._thread.shutdown(wait=False)

    async def _turn(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await _turn(self._thread, lambda: work(self._connection))


async def _turn(thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
    except sqlite3.Error as error:
        refused = isinstance(error, (sqlite3.DataError, sqlite3.IntegrityError))
        raise Failure(error, refused=refused) from error
    except (ValueError, TypeError, OverflowError) as error:  # what no column can hold: a lone surrogate
        raise Failure(error, refused=True) from error


@lru_cache(maxsize=128)
def _adapt_statement(statement: str) -> str:
    return statement.replace("IN ?", "IN (SELECT value FROM json_each(?))").replace(" FOR UPDATE", "")


def _bound(values: Sequence[Any]) -> Sequence[Any]:
    return [json.dumps(value) if isinstance(value, list) else value for value in values]


def _uri(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
