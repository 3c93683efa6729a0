"""Reads the whole store and names what is broken: altered, missing, out of place, cut off.

What the seals cannot show is a store put back whole to an earlier copy of itself; heads
kept elsewhere do (`records verify --heads FILE`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.consent.record import chain_link, content_digest, digest_of
from proxy.errors import RecordsError
from proxy.records.chain import ChainHead, Keyring, root
from proxy.records.database import Database, is_damage
from proxy.records.driver import Failure, first, why
from proxy.records.erasure import erasure_parts
from proxy.records.key_rotation import load_keys
from proxy.records.queries import PAGE
from proxy.records.rows import RECORDS, record_of

Row = Mapping[str, Any]

_PAGE = f"{RECORDS} WHERE writer = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?"
_HEAD = "SELECT head_position FROM writers WHERE name = ?"
_BEYOND = f"{RECORDS} WHERE writer = ? AND position > ({_HEAD}) LIMIT 1"


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One thing that is wrong. `kind`: damaged, altered, missing, swapped, added, unsealed, text, head."""

    kind: str
    says: str
    writer: str | None = None
    position: int | None = None
    id: str | None = None


@dataclass(slots=True)
class Verification:
    """What was read and what is wrong with it, in the order of the chains."""

    records: int = 0
    erased: int = 0
    writers: int = 0
    faults: list[ChainFault] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """True when nothing is wrong."""
        return not self.faults


async def verify(
    database: Database,
    keyring: Keyring,
    heads: Sequence[ChainHead] = (),
    on_progress: Callable[[int], None] = lambda _read: None,
    most: int = 100,
) -> Verification:
    """Return what is wrong, first things first; stops after `most` faults."""
    found = Verification()
    try:
        await load_keys(database, keyring)
        damage = await database.damage()
        if damage:
            found.faults.append(ChainFault("damaged", f"the file of the store is damaged: {damage}"))
            return found
        await _Walk(database, keyring, heads, on_progress, most, found).everything()
    except (Failure, RecordsError) as error:
        if not is_damage(error):
            raise
        found.faults.append(ChainFault("damaged", f"the file of the store is damaged: {why(error)}"))
    return found


class _Full(Exception):
    """Enough faults were named."""


@dataclass(slots=True)
class _Walk:
    """One reading of the store, writer by writer."""

    database: Database
    keyring: Keyring
    heads: Sequence[ChainHead]
    on_progress: Callable[[int], None]
    most: int
    found: Verification
    named: set[str] = field(default_factory=set)

    async def everything(self) -> None:
        try:
            chains = await self._writers()
            self.found.writers = len(chains)
            self._roots(chains)
            for chain in chains:
                await self._chain(chain)
            await self._texts()
            self._outside({chain["name"] for chain in chains})
        except _Full:
            return

    def _fault(
        self, kind: str, says: str, *, row: Row | None = None, at: tuple[str, int] | None = None
    ) -> None:
        writer, position = at or ((row["writer"], row["position"]) if row else (None, None))
        self.found.faults.append(ChainFault(kind, says, writer, position, row["id"] if row else None))
        if len(self.found.faults) >= self.most:
            raise _Full

    async def _writers(self) -> list[Row]:
        async with self.database.reading() as connection:
            rows = await connection.all("SELECT * FROM writers ORDER BY number")
        return [dict(row) for row in rows]

    def _roots(self, chains: Sequence[Row]) -> None:
        """Each writer is bound to the one before it: a whole chain cannot vanish unseen."""
        before, number = b"", 0
        for chain in chains:
            number += 1
            if chain["number"] != number:
                self._fault("missing", f"writer {number} is missing, with all of its records")
                number = chain["number"]
            elif (key := self.keyring.key(chain["key_id"])) and chain["root"] != root(
                key, chain["name"], number, before
            ):
                self._fault(
                    "altered", f"writer {number} ({chain['name']}) was altered or put in another's place"
                )
            before = chain["root"]

    async def _chain(self, chain: Row) -> None:
        name = chain["name"]
        key = self.keyring.key(chain["key_id"])
        if key is None:
            wanted = chain["key_id"].hex()
            says = f"writer {name} sealed with key {wanted}, not given: add the old key"
            self._fault("unsealed", says, at=(name, chain["base_position"]))
            return
        for end in ("base", "head"):
            self._sealed_end(chain, end)
        position, link = chain["base_position"], chain["base_link"]
        async for row in self._rows(name, chain["head_position"]):
            if row["position"] <= position:
                self._fault("added", f"record {row['id']} stands before the beginning of its chain", row=row)
                continue
            if row["position"] > position + 1:
                link = await self._gap(name, position + 1, row["position"] - 1)
            link = self._record(key, row, link)
            position = row["position"]
        if position < chain["head_position"]:
            await self._gap(name, position + 1, chain["head_position"])
        elif position == chain["head_position"] and link != chain["head_link"]:
            self._fault(
                "altered", f"the head of writer {name} does not match its last record", at=(name, position)
            )
        await self._beyond(name)
        for kept in self.heads:
            if kept.writer == name and kept.position > chain["head_position"]:
                says = f"record {kept.position} of writer {name}, whose head was kept outside, is gone"
                self._fault("head", says, at=(name, kept.position))

    def _sealed_end(self, chain: Row, end: str) -> None:
        name, position, seal = chain["name"], chain[f"{end}_position"], chain[f"{end}_seal"]
        if self.keyring.holds(seal, end, name, position, chain[f"{end}_link"]):
            return
        kind = "altered" if self.keyring.knows(seal) else "unsealed"
        self._fault(
            kind, f"the {end} of writer {name} at {position} does not carry our seal", at=(name, position)
        )

    def _record(self, key: bytes, row: Row, before: bytes | None) -> bytes:
        """Check one record against the link of the one before it (None: that one is missing)."""
        self.found.records += 1
        says = f"record {row['id']} ({row['position']} of writer {row['writer']})"
        if row["erased"] is not None:
            self.found.erased += 1
            if not self.keyring.holds(row["seal"], *erasure_parts(row["id"], row["digest"], row["erased"])):
                self._fault("altered", f"{says} was emptied, but not by an erasure of ours", row=row)
        elif not self._content_holds(key, row):
            self._fault("altered", f"{says} was altered", row=row)
        link = (
            chain_link(key, row["writer"], row["position"], before, row["digest"])
            if before is not None
            else None
        )
        if link is not None and link != row["link"]:
            self._fault(
                "swapped", f"{says} does not follow the record before it: one was put in its place", row=row
            )
        for head in self.heads:
            if (head.writer, head.position) == (row["writer"], row["position"]) and head.link != row["link"]:
                self._fault("head", f"{says} is not the one whose head was kept outside", row=row)
        return bytes(row["link"])

    def _content_holds(self, key: bytes, row: Row) -> bool:
        try:
            record = record_of(row)
            assert record.content is not None
            digest = content_digest(key, record.id, record.time, record.content)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        self.named.update(filter(None, (row["rules_digest"], row["wording_digest"], row["policy_digest"])))
        return digest == bytes(row["digest"])

    async def _rows(self, name: str, head: int) -> AsyncIterator[Row]:
        """Give a chain's rows up to the head that was read first: what came since is not missed."""
        after = -1
        while True:
            async with self.database.reading() as connection:
                page = await connection.all(_PAGE, name, after, head, PAGE)
            for row in page:
                yield dict(row)
            self.on_progress(len(page))
            if len(page) < PAGE:
                return
            after = page[-1]["position"]

    async def _gap(self, name: str, first: int, last: int) -> bytes | None:
        """Name these records as missing, unless a purge took them while we read.

        Returns the link of the last of them, where it is known: the chain goes on from it.
        """
        async with self.database.reading() as connection:
            (row,) = await connection.all("SELECT * FROM writers WHERE name = ?", name)
        chain = dict(row)
        self._sealed_end(chain, "base")
        base = int(chain["base_position"])
        if last > base:
            which = f"record {first} is" if first == last else f"records {first} to {last} are"
            self._fault("missing", f"{which} missing from the chain of writer {name}", at=(name, first))
        return bytes(chain["base_link"]) if last == base else None

    async def _beyond(self, name: str) -> None:
        """Nobody may add to a chain without moving its head."""
        async with self.database.reading() as connection:
            row = await first(connection, _BEYOND, name, name)
        if row is not None:
            self._fault("added", f"record {row['id']} stands behind the end of its chain", row=dict(row))

    async def _texts(self) -> None:
        """Every text that a record names is there, and is what it was."""
        async with self.database.reading() as connection:
            there = set()
            for row in await connection.all("SELECT digest, kind, name, body FROM texts"):
                there.add(row["digest"])
                if digest_of(row["body"]) != row["digest"]:
                    self._fault("text", f"the {row['kind']} text of policy version {row['name']} was altered")
        for digest in sorted(self.named - there):
            self._fault("text", f"the text {digest} that records name is missing")

    def _outside(self, names: set[str]) -> None:
        for head in self.heads:
            if head.writer not in names:
                self._fault(
                    "head",
                    f"writer {head.writer}, whose head was kept outside, is gone",
                    at=(head.writer, head.position),
                )
