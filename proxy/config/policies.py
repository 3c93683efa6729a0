"""The rules of every site: those given to the program, and those that a site names for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from proxy.config.types import Config, SiteConfig
from proxy.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies in use, by what `rules:` of a site says; None is the file given to the program."""

    by_file: Mapping[Path | None, Policy]

    @classmethod
    def given(cls, policy: Policy) -> Policies:
        """Return the same rules for every site."""
        return cls({None: policy})

    @property
    def all(self) -> tuple[Policy, ...]:
        """Each policy in use, once: those given to the program first."""
        return tuple({id(policy): policy for policy in self.by_file.values()}.values())

    @property
    def files(self) -> str:
        """Return the names of the files for a line of the log."""
        return ", ".join(policy.place.file for policy in self.all)

    @property
    def versions(self) -> str:
        """Return the versions for a line of the log."""
        return ", ".join(policy.version for policy in self.all)

    @property
    def digests(self) -> str:
        """Return the digests for a line of the log."""
        return ", ".join(policy.digest for policy in self.all)

    def each(self, change: Callable[[Policy], Policy]) -> Policies:
        """Return the same with every policy changed."""
        changed = {id(policy): change(policy) for policy in self.all}
        return Policies({name: changed[id(policy)] for name, policy in self.by_file.items()})

    def of(self, site: SiteConfig) -> Policy:
        """Return the policy of a site."""
        return self.by_file[site.rules]


class RulesFile(NamedTuple):
    """A rules file in use: where it is, and what it is called in problems, logs and verdicts."""

    path: Path
    label: str


def rules_files(config: Config, given: Path) -> dict[Path | None, RulesFile]:
    """Return the rules files in use, by what `rules:` of a site says.

    `given` is for sites that say nothing.
    """
    found: dict[Path | None, RulesFile] = {}
    names = {site.rules for site in config.sites}
    for name in sorted(names, key=lambda name: (name is not None, str(name))):
        path = given if name is None else config.file(name)
        is_given = name is None or _is_same(path, given)
        label = given.name if is_given else str(path) if str(name) == given.name else str(name)
        found[name] = RulesFile(given if is_given else path, label)
    return found


def _is_same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()
