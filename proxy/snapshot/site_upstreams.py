"""The upstreams of each site; those that a reload does not change keep their connections."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from proxy.config.types import Config, SiteConfig
from proxy.http.upstream.balancer import HealthCheck, Upstreams, UpstreamTimeouts, default_tls
from proxy.http.upstream.form_upstreams import FormUpstreams


@dataclass(slots=True)
class UpstreamsBySite:
    """The upstreams of each site, and of the form relay."""

    forms: FormUpstreams = field(default_factory=FormUpstreams)
    _by_key: dict[tuple[object, ...], Upstreams] = field(default_factory=dict)

    async def update(self, config: Config) -> dict[str, Upstreams]:
        """Return the upstreams by site name; those no longer configured are retired."""
        await self.forms.update(config)
        wanted = {_upstreams_key(config, site): site for site in config.sites}
        for key in [key for key in self._by_key if key not in wanted]:
            await self._by_key.pop(key).retire()
        for key, site in wanted.items():
            if key not in self._by_key:
                self._by_key[key] = build_upstreams(config, site)
        return {site.hosts[0]: self._by_key[key] for key, site in wanted.items()}

    async def close(self) -> None:
        """Close every connection."""
        await self.forms.close()
        while self._by_key:
            await self._by_key.popitem()[1].close()


def _upstreams_key(config: Config, site: SiteConfig) -> tuple[object, ...]:
    return (
        site.upstream,
        site.upstream_host,
        site.ca,
        site.health,
        config.timeouts,
        config.limits.connections,
        site.hosts[0],
    )


def build_upstreams(config: Config, site: SiteConfig) -> Upstreams:
    """Return the upstreams of one site. Call it in a running loop; `close` them at the end."""
    times = config.timeouts
    timeouts = UpstreamTimeouts(times.connect, times.first_byte, times.idle, times.queue)
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
