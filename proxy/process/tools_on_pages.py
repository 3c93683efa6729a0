"""Other consent tools that were seen on the pages of a site and that its rules do not use: for `check`.

Read from a SQLite store that is there; `discover` says the same of any store, with all else that was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

from proxy.catalogue.shipped import consent_tools, providers
from proxy.config.policies import Policies
from proxy.config.types import Config
from proxy.errors import RecordsError, StartError
from proxy.policy.model import Policy
from proxy.problems import Problem
from proxy.process.config_findings import ConfigFinding, located
from proxy.records.database import Database
from proxy.records.store_address import read_store_address
from proxy.seen.ownership import ownership
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key, Seen


def tools_on_pages(policies: Policies, config: Config, path: Path) -> list[Problem]:
    """Return a warning for each site whose pages have another consent tool that nobody told us about."""
    address = read_store_address(config.records.url, config.file(Path()))
    if address.path is None or not address.path.exists():
        return []
    try:
        names = asyncio.run(_seen(config))
    except (RecordsError, StartError):  # told by whoever serves from it
        return []
    numbers = {site.hosts[0]: number for number, site in enumerate(config.sites)}
    rules = {site.hosts[0]: policies.of(site) for site in config.sites}
    findings = []
    for site, id_, name in _unused(rules, names):
        text = (
            f"the pages of {site} have {providers()[id_].name} ('{name}' was seen), another consent tool:"
            f" use: [{id_}] in the rules holds its banner and keeps its memory"
        )
        findings.append(ConfigFinding(("sites", numbers[site]), text, warning=True))
    return located(findings, path)


def _unused(rules: Mapping[str, Policy], names: Mapping[Key, Seen]) -> Iterator[tuple[str, str, str]]:
    """Yield site, tool and the first name seen of it, where its rules have no block of that tool."""
    told = set()
    for key, seen in sorted(names.items(), key=lambda one: (one[0].site, one[0].name)):
        id_ = ownership(key.kind, key.name, seen.setters).catalogue
        policy = rules.get(key.site)
        if policy is None or id_ not in consent_tools() or (key.site, id_) in told:
            continue
        if policy.provider(id_) is None:
            told.add((key.site, id_))
            yield key.site, id_, key.name


async def _seen(config: Config) -> dict[Key, Seen]:
    database = Database(config.records.url, config.file(Path()), create=False)
    try:
        return await SeenStore(database).all()
    finally:
        await database.close()
