"""Addresses of a response that name the upstream, turned into the visitor's.

A server that is asked by another name (`upstream_host`), or that listens on a port of its own, writes
that into Location, Content-Location, Refresh, Link and the Domain of cookies: a visitor who followed
would be past the proxy, or nowhere, and would not keep the cookie.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proxy.filter.headers.fields import Headers

_ORIGIN = re.compile(
    rb"([ \t]*)((?:https?:)?//)(\[[^\]/?#\\@]*\]|[^:/?#\\@\[\]]*)(?::([0-9]*))?(?=[/?#\\ \t]|$)",
    re.IGNORECASE,
)
_REFRESH = re.compile(
    rb"([^;,]*[;,][\t\n\f\r ]*(?:url[\t\n\f\r ]*=[\t\n\f\r ]*)?['\"]?)(.*)", re.IGNORECASE | re.DOTALL
)
_LINK_TARGET = re.compile(rb"<([^<>]*)>")
_DEFAULT_PORTS = frozenset({b"80", b"443"})

ADDRESSES = frozenset({b"location", b"content-location", b"refresh", b"link"})
"""Fields that hold an address (lower case)."""


@dataclass(frozen=True, slots=True)
class UpstreamNames:
    """Names of a site's upstreams, in lower case: `host` is sent as Host, `addresses` are connected to."""

    host: bytes | None = None
    addresses: frozenset[bytes] = frozenset()
    ports: frozenset[bytes] = frozenset()
    secure: bool = False  # they are connected to over https

    def translate(self, headers: Headers, *, secure: bool, authority: bytes, host: bytes) -> Headers:
        """Return the headers with the visitor's scheme and authority wherever they name an upstream."""
        origin = (b"https" if secure else b"http", authority, host)
        out: Headers = []
        for pair in headers:
            name = pair[0].lower()
            if name == b"set-cookie":
                value = self._cookie(pair[1], host)
            elif name in ADDRESSES:
                value = self._field(name, pair[1], origin)
            else:
                value = pair[1]
            out.append(pair if value == pair[1] else (pair[0], value))
        return out

    def _field(self, name: bytes, value: bytes, origin: tuple[bytes, bytes, bytes]) -> bytes:
        if name == b"link":
            return _LINK_TARGET.sub(lambda found: b"<%b>" % self._address(found[1], origin), value)
        if name == b"refresh":
            found = _REFRESH.fullmatch(value)
            return found[1] + self._address(found[2], origin) if found else value
        return self._address(value, origin)

    def _address(self, address: bytes, origin: tuple[bytes, bytes, bytes]) -> bytes:
        found = _ORIGIN.match(address)
        scheme, authority, host = origin
        if found is None or not self._is_upstream(found[3].lower(), found[4], authority, host):
            return address
        rest = address[found.end() :]
        if found[2] == b"//":
            return found[1] + b"//" + authority + rest
        if found[2].lower() == b"https://" and not self.secure and scheme == b"http":
            return found[1] + b"https://" + host + rest  # it sends visitors on to https, by intent
        return found[1] + scheme + b"://" + authority + rest

    def _is_upstream(self, host: bytes, port: bytes | None, authority: bytes, visitors: bytes) -> bool:
        if host == self.host and host != visitors:
            return not port or port in self.ports or port in _DEFAULT_PORTS
        if port not in self.ports:
            return False
        # nginx adds the port that it listens on to the name that it was asked by
        return host in self.addresses or (host == visitors and authority.rpartition(b":")[2] != port)

    def _cookie(self, line: bytes, host: bytes) -> bytes:
        """Return a Set-Cookie line whose Domain is the visitor's host where it was the upstream's."""
        pair, *attributes = line.split(b";")
        for at, attribute in enumerate(attributes):
            name, _, value = attribute.partition(b"=")
            domain = value.strip(b" \t").lower().removeprefix(b".")
            known = domain and domain != host and (domain == self.host or domain in self.addresses)
            if known and name.strip(b" \t").lower() == b"domain":
                attributes[at] = b"%b=%b" % (name, host)
        return b";".join([pair, *attributes])
