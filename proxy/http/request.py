"""What a visitor asks for, and what is known of it before anything is decided.

A value, read from an `IncomingMessage` (message.py), which has the connection, the body and the way back.
They are two because most code decides about a request and must not be able to read or write for it.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from functools import lru_cache

from proxy.consent.signal import may_lack_cookies, refuses_by_signal
from proxy.errors import BadRequest
from proxy.filter.headers.content_kind import may_return_page
from proxy.filter.headers.fields import Headers
from proxy.http.forwarded import Trust, Visitor
from proxy.http.header_names import Fields, fields_of
from proxy.http.request_limits import LONGEST_DESTINATION, LONGEST_HOST, MOST_COOKIES

_AUTHORITY = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[^\s\[\]:@/\\?#,]+)(?::[0-9]*)?")
"""A name and a port, nothing else: sites build links to themselves out of it."""

NAME = b"consent-proxy"
"""Our pseudonym in Via and in CDN-Loop."""


def loop_mark(key: bytes) -> bytes:
    """Return what CDN-Loop (RFC 8586) says of a request that an installation has passed on.

    Keyed, so that another installation before or behind it is not taken for a loop.
    """
    return b"%b-%b" % (NAME, hmac.new(key, b"CDN-Loop", "sha256").hexdigest()[:16].encode())


@dataclass(slots=True)
class Request:
    """What a visitor asks for. `target` is in origin form, byte for byte as it came.

    `host` is the name asked for (lower case, no port), `authority` the Host line as sent.
    """

    method: bytes
    target: bytes
    headers: Headers
    fields: Fields
    authority: bytes
    host: str
    visitor: Visitor
    peer: str
    id: bytes
    now: int
    path: bytes
    destination: bytes | None  # Sec-Fetch-Dest, when the browser says it
    opens: bool  # a browser opens what comes, as a page or in a frame, and does not hand it to a script

    @property
    def query(self) -> bytes:
        """What follows the first question mark; never logged."""
        return self.target.partition(b"?")[2]

    def first(self, name: bytes) -> bytes | None:
        """Return the first value of a header (lower-case name), or None."""
        values = self.fields.get(name)
        return values[0] if values else None

    @property
    def origin(self) -> str:
        """Scheme and authority under which the visitor sees the site."""
        return f"{'https' if self.visitor.secure else 'http'}://{self.authority.decode('latin-1')}"

    @property
    def withheld(self) -> bool:
        """True when the browser may have kept a SameSite=Lax cookie back (threats T56)."""
        if b"sec-fetch-site" not in self.fields:  # an old browser, or plain http
            return False
        first = self.first
        mode = first(b"sec-fetch-mode")
        return may_lack_cookies(self.method, first(b"sec-fetch-site"), mode, self.destination)

    @property
    def wants_events(self) -> bool:
        """True when it asks for an event stream, whose first byte may be hours away."""
        return b"text/event-stream" in (self.first(b"accept") or b"")

    @property
    def signal(self) -> bool:
        """True when the browser says Sec-GPC: 1."""
        said = self.fields.get(b"sec-gpc")
        return said is not None and refuses_by_signal(said)


@lru_cache(maxsize=4096)
def _named(authority: bytes) -> str | None:
    """Return the name in a Host line, None where it is more than a name and a port."""
    return host_of(authority) if _AUTHORITY.fullmatch(authority) else None


def host_of(authority: bytes) -> str:
    """Return the name in a Host line: lower case, without port and final dot."""
    text = authority.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0].removeprefix("[")
    return text.partition(":")[0].removesuffix(".")


def read_request(
    method: bytes,
    target: bytes,
    headers: Headers,
    *,
    peer: str,
    trust: Trust,
    secure: bool,
    id_: bytes,
    now: int,
    fields: Fields | None = None,
    mark: bytes = NAME,
) -> Request:
    """Return the request; a Host that is missing, doubled or contradicts the target is refused.

    One that is too long for any site is refused before anything of it is remembered. `fields` are
    the headers by name, where somebody has sorted them already; `mark` is what our CDN-Loop says.
    """
    if fields is None:
        fields = fields_of(headers)
    hosts = fields.get(b"host", ())
    if len(hosts) != 1 or not hosts[0]:
        raise BadRequest("exactly one Host is expected")
    authority = hosts[0]
    if len(authority) > LONGEST_HOST:
        raise BadRequest("no site of that name is here", 421)
    host = _named(authority)
    if host is None:
        raise BadRequest("Host is a name and a port", 421)
    if target[:1] != b"/":
        target = _origin_form(method, target, authority)
    if sum(line.count(b";") for line in fields.get(b"cookie", ())) > MOST_COOKIES:
        raise BadRequest("the request has too many cookies", 431)
    passed = fields.get(b"cdn-loop")
    if passed is not None and any(mark in value for value in passed):
        raise BadRequest("this request has been here before", 508)
    visitor = trust.visitor(peer, fields, secure=secure)
    path, said = target.partition(b"?")[0], fields.get(b"sec-fetch-dest")
    destination = said[0][:LONGEST_DESTINATION] if said else None
    if destination is None and fields.get(b"service-worker") == [b"script"]:
        destination = b"serviceworker"  # WebKit and plain http say it this way (Service Workers 4.4)
    return Request(
        method, target, headers, fields, authority, host, visitor, peer, id_, now, path, destination,
        _opens(headers, fields, destination),
    )  # fmt: skip


def _opens(headers: Headers, fields: Fields, destination: bytes | None) -> bool:
    """True when a browser opens what comes.

    Scripts of old browsers, which say no destination, may accept HTML as well: most say that it is them.
    """
    if destination is None and fields.get(b"x-requested-with", ())[:1] == [b"XMLHttpRequest"]:
        return False
    return may_return_page(headers)


def _origin_form(method: bytes, target: bytes, host: bytes) -> bytes:
    """Return path and query of a target that is no path; the authority it names must be Host's (T37)."""
    if target == b"*" and method == b"OPTIONS":
        return target
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in {b"http", b"https"}:
        raise BadRequest("the target is neither a path nor an address")
    end = min((at for at in (rest.find(b"/"), rest.find(b"?"), len(rest)) if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if host_of(authority) != host_of(host) or b"@" in authority:
        raise BadRequest("the target names another host than Host does", 421)
    return path if path.startswith(b"/") else b"/" + path
