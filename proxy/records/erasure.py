"""Erases records on request (the tombstone stays in the chain), and purges old ones by age."""

from __future__ import annotations

from typing import Any

from proxy.consent.answer import How
from proxy.errors import RecordsError
from proxy.records import days
from proxy.records.chain import Keyring
from proxy.records.database import Database
from proxy.records.driver import Connection, first
from proxy.records.rows import CONTENT

_STEP = 2_000
_KINDS = frozenset(how.value for how in How)
_EMPTY = (
    f"UPDATE records SET {', '.join(f'{name} = NULL' for name in CONTENT)}, erased = ?, seal = ? WHERE id = ?"  # noqa: S608
)
_YOUNG = "SELECT min(position) FROM records WHERE writer = ? AND time >= ?"
_OLD = "SELECT count(*) FROM records WHERE writer = ? AND position <= ?"
_LINK = "SELECT link FROM records WHERE writer = ? AND position = ?"
_BASE = "UPDATE writers SET base_position = ?, base_link = ?, base_seal = ? WHERE name = ?"


def erasure_parts(record_id: str, digest: bytes, erased: int) -> tuple[str, str, bytes, int]:
    """Return what the seal of a tombstone covers: nobody else can empty a record unseen."""
    return "erased", record_id, digest, erased


async def erase(database: Database, keyring: Keyring, column: str, value: str, now: int) -> int:
    """Empty the records whose column says that, and return how many. The chain still verifies."""
    query = f"SELECT id, digest FROM records WHERE {column} = ? AND erased IS NULL"  # noqa: S608 - a column's name
    async with database.writing() as connection:
        found = await connection.all(query, value)
        numbers = await days.of_records(connection, f"{column} = ?", value)
        for (_, site, language, measure, _), count in list(numbers.items()):
            if measure in _KINDS:  # each record once
                numbers[now // days.DAY_MS, site, language, days.ERASED, ""] += count
        await days.add(connection, numbers)
        for record_id, digest in found:
            seal = keyring.seal(*erasure_parts(record_id, digest, now))
            await connection.run(_EMPTY, now, seal, record_id)
    if found:
        await database.scrub()
    return len(found)


async def purgeable(database: Database, before: int) -> int:
    """Return how many records stand where a purge would delete."""
    count = 0
    async with database.reading() as connection:
        for chain in await connection.all("SELECT name, head_position, base_position FROM writers"):
            end = await _end_of_old(connection, chain, before)
            found = await first(connection, _OLD, chain["name"], end)
            count += int(found[0]) if found is not None else 0
    return count


async def purge(database: Database, keyring: Keyring, before: int) -> int:
    """Delete what was recorded before then from the beginning of each chain, and return how many.

    In small steps, so that no visitor waits for it. A record that stands behind a younger
    one (a clock went backwards) waits for that one.
    """
    purged = 0
    async with database.reading() as connection:
        chains = await connection.all(
            "SELECT name, head_position, base_position FROM writers ORDER BY number"
        )
        ends = {chain["name"]: await _end_of_old(connection, chain, before) for chain in chains}
    for chain in chains:
        name, base = chain["name"], chain["base_position"]
        while base < ends[name]:
            base = min(base + _STEP, ends[name])
            purged += await _move_base(database, keyring, name, base)
    if purged:
        await database.scrub()
    return purged


async def _end_of_old(connection: Connection, chain: Any, before: int) -> int:
    """Return the position up to which a chain holds only what is older than `before`."""
    young = await first(connection, _YOUNG, chain["name"], before)
    return int(chain["head_position"] if young is None or young[0] is None else young[0] - 1)


async def _move_base(database: Database, keyring: Keyring, name: str, base: int) -> int:
    """Delete a chain up to a position, and seal the place where it now begins."""
    async with database.writing() as connection:
        last = await first(connection, _LINK, name, base)
        if last is None or last["link"] is None:
            raise RecordsError(
                f"record {base} of writer {name} is missing: run `records verify` before purging"
            )
        link = last["link"]
        await days.add(
            connection, await days.of_records(connection, "writer = ? AND position <= ?", name, base)
        )
        await connection.run(_BASE, base, link, keyring.seal("base", name, base, link), name)
        return await connection.run("DELETE FROM records WHERE writer = ? AND position <= ?", name, base)
