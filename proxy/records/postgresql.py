"""The PostgreSQL driver (driver.Connection), through asyncpg.

A commit is an answer to a visitor: whatever the server's default, it has reached the disk.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg

from proxy.errors import StartError
from proxy.records.driver import Failure, Row

_T = TypeVar("_T")


async def connect(url: str) -> Any:
    """Return an asyncpg connection; whatever its way in refuses is an error of asyncpg or of the system."""
    return await asyncpg.connect(
        _address(url), timeout=3, command_timeout=30, server_settings={"synchronous_commit": "on"}
    )


async def check_address(url: str) -> None:
    """Raise StartError if the address can never be used; nothing is connected to."""
    try:
        # asyncpg reads the whole address, then finds no socket in a folder that is none.
        await asyncpg.connect(_address(url), host="/dev/null", timeout=1)
    except ValueError as error:
        raise _unusable(error) from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return


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
        """Begin; one that only reads sees one moment throughout."""
        await self._turn(self._start({} if write else {"isolation": "repeatable_read", "readonly": True}))

    async def commit(self) -> None:
        """Make it durable."""
        transaction, self._transaction = self._transaction, None
        await self._turn(transaction.commit())

    async def rollback(self) -> None:
        """Let it be as if it had not begun."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await self._turn(transaction.rollback())

    async def alive(self) -> bool:
        """True when the server still answers here."""
        try:
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

    async def _start(self, options: dict[str, Any]) -> None:
        # Making the transaction already raises where the server hung up while we were idle.
        self._transaction = self._connection.transaction(**options)
        await self._transaction.start()

    async def _turn(self, work: Awaitable[_T]) -> _T:
        try:
            return await work
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            code = str(getattr(error, "sqlstate", None) or "")  # classes 22: bad value, 23: constraint
            lost = self._connection.is_closed()
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


def _address(url: str) -> str:
    """Return the address as asyncpg reads it: `ssl`, its own older word, is sslmode."""
    parts = urlsplit(url)
    query = [("sslmode" if key == "ssl" else key, value) for key, value in parse_qsl(parts.query)]
    return parts._replace(query=urlencode(query)).geturl()
