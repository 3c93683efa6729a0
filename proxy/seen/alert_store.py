"""Alerts about new names, in the database of the records: raised once, kept until they are sent.

Whoever inserts the row raised the alert; of all workers and machines that share the store it is one.
At most ten an hour for a site go out by themselves, the rest wait for one digest an hour.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from proxy.records.database import Database
from proxy.records.driver import Connection, Row, first
from proxy.seen.sightings import Key

PER_HOUR = 10
"""Alerts of a site in an hour that go out by themselves."""

MOST_IN_DIGEST = 50
"""Names that a digest lists; it counts the others."""

LEASE = 60
"""Seconds that a worker has for sending what it took; after that another may."""

LONGEST_WAIT = 900
GIVE_UP = 86_400
"""Seconds after which an alert that nobody takes is given up."""

KEPT = 7 * 86_400
_HOUR = 3_600

WAITING, HELD, DONE, FAILED = "waiting", "held", "done", "failed"
DIGEST = "digest"

_COLUMNS = "site, kind, name, id, created, state, next_try, tries, facts"
_INSERT = f"INSERT INTO alerts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING"  # noqa: S608
_SENT = "SELECT count(*) FROM alerts WHERE site = ? AND created > ? AND kind <> 'digest' AND state <> 'held'"
_HELD = "SELECT kind, name, facts FROM alerts WHERE site = ? AND state = 'held' ORDER BY created, kind, name"
_SITES = "SELECT DISTINCT site FROM alerts WHERE state = 'held'"
_DUE = f"SELECT {_COLUMNS} FROM alerts WHERE state = 'waiting' AND next_try <= ? ORDER BY created LIMIT 5"  # noqa: S608
_TAKE = "UPDATE alerts SET next_try = ? WHERE id = ? AND next_try = ? AND state = 'waiting'"
_END = "UPDATE alerts SET state = ? WHERE id = ?"
_AGAIN = "UPDATE alerts SET tries = ?, next_try = ? WHERE id = ?"
_UNDELIVERED = (
    "SELECT state, count(*) AS count, min(created) AS since FROM alerts"
    " WHERE (state = 'waiting' AND tries > 0) OR state = 'failed' GROUP BY state"
)
_WORDS = {"waiting": WAITING, "given_up": FAILED}
_RELEASE = "UPDATE alerts SET state = 'done' WHERE site = ? AND state = 'held'"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert to be sent: about one name, or a digest of many."""

    site: str
    id: str
    created: int
    tries: int
    facts: dict[str, Any]


class AlertStore:
    """The alerts of all sites."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def raise_for(self, key: Key, facts: dict[str, Any], now: int, *, sends: bool) -> bool:
        """Raise the alert about a name; False where somebody has. `sends`: there is somewhere to send it."""
        async with self._database.writing() as connection:
            sent = await first(connection, _SENT, key.site, now - _HOUR)
            state = DONE if not sends else HELD if sent is not None and sent[0] >= PER_HOUR else WAITING
            return await _insert(connection, (key.site, key.kind.value, key.name), state, now, facts)

    async def digest(self, now: int) -> list[str]:
        """Make a digest of what is held, once an hour and site; return the sites that got one."""
        made = []
        async with self._database.writing() as connection:
            for (site,) in [tuple(row) for row in await connection.all(_SITES)]:
                rows = await connection.all(_HELD, site)
                names = [json.loads(row["facts"]) for row in rows[:MOST_IN_DIGEST]]
                facts = {"names": names, "count": len(rows)}
                if await _insert(connection, (site, DIGEST, str(now // _HOUR)), WAITING, now, facts):
                    await connection.run(_RELEASE, site)
                    made.append(site)
        return made

    async def due(self, now: int) -> list[Alert]:
        """Take the alerts that are to be sent now; nobody else gets them for a minute."""
        async with self._database.writing() as connection:
            taken = [
                _alert_of(row)
                for row in await connection.all(_DUE, now)
                if await connection.run(_TAKE, now + LEASE, row["id"], row["next_try"])
            ]
            await connection.run("DELETE FROM alerts WHERE state <> 'waiting' AND created < ?", now - KEPT)
        return taken

    async def undelivered(self) -> dict[str, int | None]:
        """Return how many alerts wait after a failure, how many were given up, and since when."""
        async with self._database.reading() as connection:
            rows = {row["state"]: row for row in await connection.all(_UNDELIVERED)}
        oldest = [row["since"] for row in rows.values()]
        counts = {word: rows[state]["count"] if state in rows else 0 for word, state in _WORDS.items()}
        return {**counts, "since": min(oldest, default=None)}

    async def sent(self, alert: Alert) -> None:
        """Note that an alert was taken by its receiver."""
        async with self._database.writing() as connection:
            await connection.run(_END, DONE, alert.id)

    async def failed(self, alert: Alert, now: int) -> bool:
        """Note that sending failed; True when it is given up."""
        over = now - alert.created >= GIVE_UP
        async with self._database.writing() as connection:
            if over:
                await connection.run(_END, FAILED, alert.id)
            else:
                wait = min(LONGEST_WAIT, 15 * 2**alert.tries)
                await connection.run(_AGAIN, alert.tries + 1, now + wait, alert.id)
        return over


async def _insert(
    connection: Connection, key: tuple[str, str, str], state: str, now: int, facts: dict[str, Any]
) -> bool:
    values = (*key, uuid.uuid4().hex, now, state, now, json.dumps(facts))
    return await connection.run(_INSERT, *values) > 0


def _alert_of(row: Row) -> Alert:
    return Alert(row["site"], row["id"], row["created"], row["tries"], json.loads(row["facts"]))
