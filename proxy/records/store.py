"""RecordStore: the only interface to the consent records.

Opened once per process; safe to use from many requests at once. Every failure is a
RecordsError (or a StartError when the store can never be used), within seconds.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from proxy.consent.record import ConsentRecord, NewRecord, Shown
from proxy.errors import RecordsError, StartError
from proxy.records import backup, days, erasure, queries
from proxy.records.backup import Contents
from proxy.records.chain import ChainHead, Keyring
from proxy.records.database import Database
from proxy.records.days import Key, Numbers
from proxy.records.driver import FAILURES, why
from proxy.records.key_rotation import load_keys
from proxy.records.migrations import STEPS
from proxy.records.queries import Stats, Which
from proxy.records.verify import Verification, verify
from proxy.records.writer import Writer

FIVE_YEARS = 5 * 365 * 86_400
LAST_DAY = 10**7
"""A day since 1970 that is behind all others."""

_HEADS = "SELECT name, head_position, head_link, head_time FROM writers WHERE head_time >= ? ORDER BY number"


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class RecordStore:
    """Proofs of consent in SQLite or PostgreSQL. Made by `await RecordStore.open(...)`."""

    def __init__(self, database: Database, keyring: Keyring, keep: int, clock: Callable[[], int]) -> None:
        self._database = database
        self._keyring = keyring
        self._keep = keep
        self._clock = clock
        self._writer = Writer(database, keyring, clock)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        keys: Sequence[bytes],
        keep: int = FIVE_YEARS,
        folder: Path = Path(),
        clock: Callable[[], int] = now_ms,
        create: bool = True,
        needed: bool = True,
        in_subprocess: bool = False,
    ) -> RecordStore:
        """Return the store, at the schema of this program.

        `keys` are those that sign the consent cookie, newest first; `keep` is in seconds; a
        relative SQLite file counts from `folder`. With `needed=False` a store that cannot be
        reached now is opened all the same: `trouble` says why, `add` fails until it is back.
        With `in_subprocess`, an older schema is migrated by a subprocess.
        StartError: it never will be usable (a newer schema, no such folder).
        """
        store = cls(
            Database(url, folder, create=create, in_subprocess=in_subprocess), Keyring(keys), keep, clock
        )
        try:
            await store._database.ready()
        except RecordsError as error:
            if needed:
                await store.close()
                raise
            store._writer.trouble = str(error)
        except BaseException:
            await store.close()
            raise
        return store

    @staticmethod
    def must_exist(url: str, folder: Path = Path()) -> None:
        """Raise StartError when that address is a file that is not there."""
        path = Database(url, folder).path
        if path is not None and not path.exists():
            raise StartError(f"records: there is no store of proofs at {path}")

    async def close(self) -> None:
        """Write what is queued, and close every connection."""
        await self._writer.close()
        await self._database.close()

    @property
    def database(self) -> Database:
        """The database, for what is kept beside the records."""
        return self._database

    @property
    def name(self) -> str:
        """The address of the store, without a password."""
        return self._database.name

    @property
    def trouble(self) -> str | None:
        """Why the last attempt to record, or the last probe, failed; None when all is well."""
        return self._writer.trouble

    @property
    def backlog(self) -> int:
        """How many answers given to `add_later` wait for the store to come back."""
        return self._writer.backlog

    @property
    def lost(self) -> int:
        """How many answers given to `add_later` could never be recorded."""
        return self._writer.lost

    # Writing

    async def add(self, new: NewRecord) -> ConsentRecord:
        """Return the durable record of an answer, or raise RecordsError within five seconds.

        Links the visitor's previous record. The same choice again within a minute returns
        the record that exists.
        """
        return await self._writer.add(new)

    def add_later(self, new: NewRecord) -> None:
        """Record a refusal whenever the store can; never fails, never waits."""
        self._writer.add_later(new)

    async def probe(self) -> None:
        """Set or clear `trouble`, within seconds, as an answer would; never fails."""
        await self._writer.probe()

    async def add_days(self, numbers: Mapping[Key, int]) -> None:
        """Add to the daily numbers, which no person is in."""
        with _records_errors():
            async with self._database.writing() as connection:
                await days.add(connection, numbers)

    async def erase(self, record_id: str) -> bool:
        """Empty one record and leave its tombstone; False when there is nothing to erase."""
        return await self._erase("id", record_id) > 0

    async def erase_visitor(self, visitor: str) -> int:
        """Empty every record of a visitor, and return how many."""
        return await self._erase("visitor", visitor)

    async def purge(self, before: int | None = None) -> int:
        """Delete what is older than `keep` (or than `before`, ms), and return how many."""
        with _records_errors():
            limit = self._clock() - self._keep * 1000 if before is None else before
            return await erasure.purge(self._database, self._keyring, limit)

    async def purgeable(self, before: int | None = None) -> int:
        """Return how many records `purge` would delete now, tombstones included."""
        with _records_errors():
            limit = self._clock() - self._keep * 1000 if before is None else before
            return await erasure.purgeable(self._database, limit)

    # Keys

    def rotate(self, keys: Sequence[bytes]) -> None:
        """Seal under the first of these keys from now on; the others are believed."""
        keyring = Keyring(keys)
        if keyring.newest != self._keyring.newest:
            self._writer.rotate(keyring)
        self._keyring = keyring

    async def unknown_keys(self) -> list[str]:
        """Return the ids of keys that sealed chains and that we do not have: those cannot be verified."""
        with _records_errors():
            await load_keys(self._database, self._keyring)
            async with self._database.reading() as connection:
                rows = await connection.all("SELECT DISTINCT key_id FROM writers")
        return sorted(row[0].hex() for row in rows if self._keyring.key(row[0]) is None)

    # Backups

    async def back_up(self, file: Path, schema: str = STEPS[-1]) -> Contents:
        """Write the whole store to a new file (0600), and return how much it holds.

        With an older `schema` it is for an older program; RecordsError where that would lose a proof.
        """
        with _records_errors():
            return await backup.write_backup(self._database, file, schema)

    async def contents(self) -> Contents:
        """Return how much the store holds, of what a restore would replace."""
        with _records_errors():
            return await backup.contents(self._database)

    async def verify_backup(self, file: Path) -> tuple[Verification, Contents]:
        """Return what is wrong with a backup, by our keys, and how much it holds."""
        with _records_errors():
            async with backup.opened_backup(file) as copy:
                found = await verify(copy, self._keyring)
                return found, await backup.contents(copy)

    async def restore(self, file: Path, *, replace: bool = False) -> Contents:
        """Put a backup into the store, all or nothing; one that is not empty needs `replace`."""
        with _records_errors():
            async with backup.opened_backup(file) as copy:
                return await backup.restore(copy, self._database, replace=replace)

    # Reading

    async def get(self, record_id: str) -> ConsentRecord | None:
        """Return the record of that id (of its tombstone), or None."""
        with _records_errors():
            return await queries.find(self._database, record_id)

    async def of_visitor(self, visitor: str, limit: int = 100) -> list[ConsentRecord]:
        """Return a visitor's records, newest first."""
        return await self.newest(Which(visitor=visitor), limit)

    async def newest(self, which: Which = Which(), limit: int = 50) -> list[ConsentRecord]:  # noqa: B008 - frozen
        """Return the newest records, newest first."""
        with _records_errors():
            return await queries.newest(self._database, which, limit)

    async def every(self, which: Which = Which()) -> AsyncIterator[ConsentRecord]:  # noqa: B008 - frozen
        """Give every record, oldest first, in constant memory."""
        with _records_errors():
            async for record in queries.every(self._database, which):
                yield record

    async def count(self, which: Which = Which()) -> int:  # noqa: B008 - frozen
        """Return how many records are meant."""
        with _records_errors():
            return await queries.count(self._database, which)

    async def shown(self, record: ConsentRecord) -> Shown | None:
        """Return what the visitor had before them, or None once erased."""
        kept = record.content
        if kept is None:
            return None
        with _records_errors():
            texts = await queries.texts_of(
                self._database, kept.rules_digest, kept.wording_digest, kept.policy_digest
            )
        return Shown(
            kept.policy_version,
            texts.get(kept.rules_digest, ""),
            texts.get(kept.wording_digest, ""),
            texts.get(kept.policy_digest, ""),
        )

    async def stats(self) -> Stats:
        """Return counts over the whole store."""
        with _records_errors():
            return await queries.stats(self._database)

    async def days(self, since: int = 0, until: int = LAST_DAY) -> Numbers:
        """Return the daily numbers of these days since 1970: of records kept, purged and erased."""
        with _records_errors():
            async with self._database.reading() as connection:
                found = await days.kept(connection, since, until)
                times = since * days.DAY_MS, until * days.DAY_MS
                return found + await days.of_records(connection, "time >= ? AND time < ?", *times)

    async def verify(
        self, heads: Sequence[ChainHead] = (), on_progress: Callable[[int], None] = lambda _read: None
    ) -> Verification:
        """Return what is wrong with the store; `heads` are those kept outside."""
        with _records_errors():
            return await verify(self._database, self._keyring, heads, on_progress)

    async def heads(self, since: int = 0) -> list[ChainHead]:
        """Return the end of each chain written to since then: to be kept outside, daily."""
        with _records_errors():
            async with self._database.reading() as connection:
                return [ChainHead(*row) for row in await connection.all(_HEADS, since)]

    async def healthy(self) -> str | None:
        """Return why the store cannot be used right now, or None."""
        try:
            await queries.find(self._database, "")
        except (*FAILURES, RecordsError) as error:
            return why(error)
        return None

    async def _erase(self, column: str, value: str) -> int:
        with _records_errors():
            await load_keys(self._database, self._keyring)
            return await erasure.erase(self._database, self._keyring, column, value, self._clock())


@contextlib.contextmanager
def _records_errors() -> Iterator[None]:
    """Raise database errors as RecordsError, with the database's message."""
    try:
        yield
    except FAILURES as error:
        raise RecordsError(f"the store of proofs cannot be used: {why(error)}") from error
