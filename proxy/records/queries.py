"""Queries of the store: one record, those of a visitor, the newest, all of them, counts.

Everything long is read in pages by id, never in one long transaction: memory stays constant
and a writer's journal can be folded back meanwhile.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from proxy.consent.answer import How
from proxy.consent.record import ConsentRecord
from proxy.records.database import Database
from proxy.records.driver import first
from proxy.records.rows import RECORDS, record_of

PAGE = 2_000

_KINDS = "how, site, policy_version, granted, refused"
_GROUPS = f"SELECT {_KINDS}, count(*) AS n FROM records WHERE erased IS NULL GROUP BY {_KINDS}"  # noqa: S608
_TOTALS = """
    SELECT min(time), max(time), count(erased), count(DISTINCT visitor), (SELECT count(*) FROM writers)
    FROM records
"""


@dataclass(frozen=True, slots=True)
class Which:
    """Which records are meant; None and False mean any. Times in ms since 1970."""

    site: str | None = None
    visitor: str | None = None
    how: str | None = None  # a value of How, or `erased`: tombstones alone
    since: int | None = None
    until: int | None = None
    erased: bool = False  # tombstones too

    def conditions(self) -> tuple[str, list[Any]]:
        """Return what follows WHERE for these records only, and its values."""
        wanted = (
            ("site = ?", self.site),
            ("visitor = ?", self.visitor),
            ("time >= ?", self.since),
            ("time < ?", self.until),
        )
        given = [(text, value) for text, value in wanted if value is not None]
        texts = [text for text, _ in given]
        values = [value for _, value in given]
        match self.how:
            case None:
                pass
            case "erased":
                return " AND ".join([*texts, "erased IS NOT NULL"]), values
            case How.WITHDRAW.value:  # also where another purpose was granted in the same breath
                texts.append("withdrawn IS NOT NULL")
            case how:
                texts.append("how = ?")
                values.append(how)
        if not self.erased:
            texts.append("erased IS NULL")
        return " AND ".join(texts) or "1 = 1", values


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
        row = await first(connection, f"{RECORDS} WHERE id = ?", record_id)
    return record_of(row) if row else None


async def newest(database: Database, which: Which, limit: int) -> list[ConsentRecord]:
    """Return the newest records, newest first."""
    where, values = which.conditions()
    async with database.reading() as connection:
        rows = await connection.all(f"{RECORDS} WHERE {where} ORDER BY id DESC LIMIT ?", *values, limit)
    return [record_of(row) for row in rows]


async def every(database: Database, which: Which) -> AsyncIterator[ConsentRecord]:
    """Give each record, oldest first, in constant memory."""
    where, values = which.conditions()
    query = f"{RECORDS} WHERE {where} AND id > ? ORDER BY id LIMIT ?"
    after = ""
    while True:
        async with database.reading() as connection:
            rows = await connection.all(query, *values, after, PAGE)
        for row in rows:
            yield record_of(row)
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


async def count(database: Database, which: Which) -> int:
    """Return how many records are meant."""
    where, values = which.conditions()
    async with database.reading() as connection:
        found = await first(connection, f"SELECT count(*) FROM records WHERE {where}", *values)  # noqa: S608
    return int(found[0]) if found else 0


async def texts_of(database: Database, *digests: str) -> dict[str, str]:
    """Return the texts of these digests, as far as they are kept."""
    async with database.reading() as connection:
        rows = await connection.all("SELECT digest, body FROM texts WHERE digest IN ?", list(digests))
    return {row["digest"]: row["body"] for row in rows}


async def stats(database: Database) -> Stats:
    """Return the counts, taken at one moment."""
    by_how, by_site, by_version = Counter[str](), Counter[str](), Counter[str]()
    granted, refused = Counter[str](), Counter[str]()
    async with database.reading() as connection:
        for row in await connection.all(_GROUPS):
            by_how[row["how"]] += row["n"]
            by_site[row["site"]] += row["n"]
            by_version[row["policy_version"]] += row["n"]
            granted.update(dict.fromkeys(json.loads(row["granted"]), row["n"]))
            refused.update(dict.fromkeys(json.loads(row["refused"]), row["n"]))
        (totals,) = await connection.all(_TOTALS)
    first_time, last_time, erased, visitors, wrote = totals
    return Stats(
        records=by_how.total(),
        erased=erased,
        visitors=visitors,
        writers=wrote,
        first=first_time,
        last=last_time,
        by_how=dict(by_how),
        by_site=dict(by_site),
        by_version=dict(by_version),
        granted=dict(granted),
        refused=dict(refused),
    )
