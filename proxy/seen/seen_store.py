"""What was seen, in the database of the records: one table, shared by workers and machines, bounded.

A row is a name of a site. Writing merges what several processes saw; of two that meet a name at the
same moment exactly one is told that it is new.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from proxy.records.database import Database
from proxy.records.driver import Connection, Row
from proxy.seen.names import Kind
from proxy.seen.sightings import Key, Seen

MOST = 2_000
"""Names of a site that are kept: with their facts less than 2 MB."""

MOST_REPORTED = 1_000
"""Of them those that only browsers reported."""

Declared = Callable[[Key], bool]
"""True for a name that a rule speaks of: it is not dropped to make room."""

_COLUMNS = "site, kind, name, by_us, first_seen, last_seen, count, facts"
_ALL = f"SELECT {_COLUMNS} FROM seen"  # noqa: S608 - our own words
_SOME = f"{_ALL} WHERE site = ? AND name IN ? ORDER BY site, kind, name FOR UPDATE"
_COUNTS = "SELECT site, by_us, count(*) FROM seen GROUP BY site, by_us"
_REPORTED = "SELECT kind, name FROM seen WHERE site = ? AND by_us = 0 ORDER BY last_seen DESC, kind, name"
_INSERT = f"INSERT INTO seen ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
_UPDATE = (
    "UPDATE seen SET by_us = ?, first_seen = ?, last_seen = ?, count = ?, facts = ? "
    "WHERE site = ? AND kind = ? AND name = ?"
)
_DELETE = "DELETE FROM seen WHERE site = ? AND kind = ? AND name = ?"


class SeenStore:
    """The names that were seen, in the database that holds the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, site: str = "") -> dict[Key, Seen]:
        """Return every name, or those of one site, in the order of their first sight."""
        async with self._database.reading() as connection:
            where, values = (" WHERE site = ?", [site]) if site else ("", [])
            rows = await connection.all(f"{_ALL}{where} ORDER BY first_seen, kind, name", *values)
        return {_key_of(row): _seen_of(row) for row in rows}

    async def add(self, taken: Mapping[Key, Seen], declared: Declared = lambda _key: False) -> list[Key]:
        """Merge what a process saw into the table; return the names that were not in it."""
        new: list[Key] = []
        async with self._database.writing() as connection:
            room = await _Room.of(connection, declared)
            merged = await _merge(connection, taken)
            for key in sorted(taken.keys() - merged, key=_sorted_by):
                seen = taken[key]
                if not await room.make(connection, key.site, by_us=seen.by_us):
                    continue
                values = [key.site, key.kind.value, key.name, int(seen.by_us), seen.first, seen.last]
                if await connection.run(_INSERT, *values, seen.count, _facts(seen)):
                    new.append(key)
                else:
                    await _merge(connection, {key: seen})  # another process was faster
        return new


class _Room:
    """How many names each site has, and what gives way to new ones."""

    def __init__(self, counts: Counter[tuple[str, bool]], declared: Declared) -> None:
        self._counts = counts
        self._declared = declared
        self._oldest: dict[str, list[Key]] = {}  # those that may be dropped, newest first

    @classmethod
    async def of(cls, connection: Connection, declared: Declared) -> _Room:
        rows = await connection.all(_COUNTS)
        return cls(Counter({(row[0], bool(row[1])): row[2] for row in rows}), declared)

    async def make(self, connection: Connection, site: str, *, by_us: bool) -> bool:
        """True when a name more has room; the reported one that was met longest ago may have made it."""
        counts = self._counts
        full = counts[site, True] + counts[site, False] >= MOST
        if full or (not by_us and counts[site, False] >= MOST_REPORTED):
            if site not in self._oldest:
                rows = await connection.all(_REPORTED, site)
                keys = [Key(site, Kind(row[0]), row[1]) for row in rows]
                self._oldest[site] = [key for key in keys if not self._declared(key)]
            if not self._oldest[site]:
                return False
            dropped = self._oldest[site].pop()
            await connection.run(_DELETE, site, dropped.kind.value, dropped.name)
            counts[site, False] -= 1
        counts[site, by_us] += 1
        return True


async def _merge(connection: Connection, taken: Mapping[Key, Seen]) -> set[Key]:
    """Merge into the rows of those names that have one, and return these."""
    merged: set[Key] = set()
    changed: list[tuple[Any, ...]] = []
    for site in sorted({key.site for key in taken}):
        names = sorted({key.name for key in taken if key.site == site})
        for row in await connection.all(_SOME, site, names):
            key = _key_of(row)
            if key in taken:
                seen = _seen_of(row)
                seen.merge(taken[key])
                merged.add(key)
                values = (int(seen.by_us), seen.first, seen.last, seen.count, _facts(seen))
                changed.append((*values, key.site, key.kind.value, key.name))
    if changed:
        await connection.many(_UPDATE, changed)
    return merged


def _sorted_by(key: Key) -> tuple[str, str, str]:
    return key.site, key.kind.value, key.name


def _key_of(row: Row) -> Key:
    return Key(row["site"], Kind(row["kind"]), row["name"])


def _seen_of(row: Row) -> Seen:
    facts: dict[str, Any] = json.loads(row["facts"])
    return Seen(
        first=row["first_seen"],
        last=row["last_seen"],
        count=row["count"],
        by_us=bool(row["by_us"]),
        elements=set(facts.get("elements", ())),
        sides=set(facts.get("sides", ())),
        setters=set(facts.get("setters", ())),
        paths=list(facts.get("paths", ())),
        cookie=dict(facts.get("cookie", {})),
        networks=set(facts.get("networks", ())),
    )


def _facts(seen: Seen) -> str:
    facts = {
        "elements": sorted(seen.elements),
        "sides": sorted(seen.sides),
        "setters": sorted(seen.setters),
        "paths": seen.paths,
        "cookie": seen.cookie,
        "networks": sorted(seen.networks) if not seen.by_us else [],
    }
    return json.dumps({name: value for name, value in facts.items() if value}, separators=(",", ":"))
