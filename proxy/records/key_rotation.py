"""Key rotation: older chain keys are stored wrapped by newer ones, so old records still verify."""

from __future__ import annotations

from proxy.records.chain import Keyring
from proxy.records.database import Database
from proxy.records.driver import Connection


async def store_keys(connection: Connection, keyring: Keyring) -> None:
    """Store each older key, wrapped under the newest."""
    older = {row[0]: row for row in keyring.wrapped()}
    if not older:
        return
    found = await connection.all("SELECT id FROM keys WHERE wrapped_by = ?", keyring.newest)
    kept = {row["id"] for row in found}
    rows = [row for key_id, row in older.items() if key_id not in kept]
    if rows:
        await connection.many("INSERT INTO keys (id, wrapped_by, wrapped) VALUES (?, ?, ?)", rows)


async def load_keys(database: Database, keyring: Keyring) -> None:
    """Unwrap the stored older keys that the keyring can open, transitively."""
    async with database.reading() as connection:
        rows = await connection.all("SELECT id, wrapped_by, wrapped FROM keys")
    left = [(row[0], row[1], row[2]) for row in rows if keyring.key(row[0]) is None]
    while left:
        closed = [row for row in left if not keyring.unwrap(*row)]
        if len(closed) == len(left):
            return
        left = closed
