"""How a record may leave: erased on request, its seals kept; purged by age, the base sealed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.errors import RecordsError
from proxy.records.chain import Keyring
from proxy.records.database import Database
from proxy.records.schema import CONTENT, records, writers

_STEP = 2_000
_EMPTY: dict[str, Any] = dict.fromkeys(CONTENT)


def erasure_parts(record_id: str, digest: bytes, erased: int) -> tuple[str, str, bytes, int]:
    """Return what the seal of a tombstone covers: nobody else can empty a record unseen."""
    return "erased", record_id, digest, erased


async def erase(database: Database, keyring: Keyring, which: ColumnElement[bool], now: int) -> int:
    """Empty these records, and return how many. The chain still verifies."""
    async with database.writing() as connection:
        query = select(records.c.id, records.c.digest).where(which, records.c.erased.is_(None))
        found = (await connection.execute(query)).all()
        for record_id, digest in found:
            seal = keyring.seal(*erasure_parts(record_id, digest, now))
            await connection.execute(
                update(records).where(records.c.id == record_id).values(**_EMPTY, erased=now, seal=seal)
            )
    if found:
        await database.scrub()
    return len(found)


async def purge(database: Database, keyring: Keyring, before: int) -> int:
    """Delete what was recorded before then from the beginning of each chain, and return how many.

    In small steps, so that no visitor waits for it. A record that stands behind a younger
    one (a clock went backwards) waits for that one.
    """
    purged = 0
    async with database.reading() as connection:
        chains = (await connection.execute(select(writers).order_by(writers.c.number))).mappings().all()
        ends = {chain["name"]: await _end_of_old(connection, dict(chain), before) for chain in chains}
    for chain in chains:
        name, base = chain["name"], chain["base_position"]
        while base < ends[name]:
            base = min(base + _STEP, ends[name])
            purged += await _move_base(database, keyring, name, base)
    if purged:
        await database.scrub()
    return purged


async def _end_of_old(connection: AsyncConnection, chain: dict[str, Any], before: int) -> int:
    """Return the position up to which a chain holds only what is older than `before`."""
    young = select(func.min(records.c.position)).where(
        records.c.writer == chain["name"], records.c.time >= before
    )
    first = (await connection.execute(young)).scalar()
    return int(chain["head_position"] if first is None else first - 1)


async def _move_base(database: Database, keyring: Keyring, name: str, base: int) -> int:
    """Delete a chain up to a position, and seal the place where it now begins."""
    async with database.writing() as connection:
        own = records.c.writer == name
        at = select(records.c.link).where(own, records.c.position == base)
        link = (await connection.execute(at)).scalar()
        if link is None:
            raise RecordsError(
                f"record {base} of writer {name} is missing: run `records verify` before purging"
            )
        sealed = keyring.seal("base", name, base, link)
        await connection.execute(
            update(writers)
            .where(writers.c.name == name)
            .values(base_position=base, base_link=link, base_seal=sealed)
        )
        return (await connection.execute(delete(records).where(own, records.c.position <= base))).rowcount
