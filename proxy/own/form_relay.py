"""The form relay: sends a visitor's form requests to its provider without identifying them.

`relay:` in rules.yaml lists the allowed hosts, paths, methods, size and rate; everything else
is refused. Requests to the provider carry neither cookie nor address of the visitor;
responses set no cookie.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from proxy.errors import BadRequest, UpstreamError
from proxy.filter.headers.fields import Headers
from proxy.filter.patterns import Glob
from proxy.http.message import IncomingMessage
from proxy.http.request import Request
from proxy.http.response import Response
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.form_upstreams import FormUpstreams
from proxy.policy.model import Policy, Provider, RelayRule
from proxy.snapshot.rate_limit import RateLimit, RateLimitResult
from proxy.snapshot.shared_resources import SharedResources
from proxy.snapshot.sites import Site, Sites
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Tally

MAX_RESPONSE = 5_000_000
"""Bytes of a provider's response."""

_PATH = re.compile(r"/[A-Za-z0-9._~!$'()*+,;=:@%/&-]*", re.ASCII)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPABLE = re.compile(rb"(?:text/(?:javascript|css)|application/javascript|image/|font/)", re.IGNORECASE)

FENCE = b"sandbox allow-scripts allow-forms; default-src 'self' 'unsafe-inline' data:; form-action 'self'"

ISOLATED = (b"Cross-Origin-Embedder-Policy", b"require-corp")
"""On every response of the relay: pages with this policy can only frame pages that have it."""

RELAY_HEADERS: Headers = [
    (b"Access-Control-Allow-Origin", b"*"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Cross-Origin-Resource-Policy", b"cross-origin"),
    ISOLATED,
    (b"Referrer-Policy", b"no-referrer"),
    (b"Content-Security-Policy", FENCE + b"; base-uri 'none'"),
]
"""On every response: readable for a frame with an opaque origin, sandboxed when opened as a page."""


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A relayed request that the rules allow."""

    provider: Provider
    rule: RelayRule
    host: str
    target: str


class FormRelays:
    """The form relays of all sites: one for sites with the same rules, which share its rates."""

    def __init__(self, sites: Sites, shared: SharedResources, path: str) -> None:
        made: dict[str, FormRelay] = {}
        for site in sites.all:
            if site.policy.digest not in made:
                made[site.policy.digest] = FormRelay(site.policy, shared.upstreams.forms, shared.tally, path)
        self._by_rules = made

    def of(self, site: Site) -> FormRelay:
        """Return the relay for the forms that a site's rules allow."""
        return self._by_rules[site.policy.digest]


class FormRelay:
    """Relays the forms of one policy's providers; `path` is its address prefix (`/.consent/relay/`)."""

    def __init__(self, policy: Policy, upstreams: FormUpstreams, tally: Tally, path: str) -> None:
        self._upstreams = upstreams
        self._tally = tally
        self._path = path
        self._rules: dict[str, tuple[Provider, RelayRule]] = {}
        self._limits: dict[str, RateLimit] = {}
        for provider in policy.providers:
            if provider.enabled and provider.relay is not None:
                self._limits[provider.id] = RateLimit(provider.relay.per_minute)
                for host in provider.relay.hosts:
                    self._rules.setdefault(host, (provider, provider.relay))

    async def respond(self, site: str, request: Request, message: IncomingMessage) -> Response:
        """Return the provider's response to a relayed form, or an error."""
        try:
            form_request = self._allowed_request(request)
            if request.method == b"OPTIONS":
                return _preflight(form_request.rule)
            return await self._relay_request(site, request, message, form_request)
        except BadRequest as error:
            status, why = error.status, str(error)
        except UpstreamError as error:
            status, why = error.status, str(error)
        if status >= 500:
            fields = {"site": site, "request_id": request.id.decode("latin-1")}
            log().warning("form_relay_failed", why=why, status=status, **fields)
        self._tally.add("requests", site, "own", f"{status // 100}xx")
        headers = [
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Cache-Control", b"no-store"),
            *RELAY_HEADERS,
        ]
        return Response(status, headers, f"{why}\n".encode() if status < 500 else b"not available\n")

    def _allowed_request(self, request: Request) -> FormRequest:
        """Return the request if the rules allow it; BadRequest otherwise."""
        rest = request.target.decode("latin-1").removeprefix(self._path)
        host, slash, target = rest.partition("/")
        provider, rule = self._rules.get(host, (None, None))
        if provider is None or rule is None or not slash or not _is_allowed("/" + target, rule):
            raise BadRequest("nothing that this relay may ask", 404)
        if request.method.decode("latin-1") not in (*rule.methods, "OPTIONS"):
            raise BadRequest("not in this way", 405)
        if not _is_from_frame(request):
            raise BadRequest("only for forms in a frame of ours", 403)
        if (
            self._limits[provider.id].allows(request.visitor.address, time.monotonic())
            is not RateLimitResult.ALLOWED
        ):
            raise BadRequest("too many requests", 429)
        return FormRequest(provider, rule, host, "/" + target)

    async def _relay_request(
        self, site: str, request: Request, message: IncomingMessage, form_request: FormRequest
    ) -> Response:
        rule, host = form_request.rule, form_request.host
        body = await message.whole_body(rule.max_body) if request.method == b"POST" else None
        target = form_request.target.encode("latin-1")
        upstream_request = UpstreamRequest(request.method, target, request_headers(request, host, rule), body)
        upstream_response = await self._upstreams.fetch(host, upstream_request)
        try:
            content = await _read_body(upstream_response)
        finally:
            upstream_response.abort()
        headers = self._response_headers(request, upstream_response, host)
        self._tally.add("requests", site, "own", f"{upstream_response.status // 100}xx")
        return Response(upstream_response.status, headers, content)

    def _response_headers(self, request: Request, upstream_response: UpstreamResponse, host: str) -> Headers:
        """Return the response headers: type, coding, caching and location, nothing else."""
        fields = {name.lower(): value for name, value in upstream_response.headers}
        kind = fields.get(b"content-type", b"application/octet-stream")
        keeps = (
            request.method == b"GET" and upstream_response.status == 200 and _KEEPABLE.match(kind) is not None
        )
        keeps = keeps and b"no-store" not in fields.get(b"cache-control", b"").lower()
        kept = b"private, max-age=300" if keeps else b"no-store"
        headers: Headers = [(b"Content-Type", kind), (b"Cache-Control", kept), *RELAY_HEADERS]
        if b"content-encoding" in fields:
            headers.append((b"Content-Encoding", fields[b"content-encoding"]))
        if upstream_response.status in _REDIRECTS:
            headers.append((b"Location", self._relayed_location(fields.get(b"location", b""), host)))
        return headers

    def _relayed_location(self, location: bytes, host: str) -> bytes:
        """Return the relay's address for an allowed redirect; UpstreamError for any other."""
        text = location.decode("latin-1")
        parts = urlsplit(f"https://{host}{text}" if re.match(r"/(?!/)", text) else text)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        known = self._rules.get(parts.netloc)
        if parts.scheme != "https" or known is None or not _is_allowed(target, known[1]):
            raise UpstreamError(f"{host} redirects to an address off the list")
        return f"{self._path}{parts.netloc}{target}".encode("latin-1")


def _preflight(rule: RelayRule) -> Response:
    """Return the response to a CORS preflight (Fetch 4.8)."""
    more = [
        (b"Access-Control-Allow-Methods", ", ".join(rule.methods).encode()),
        (b"Access-Control-Allow-Headers", b"Content-Type, Accept, X-Requested-With"),
        (b"Access-Control-Max-Age", b"600"),
    ]
    return Response(204, [(b"Cache-Control", b"no-store"), *RELAY_HEADERS, *more])


def request_headers(request: Request, host: str, rule: RelayRule) -> Headers:
    """Return the headers for the provider: new ones, and of the visitor's only what the rule lists."""
    headers: Headers = [(b"Host", host.encode()), (b"Accept-Encoding", b"identity")]
    headers.append((b"Accept", request.first(b"accept") or b"*/*"))
    if request.method == b"POST":
        headers.append((b"Content-Type", request.first(b"content-type") or b"application/octet-stream"))
    for name in rule.pass_on:
        if value := request.first(name.lower().encode()):
            headers.append((name.encode(), value))
    if "User-Agent" not in rule.pass_on:
        headers.append((b"User-Agent", b"consent-proxy"))
    return headers


def _is_allowed(target: str, rule: RelayRule) -> bool:
    """True for an allowed path that every parser reads alike: no dot segments, no encoded slashes."""
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


def _is_from_frame(request: Request) -> bool:
    """True unless the browser's headers show another source than a frame with an opaque origin."""
    site = request.first(b"sec-fetch-site")
    origin = request.first(b"origin")
    separate = site in (None, b"cross-site")
    return (
        separate and origin in (None, b"null") and request.destination not in (b"document", b"serviceworker")
    )


async def _read_body(upstream_response: UpstreamResponse) -> bytes:
    pieces, size = [], 0
    while piece := await upstream_response.read():
        size += len(piece)
        if size > MAX_RESPONSE:
            raise UpstreamError("the response is too large")
        pieces.append(piece)
    return b"".join(pieces)
