"""Raises an alert for each name that is new after a site's first week, and sends it until it is taken.

Only what we saw ourselves, or what browsers of five networks reported, raises one: a stranger who makes
names up raises none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from proxy.config.types import AlertsConfig, Config
from proxy.errors import StartError
from proxy.policy.model import DAY
from proxy.process.webhook import NotDeliveredError, post
from proxy.seen.alert_store import Alert, AlertStore
from proxy.seen.alert_text import payload, signature
from proxy.seen.names import Kind
from proxy.seen.sightings import ENOUGH_NETWORKS, Key, Seen
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Tally

FIRST_WEEK = 7 * DAY
"""Seconds in which a site's names are learnt, and nothing is new."""

STILL_NEW = DAY
"""Seconds for which a name is new: what is older was there before anybody asked for alerts."""


class Alerts:
    """The alerts that this process raises and sends."""

    def __init__(self, store: AlertStore, tally: Tally, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._tally = tally
        self._clock = clock
        self._raised: set[Key] = set()

    async def look(
        self, known: Mapping[Key, Seen], is_declared: Callable[[Key], bool], config: Config
    ) -> None:
        """Raise what is new among the names that are known, and send what is due."""
        now = int(self._clock())
        begun: dict[str, int] = {}
        for key, seen in known.items():
            begun[key.site] = min(begun.get(key.site, seen.first), seen.first)
        for key, seen in known.items():
            if self._is_new(seen, begun[key.site], now) and key not in self._raised:
                if key.kind is not Kind.PAGE and not is_declared(key):
                    await self._raise(key, seen, now, sends=config.alerts is not None)
                self._raised.add(key)
        if config.alerts is not None:
            await self._send(config, config.alerts, now)

    @staticmethod
    def _is_new(seen: Seen, begun: int, now: int) -> bool:
        believed = seen.by_us or len(seen.networks) >= ENOUGH_NETWORKS
        return believed and seen.first - begun >= FIRST_WEEK and now - seen.first < STILL_NEW

    async def _raise(self, key: Key, seen: Seen, now: int, *, sends: bool) -> None:
        facts = _facts(key, seen)
        if not await self._store.raise_for(key, {"names": [facts], "count": 1}, now, sends=sends):
            return
        self._tally.add("alerts", key.site, "raised")
        log().warning("alert_raised", site=key.site, **facts)

    async def _send(self, config: Config, alerts: AlertsConfig, now: int) -> None:
        await self._store.digest(now)
        for alert in await self._store.due(now):
            try:
                await _deliver(config, alerts, alert, now)
            except NotDeliveredError as error:
                over = await self._store.failed(alert, now)
                self._tally.add("alerts", alert.site, "given up" if over else "failed")
                log().warning("alert_failed", site=alert.site, id=alert.id, why=str(error), given_up=over)
            else:
                await self._store.sent(alert)
                self._tally.add("alerts", alert.site, "sent")


async def _deliver(config: Config, alerts: AlertsConfig, alert: Alert, now: int) -> None:
    body = payload(alert, alerts.format)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "consent-proxy",
        "X-Consent-Proxy-Id": alert.id,
        "X-Consent-Proxy-Time": str(now),
    }
    if alerts.secret is not None:
        secret = read_secret(config, alerts)
        headers["X-Consent-Proxy-Signature"] = signature(secret, alert.id, now, body)
    await post(alerts.url, body, headers, allow_private=alerts.allow_private)


def read_secret(config: Config, alerts: AlertsConfig) -> bytes:
    """Return the key that signs alerts; NotDeliveredError where its file cannot be read."""
    assert alerts.secret is not None
    try:
        secret = config.file(alerts.secret).read_bytes().strip()
    except OSError as error:
        raise NotDeliveredError(f"alerts.secret cannot be read: {error.strerror}") from None
    if len(secret) < 16:
        raise NotDeliveredError("alerts.secret is shorter than 16 bytes")
    return secret


def check_secret(config: Config) -> None:
    """Raise StartError where alerts could not be signed."""
    if config.alerts is not None and config.alerts.secret is not None:
        try:
            read_secret(config, config.alerts)
        except NotDeliveredError as error:
            raise StartError(str(error)) from None


def _facts(key: Key, seen: Seen) -> dict[str, Any]:
    return {
        "kind": key.kind.value,
        "name": key.name,
        "elements": sorted(seen.elements),
        "path": next(iter(seen.paths), None),
        "evidence": "seen" if seen.by_us else "reported",
    }
