"""Writes a batch of records in one transaction: texts, records, and the head of the chain.

Whatever failed before, everything is read anew inside the transaction: only the store
knows what became of a commit whose connection died.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proxy.consent.record import ConsentRecord, NewRecord, Shown, content_of, same_choice
from proxy.records.chain import Chain, Keyring, root
from proxy.records.database import Database
from proxy.records.driver import Connection, first
from proxy.records.key_rotation import store_keys
from proxy.records.rows import INSERT, RECORDS, record_of, values_of

_CLAIMING = 0x77726974
"""The advisory lock under which a writer begins on PostgreSQL ("writ")."""
_DOUBLE_CLICK_MS = 60_000
"""Milliseconds within which the same choice again is the same record (a double click)."""

_NEWEST = "SELECT max(id) FROM records WHERE visitor IN ? GROUP BY visitor"
_LATEST = f"{RECORDS} WHERE id IN ({_NEWEST})"
_EXISTING = f"{RECORDS} WHERE id IN ?"
_TEXT = "INSERT INTO texts (digest, kind, name, body, added) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_OWN = "SELECT key_id, head_position, head_link FROM writers WHERE name = ? FOR UPDATE"
_LAST = "SELECT number, root FROM writers ORDER BY number DESC LIMIT 1"
_BEGIN = (
    "INSERT INTO writers (number, name, key_id, root, started, head_position, head_link, head_time, "
    "head_seal, base_position, base_link, base_seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PROBE = "INSERT INTO keys (id, wrapped_by, wrapped) VALUES (?, ?, ?)"
_PROBE_SIZE = 5000
"""More than a page of SQLite holds, so that a full disk shows."""
_MOVE = "UPDATE writers SET head_position = ?, head_link = ?, head_time = ?, head_seal = ? WHERE name = ?"


@dataclass(eq=False, slots=True)
class WaitingRecord:
    """A record to be written; `record` is None if no request waits for it."""

    new: NewRecord
    id: str
    record: asyncio.Future[ConsentRecord] | None
    tried: bool = False  # a commit of it may have arrived although its connection died

    @property
    def wanted(self) -> bool:
        """False once the visitor was put off: what they were not promised is not written."""
        return self.record is None or not self.record.done()


class Ledger:
    """Writes batches of answers on one chain of its own."""

    def __init__(self, database: Database, keyring: Keyring, clock: Callable[[], int]) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._name = secrets.token_hex(6)
        self._known: set[str] = set()  # texts that this store has
        self._rotated: Keyring | None = None
        self._known_by: Connection | None = None  # the connection that is true of

    def rotate(self, keyring: Keyring) -> None:
        """From the next batch on, write on a new chain, sealed under the newest of other keys."""
        self._rotated = keyring

    async def write(self, batch: Sequence[WaitingRecord]) -> list[ConsentRecord]:
        """Return the durable record of each answer.

        Answers that were tried before are looked for by id first: their commit may have
        arrived although its connection died.
        """
        if self._rotated is not None:  # never amid a batch: it is sealed under one key
            self._keyring, self._name, self._rotated = self._rotated, secrets.token_hex(6), None
        again = any(waiting.tried for waiting in batch)
        for waiting in batch:
            waiting.tried = True
        shown = {waiting.new.shown for waiting in batch}
        async with self._database.writing() as connection:
            if connection is not self._known_by:  # another file, or another server after a failover
                self._known_by = connection
                self._known.clear()
            await self._store_texts(connection, shown)
            chain = await self._end_of_chain(connection)
            done, fresh = await self._place(connection, batch, chain, again=again)
            if fresh:
                await connection.many(INSERT, [values_of(record) for record in fresh])
                await self._move_head(connection, chain)
        self._known.update(map(_digests, shown))
        return done

    async def probe(self) -> None:
        """Write and delete a row durably: fails exactly where a record could not be written."""
        async with self._database.writing() as connection:
            name = secrets.token_bytes(16)
            await connection.run(_PROBE, name, name, secrets.token_bytes(_PROBE_SIZE))
            await connection.run("DELETE FROM keys WHERE id = ?", name)

    async def _place(
        self, connection: Connection, batch: Sequence[WaitingRecord], chain: Chain, *, again: bool
    ) -> tuple[list[ConsentRecord], list[ConsentRecord]]:
        """Return the record of each answer, and those of them that are new."""
        latest = await self._latest(connection, {waiting.new.visitor for waiting in batch})
        there = await self._existing(connection, [waiting.id for waiting in batch]) if again else {}
        done, fresh = [], []
        for waiting in batch:
            new = waiting.new
            before = latest.get(new.visitor)
            content = content_of(new, before.id if before else None)
            record = there.get(waiting.id)
            if record is None and before is not None and before.content is not None:
                soon = abs(new.time - before.time) < _DOUBLE_CLICK_MS
                record = before if soon and same_choice(content, before.content) else None
            if record is None:
                record = chain.append(waiting.id, new.time, content)
                fresh.append(record)
            latest[new.visitor] = record
            done.append(record)
        return done, fresh

    async def _latest(self, connection: Connection, visitors: set[str]) -> dict[str, ConsentRecord]:
        rows = await connection.all(_LATEST, sorted(visitors))
        return {row["visitor"]: record_of(row) for row in rows}

    async def _existing(self, connection: Connection, ids: list[str]) -> dict[str, ConsentRecord]:
        rows = await connection.all(_EXISTING, ids)
        return {row["id"]: record_of(row) for row in rows}

    async def _store_texts(self, connection: Connection, shown: set[Shown]) -> None:
        """Store each text once, before the first record that refers to it."""
        new = [s for s in shown if _digests(s) not in self._known]
        rows = {
            digest: (digest, kind, s.policy_version, body, self._clock())
            for s in new
            for digest, kind, body in (
                (s.rules_digest, "rules", s.rules),
                (s.wording_digest, "wording", s.wording),
                (s.policy_digest, "policy", s.policy),
            )
            if digest
        }
        if rows:
            # In one order everywhere, so that two proxies never wait for each other.
            await connection.many(_TEXT, [rows[digest] for digest in sorted(rows)])

    async def _end_of_chain(self, connection: Connection) -> Chain:
        """Return where our chain ends, read anew: after a failure only the store knows."""
        row = await first(connection, _OWN, self._name)
        if row is None:
            return await self._claim(connection)
        key = self._keyring.key(row["key_id"])
        assert key is not None, "our own chain is sealed with our own key"
        return Chain(key, self._name, row["head_position"], row["head_link"])

    async def _claim(self, connection: Connection) -> Chain:
        """Begin a chain, bound to the writer before us; writers come one at a time."""
        if self._database.path is None:
            await connection.all("SELECT pg_advisory_xact_lock(?)", _CLAIMING)
        found = await first(connection, _LAST)
        number, before = (found["number"] + 1, found["root"]) if found else (1, b"")
        newest = self._keyring.newest
        key = self._keyring.key(newest)
        assert key is not None
        await store_keys(connection, self._keyring)
        start = root(key, self._name, number, before)
        now = self._clock()
        head = (0, start, now, self._keyring.seal("head", self._name, 0, start))
        base = (0, start, self._keyring.seal("base", self._name, 0, start))
        await connection.run(_BEGIN, number, self._name, newest, start, now, *head, *base)
        return Chain(key, self._name, 0, start)

    async def _move_head(self, connection: Connection, chain: Chain) -> None:
        seal = self._keyring.seal("head", chain.writer, chain.position, chain.link)
        await connection.run(_MOVE, chain.position, chain.link, self._clock(), seal, chain.writer)


def _digests(shown: Shown) -> str:
    return shown.wording_digest + shown.rules_digest + shown.policy_digest
