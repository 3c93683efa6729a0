"""The way to the upstreams of each site; it outlives reloads that leave it as it is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from proxy.config.types import Config, SiteConfig
from proxy.http.upstream.balancer import HealthCheck, Upstreams, UpstreamTimeouts, default_tls
from proxy.http.upstream.form_upstreams import FormReach


@dataclass(slots=True)
class UpstreamsBySite:
    """The way to the upstreams of each site; kept over a reload where nothing of it changed."""

    forms: FormReach = field(default_factory=FormReach)
    _kept: dict[tuple[object, ...], Upstreams] = field(default_factory=dict)

    async def renew(self, config: Config) -> dict[str, Upstreams]:
        """Return the upstreams by site name; those no longer configured end."""
        await self.forms.renew(config)
        wanted = {_reach_key(config, site): site for site in config.sites}
        for key in [key for key in self._kept if key not in wanted]:
            await self._kept.pop(key).retire()
        for key, site in wanted.items():
            if key not in self._kept:
                self._kept[key] = _upstreams(config, site)
        return {site.hosts[0]: self._kept[key] for key, site in wanted.items()}

    async def close(self) -> None:
        """End every connection."""
        await self.forms.close()
        while self._kept:
            await self._kept.popitem()[1].close()


def _reach_key(config: Config, site: SiteConfig) -> tuple[object, ...]:
    return (
        site.upstream,
        site.upstream_host,
        site.ca,
        site.health,
        config.timeouts,
        config.limits.connections,
        site.hosts[0],
    )


def _upstreams(config: Config, site: SiteConfig) -> Upstreams:
    times = config.timeouts
    timeouts = UpstreamTimeouts(connect=times.connect, first_byte=times.first_byte, idle=times.idle)
    secure = any(origin.startswith("https:") for origin in site.upstream)
    tls: ssl.SSLContext | None = None
    if secure:
        tls = default_tls(str(config.file(site.ca)) if site.ca else None)
    check = HealthCheck(path=site.health, host=site.upstream_host or site.hosts[0]) if site.health else None
    return Upstreams(
        site.upstream,
        timeouts=timeouts,
        limit=config.limits.connections,
        tls=tls,
        server_name=site.upstream_host,
        health=check,
    )
