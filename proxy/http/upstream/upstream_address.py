"""Addresses of upstreams: TLS contexts, failed connections, and which are public."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy.errors import UpstreamError, reason

_IPV4_EMBEDDING = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)
"""IPv6 addresses that carry an IPv4 one, which a gateway would unwrap."""

_GATEWAYS = ipaddress.IPv4Network("192.88.99.0/24")
"""6to4 gateways, deprecated by RFC 7526: no provider is there."""


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """Where an upstream listens."""

    host: str
    port: int
    secure: bool = False

    @classmethod
    def parse(cls, url: str) -> UpstreamAddress:
        """Return the address of http://host[:port] or https://host[:port]; ValueError says what is wrong."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"an upstream is written http://host:port or https://host:port, not {url!r}")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"an upstream is a host and a port, without a path: {url!r}")
        secure = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if secure else 80), secure)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' * self.secure}://{host}:{self.port}"


class ConnectError(UpstreamError):
    """No connection could be opened, so nothing was sent: any request may go to another upstream."""

    def __init__(self, address: UpstreamAddress, trouble: Exception | None) -> None:
        late = isinstance(trouble, TimeoutError)
        words = "no connection in time" if late or trouble is None else reason(trouble)
        super().__init__(f"{address}: {words}", 504 if late else 502, unheard=True)


def default_tls(ca: str | None = None) -> ssl.SSLContext:
    """Return a context that verifies names and chains, against `ca` (a file) or the system's store."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["http/1.1"])
    return context


def is_public_address(text: str) -> bool:
    """True for a public address: not private, loopback, link-local, shared, nor one that embeds IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public_address(str(address.ipv4_mapped))
        if address.is_site_local or any(address in network for network in _IPV4_EMBEDDING):
            return False
    if address in _GATEWAYS:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
