"""The files an operator and a rule author edit, and whether they changed since they were read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from proxy.errors import PolicyError
from proxy.policy.load import load_policy, rehome
from proxy.policy.model import Policy
from proxy.policy.source import Place, Problem
from proxy.server.config import Config
from proxy.server.config_file import read_config
from proxy.server.keys import consent_domain

Stamp = tuple[tuple[str, int, int, int], ...]


def read_policy(path: Path) -> Policy:
    """Return the policy in a rules file."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem(Place(path.name, 1), f"is not UTF-8 (byte {error.start}); save it as UTF-8")
        raise PolicyError([problem]) from None
    except OSError as error:
        problem = Problem(
            Place(str(path), 1), f"cannot be read ({error.strerror}); name another with --rules"
        )
        raise PolicyError([problem]) from error
    return load_policy(text, path.name)


def at_home(policy: Policy, config: Config) -> Policy:
    """Return the policy for the hosts of this config, which may stand for the published ones."""
    here = consent_domain(config)
    if config.consent.stands_for is None or here is None:
        return policy
    return rehome(policy, config.consent.stands_for, here)


@dataclass(slots=True)
class Sources:
    """Where rules and config are, and how they looked when they were last read."""

    config_path: Path
    rules_path: Path
    _extra: tuple[Path, ...] = field(default=())
    _seen: Stamp = field(default=())
    _pending: Stamp | None = field(default=None)

    def read(self) -> tuple[Config, Policy]:
        """Return both, or raise ConfigError or PolicyError with every problem."""
        self._seen = self._stamp()
        config = read_config(self.config_path)
        languages = [config.file(config.languages)] if config.languages else []
        tls = [config.file(config.tls.certificate), config.file(config.tls.key)] if config.tls else []
        self._extra = (*languages, *tls)
        self._seen = self._stamp()
        return config, at_home(read_policy(self.rules_path), config)

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
