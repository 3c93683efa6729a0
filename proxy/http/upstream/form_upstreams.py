"""The way to the providers of relayed forms: https on port 443, to public addresses alone, pinned.

A name is resolved here and the connection goes to the very address that was looked at, so
no second answer of a name server can lead it inside. What the config resolves by itself
(`relay.resolve`) is the operator's word and taken as it is.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.config.types import Config
from proxy.errors import UpstreamError
from proxy.http.upstream.balancer import Upstreams, UpstreamTimeouts, default_tls
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.upstream_address import UpstreamAddress

KEPT = 60.0
"""Seconds that a resolved address is used."""

CONNECTIONS = 16
"""To one provider at once: forms are small, and a flood is not passed on."""

_EMBEDDING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""IPv6 addresses that carry an IPv4 one, which a gateway would unwrap."""

_RELAYS = ipaddress.IPv4Network("192.88.99.0/24")
"""Gateways to such addresses, given up since (RFC 7526): whoever answers there is nobody's provider."""


@dataclass(slots=True)
class FormReach:
    """Connections to the hosts of `relay:` rules; it outlives reloads."""

    _resolve: Mapping[str, UpstreamAddress] = field(default_factory=dict)
    _ca: str | None = None
    _timeouts: UpstreamTimeouts = field(default_factory=UpstreamTimeouts)
    _ways: dict[str, tuple[float, Upstreams]] = field(default_factory=dict)

    async def renew(self, config: Config) -> None:
        """Take what the config says now; connections made under another config end."""
        relay, times = config.relay, config.timeouts
        resolve = {host: UpstreamAddress(to.host, to.port, secure=True) for host, to in relay.resolve.items()}
        ca = str(config.file(relay.ca)) if relay.ca else None
        timeouts = UpstreamTimeouts(connect=times.connect, first_byte=times.first_byte, idle=times.idle)
        if (resolve, ca, timeouts) != (self._resolve, self._ca, self._timeouts):
            await self.close()
            self._resolve, self._ca, self._timeouts = resolve, ca, timeouts

    async def fetch(self, host: str, request: UpstreamRequest) -> UpstreamResponse:
        """Return the provider's answer; UpstreamError where it cannot or must not be reached."""
        return await (await self._way(host)).fetch(request)

    async def close(self) -> None:
        """End every connection."""
        while self._ways:
            await self._ways.popitem()[1][1].close()

    async def _way(self, host: str) -> Upstreams:
        now = asyncio.get_running_loop().time()
        kept = self._ways.get(host)
        if kept is not None and now - kept[0] < KEPT:
            return kept[1]
        fixed = self._resolve.get(host)
        addresses = [fixed] if fixed is not None else await _public(host)
        way = Upstreams(
            addresses,
            timeouts=self._timeouts,
            limit=CONNECTIONS,
            tls=default_tls(self._ca),
            server_name=host,
        )
        old = self._ways.get(host)
        self._ways[host] = (now, way)
        if old is not None:
            await old[1].close()
        return way


async def _public(host: str) -> list[UpstreamAddress]:
    """Return where that name leads; UpstreamError where any of it is no public address (T45)."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UpstreamError(f"{host} cannot be resolved ({error.strerror or error})") from None
    names = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if inside := [name for name in names if not is_public(name)]:
        raise UpstreamError(f"{host} leads to {inside[0]}, which is no public address")
    return [UpstreamAddress(name, 443, secure=True) for name in names]


def is_public(text: str) -> bool:
    """True for an address on the open internet: not private, loopback, link-local, shared or wrapped."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address.is_site_local or any(address in network for network in _EMBEDDING):
            return False
    if address in _RELAYS:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
