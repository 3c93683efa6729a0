"""Who really asks, and over what: the word of trusted proxies, and of nobody else.

What a visitor claims about being forwarded is dropped, underscore twins included (a CGI
server reads `X_Forwarded_For` as the same name), and set anew for the upstream.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from proxy.config.types import Config, TrustedProxy
from proxy.config.value_parsers import ADDRESS_HEADERS
from proxy.http.address_headers import Hop, read_chain, read_forwarded, read_single

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
        b"cf-connecting-ipv6",
        b"cf-visitor",
        b"client-ip",
        b"fly-client-ip",
        b"forwarded",
        b"front-end-https",
        b"x-appengine-user-ip",
        b"x-azure-socketip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-envoy-external-address",
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
        b"x-proxyuser-ip",
        b"x-real-ip",
        b"x-rewrite-url",
        b"x-scheme",
        b"x-url-scheme",
    }
)
"""Headers by which somebody in front of us would tell the site who asks, or for what."""

_MADE_ANEW = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
_OF_CDNS = frozenset(name.lower().encode() for name in ADDRESS_HEADERS) - _MADE_ANEW
"""Headers that name the visitor in the words of one CDN: passed on where they are the believed one."""

_TRUSTED = frozenset({b"x-http-host-override"})

LONGEST_CHAIN = 16
"""Addresses of X-Forwarded-For up to which is remembered what follows from it: visitors may begin it."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: an address, whether over https, and the proxies' own account of the way here."""

    address: str
    secure: bool
    chain: tuple[str, ...] = ()  # X-Forwarded-For as trusted proxies handed it to us


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """Which peers are believed about who asks, and by which one header each."""

    proxies: tuple[TrustedProxy, ...] = ()

    @classmethod
    def of(cls, config: Config) -> Trust:
        """Return what a config says of it."""
        return cls((*config.trusted_proxies, *((_CLOUDFLARE,) if config.cloudflare else ())))

    def believes(self, address: str) -> bool:
        """True when a peer is one of our own proxies."""
        return bool(self.proxies) and _proxy_of(self, address) is not None

    def passes(self, peer: str, name: bytes) -> bool:
        """True when the upstream may see a header that only our own proxies may send.

        Of those that name the visitor it is the one that is believed from that peer.
        """
        proxy = _proxy_of(self, peer) if self.proxies else None
        if proxy is None:
            return False
        lower = name.lower()
        return lower not in _OF_CDNS or lower == proxy.header.lower().encode()

    def visitor(self, peer: str, fields: Mapping[bytes, Sequence[bytes]], *, secure: bool) -> Visitor:
        """Return who asks, given the peer of the connection and the request's headers."""
        proxy = _proxy_of(self, peer) if self.proxies else None
        if proxy is None:
            return _stranger(peer, secure)
        name = proxy.header.lower().encode()
        lines = fields.get(name, ())
        if name == b"forwarded":
            return self._at_end(read_forwarded(lines), peer, secure=secure)
        scheme = _last(fields.get(b"x-forwarded-proto", ()))
        secure = scheme == b"https" if scheme in _SCHEMES else secure
        if name == b"x-forwarded-for":
            return self._at_end(read_chain(lines), peer, secure=secure)
        address = read_single(name, lines)
        return Visitor(peer, secure) if address is None else Visitor(address, secure, (address,))

    def _at_end(self, hops: tuple[Hop, ...], peer: str, *, secure: bool) -> Visitor:
        """Return the last on the way who is not ours: the only one nobody can make up.

        Where that element cannot be read, the visitor is whoever handed it on: what stands before it
        may be the visitor's own words.
        """
        address, scheme = peer, b""
        for hop in reversed(hops):
            if hop.address is None:
                break
            address, scheme = hop.address, hop.scheme
            if not self.believes(address):
                break
        secure = scheme == b"https" if scheme in _SCHEMES else secure
        return Visitor(address, secure, tuple(hop.address for hop in hops if hop.address is not None))


_SCHEMES = frozenset({b"http", b"https"})
_CLOUDFLARE = TrustedProxy(networks=CLOUDFLARE, header="CF-Connecting-IP")
"""What `cloudflare: yes` stands for."""


@lru_cache(maxsize=4096)
def _proxy_of(trust: Trust, peer: str) -> TrustedProxy | None:
    """Return the entry of the config that speaks of a peer, the first of several."""
    try:
        found = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return next(
        (proxy for proxy in trust.proxies if any(found in network for network in proxy.networks)), None
    )


_stranger = lru_cache(maxsize=4096)(Visitor)
"""Whoever comes without a proxy of ours before them."""


def _last(lines: Sequence[bytes]) -> bytes:
    return lines[-1].rpartition(b",")[2].strip().lower() if lines else b""


def is_claim(name: bytes) -> bool:
    """True when a header (any case) tells who asks or for what: only we may say that."""
    bare = name.lower().replace(b"_", b"-")
    return bare in _CLAIMS or (bare in _OF_CDNS and b"_" in name)


def names_visitor(name: bytes) -> bool:
    """True when a header (any case) is a CDN's own that names the visitor (`Trust.passes`)."""
    return name.lower() in _OF_CDNS


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
