"""One serving process: opens the record store, builds the snapshot, listens, and stops.

A reload replaces the snapshot as a whole: a request is served from the one it began with.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from proxy.build_digest import build_kind
from proxy.config.policies import Policies
from proxy.config.signing_key import key_file, load_keys, renewed_keys
from proxy.config.types import Config, Mode
from proxy.errors import ProxyError
from proxy.filter.body.body_filter import smaller
from proxy.filter.cache import PageCache
from proxy.http.listening import Certificate, Listener, bind, drain
from proxy.http.server import Connection, HttpServer, RequestLimits
from proxy.http.upstream.balancer import Upstreams
from proxy.own.addresses import OwnAddresses
from proxy.process.admin import listen_admin
from proxy.process.alerts import Alerts
from proxy.process.gauges import Gauges
from proxy.process.handover import write_handover
from proxy.process.records_probe import RecordsProbe
from proxy.process.reload import Reloader, WatchedFiles
from proxy.process.seen_names import SeenNames
from proxy.records.driver import FAILURES
from proxy.records.export import heads_of
from proxy.records.store import RecordStore, now_ms
from proxy.route.relay import Relay
from proxy.seen.alert_store import AlertStore
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Sightings
from proxy.snapshot.presumed_cookies import PresumedCookies
from proxy.snapshot.shared_resources import SharedResources
from proxy.snapshot.site_upstreams import UpstreamsBySite
from proxy.snapshot.sites import Site
from proxy.snapshot.snapshot import Snapshot, build_snapshot
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Metrics, WorkerHealth
from proxy.version import VERSION

try:
    from proxy.route.fast.fast_path import FastPath, open_fast_path
except ModuleNotFoundError as error:
    if error.name is None or not error.name.startswith("proxy.route.fast"):
        raise

    def open_fast_path(relay: Relay) -> FastPath | None:  # noqa: ARG001
        """Return None: the accelerator is not installed, everything goes the ordinary route."""
        return None


TICK = 1.0
"""Seconds between checks for changed files and flushes of metrics."""

PURGE_EVERY = 86_400.0

COUNT_EVERY = 60.0
"""Seconds between additions to the daily numbers of the record store."""


class Worker:
    """One process that serves. Made inside a running loop; `start`, then `stop`."""

    def __init__(
        self,
        config: Config,
        policies: Policies,
        watched: WatchedFiles | None = None,
        *,
        number: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.metrics = Metrics()
        self.metrics.build(VERSION, build_kind())
        self.health = WorkerHealth()
        self.listeners: list[Listener] = []
        self._policies = policies
        self._watched = watched
        self._number = number
        self._clock = clock
        self._keys = load_keys(config)
        if watched is not None:
            watched.watch_key(key_file(config))
        self._upstreams = UpstreamsBySite()
        self._store: RecordStore | None = None
        self._snapshot: Snapshot | None = None
        self._certificate: Certificate | None = None
        self._fast_path: FastPath | None = None
        self._background: list[asyncio.Task[None]] = []
        self._end_admin: Callable[[], Awaitable[None]] | None = None
        self._began = time.monotonic()
        self._began_at = time.time()
        self._gauges: Gauges | None = None
        self._presumption_ended: set[int] = set()
        self._off: set[str] = set()  # sites that were reported as switched off
        self._reloader = (
            Reloader(
                watched,
                config,
                policies,
                build=self._rebuild,
                swap=self._swap,
                tally=self.metrics.tally,
                health=self.health,
            )
            if watched is not None
            else None
        )

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that new requests are served from."""
        assert self._snapshot is not None
        return self._snapshot

    async def start(self, *, admin: bool = True) -> None:
        """Open the store, build the snapshot, then listen."""
        config = self.config
        self._store = await RecordStore.open(
            config.records.url,
            keys=self._keys,
            keep=config.records.keep,
            folder=config.file(Path()),
            needed=False,
            in_subprocess=self._watched is not None and self._watched.in_subprocess,
        )
        self._shared = SharedResources(
            self._keys,
            self._store,
            self._upstreams,
            self.metrics.tally,
            self._clock,
            PresumedCookies.of(config),
            Sightings(self._keys[0]),
        )
        if self._store.trouble is None:
            await self._report_unknown_keys(self._store)
        self._snapshot = await self._build(config, self._policies)
        self._records_probe = RecordsProbe(self._store, self.metrics, self.health)
        self._records_probe.report()
        self._report_off()
        self.seen = self._seen_names(self._store)
        await self._open_listeners()
        self._gauges = gauges = Gauges(
            self.metrics,
            self._store,
            self.listeners,
            certificate=partial(getattr, self, "_certificate"),
            reloader=self._reloader,
        )
        gauges.report(self._snapshot)
        if admin and config.admin is not None:
            console = self._console(self._watched)
            self._end_admin = await listen_admin(config.admin, self, config.admin_hosts, console)
        self._begin_background(gauges)
        if self._reloader is not None:
            self._reloader.report_doubt()
        self.health.started = True
        log().info(
            "serving_started",
            listen=[str(address) for address in config.listen],
            sites=[site.name for site in self.snapshot.sites.all],
            policy=self._policies.versions,
            digest=self._policies.digests,
        )

    def _console(self, watched: WatchedFiles | None) -> web.Application | None:
        """Return the console where the config has tokens for it."""
        if watched is None or not self.config.console.tokens:
            return None
        from proxy.process.console import open_console  # noqa: PLC0415 - nobody else needs it

        return open_console(
            self.config,
            self,
            states=lambda: [self.state()],
            reload=self.reload,
            watched=watched,
            given=lambda: write_handover(watched, self.config, self._policies),
        )

    def _begin_background(self, gauges: Gauges) -> None:
        """Begin what goes on beside the requests until the worker stops."""
        work = [self._tick(gauges), self._records_probe.run(), self._count_days(), self._recode()]
        work += [self.seen.run(), self.seen.run_alerts()]
        if self._number == 0:
            work.append(self._purge())
        self._background += [asyncio.ensure_future(one) for one in work]

    def _seen_names(self, store: RecordStore) -> SeenNames:
        """Return what writes down the names that this process sees, and alerts of new ones."""
        return SeenNames(
            SeenStore(store.database),
            self._shared.sightings,
            self.metrics.tally,
            snapshot=partial(getattr, self, "_snapshot"),
            alerts=Alerts(AlertStore(store.database), self.metrics.tally, clock=self._clock),
        )

    async def _open_listeners(self) -> None:
        config = self.config
        relay = Relay(partial(getattr, self, "_snapshot"), self.metrics.tally)
        self._fast_path = open_fast_path(relay)
        http_server = HttpServer(
            relay.respond,
            allowance=_request_limits(config),
            refuse=relay.refuse,
            report=relay.report,
            connection=self._fast_path.connection if self._fast_path else Connection,
        )
        if config.tls is not None:
            self._certificate = Certificate(config, config.tls)
        context = self._certificate.context if self._certificate else None
        plain = HttpServer(
            relay.to_https, allowance=_request_limits(config), refuse=relay.refuse, report=relay.report
        )
        listening = [(address, http_server, context) for address in config.listen]
        listening += [(address, plain, None) for address in config.redirect]
        for address, server, tls in listening:
            self.listeners += [Listener(server, sock, tls) for sock in bind(address)]
        for listener in self.listeners:
            await listener.open()

    async def reload(self) -> bool:
        """Reload rules, config, languages and certificate; True when new ones are in force."""
        if self._reloader is None:
            return False
        if self._certificate is not None:
            self._certificate.renew()
        done = await self._reloader.reload()
        if "key" in self.health.reasons and self._store is not None:
            await self._report_unknown_keys(self._store)
        return done

    async def _build(self, config: Config, policies: Policies) -> Snapshot:
        languages = self._watched.languages if self._watched is not None else None
        return await build_snapshot(config, policies, self._shared, OwnAddresses, languages)

    async def _rebuild(self, config: Config, policies: Policies) -> Snapshot:
        """Build the snapshot of a reload, with the signing keys that are in their file now."""
        assert self._watched is not None
        assert self._store is not None
        keys, before = renewed_keys(config, self._keys), self._shared
        self._shared = dataclasses.replace(before, keys=keys)
        try:
            snapshot = await self._build(config, policies)
        except BaseException:
            self._shared = before
            raise
        self._watched.watch_key(key_file(config))
        if keys != self._keys:
            promoted = keys[0] != self._keys[0]
            log().info("signing_keys_loaded", keys=len(keys), promoted=promoted)
            if keys[0] not in self._keys:
                note = "a line that was not below before signs now: replicas that have not read it ask again"
                log().warning("signing_keys_loaded", note=note)
            self._store.rotate(keys)
            self._keys = keys
        return snapshot

    async def _report_unknown_keys(self, store: RecordStore) -> None:
        """Report, at the start before anything is written, that the file lacks the key of earlier proofs."""
        with contextlib.suppress(ProxyError):
            unknown = await store.unknown_keys()
            self.health.reasons.pop("key", None)
            if unknown:
                why = (
                    f"the signing key was replaced: {key_file(self.config)} lacks the one of proofs in the "
                    "store, which cannot be verified without it; put the old line back below the new one"
                )
                self.health.reasons["key"] = why
                log().error("signing_key_replaced", lacking=unknown, note=why)

    def _swap(self, snapshot: Snapshot) -> None:
        """Serve requests from another snapshot."""
        self._snapshot, self._policies = snapshot, snapshot.policies
        if self._fast_path is not None:
            self._fast_path.heads.clear()  # their templates refer to the old snapshot

    def _report_off(self) -> None:
        """Report sites that are switched off, wholly or in part: in the log once, in /readyz, as a metric."""
        off = [site.name for site in self.snapshot.sites.all if Mode.OFF in site.modes]
        self.metrics.gauge("sites_off", len(off))
        self.health.reasons.pop("off", None)
        if off:
            self.health.reasons["off"] = f"mode: off for {', '.join(off)}: nothing is held, fenced or asked"
        for name in set(off) - self._off:
            log().warning("site_off", site=name, note="mode: off; only refused Set-Cookie lines are dropped")
        self._off = set(off)

    async def _end_presumption(self) -> None:
        """Compile everything anew once `presume_until` has passed: from then on nothing is presumed."""
        now = int(self._clock())
        ended = {
            until
            for policy in self._policies.all
            if (until := policy.presume_until) is not None and until <= now
        }
        if ended <= self._presumption_ended:
            return
        self._presumption_ended |= ended
        self._swap(await self._build(self.snapshot.config, self._policies))
        log().warning(
            "policy_loaded", note="presume_until has passed: cookies that no rule describes are dropped"
        )

    def _report_presumed(self) -> None:
        """Report in /readyz which cookies have been presumed necessary for too long."""
        rules = [(site.cookies, site.rules_hosts) for site in self.snapshot.sites.all]
        self.health.reasons.pop("presumed", None)
        if doubt := self._shared.presumed.doubt(rules, int(self._clock())):
            self.health.reasons["presumed"] = doubt

    async def stop(self, seconds: float | None = None) -> int:
        """Stop listening, drain, close everything; returns how many requests were cut off."""
        self.health.stopping = True
        cut = await drain(self.listeners, self.config.timeouts.drain if seconds is None else seconds)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._upstreams.close()
        self.metrics.flush()
        if self._store is not None:
            await self._add_days(self._store)
            if self._snapshot is not None:
                await self._write_seen()
            await self._store.close()
            if lost := self._store.lost:
                why = f"refusals that waited and were given up, they hold without a record: {lost}"
                log().error("records_failed", why=why, store=self._store.name)
        if self._end_admin is not None:
            await self._end_admin()
        log().info("serving_stopped", cut=cut)
        return cut

    async def _write_seen(self) -> None:
        """Write what was seen last; a store that is away keeps nobody."""
        with contextlib.suppress(ProxyError, *FAILURES):
            async with asyncio.timeout(TICK):
                await self.seen.write()

    async def _tick(self, gauges: Gauges) -> None:
        """Flush metrics, and reload when files have changed."""
        while True:
            await asyncio.sleep(TICK)
            self.metrics.flush()
            self._records_probe.report()
            gauges.report(self.snapshot)
            if self._watched is not None and self._watched.changed():
                await self.reload()
            self._report_off()
            await self._end_presumption()
            self._report_presumed()

    async def _purge(self) -> None:
        """Daily, delete records older than `records.keep`, and log the heads of the chains.

        With a log kept elsewhere, `records verify --heads` detects a store restored from an old copy.
        """
        while True:
            with contextlib.suppress(ProxyError):
                await self.snapshot.store.purge()
                heads = await self.snapshot.store.heads(now_ms() - 2000 * int(PURGE_EVERY))
                log().info("chain_heads_kept", heads=heads_of(heads))
            await asyncio.sleep(PURGE_EVERY)

    async def _recode(self) -> None:
        """Code pages that are sent often at the highest level, one at a time, beside the requests."""
        while True:
            await asyncio.sleep(TICK)
            for cache in {id(site.pages): site.pages for site in self.snapshot.sites.all}.values():
                await recode_popular(cache)

    async def _count_days(self) -> None:
        """Add what was shown to the daily numbers, every minute."""
        while True:
            await asyncio.sleep(COUNT_EVERY)
            await self._add_days(self.snapshot.store)

    async def _add_days(self, store: RecordStore) -> None:
        """Add the counts since the last time; those that a store cannot take now wait for the next."""
        daily, self.metrics.daily = self.metrics.daily, Counter()
        numbers = {(*key, ""): count for key, count in daily.items()}
        try:
            if numbers:
                await store.add_days(numbers)
        except ProxyError:
            self.metrics.daily.update(daily)

    # -- for the admin address ---------------------------------------------------------------------------

    def ready(self) -> dict[str, Any]:
        """Return whether the process is ready, and why not."""
        return self.health.readiness()

    def state(self) -> dict[str, Any]:
        """Return what `consent-proxy status` prints."""
        snapshot = self._snapshot
        return {
            **self.health.readiness(),
            "version": VERSION,
            "filter": build_kind(),
            "uptime_seconds": int(time.monotonic() - self._began),
            "process": self._gauges.usage() if self._gauges is not None else {},
            "policy": {
                "rules": self._policies.files,
                "version": self._policies.versions,
                "digest": self._policies.digests,
                "loaded_at": self._reloader.loaded_at if self._reloader is not None else self._began_at,
            },
            "last_reload": self._reloader.last if self._reloader is not None else {"outcome": "none"},
            "records": {
                "store": self._store.name,
                "waiting": self._store.backlog,
                "lost": self._store.lost,
            }
            if self._store
            else {},
            "sites": [
                {
                    **_site_state(site, snapshot.upstreams[site.name]),
                    "undeclared": self.seen.state(site),
                    "own_hosts_elsewhere": self.seen.elsewhere(site),
                }
                for site in snapshot.sites.all
            ]
            if snapshot
            else [],
        }

    def figures(self) -> bytes:
        """Return the page that Prometheus reads."""
        ready = self.health.ready()
        whole = {"ready": ready, "workers_configured": 1, "workers_alive": 1, "workers_ready": ready}
        return self.metrics.page(whole)


async def recode_popular(cache: PageCache) -> None:
    """Code the popular pages of a cache anew, in a thread: the coders hold no lock meanwhile."""
    while (page := cache.next_popular()) is not None:
        assert page.coding is not None, "a plain page is never coded"
        cache.recode(page, await asyncio.to_thread(smaller, page.coding, page.filtered[0]))


def _site_state(site: Site, upstreams: Upstreams) -> dict[str, Any]:
    return {
        "hosts": list(site.config.hosts),
        "mode": site.config.mode.value,
        "policy": {
            "rules": site.policy.place.file,
            "version": site.policy.version,
            "digest": site.policy.digest,
        },
        "upstreams": [
            {"address": one.address, "up": one.up, "why": one.why or None, "connections": one.connections}
            for one in upstreams.snapshot()
        ],
    }


def _request_limits(config: Config) -> RequestLimits:
    timeouts, limits = config.timeouts, config.limits
    return RequestLimits(
        line=limits.line,
        field=limits.field,
        fields=limits.fields,
        head_size=limits.head,
        body=limits.body,
        head=timeouts.head,
        idle_body=timeouts.body,
        idle_write=timeouts.write,
        slowest=limits.slowest,
        keepalive=timeouts.keepalive,
    )
