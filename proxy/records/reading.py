"""What is asked of the store: one record, a visitor's, a page of them, all of them, counts.

Everything long is read in pages by id, never in one long transaction: memory stays constant
and a writer's journal can be folded back meanwhile.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select

from proxy.consent.record import ConsentRecord
from proxy.records.database import Database
from proxy.records.schema import record_of, records, texts, writers

PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Which:
    """Which records are meant; None and False mean any. Times in ms since 1970."""

    site: str | None = None
    visitor: str | None = None
    how: str | None = None
    since: int | None = None
    until: int | None = None
    erased: bool = False  # tombstones too

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Return the query for these records only."""
        columns = records.c
        for column, wanted in (
            (columns.site, self.site),
            (columns.visitor, self.visitor),
            (columns.how, self.how),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        if self.since is not None:
            query = query.where(columns.time >= self.since)
        if self.until is not None:
            query = query.where(columns.time < self.until)
        return query if self.erased else query.where(columns.erased.is_(None))


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts over the store."""

    records: int
    erased: int
    visitors: int
    writers: int
    first: int | None
    last: int | None
    by_how: dict[str, int] = field(default_factory=dict)
    by_site: dict[str, int] = field(default_factory=dict)
    by_version: dict[str, int] = field(default_factory=dict)
    granted: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


async def find(database: Database, record_id: str) -> ConsentRecord | None:
    """Return the record of that id."""
    async with database.reading() as connection:
        row = (await connection.execute(select(records).where(records.c.id == record_id))).mappings().first()
    return record_of(dict(row)) if row else None


async def newest(database: Database, which: Which, limit: int) -> list[ConsentRecord]:
    """Return the newest records, newest first."""
    query = which.narrow(select(records)).order_by(records.c.id.desc()).limit(limit)
    async with database.reading() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [record_of(dict(row)) for row in rows]


async def every(database: Database, which: Which) -> AsyncIterator[ConsentRecord]:
    """Give each record, oldest first, in constant memory."""
    after = ""
    while True:
        query = which.narrow(select(records)).where(records.c.id > after).order_by(records.c.id).limit(PAGE)
        async with database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        for row in rows:
            yield record_of(dict(row))
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


async def count(database: Database, which: Which) -> int:
    """Return how many records are meant."""
    async with database.reading() as connection:
        query = which.narrow(select(func.count()).select_from(records))
        return int((await connection.execute(query)).scalar_one())


async def texts_of(database: Database, *digests: str) -> dict[str, str]:
    """Return the texts of these digests, as far as they are kept."""
    async with database.reading() as connection:
        rows = await connection.execute(
            select(texts.c.digest, texts.c.body).where(texts.c.digest.in_(digests))
        )
        return {row.digest: row.body for row in rows}


async def stats(database: Database) -> Stats:
    """Return the counts, taken at one moment."""
    kinds = (records.c.how, records.c.site, records.c.policy_version, records.c.granted, records.c.refused)
    by_how, by_site, by_version = Counter[str](), Counter[str](), Counter[str]()
    granted, refused = Counter[str](), Counter[str]()
    async with database.reading() as connection:
        groups = select(*kinds, func.count().label("n")).where(records.c.erased.is_(None)).group_by(*kinds)
        for row in await connection.execute(groups):
            by_how[row.how] += row.n
            by_site[row.site] += row.n
            by_version[row.policy_version] += row.n
            granted.update(dict.fromkeys(json.loads(row.granted), row.n))
            refused.update(dict.fromkeys(json.loads(row.refused), row.n))
        span = select(func.min(records.c.time), func.max(records.c.time), func.count(records.c.erased))
        first, last, erased = (await connection.execute(span)).one()
        visitors = (await connection.execute(select(func.count(records.c.visitor.distinct())))).scalar_one()
        wrote = (await connection.execute(select(func.count()).select_from(writers))).scalar_one()
    return Stats(
        records=by_how.total(),
        erased=erased,
        visitors=visitors,
        writers=wrote,
        first=first,
        last=last,
        by_how=dict(by_how),
        by_site=dict(by_site),
        by_version=dict(by_version),
        granted=dict(granted),
        refused=dict(refused),
    )
