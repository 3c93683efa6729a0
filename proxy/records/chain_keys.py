"""Older chain keys, kept in the store under the newer ones: a rotation loses no proof."""

from __future__ import annotations

from proxy.records.chain import Keyring
from proxy.records.database import Database
from proxy.records.driver import Connection


async def remember_keys(connection: Connection, keyring: Keyring) -> None:
    """Keep each older key that we were given, wrapped under the newest."""
    older = {row[0]: row for row in keyring.wrapped()}
    if not older:
        return
    found = await connection.all("SELECT id FROM keys WHERE wrapped_by = ?", keyring.newest)
    kept = {row["id"] for row in found}
    rows = [row for key_id, row in older.items() if key_id not in kept]
    if rows:
        await connection.many("INSERT INTO keys (id, wrapped_by, wrapped) VALUES (?, ?, ?)", rows)


async def load_keys(database: Database, keyring: Keyring) -> None:
    """Learn the older keys that ours open, and those that these open in turn."""
    async with database.reading() as connection:
        rows = await connection.all("SELECT id, wrapped_by, wrapped FROM keys")
    left = [(row[0], row[1], row[2]) for row in rows if keyring.key(row[0]) is None]
    while left:
        closed = [row for row in left if not keyring.unwrap(*row)]
        if len(closed) == len(left):
            return
        left = closed
