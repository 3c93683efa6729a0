"""Reload: watches rules, config, languages, certificates and keys, and swaps the snapshot on a change."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxy.banner.words import Languages
from proxy.config.policies import Policies
from proxy.config.types import Config
from proxy.errors import FaultsError, ProxyError
from proxy.process.load_subprocess import read_in_subprocess
from proxy.process.loaded_files import LoadedFiles, files_named
from proxy.process.rules_tests import RulesTests
from proxy.telemetry.logs import log

if TYPE_CHECKING:
    from proxy.policy.model import Policy
    from proxy.snapshot.snapshot import Snapshot
    from proxy.telemetry.metrics import Tally, WorkerHealth

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(slots=True)
class WatchedFiles:
    """The files of rules, config and languages, with their state when last read.

    With `in_subprocess` a subprocess reads them: the 35 MB of pydantic, YAML and Babel do not stay
    in a serving process, and its requests are not delayed.
    """

    config_path: Path
    rules_path: Path
    in_subprocess: bool = False
    tests: RulesTests = RulesTests.REFUSE
    refused: bool = False  # the files on disk were when a restarted worker began
    doubt: str = ""  # a warning about the rules last read: served although their tests fail
    languages: Languages | None = None  # as last read
    _extra: tuple[Path, ...] = field(default=())
    _key: tuple[Path, ...] = field(default=())
    _seen: Stamp = field(default=())
    _pending: Stamp | None = field(default=None)

    def read(self) -> tuple[Config, Policies]:
        """Return both, or raise ConfigError or PolicyError with every problem."""
        self._seen = self._stamp()  # later changes are seen by `changed`
        try:
            config, policies, self.languages, self.doubt = self._read(self.tests)
        except FaultsError as error:
            self._watch((*self._extra, *error.files))
            raise
        self.tests = RulesTests.REFUSE  # `warn` is a start's: a reload never brings rules in that fail
        self._watch(files_named(config, self.rules_path))
        return config, policies

    def _watch(self, files: tuple[Path, ...]) -> None:
        """Watch these files beside config and rules."""
        files = tuple(dict.fromkeys(files))
        if files != self._extra:  # else one that changed meanwhile would never be seen
            self._extra = files
            self._seen = (*self._seen[:2], *self._stamp()[2:])

    def _read(self, tests: RulesTests) -> LoadedFiles:
        if self.in_subprocess:
            return read_in_subprocess(self.config_path, self.rules_path, tests)
        from proxy.process.read_files import read_files  # noqa: PLC0415 - pydantic, YAML, Babel: 35 MB

        return read_files(self.config_path, self.rules_path, tests)

    def watch_key(self, path: Path) -> None:
        """Watch the file of the signing keys too, from its state of now on."""
        if (path,) != self._key:
            seen = self._seen[: len(self._seen) - len(self._key)]
            self._key, self._seen = (path,), (*seen, _stat(path))

    def changed(self) -> bool:
        """True once a change is seen twice alike, so that no half-written file is read."""
        now = self._stamp()
        if now == self._seen:
            self._pending = None
            return False
        settled = now == self._pending
        self._pending = now
        return settled

    def _stamp(self) -> Stamp:
        return tuple(_stat(path) for path in self._files())

    def _files(self) -> Iterator[Path]:
        yield self.config_path
        yield self.rules_path
        for path in self._extra:
            yield path
            if path.is_dir():
                yield from sorted(path.glob("*.yaml"))
        yield from self._key


def _stat(path: Path) -> tuple[str, int, int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 (follows links, as mounted configuration uses them)
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino


class Reloader:
    """Reads the watched files and swaps the snapshot; faulty files leave the old one in force."""

    def __init__(
        self,
        watched: WatchedFiles,
        config: Config,
        policies: Policies,
        *,
        build: Callable[[Config, Policies], Awaitable[Snapshot]],
        swap: Callable[[Snapshot], None],
        tally: Tally,
        health: WorkerHealth,
    ) -> None:
        self.loaded_at = time.time()
        self.last: dict[str, Any] = {"outcome": "none"}
        if watched.refused:
            self.last = {"outcome": "refused", "problems": [watched.doubt], "at": self.loaded_at}
        self._watched = watched
        self._start_config = config
        self._build = build
        self._swap = swap
        self._tally = tally
        self._health = health
        self._lock = asyncio.Lock()
        self._config, self._policies = config, policies

    async def reload(self) -> bool:
        """Read the files and swap the snapshot; False, with every problem logged, if they are faulty."""
        async with self._lock:
            at = time.time()
            try:
                # Reading takes tenths of a second: in a thread, so that requests are served meanwhile.
                loop = asyncio.get_running_loop()
                config, policies = await loop.run_in_executor(None, self._watched.read)
                snapshot = await self._build(config, policies)
            except ProxyError as error:
                faults = error.problems if isinstance(error, FaultsError) else [error]
                problems = [str(fault) for fault in faults]
                log().error("policy_refused", problems=problems, kept=self._policies.digests)
                self._record("refused", problems, at)
                return False
            self._swap(snapshot)
            before, self._config, self._policies = (self._config, self._policies), config, policies
            for key in _needs_restart(self._start_config, config):
                log().warning("policy_loaded", note=f"{key} changed: that takes a restart")
            for policy in policies.all:
                log().info(
                    "policy_loaded",
                    rules=policy.place.file,
                    policy=policy.version,
                    digest=policy.digest,
                    asked_again=_asked_again(*before, config, policies, policy),
                )
            self.loaded_at = at
            self._record("loaded", [], at)
            self.report_doubt()
            return True

    @property
    def refused(self) -> bool:
        """True while the files on disk are refused, and older ones are in force."""
        return bool(self.last["outcome"] == "refused")

    def report_doubt(self) -> None:
        """Log, and show on /readyz, that rules are in force although their tests fail."""
        if self._watched.doubt:
            self._health.reasons["rules"] = self._watched.doubt
            log().warning("policy_doubted", why=self._watched.doubt)

    def _record(self, outcome: str, problems: list[str], at: float) -> None:
        self._tally.add("reloads", outcome)
        self.last = {"outcome": outcome, "problems": problems, "at": at}
        self._health.reasons.pop("rules", None)
        if problems:
            reason = f"the files on disk are refused, older ones are in force: {problems[0]}"
            self._health.reasons["rules"] = reason


def _asked_again(
    config: Config, policies: Policies, new_config: Config, new_policies: Policies, policy: Policy
) -> tuple[str, ...]:
    """Return who is asked again on the sites of one policy, each compared with the policy it had."""
    from proxy.policy.changes import NOBODY, asked_again  # noqa: PLC0415 - not before somebody reloads

    had = {host: policies.of(site) for site in config.sites for host in site.hosts}
    earlier = {
        id(had[host]): had[host]
        for site in new_config.sites
        if new_policies.of(site) is policy
        for host in site.hosts
        if host in had
    }
    found = tuple(dict.fromkeys(why for one in earlier.values() for why in asked_again(one, policy)))
    return found or (NOBODY,)


def _needs_restart(old: Config, new: Config) -> list[str]:
    """Return the changed keys that are read at start only."""
    fixed = (
        "listen",
        "tls",
        "redirect",
        "admin",
        "admin_hosts",
        "console",
        "records",
        "workers",
        "log",
        "timeouts",
        "limits",
    )
    return [key for key in fixed if getattr(old, key) != getattr(new, key)]
