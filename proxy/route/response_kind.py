"""What kind a response's body is: found out from its headers, or else from its first bytes."""

from __future__ import annotations

from functools import lru_cache

from proxy.errors import Unreadable, UpstreamError
from proxy.filter.body.body_filter import first_bytes
from proxy.filter.body.decoding import kept_label as label_of
from proxy.filter.body.decoding import readings
from proxy.filter.body.encoding import choose
from proxy.filter.cache import Cache
from proxy.filter.headers.content_kind import SNIFF, BodyKind, body_kind, forbids_sniffing, is_attachment
from proxy.filter.rules.collection_requests import RequestRules, verdict_of_reply
from proxy.filter.verdict import Verdict
from proxy.http.request import Request
from proxy.http.upstream.exchange import UpstreamResponse
from proxy.policy.scope import Pair
from proxy.route.context import RequestContext

ENOUGH = 65_536
"""Coded bytes after which a body that still unfolds to next to nothing is no page."""

PAGES = (BodyKind.HTML, BodyKind.XML, BodyKind.RULES)
"""Sorts whose bodies are read and rewritten (few, and a set would call their hash)."""

WORKERS = frozenset({b"worker", b"sharedworker", b"serviceworker"})
"""Destinations of scripts that run under the policy of their own response: they are fenced too (T25)."""


_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def has_no_body(upstream_response: UpstreamResponse) -> bool:
    """True for a response whose body, if there is one, no browser reads."""
    return upstream_response.bodiless or upstream_response.status in (204, 205, 304)


def goes_by_its_head(upstream_response: UpstreamResponse) -> bool:
    """True for a response that a browser acts on before its body: a redirect, a challenge to sign in."""
    status, fields = upstream_response.status, upstream_response.fields
    if status in _REDIRECTS:
        return any(fields.get(b"location", ()))
    return status == 401 and b"www-authenticate" in fields


_Heads = tuple[tuple[bytes, ...], tuple[bytes, ...], bytes | None, bytes | None, bool]
_KINDS: Cache[_Heads, tuple[BodyKind | None, bool]] = Cache(128, longest=512)
"""What headers alone tell: sites have few types, and repeat themselves."""


def _by_headers(
    types: tuple[bytes, ...],
    options: tuple[bytes, ...],
    dest: bytes | None,
    disposition: bytes | None,
    fetched: bool,
) -> tuple[BodyKind | None, bool]:
    """Return what the headers alone tell, and whether they forbid to look on."""
    nosniff = forbids_sniffing(list(options))
    found = body_kind(
        list(types), nosniff=nosniff, dest=dest, first=None, disposition=disposition, fetched=fetched
    )
    return found, nosniff


def opens_nothing(upstream_response: UpstreamResponse) -> bool:
    """True when neither frame nor worker can be made of it: no body, a redirect, a saved file.

    A script is run as a worker although it says that it is to be saved.
    """
    fields, status = upstream_response.fields, upstream_response.status
    if status in (204, 205) or (status in _REDIRECTS and any(fields.get(b"location", ()))):
        return True
    if b"content-disposition" not in fields or not is_attachment(fields[b"content-disposition"][0]):
        return False
    return not any(b"script" in kind.lower() for kind in fields.get(b"content-type", ()))


def sort_named(upstream_response: UpstreamResponse, request: Request) -> BodyKind | None:
    """Return what the body is, None where neither the headers tell nor a body that is all here."""
    sort, nosniff = _named(upstream_response, request)
    if sort is not None or not upstream_response.complete or upstream_response.bodiless:
        return sort
    coding = b",".join(upstream_response.fields.get(b"content-encoding", ()))
    try:
        first = first_bytes(upstream_response.whole(), coding)
    except Unreadable:
        return None
    return _sniffed(upstream_response, request, first, nosniff=nosniff, more=False)


def _sniffed(
    upstream_response: UpstreamResponse, request: Request, first: bytes, *, nosniff: bool, more: bool
) -> BodyKind | None:
    fields = upstream_response.fields
    return body_kind(
        fields.get(b"content-type", []),
        nosniff=nosniff,
        dest=request.destination,
        first=first,
        disposition=fields[b"content-disposition"][0] if b"content-disposition" in fields else None,
        more=more,
        fetched=_is_fetched(request),
    )


def _named(upstream_response: UpstreamResponse, request: Request) -> tuple[BodyKind | None, bool]:
    fields = upstream_response.fields
    types = fields.get(b"content-type", ())
    options = fields.get(b"x-content-type-options", ())
    disposition = fields[b"content-disposition"][0] if b"content-disposition" in fields else None
    key = (tuple(types), tuple(options), request.destination, disposition, _is_fetched(request))
    found = _KINDS.get(key)
    if found is None:
        size = sum(map(len, (*types, *options, request.destination or b"", disposition or b"")))
        found = _KINDS.store(key, _by_headers(*key), size)
    return found


def _is_fetched(request: Request) -> bool:
    """True when a script gets the body, and no page is opened with it."""
    return request.destination in (None, b"empty") and not request.opens


async def sort_body(upstream_response: UpstreamResponse, request: Request) -> tuple[BodyKind, bytes, bool]:
    """Return what the body is, and what has arrived of it (all of it, when the last is True).

    Waits for first bytes only where nothing but they can tell.
    """
    fields = upstream_response.fields
    data, complete = upstream_response.arrived()
    sort, nosniff = _named(upstream_response, request)
    if sort is not None:
        return sort, data, complete
    if upstream_response.bodiless:
        return BodyKind.HTML, data, complete  # HEAD: it may be a page, so its headers are a page's
    coding = b",".join(fields.get(b"content-encoding", ()))
    while sort is None:
        try:
            first = first_bytes(data, coding)
        except Unreadable:
            return (
                BodyKind.HTML,
                data,
                complete,
            )  # perhaps a page, in a coding that has to be asked for otherwise
        more = not complete and len(first) < SNIFF and len(data) < ENOUGH
        sort = _sniffed(upstream_response, request, first, nosniff=nosniff, more=more)
        if sort is None and not more:
            sort = BodyKind.OTHER
        elif sort is None:
            try:
                piece = await upstream_response.read()
            except UpstreamError:
                if not goes_by_its_head(upstream_response):
                    raise
                return BodyKind.HTML, b"", True
            data, complete = data + piece, not piece
    return sort, data, complete


@lru_cache(maxsize=256)  # keys of two kilobytes at most
def begun(
    beginning: bytes, coding: bytes, requests: RequestRules, host: str, grants: frozenset[Pair]
) -> Verdict | None:
    """Return the verdict on a script, given how its coded bytes begin."""
    try:
        first = first_bytes(beginning, coding)
    except Unreadable:
        return None
    return verdict_of_reply(requests, host, first, grants)


def response_coding(context: RequestContext, upstream_response: UpstreamResponse) -> bytes | None:
    """Return the coding a page is sent in; one that came plain is sent plain."""
    came = joined(upstream_response, b"content-encoding")
    if came is None or not _is_coded(came):
        return None
    return choose(b",".join(context.request.fields.get(b"accept-encoding", ())) or None)


def _is_coded(codings: bytes) -> bool:
    """True where all browsers read the same codings, and at least one."""
    try:
        ways = readings(codings)
    except Unreadable:
        return True
    return len(ways) == 1 and ways != ((),)


def kept_label(upstream_response: UpstreamResponse) -> bytes | None:
    """Return what stands for a coding that the body keeps, in ETags."""
    codings = joined(upstream_response, b"content-encoding")
    return label_of(codings) if codings else None


def joined(upstream_response: UpstreamResponse, name: bytes) -> bytes | None:
    """Return a header's lines as one, None where there is none."""
    values = upstream_response.fields.get(name)
    return b", ".join(values) if values else None
