"""Connections to the providers of relayed forms: https on port 443, to public addresses only.

A name is resolved here and connected to by the checked address, so DNS rebinding cannot lead
into the internal network. Addresses from the config (`relay.resolve`) are not checked.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.config.types import Config
from proxy.errors import UpstreamError
from proxy.http.upstream.balancer import Upstreams, UpstreamTimeouts, default_tls
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.upstream_address import UpstreamAddress, is_public_address

RESOLVED_FOR = 60.0
"""Seconds that a resolved address is used."""

CONNECTIONS = 16
"""Connections to one provider at once: forms are small, and a flood is not passed on."""


@dataclass(slots=True)
class FormUpstreams:
    """The upstreams of `relay:` rules by host; kept over a reload."""

    _resolve: Mapping[str, UpstreamAddress] = field(default_factory=dict)
    _ca: str | None = None
    _timeouts: UpstreamTimeouts = field(default_factory=UpstreamTimeouts)
    _by_host: dict[str, tuple[float, Upstreams]] = field(default_factory=dict)

    async def update(self, config: Config) -> None:
        """Apply a config; connections made under other settings are closed."""
        relay, times = config.relay, config.timeouts
        resolve = {host: UpstreamAddress(to.host, to.port, secure=True) for host, to in relay.resolve.items()}
        ca = str(config.file(relay.ca)) if relay.ca else None
        timeouts = UpstreamTimeouts(connect=times.connect, first_byte=times.first_byte, idle=times.idle)
        if (resolve, ca, timeouts) != (self._resolve, self._ca, self._timeouts):
            await self.close()
            self._resolve, self._ca, self._timeouts = resolve, ca, timeouts

    async def fetch(self, host: str, request: UpstreamRequest) -> UpstreamResponse:
        """Return the provider's response; UpstreamError if it cannot or must not be connected to."""
        return await (await self._upstreams_for(host)).fetch(request)

    async def close(self) -> None:
        """Close every connection."""
        while self._by_host:
            await self._by_host.popitem()[1][1].close()

    async def _upstreams_for(self, host: str) -> Upstreams:
        now = asyncio.get_running_loop().time()
        kept = self._by_host.get(host)
        if kept is not None and now - kept[0] < RESOLVED_FOR:
            return kept[1]
        fixed = self._resolve.get(host)
        addresses = [fixed] if fixed is not None else await _resolve_public(host)
        upstreams = Upstreams(
            addresses,
            timeouts=self._timeouts,
            limit=CONNECTIONS,
            tls=default_tls(self._ca),
            server_name=host,
        )
        old = self._by_host.get(host)
        self._by_host[host] = (now, upstreams)
        if old is not None:
            await old[1].close()
        return upstreams


async def _resolve_public(host: str) -> list[UpstreamAddress]:
    """Return the addresses of a name; UpstreamError if any of them is not public (T45)."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UpstreamError(f"{host} cannot be resolved ({error.strerror or error})") from None
    names = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if inside := [name for name in names if not is_public_address(name)]:
        raise UpstreamError(f"{host} leads to {inside[0]}, which is no public address")
    return [UpstreamAddress(name, 443, secure=True) for name in names]
