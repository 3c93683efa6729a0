"""Writes what was seen into the store, tells of each new name once, and keeps what is known at hand.

A name is new where this process was the one that put it into the store: of all workers and machines
that share it exactly one tells.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable, Mapping

from proxy.errors import ProxyError
from proxy.policy.model import DAY
from proxy.process.alerts import Alerts
from proxy.records.driver import FAILURES
from proxy.seen.declaration import Whose, declaration
from proxy.seen.known_names import known_names
from proxy.seen.names import Kind
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key, Seen, Sightings
from proxy.snapshot.sites import Site
from proxy.snapshot.snapshot import Snapshot
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Tally

WRITE_EVERY = 5.0
"""Seconds between two writes."""

MOST_SOURCES = 3_000
"""Bytes of known hosts in a policy that only reports: with the fence less than 8 KiB."""

_SOURCE = re.compile(r"(?:\*\.)?[a-z0-9.-]+")

READ_EVERY = 60
"""Seconds after which the names that others wrote are read at the latest; a new one here has all read."""


class SeenNames:
    """Writes the sightings of this process, and knows what is in the store."""

    def __init__(
        self,
        store: SeenStore,
        sightings: Sightings,
        tally: Tally,
        *,
        snapshot: Callable[[], Snapshot],
        alerts: Alerts,
    ) -> None:
        self._store = store
        self._sightings = sightings
        self._tally = tally
        self._snapshot = snapshot
        self._alerts = alerts
        self._known: dict[Key, Seen] = {}
        self._read_at = 0

    async def run(self) -> None:
        """Write until cancelled; a store that is away is tried again."""
        while True:
            await asyncio.sleep(WRITE_EVERY)
            with contextlib.suppress(ProxyError, *FAILURES):
                await self.write()

    async def write(self) -> None:
        """Write what was seen since the last time, and read what is known where that is due."""
        snapshot = self._snapshot()
        now = int(snapshot.clock())
        taken = self._sightings.take(now)
        if taken:
            try:
                new = await self._store.add(taken, self._is_declared)
            except BaseException:
                self._sightings.give_back(taken)
                raise
            for key in new:
                self._tell(snapshot, key, taken[key])
        if now - self._read_at >= READ_EVERY or not taken.keys() <= self._known.keys():
            self._read_at = now
            self._known = await self._store.all()
        else:
            for key, seen in taken.items():
                self._known[key].merge(seen)  # as the store did
        if taken or self._read_at == now:
            self._publish(snapshot, now)

    def _publish(self, snapshot: Snapshot, now: int) -> None:
        """Let requests go by what is known."""
        by_site: dict[str, dict[Key, Seen]] = {site.name: {} for site in snapshot.sites.all}
        for key, seen in self._known.items():
            if key.site in by_site:
                by_site[key.site][key] = seen
        self._sightings.known = frozenset(self._known)
        self._sightings.known_names = {
            site.name: known_names(by_site[site.name], site.name, now)
            for site in snapshot.sites.all
            if site.observes_pages
        }
        self._sightings.sources = {name: known_sources(known, name, now) for name, known in by_site.items()}

    async def run_alerts(self) -> None:
        """Raise and send alerts until cancelled: a receiver that is slow keeps no names waiting."""
        while True:
            await asyncio.sleep(WRITE_EVERY)
            with contextlib.suppress(ProxyError, *FAILURES):
                await self.alert()

    async def alert(self) -> None:
        """Raise alerts for what is new among the known names, and send what is due."""
        await self._alerts.look(self._known, self._is_declared, self._snapshot().config)

    def state(self, site: Site) -> dict[str, object]:
        """Return what `/status` says of a site: how much no rule speaks of, and the newest of it."""
        found = [key for key in self._known if key.site == site.name and not _by_rules(site, key)]
        counts = Counter(f"{key.kind.value}s" for key in found)
        return {**counts, "newest": [key.name for key in reversed(found[-5:])]}

    def elsewhere(self, site: Site) -> list[str]:
        """Return hosts of the site's own domain that pages load from past this proxy, and no rule names."""
        hosts = (key.name for key in self._known if key.site == site.name and key.kind is Kind.HOST)
        return sorted(host for host in hosts if host not in site.rules.own.hosts and _is_own(site, host))

    def _is_declared(self, key: Key) -> bool:
        site = _site(self._snapshot(), key.site)
        return site is not None and _by_rules(site, key)

    def _tell(self, snapshot: Snapshot, key: Key, seen: Seen) -> None:
        """Log and count a name that was not in the store before and that no rule speaks of."""
        site = _site(snapshot, key.site)
        if site is None or _by_rules(site, key):
            return
        whose = declaration(key.kind, key.name, site.rules, site.cookies)
        self._tally.add("undeclared", key.site, key.kind.value, "seen" if seen.by_us else "reported")
        log().info(
            "undeclared_seen",
            site=key.site,
            kind=key.kind.value,
            name=key.name,
            element=sorted(seen.elements),
            side=sorted(seen.sides),
            path=next(iter(seen.paths), None),
            evidence="seen" if seen.by_us else "reported",
            catalogue=whose.id or None,
        )


def known_sources(known: Mapping[Key, Seen], site: str, now: int) -> bytes:
    """Return what a policy that only reports lets pass: hosts of the site that were seen today.

    So a browser reports what is new, and every name once a day.
    """
    today = [(key.name, one) for key, one in known.items() if key.site == site and key.kind is Kind.HOST]
    today = [(name, one) for name, one in today if now - one.last < DAY and _expressible(name)]
    found = b""
    for name, one in sorted(today, key=lambda pair: -pair[1].last):
        sources = f"{name}:* wss://{name}:* ws://{name}:* " if "socket" in one.elements else f"{name}:* "
        if len(found) + len(sources) > MOST_SOURCES:
            break
        found += sources.encode("ascii")
    return found


def _expressible(host: str) -> bool:
    return _SOURCE.fullmatch(host) is not None


def _site(snapshot: Snapshot, name: str) -> Site | None:
    return next((site for site in snapshot.sites.all if site.name == name), None)


def _is_own(site: Site, host: str) -> bool:
    return declaration(Kind.HOST, host, site.rules, site.cookies).whose is Whose.OWN


def _by_rules(site: Site, key: Key) -> bool:
    return declaration(key.kind, key.name, site.rules, site.cookies).by_rules
