"""The files an operator and a rule author edit, and whether they changed since they were read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from proxy.config.types import Config
from proxy.policy.model import Policy
from proxy.process.load_subprocess import read_apart
from proxy.process.rules_tests import RulesTests

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(slots=True)
class WatchedFiles:
    """Where rules and config are, and how they looked when they were last read.

    With `apart` they are read by a process of its own: what that takes - pydantic, 20 MB -
    does not stay with a process that serves, nor does it hold its visitors up.
    """

    config_path: Path
    rules_path: Path
    apart: bool = False
    tests: RulesTests = RulesTests.REFUSE
    doubt: str = ""  # about the rules last read: they may be served although their tests fail
    _extra: tuple[Path, ...] = field(default=())
    _seen: Stamp = field(default=())
    _pending: Stamp | None = field(default=None)

    def read(self) -> tuple[Config, Policy]:
        """Return both, or raise ConfigError or PolicyError with every problem."""
        self._seen = self._stamp()  # what changes from here on is read again
        config, policy, self.doubt = self._read()
        languages = [config.file(config.languages)] if config.languages else []
        tls = [config.file(config.tls.certificate), config.file(config.tls.key)] if config.tls else []
        self._extra = (*languages, *tls)
        self._seen = (*self._seen[:2], *self._stamp()[2:])
        return config, policy

    def _read(self) -> tuple[Config, Policy, str]:
        if self.apart:
            return read_apart(self.config_path, self.rules_path, self.tests)
        from proxy.process.load_main import read_files  # noqa: PLC0415 - pydantic, YAML: 20 MB

        return read_files(self.config_path, self.rules_path, self.tests)

    def changed(self) -> bool:
        """True once a change has settled: seen twice alike, so no half-written file is read."""
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


def _stat(path: Path) -> tuple[str, int, int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 (follows links, as mounted configuration uses them)
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino
