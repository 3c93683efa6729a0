"""Daily numbers: how often was asked and what was answered, without a person in them.

A record counts as long as it is kept; when it is purged or erased, what it counted for is added
to the table `days`, where pages that asked are counted from the beginning.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.consent.answer import How
from proxy.consent.decision import Ask
from proxy.records.driver import Connection

Key = tuple[int, str, str, str, str]
"""Day (since 1970, UTC), site, language ("" where none is known), measure, purpose ("" without)."""

Numbers = Counter[Key]

SHOWN = "shown "
"""The measures of pages that asked: `shown first`, `shown signal`; the rest is a value of Ask."""
UNSTORED = "unstored "
"""The measures of choices above the rate limit: `unstored refuse`."""
ERASED = "erased"
DECLARED = "declared"
"""The measure of choices that another consent tool was told, and that we read."""

DAY_MS = 86_400_000

_UPSERT = (
    "INSERT INTO days (day, site, language, measure, purpose, count) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (day, site, language, measure, purpose) DO UPDATE SET count = days.count + excluded.count"
)
_DAYS = "SELECT day, site, language, measure, purpose, count FROM days WHERE day >= ? AND day < ?"
_KINDS = "how, granted, refused, withdrawn, asked, declared_by"


async def add(connection: Connection, numbers: Mapping[Key, int]) -> None:
    """Add to the table; in one order everywhere, so that two proxies never wait for each other."""
    await connection.many(_UPSERT, [(*key, count) for key, count in sorted(numbers.items())])


async def kept(connection: Connection, since: int, until: int) -> Numbers:
    """Return what the table holds of these days."""
    rows = await connection.all(_DAYS, since, until)
    return Counter(
        {(r["day"], r["site"], r["language"], r["measure"], r["purpose"]): r["count"] for r in rows}
    )


async def of_records(connection: Connection, where: str, *values: Any) -> Numbers:
    """Return what the records of which that is true count for; tombstones counted when they were erased."""
    numbers: Numbers = Counter()
    query = (
        f"SELECT time / {DAY_MS} AS day, site, language, {_KINDS}, count(*) AS count FROM records "  # noqa: S608
        f"WHERE {where} AND erased IS NULL GROUP BY time / {DAY_MS}, site, language, {_KINDS}"
    )
    for row in await connection.all(query, *values):
        for measure, purpose in _measures(row):
            numbers[row["day"], row["site"], row["language"], measure, purpose] += row["count"]
    return numbers


def _measures(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the measures that a record counts for, and the purpose of each."""
    yield row["how"], ""
    if row["how"] == How.ONCE.value:
        return  # one view leaves the answer as it is
    if row["asked"] in (Ask.EXPIRED.value, Ask.NEW.value):
        yield "again", ""
    if row["declared_by"] is not None:
        yield DECLARED, ""
    for measure in ("granted", "refused", "withdrawn"):
        for purpose in json.loads(row[measure] or "[]"):
            yield measure, purpose
