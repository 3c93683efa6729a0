"""Older chain keys, kept in the store under the newer ones: a rotation loses no proof."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.records.chain import Keyring
from proxy.records.database import Database
from proxy.records.schema import keys


async def remember_keys(connection: AsyncConnection, keyring: Keyring) -> None:
    """Keep each older key that we were given, wrapped under the newest."""
    older = {row[0]: row for row in keyring.wrapped()}
    if not older:
        return
    query = select(keys.c.id).where(keys.c.id.in_(older), keys.c.wrapped_by == keyring.newest)
    kept = {row.id for row in await connection.execute(query)}
    rows = [dict(zip(keys.columns.keys(), row, strict=True)) for row in older.values() if row[0] not in kept]
    if rows:
        await connection.execute(insert(keys), rows)


async def load_keys(database: Database, keyring: Keyring) -> None:
    """Learn the older keys that ours open, and those that these open in turn."""
    async with database.reading() as connection:
        rows = (await connection.execute(select(keys.c.id, keys.c.wrapped_by, keys.c.wrapped))).all()
    left = [tuple(row) for row in rows if keyring.key(row.id) is None]
    while left:
        closed = [row for row in left if not keyring.unwrap(*row)]
        if len(closed) == len(left):
            return
        left = closed
