"""One serving process, wired: files -> House -> relay -> doors.

A House is all that rules and config say, built whole and swapped whole: a request lives
in the House it began in, whatever is read meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from proxy.config.signing_key import load_keys
from proxy.config.types import Config
from proxy.errors import FaultsError, ProxyError
from proxy.http.listening import Certificate, Listener, bind, drain
from proxy.http.server import HttpServer, RequestLimits
from proxy.http.upstream.balancer import Upstreams
from proxy.own.addresses import OwnAddresses
from proxy.policy.model import Policy
from proxy.process.admin import listen_admin
from proxy.process.store_watch import StoreWatch
from proxy.process.watched_files import WatchedFiles
from proxy.records.export import heads_of
from proxy.records.store import RecordStore, now_ms
from proxy.route.fast.fast_exchange import begin
from proxy.route.relay import Relay
from proxy.snapshot.shared_resources import SharedResources
from proxy.snapshot.site_upstreams import UpstreamsBySite
from proxy.snapshot.sites import Site
from proxy.snapshot.snapshot import Snapshot, build_snapshot
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Metrics, WorkerHealth

TICK = 1.0
"""Seconds between looks at the files and hand-overs of figures."""

PURGE_EVERY = 86_400.0


class Worker:
    """One process that serves. Made inside a running loop; `start`, then `stop`."""

    def __init__(
        self,
        config: Config,
        policy: Policy,
        watched: WatchedFiles | None = None,
        *,
        number: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.metrics = Metrics()
        self.health = WorkerHealth()
        self.listeners: list[Listener] = []
        self._policy = policy
        self._sources = watched
        self._number = number
        self._clock = clock
        self._keys = load_keys(config)
        self._upstreams = UpstreamsBySite()
        self._store: RecordStore | None = None
        self._snapshot: Snapshot | None = None
        self._certificate: Certificate | None = None
        self._reloading = asyncio.Lock()
        self._background: list[asyncio.Task[None]] = []
        self._end_admin: Callable[[], Awaitable[None]] | None = None
        self._began = time.monotonic()
        self._reloads: dict[str, Any] = {}

    @property
    def snapshot(self) -> Snapshot:
        """All that rules and config say at this moment."""
        assert self._snapshot is not None
        return self._snapshot

    async def start(self, *, admin: bool = True) -> None:
        """Open everything, doors last."""
        config = self.config
        self._store = await RecordStore.open(
            config.records.url,
            keys=self._keys,
            keep=config.records.keep,
            folder=config.file(Path()),
            needed=False,
            apart=self._sources is not None and self._sources.apart,
        )
        self._ground = SharedResources(
            self._keys, self._store, self._upstreams, self.metrics.tally, self._clock
        )
        self._snapshot = await build_snapshot(config, self._policy, self._ground, OwnAddresses)
        self._store_watch = StoreWatch(self._store, self.metrics, self.health)
        self._store_watch.note()
        await self._open_doors()
        if admin and config.admin is not None:
            self._end_admin = await listen_admin(config.admin, self)
        self._background.append(asyncio.ensure_future(self._tick()))
        self._background.append(asyncio.ensure_future(self._store_watch.run()))
        if self._number == 0:
            self._background.append(asyncio.ensure_future(self._purge()))
        self._note_doubt()
        self.health.started = True
        log().info(
            "serving_started",
            listen=[str(address) for address in config.listen],
            sites=[site.name for site in self.snapshot.sites.all],
            policy=self._policy.version,
            digest=self._policy.digest,
        )

    async def _open_doors(self) -> None:
        config = self.config
        relay = Relay(partial(getattr, self, "_snapshot"), self.metrics.tally)
        http_server = HttpServer(
            relay.answer,
            allowance=_allowance(config),
            refuse=relay.refuse,
            report=relay.report,
            begin=partial(begin, relay),
        )
        if config.tls is not None:
            self._certificate = Certificate(config, config.tls)
        context = self._certificate.context if self._certificate else None
        plain = HttpServer(
            relay.to_https, allowance=_allowance(config), refuse=relay.refuse, report=relay.report
        )
        places = [(address, http_server, context) for address in config.listen]
        places += [(address, plain, None) for address in config.redirect]
        for address, behind, tls in places:
            self.listeners += [Listener(behind, sock, tls) for sock in bind(address)]
        for listener in self.listeners:
            await listener.open()

    async def reload(self) -> bool:
        """Read rules, config and languages again; what is faulty leaves all as it was."""
        if self._sources is None:
            return False
        async with self._reloading:
            if self._certificate is not None:
                self._certificate.renew()
            try:
                # Reading and checking takes tenths of a second: visitors are served meanwhile.
                loop = asyncio.get_running_loop()
                config, policy = await loop.run_in_executor(None, self._sources.read)
                snapshot = await build_snapshot(config, policy, self._ground, OwnAddresses)
            except ProxyError as error:
                problems = (
                    [str(one) for one in error.problems] if isinstance(error, FaultsError) else [str(error)]
                )
                log().error("policy_refused", problems=problems, kept=self._policy.digest)
                self._note_reload("refused", problems)
                return False
            self._snapshot, self._policy = snapshot, policy
            for listener in self.listeners:
                listener.http_server.heads.clear()  # what they came to would keep the house of before
            for change in _needs_restart(self.config, config):
                log().warning("policy_loaded", note=f"{change} changed: that takes a restart")
            log().info("policy_loaded", policy=policy.version, digest=policy.digest)
            self._note_reload("loaded", [])
            self._note_doubt()
            return True

    def _note_doubt(self) -> None:
        """Say that rules are in force of which something is wrong."""
        if self._sources is not None and self._sources.doubt:
            self.health.reasons["rules"] = self._sources.doubt
            log().warning("policy_doubted", why=self._sources.doubt)

    def _note_reload(self, outcome: str, problems: list[str]) -> None:
        self.metrics.tally.add("reloads", outcome)
        self._reloads = {"outcome": outcome, "problems": problems}
        self.health.reasons.pop("rules", None)
        if problems:
            self.health.reasons["rules"] = (
                f"the files on disk are refused, older ones are in force: {problems[0]}"
            )

    async def stop(self, seconds: float | None = None) -> int:
        """Take nobody in any more, let requests finish, close everything; returns how many were cut."""
        self.health.stopping = True
        cut = await drain(self.listeners, self.config.timeouts.drain if seconds is None else seconds)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._upstreams.close()
        if self._store is not None:
            await self._store.close()
        self.metrics.flush()
        if self._end_admin is not None:
            await self._end_admin()
        log().info("serving_stopped", cut=cut)
        return cut

    async def _tick(self) -> None:
        """Hand figures over, and look whether the files changed."""
        while True:
            await asyncio.sleep(TICK)
            self.metrics.flush()
            self._store_watch.note()
            states = [
                state
                for site in self.snapshot.sites.all
                for state in self.snapshot.upstreams[site.name].snapshot()
            ]
            self.metrics.gauge(
                "upstream_connections", "Connections to upstreams", sum(s.connections for s in states)
            )
            if self._sources is not None and self._sources.changed():
                await self.reload()

    async def _purge(self) -> None:
        """Once a day delete proofs that are older than they are kept, and log where the chains end.

        A log that is kept elsewhere is what shows a store put back to an older copy.
        """
        while True:
            with contextlib.suppress(ProxyError):
                await self.snapshot.store.purge()
                heads = await self.snapshot.store.heads(now_ms() - 2000 * int(PURGE_EVERY))
                log().info("chain_heads_kept", heads=heads_of(heads))
            await asyncio.sleep(PURGE_EVERY)

    # -- what the admin address asks ---------------------------------------------------------------------

    def ready(self) -> dict[str, Any]:
        """Return whether visitors are welcome, and why not."""
        return self.health.readiness()

    def state(self) -> dict[str, Any]:
        """Return what `consent-proxy status` prints."""
        snapshot = self._snapshot
        return {
            **self.health.readiness(),
            "uptime_seconds": int(time.monotonic() - self._began),
            "policy": {"version": self._policy.version, "digest": self._policy.digest},
            "last_reload": self._reloads or {"outcome": "none"},
            "records": {"store": self._store.name, "waiting": self._store.backlog} if self._store else {},
            "sites": [_site_state(site, snapshot.upstreams[site.name]) for site in snapshot.sites.all]
            if snapshot
            else [],
        }

    def figures(self) -> bytes:
        """Return the page that Prometheus reads."""
        return self.metrics.page()


def _site_state(site: Site, upstreams: Upstreams) -> dict[str, Any]:
    return {
        "hosts": list(site.config.hosts),
        "mode": site.config.mode.value,
        "upstreams": [
            {"address": one.address, "up": one.up, "why": one.why or None, "connections": one.connections}
            for one in upstreams.snapshot()
        ],
    }


def _allowance(config: Config) -> RequestLimits:
    times, most = config.timeouts, config.limits
    return RequestLimits(
        line=most.line,
        field=most.field,
        fields=most.fields,
        head_size=most.head,
        body=most.body,
        head=times.head,
        idle_body=times.body,
        idle_write=times.write,
        keepalive=times.keepalive,
    )


def _needs_restart(old: Config, new: Config) -> list[str]:
    """Return the keys that are read at start only, and differ."""
    fixed = ("listen", "tls", "redirect", "admin", "records", "workers", "log", "timeouts", "limits")
    return [key for key in fixed if getattr(old, key) != getattr(new, key)]
