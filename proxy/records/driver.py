"""The interface of both database drivers: statements in, rows out, one kind of failure.

A statement is written once: `?` for a value, `IN ?` for any of a list, `FOR UPDATE` where
rows are locked; each driver adapts it to its database. Nothing here needs SQLAlchemy,
which takes 20 MB: workers write through their database's own driver.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from proxy.errors import reason

Row = Any
"""Values by name and by number; iterates over its values, and `dict(row)` is what it says."""


class Failure(Exception):
    """A database error: `error` is the original, `lost` means that the connection is gone.

    `refused` is a value that it will never take, however often it is asked.
    """

    def __init__(self, error: BaseException, *, lost: bool = False, refused: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.lost = lost
        self.refused = refused


FAILURES = (Failure, OSError, asyncio.TimeoutError, EOFError)
"""What a database, its file or the way to it raises."""


class Connection(Protocol):
    """One connection; statements of one transaction at a time."""

    async def all(self, statement: str, *values: Any) -> Sequence[Row]:
        """Return every row."""

    async def run(self, statement: str, *values: Any) -> int:
        """Return how many rows were changed."""

    async def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run it once for each row of values."""

    async def begin(self, *, write: bool) -> None:
        """Begin a transaction: one that sees a moment, or one that will write."""

    async def commit(self) -> None:
        """Make it durable."""

    async def rollback(self) -> None:
        """Let it be as if it had not begun."""

    async def alive(self) -> bool:
        """True when the database still answers here."""

    async def close(self) -> None:
        """Close it after what is in progress."""

    def abandon(self) -> None:
        """Close it at once."""


def why(error: BaseException) -> str:
    """Return the database's message, in one line."""
    if isinstance(error, asyncio.TimeoutError) and not str(error):
        return "it did not respond in time"
    cause = error.error if isinstance(error, Failure) else error
    return reason(cause).partition("\n")[0]


async def first(connection: Connection, statement: str, *values: Any) -> Row | None:
    """Return the first row, or None."""
    rows = await connection.all(statement, *values)
    return rows[0] if rows else None


class Pool:
    """Up to `most` connections, made when first needed; `ping`: asked before use whether they live."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], most: int, *, patience: float, ping: bool = False
    ) -> None:
        self._connect = connect
        self._free = asyncio.Semaphore(most)
        self._patience = patience
        self._ping = ping
        self._idle: list[Connection] = []
        self._closed = False

    @contextlib.asynccontextmanager
    async def transaction(self, *, write: bool) -> AsyncIterator[Connection]:
        """Give a transaction: committed when left well (if it writes), else rolled back."""
        async with self.connection() as connection:
            await connection.begin(write=write)
            yield connection
            await (connection.commit() if write else connection.rollback())

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Give a connection outside any transaction; one that failed midway is not used again."""
        async with asyncio.timeout(self._patience):
            await self._free.acquire()
        try:
            connection = await self._take()
            try:
                yield connection
            except BaseException as error:
                await self._after(connection, error)
                raise
            await self._put(connection)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close every connection; one in use is closed when it comes back."""
        self._closed = True
        while self._idle:
            with contextlib.suppress(*FAILURES):
                await self._idle.pop().close()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not self._ping or await connection.alive():
                return connection
            connection.abandon()
            while self._idle:  # the server that one of them lost, the others most likely lost too
                self._idle.pop().abandon()
        return await self._connect()

    async def _put(self, connection: Connection) -> None:
        if self._closed:
            await connection.close()
        else:
            self._idle.append(connection)

    async def _after(self, connection: Connection, error: BaseException) -> None:
        """Keep a connection whose transaction can be taken back; let any other go."""
        if not isinstance(error, Exception) or (isinstance(error, Failure) and error.lost):
            connection.abandon()
            return
        try:
            await connection.rollback()
        except BaseException:
            connection.abandon()
            raise
        await self._put(connection)
