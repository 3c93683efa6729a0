"""Who really asks, and over what: the word of trusted proxies, and of nobody else.

What a visitor claims about being forwarded is dropped, underscore twins included (a CGI
server reads `X_Forwarded_For` as the same name), and set anew for the upstream.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from proxy.config.value_parsers import Network

CLOUDFLARE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "173.245.48.0/20",
        "103.21.244.0/22",
        "103.22.200.0/22",
        "103.31.4.0/22",
        "141.101.64.0/18",
        "108.162.192.0/18",
        "190.93.240.0/20",
        "188.114.96.0/20",
        "197.234.240.0/22",
        "198.41.128.0/17",
        "162.158.0.0/15",
        "104.16.0.0/13",
        "104.24.0.0/14",
        "172.64.0.0/13",
        "131.0.72.0/22",
        "2400:cb00::/32",
        "2606:4700::/32",
        "2803:f800::/32",
        "2405:b500::/32",
        "2405:8100::/32",
        "2a06:98c0::/29",
        "2c0f:f248::/32",
    )
)
"""The networks Cloudflare publishes (cloudflare.com/ips); unchanged for years."""

_CLAIMS = frozenset(
    {
        b"cf-connecting-ip",
        b"cf-connecting-ipv6",
        b"cf-visitor",
        b"forwarded",
        b"front-end-https",
        b"true-client-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-forwarded",
        b"x-forwarded-by",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-forwarded-scheme",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-host",
        b"x-original-forwarded-for",
        b"x-original-host",
        b"x-original-url",
        b"x-real-ip",
        b"x-rewrite-url",
        b"x-scheme",
        b"x-url-scheme",
    }
)
"""Headers by which somebody in front of us would tell the site who asks, or for what."""

_TRUSTED = frozenset(
    {
        b"client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"x-appengine-user-ip",
        b"x-azure-clientip",
        b"x-azure-socketip",
        b"x-envoy-external-address",
        b"x-http-host-override",
        b"x-proxyuser-ip",
    }
)
"""Headers that say the like in the words of one CDN or gateway."""

LONGEST_ADDRESS = 64
"""Bytes of an address with its zone (`fe80::1%eth0`): an IPv6 address has 45, an interface's name 15.

Addresses are remembered in many places, and Python takes a zone of any length.
"""

LONGEST_CHAIN = 16
"""Addresses of X-Forwarded-For up to which is remembered what follows from it: visitors may begin it."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: an address, whether over https, and the proxies' own account of the way here."""

    address: str
    secure: bool
    chain: tuple[str, ...] = ()  # X-Forwarded-For as trusted proxies handed it to us


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word counts about who asks."""

    networks: tuple[Network, ...] = ()
    cloudflare: bool = False

    def believes(self, address: str) -> bool:
        """True when a peer is one of our own proxies."""
        return within(address, self.networks) or self.is_cloudflare(address)

    def is_cloudflare(self, address: str) -> bool:
        """True when a peer is Cloudflare and the config believes it."""
        return self.cloudflare and within(address, CLOUDFLARE)

    def visitor(self, peer: str, fields: Mapping[bytes, Sequence[bytes]], *, secure: bool) -> Visitor:
        """Return who asks, given the peer of the connection and the request's headers."""
        if not (self.networks or self.cloudflare) or not self.believes(peer):
            return _stranger(peer, secure)
        chain = _addresses(fields.get(b"x-forwarded-for", ()))
        scheme = _last(fields.get(b"x-forwarded-proto", ()))
        secure = scheme == b"https" if scheme in {b"http", b"https"} else secure
        named = _addresses(fields.get(b"cf-connecting-ip", ())) if self.is_cloudflare(peer) else ()
        address = named[0] if len(named) == 1 else self._first_stranger((*chain, peer))
        return Visitor(address, secure, chain)

    def _first_stranger(self, chain: Sequence[str]) -> str:
        """Return the last address on the way that is not ours: the only one nobody can make up."""
        return next((address for address in reversed(chain) if not self.believes(address)), chain[0])


_stranger = lru_cache(maxsize=4096)(Visitor)
"""Whoever comes without a proxy of ours before them."""


@lru_cache(maxsize=4096)
def within(address: str, networks: tuple[Network, ...]) -> bool:
    """True when an address lies in one of these networks."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def _addresses(lines: Iterable[bytes]) -> tuple[str, ...]:
    """Return the readable addresses of X-Forwarded-For lines, in order."""
    found = []
    for word in b",".join(lines).split(b","):
        text = word.strip().decode("latin-1")
        if len(text) > LONGEST_ADDRESS:
            continue
        try:
            ipaddress.ip_address(text)
        except ValueError:
            continue
        found.append(text)
    return tuple(found)


def _last(lines: Sequence[bytes]) -> bytes:
    return lines[-1].rpartition(b",")[2].strip().lower() if lines else b""


def is_claim(name: bytes) -> bool:
    """True when a header (any case) tells who asks or for what: only we may say that."""
    return name.lower().replace(b"_", b"-") in _CLAIMS


def only_from_trusted(name: bytes) -> bool:
    """True when a header that is no claim (any case) counts from a trusted proxy alone.

    That may name who signed in or by which certificate (`X-Forwarded-User`); a visitor may not.
    """
    bare = name.lower().replace(b"_", b"-")
    return bare in _TRUSTED or bare.startswith(b"x-forwarded-")


def forwarded_headers(visitor: Visitor, peer: str, host: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return what the upstream is told about who asks."""
    told = _told if len(visitor.chain) <= LONGEST_CHAIN else _told.__wrapped__
    return told(visitor.address, visitor.secure, visitor.chain, peer, host)


@lru_cache(maxsize=2048)
def _told(
    address: str, secure: bool, chain: tuple[str, ...], peer: str, host: bytes
) -> tuple[tuple[bytes, bytes], ...]:
    scheme = b"https" if secure else b"http"
    way = ", ".join((*chain, peer)).encode("latin-1", "replace")
    quoted = f'"[{address}]"' if ":" in address else address
    return (
        (b"X-Forwarded-For", way),
        (b"X-Forwarded-Host", host),
        (b"X-Forwarded-Proto", scheme),
        (b"X-Real-IP", address.encode("latin-1", "replace")),
        (
            b"Forwarded",
            b"for=%b;host=%b;proto=%b" % (quoted.encode("latin-1", "replace"), _quoted(host), scheme),
        ),
    )


def _quoted(host: bytes) -> bytes:
    return b'"%b"' % host if b":" in host else host
