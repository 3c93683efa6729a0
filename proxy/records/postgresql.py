"""The PostgreSQL driver (driver.Connection), through asyncpg.

A commit is an answer to a visitor: whatever the server's default, it has reached the disk.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg

from proxy.errors import StartError
from proxy.records.driver import Failure, Row, why
from proxy.records.postgresql_servers import first_to_connect, server_name, servers

_T = TypeVar("_T")

_PROMPT = 2.0
"""Seconds that a server which is there needs at most to begin a transaction or to say that it lives."""
_READ_ONLY = "25006"  # read_only_sql_transaction


async def connect(url: str) -> Any:
    """Return an asyncpg connection to the first server of that address that will have us.

    Whatever its way in refuses is an error of asyncpg or of the system.
    """
    addresses = servers(url)
    if len(addresses) == 1:
        return await _connect_server(addresses[0])
    found = await first_to_connect(addresses, _connect_server, lambda late: late.terminate())
    if not isinstance(found, dict):
        return found
    refusals = [f"{server_name(address)}: {why(error)}" for address, error in found.items()]
    raise ConnectionError(f"no server of the address can be used: {'; '.join(refusals)}")


async def _connect_server(address: str) -> Any:
    try:
        return await asyncpg.connect(
            address, timeout=3, command_timeout=30, server_settings={"synchronous_commit": "on"}
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise ConnectionError("it is a standby, or read-only") from error


async def check_address(url: str) -> None:
    """Raise StartError if the address can never be used; nothing is connected to."""
    for address in servers(url):
        try:
            # asyncpg reads the whole address, then finds no socket in a folder that is none.
            await asyncpg.connect(address, host="/dev/null", timeout=1)
        except ValueError as error:
            raise _unusable(error) from None
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            continue


def _unusable(error: ValueError) -> StartError:
    """Return the error in a sentence; one that Python raised quotes what may be a part of the password."""
    if isinstance(error, asyncpg.ClientConfigurationError):
        why = str(error)
    else:
        why = "its host or port is none; in a password % / ? # [ and @ are written %25 %2F %3F %23 %5B %40"
    return StartError(f"records: the address of the store cannot be used: {why}")


class PostgresConnection:
    """A connection to a server. Made by `await open(...)`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._transaction: Any = None
        self._writes = False
        self._warning: str | None = None
        connection.add_log_listener(self._on_message)

    @classmethod
    async def open(cls, url: str) -> PostgresConnection:
        """Return a connection to that server."""
        try:
            return cls(await connect(url))
        except ValueError as error:
            raise _unusable(error) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Failure(error) from error

    async def all(self, statement: str, *values: Any) -> Sequence[Row]:
        """Return every row."""
        rows: Sequence[Row] = await self._turn(self._connection.fetch(_adapt_statement(statement), *values))
        return rows

    async def run(self, statement: str, *values: Any) -> int:
        """Return how many rows were changed."""
        status = await self._turn(self._connection.execute(_adapt_statement(statement), *values))
        count = str(status).rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run it once for each row of values."""
        await self._turn(self._connection.executemany(_adapt_statement(statement), rows))

    async def begin(self, *, write: bool) -> None:
        """Begin; one that only reads sees one moment throughout. A server that says nothing is lost."""
        self._writes = write
        options = {} if write else {"isolation": "repeatable_read", "readonly": True}
        try:
            async with asyncio.timeout(_PROMPT):
                await self._turn(self._start(options))
        except TimeoutError as error:
            raise Failure(error, lost=True) from error

    async def commit(self) -> None:
        """Make it durable, on a synchronous standby too where the server has one.

        A commit that ends with a warning did not wait for its standby: the server was told to give
        that up (statement_timeout, pg_cancel_backend). The primary has it, a failover may lose it.
        """
        transaction, self._transaction = self._transaction, None
        self._warning = None
        await self._turn(transaction.commit())
        if self._warning is not None:
            raise Failure(RuntimeError(f"the commit is not certain: {self._warning}"))

    async def rollback(self) -> None:
        """Let it be as if it had not begun."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await self._turn(transaction.rollback())

    async def alive(self) -> bool:
        """True when the server still answers here."""
        try:
            async with asyncio.timeout(_PROMPT):
                await self.all("SELECT 1")
        except (TimeoutError, Failure, OSError):
            return False
        return True

    async def close(self) -> None:
        """Close it after what is in progress."""
        await self._turn(self._connection.close(timeout=3))

    def abandon(self) -> None:
        """Close it at once; the server rolls an open transaction back."""
        self._connection.terminate()

    def _on_message(self, _connection: object, message: Any) -> None:
        if message.severity_en == "WARNING":
            self._warning = str(message.message)

    async def _start(self, options: dict[str, Any]) -> None:
        # Making the transaction already raises where the server hung up while we were idle.
        self._transaction = self._connection.transaction(**options)
        await self._transaction.start()

    async def _turn(self, work: Awaitable[_T]) -> _T:
        try:
            return await work
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            code = str(getattr(error, "sqlstate", None) or "")  # classes 22: bad value, 23: constraint
            # A primary that became a standby under our connection: the new one is found by another.
            lost = self._connection.is_closed() or (self._writes and code == _READ_ONLY)
            refused = not lost and (code[:2] in {"22", "23"} or isinstance(error, asyncpg.DataError))
            raise Failure(error, lost=lost, refused=refused) from error
        except TimeoutError:  # of one statement; the connection is well
            raise
        except OSError as error:
            raise Failure(error, lost=True) from error


@lru_cache(maxsize=128)
def _adapt_statement(statement: str) -> str:
    numbers = itertools.count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", re.sub(r"IN \?", "= ANY(?)", statement))
