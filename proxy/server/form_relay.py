"""The form relay: asks a provider for a visitor, so that they never meet (`relay:` in rules.yaml).

What may be asked is fixed there: hosts, paths, methods, size and rate. The visitor's part
of an address is compared with that list and never more than that; what leaves us carries
none of their cookies, addresses and names, and what comes back sets none.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from proxy.errors import BadRequest, UpstreamError
from proxy.filter.fields import Headers
from proxy.filter.patterns import Glob
from proxy.policy.model import Policy, Provider, RelayRule
from proxy.records.limits import AcceptanceLimit, Allowance
from proxy.server.exchange import Reply, UpstreamRequest
from proxy.server.form_reach import FormReach
from proxy.server.incoming import Incoming
from proxy.server.logs import log
from proxy.server.observe import Tally
from proxy.server.response import RawResponse
from proxy.server.visit import Visit

LARGEST = 5_000_000
"""Bytes of a provider's answer."""

_PATH = re.compile(r"/[A-Za-z0-9._~!$'()*+,;=:@%/&-]*", re.ASCII)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPABLE = re.compile(rb"(?:text/(?:javascript|css)|application/javascript|image/|font/)", re.IGNORECASE)

FENCE = b"sandbox allow-scripts allow-forms; default-src 'self' 'unsafe-inline' data:; form-action 'self'"

ISOLATED = (b"Cross-Origin-Embedder-Policy", b"require-corp")
"""On all that a relayed form is made of: pages that say so frame nothing that does not."""

OPEN: Headers = [
    (b"Access-Control-Allow-Origin", b"*"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Cross-Origin-Resource-Policy", b"cross-origin"),
    ISOLATED,
    (b"Referrer-Policy", b"no-referrer"),
    (b"Content-Security-Policy", FENCE + b"; base-uri 'none'"),
]
"""On every answer: readable for a frame without an origin, and never a page of ours."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form asks for, found on the list."""

    provider: Provider
    rule: RelayRule
    host: str
    target: str


class FormRelay:
    """Relays the forms of one policy's providers; `path` is where it is reached (`/.consent/relay/`)."""

    def __init__(self, policy: Policy, reach: FormReach, tally: Tally, path: str) -> None:
        self._reach = reach
        self._tally = tally
        self._path = path
        self._rules: dict[str, tuple[Provider, RelayRule]] = {}
        self._limits: dict[str, AcceptanceLimit] = {}
        for provider in policy.providers:
            if provider.enabled and provider.relay is not None:
                self._limits[provider.id] = AcceptanceLimit(provider.relay.per_minute)
                for host in provider.relay.hosts:
                    self._rules.setdefault(host, (provider, provider.relay))

    async def answer(self, site: str, visit: Visit, incoming: Incoming) -> RawResponse:
        """Return what the provider says to a form in a frame of ours, or why it was not asked."""
        try:
            asked = self._asked(visit)
            if visit.method == b"OPTIONS":
                return _preflight(asked.rule)
            return await self._relayed(site, visit, incoming, asked)
        except BadRequest as error:
            status, why = error.status, str(error)
        except UpstreamError as error:
            status, why = error.status, str(error)
        if status >= 500:
            said = {"site": site, "request_id": visit.id.decode("latin-1")}
            log().warning("form_relay_failed", why=why, status=status, **said)
        self._tally.add("requests", site, "own", f"{status // 100}xx")
        headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-store"), *OPEN]
        return RawResponse(status, headers, f"{why}\n".encode() if status < 500 else b"not available\n")

    def _asked(self, visit: Visit) -> Asked:
        """Return what is asked for, where that is on the list; BadRequest says what is not."""
        rest = visit.target.decode("latin-1").removeprefix(self._path)
        host, slash, target = rest.partition("/")
        provider, rule = self._rules.get(host, (None, None))
        if provider is None or rule is None or not slash or not _is_listed("/" + target, rule):
            raise BadRequest("nothing that this relay may ask", 404)
        if visit.method.decode("latin-1") not in (*rule.methods, "OPTIONS"):
            raise BadRequest("not in this way", 405)
        if not _from_the_frame(visit):
            raise BadRequest("only for forms in a frame of ours", 403)
        if self._limits[provider.id].allows(visit.visitor.address, time.monotonic()) is not Allowance.YES:
            raise BadRequest("too many requests", 429)
        return Asked(provider, rule, host, "/" + target)

    async def _relayed(self, site: str, visit: Visit, incoming: Incoming, asked: Asked) -> RawResponse:
        rule, host = asked.rule, asked.host
        body = await incoming.whole_body(rule.max_body) if visit.method == b"POST" else None
        target = asked.target.encode("latin-1")
        request = UpstreamRequest(visit.method, target, sent(visit, host, rule), body)
        reply = await self._reach.fetch(host, request)
        try:
            content = await _whole(reply)
        finally:
            reply.abort()
        headers = self._back(visit, reply, host)
        self._tally.add("requests", site, "own", f"{reply.status // 100}xx")
        return RawResponse(reply.status, headers, content)

    def _back(self, visit: Visit, reply: Reply, host: str) -> Headers:
        """Return what may come back: what it is and how long it may be kept, nothing else."""
        fields = {name.lower(): value for name, value in reply.headers}
        kind = fields.get(b"content-type", b"application/octet-stream")
        keeps = visit.method == b"GET" and reply.status == 200 and _KEEPABLE.match(kind) is not None
        keeps = keeps and b"no-store" not in fields.get(b"cache-control", b"").lower()
        kept = b"private, max-age=300" if keeps else b"no-store"
        headers: Headers = [(b"Content-Type", kind), (b"Cache-Control", kept), *OPEN]
        if b"content-encoding" in fields:
            headers.append((b"Content-Encoding", fields[b"content-encoding"]))
        if reply.status in _REDIRECTS:
            headers.append((b"Location", self._onward(fields.get(b"location", b""), host)))
        return headers

    def _onward(self, location: bytes, host: str) -> bytes:
        """Return the relay's address for a redirect on the list; UpstreamError for any other."""
        text = location.decode("latin-1")
        parts = urlsplit(f"https://{host}{text}" if re.match(r"/(?!/)", text) else text)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        known = self._rules.get(parts.netloc)
        if parts.scheme != "https" or known is None or not _is_listed(target, known[1]):
            raise UpstreamError(f"{host} redirects to an address off the list")
        return f"{self._path}{parts.netloc}{target}".encode("latin-1")


def _preflight(rule: RelayRule) -> RawResponse:
    """Answer a browser that asks whether the frame may ask (Fetch 4.8)."""
    more = [
        (b"Access-Control-Allow-Methods", ", ".join(rule.methods).encode()),
        (b"Access-Control-Allow-Headers", b"Content-Type, Accept, X-Requested-With"),
        (b"Access-Control-Max-Age", b"600"),
    ]
    return RawResponse(204, [(b"Cache-Control", b"no-store"), *OPEN, *more])


def sent(visit: Visit, host: str, rule: RelayRule) -> Headers:
    """Return the headers of the request to the provider: made anew; of the visitor's only what is listed."""
    headers: Headers = [(b"Host", host.encode()), (b"Accept-Encoding", b"identity")]
    headers.append((b"Accept", visit.first(b"accept") or b"*/*"))
    if visit.method == b"POST":
        headers.append((b"Content-Type", visit.first(b"content-type") or b"application/octet-stream"))
    for name in rule.pass_on:
        if value := visit.first(name.lower().encode()):
            headers.append((name.encode(), value))
    if "User-Agent" not in rule.pass_on:
        headers.append((b"User-Agent", b"consent-proxy"))
    return headers


def _is_listed(target: str, rule: RelayRule) -> bool:
    """True for a path on the list that every reader takes for the same: no dots, no hidden slashes."""
    path = target.partition("?")[0].partition("#")[0]
    if not _PATH.fullmatch(path) or "#" in target or "\\" in unquote(path):
        return False
    bare = unquote(path, "latin-1")
    # `..;x` is `..` to servers that let segments carry parameters (RFC 3986 section 3.3)
    climbs = any(part.partition(";")[0] in (".", "..") for part in bare.split("/"))
    if climbs or bare.count("/") != path.count("/"):
        return False
    if "//" in bare or "%" in bare or not bare.isprintable():
        return False
    return any(Glob.of(glob).matches(path) for glob in rule.paths)


def _from_the_frame(visit: Visit) -> bool:
    """True as far as a browser can tell: a frame without an origin asks, not a page of any site's."""
    site = visit.first(b"sec-fetch-site")
    origin = visit.first(b"origin")
    apart = site in (None, b"cross-site")
    return apart and origin in (None, b"null") and visit.destination not in (b"document", b"serviceworker")


async def _whole(reply: Reply) -> bytes:
    pieces, size = [], 0
    while piece := await reply.read():
        size += len(piece)
        if size > LARGEST:
            raise UpstreamError("the answer is too large")
        pieces.append(piece)
    return b"".join(pieces)
