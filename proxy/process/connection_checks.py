"""Tries what a config connects to, for `check --connect`: each upstream, and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from proxy.config.types import Config, SiteConfig
from proxy.errors import ProxyError
from proxy.http.upstream.balancer import UpstreamRequest
from proxy.process.config_findings import ConfigFinding
from proxy.records.database import Database
from proxy.snapshot.site_upstreams import build_upstreams

PATIENCE = 10.0
"""Seconds that one connection is tried for."""


@dataclass(slots=True)
class Tried:
    """What was found: problems, and what works, in words."""

    findings: list[ConfigFinding] = field(default_factory=list)
    works: list[str] = field(default_factory=list)


async def try_connections(config: Config) -> Tried:
    """Try every upstream with one GET, and PostgreSQL with a look at its rights; nothing is written."""
    tried = Tried()
    attempts = [_try_upstream(tried, config, *one) for one in _upstreams(config)]
    await asyncio.gather(*attempts, _try_records(tried, config))
    tried.findings.sort(key=lambda finding: str(finding.steps))
    tried.works.sort()
    return tried


def _upstreams(config: Config) -> Iterator[tuple[int, int]]:
    for number, site in enumerate(config.sites):
        for at in range(len(site.upstream)):
            yield number, at


async def _try_upstream(tried: Tried, config: Config, number: int, at: int) -> None:
    site = config.sites[number]
    steps, name, path = ("sites", number, "upstream", at), f"sites[{number}].upstream", site.health or "/"
    try:
        async with asyncio.timeout(PATIENCE):
            status = await _status(config, replace(site, upstream=(site.upstream[at],), health=None), path)
    except (ProxyError, OSError, TimeoutError) as error:
        tried.findings.append(ConfigFinding(steps, f"{name} {str(error) or 'no response in time'}"))
        return
    said = f"{site.upstream[at]} responds {status} to GET {path}"
    if status >= 500 or (site.health and status >= 400):
        tried.findings.append(ConfigFinding(steps, f"{name} {said}", warning=True))
    else:
        tried.works.append(said)


async def _status(config: Config, site: SiteConfig, path: str) -> int:
    """Return the status of one GET to the one upstream of a site."""
    host = site.upstream_host or site.hosts[0]
    headers = [(b"Host", host.encode()), (b"User-Agent", b"consent-proxy check")]
    upstreams = build_upstreams(config, site)
    try:
        response = await upstreams.fetch(UpstreamRequest(b"GET", path.encode(), headers))
        response.abort()
        return response.status
    finally:
        await upstreams.close()


async def _try_records(tried: Tried, config: Config) -> None:
    database = Database(config.records.url, config.file(Path()), create=False)
    if database.path is not None:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await database.inspect()
            await _try_servers(tried, config.records.url)
        tried.works.append(f"{database.name} can be written")
    except (ProxyError, OSError, TimeoutError) as error:
        tried.findings.append(ConfigFinding(("records",), f"records: {str(error) or 'no response in time'}"))
    finally:
        await database.close()


async def _try_servers(tried: Tried, url: str) -> None:
    """Ask each server of an address that names several for its part in a failover."""
    from proxy.records.replication import (  # noqa: PLC0415 - asyncpg: 3 MB for SQLite
        replication_doubts,
        server_states,
    )

    states = await server_states(url)
    if len(states) < 2:
        return
    for state in states:
        if state.standby is not None:
            tried.works.append(f"{state.name} is {'a standby' if state.standby else 'the primary'}")
    for doubt in replication_doubts(states):
        tried.findings.append(ConfigFinding(("records",), f"records: {doubt}", warning=True))
