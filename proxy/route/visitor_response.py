"""What leaves for the visitor: the head of the response, and the filter its body goes through."""

from __future__ import annotations

import re

from proxy.config.types import Mode
from proxy.errors import Unreadable
from proxy.filter.body.body_filter import (
    DROPPED,
    VERBATIM,
    BodyFilter,
    PageCacheKey,
    cached_filter,
    first_bytes,
)
from proxy.filter.body.charset import names_html_only, typed
from proxy.filter.body.decoding import decoder
from proxy.filter.body.service_worker import worker_filter
from proxy.filter.cache import PageCache, lru_cache_of_short
from proxy.filter.headers.cache_headers import code_headers, depending, document_headers, saved
from proxy.filter.headers.content_kind import BodyKind, is_document, names_document
from proxy.filter.headers.fields import Headers, without
from proxy.filter.headers.upstream_names import ADDRESSES
from proxy.filter.verdict import Verdict
from proxy.http.request import Request
from proxy.http.upstream.exchange import UpstreamResponse
from proxy.route.context import RequestContext
from proxy.route.observed_response import observed_again, observed_as_it_is, observed_page
from proxy.route.page_injection import (
    GOVERNING,
    PageInjection,
    admitted,
    injection_for,
)
from proxy.route.request_headers import UpstreamHead
from proxy.route.response_headers import VisitorResponse, expired_cookies, judged, without_refused_cookies
from proxy.route.response_kind import (
    PAGES,
    WORKERS,
    begun,
    goes_by_its_head,
    has_no_body,
    joined,
    kept_label,
    opens_nothing,
    response_coding,
)

NAMES = 1024
"""Bytes of the longest address whose page is remembered: addresses come from strangers."""

INERT = b"; script-src 'self'"
"""For XML that is no page, feeds and sitemaps: none of their scripts runs, an XSLT of the site does."""

BEGINNING = 2048
"""Coded bytes of a page in which its charset is looked for: decoded they are as many or more."""

PARTIAL = 206
"""The status of a part: one of a document has to be fetched again, whole (threats T9)."""

_NO_PAGES = PageCache(0, seen=0)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
_POLICIES = (b"content-security-policy", b"x-frame-options")


def is_unfit(upstream_response: UpstreamResponse, sort: BodyKind) -> bool:
    """True when a page came in part, or in a coding we cannot read: a second request can ask otherwise."""
    if sort not in PAGES or has_no_body(upstream_response) or goes_by_its_head(upstream_response):
        return False
    if upstream_response.status == PARTIAL:
        return True
    if b"content-encoding" not in upstream_response.fields:
        return False
    try:
        decoder(joined(upstream_response, b"content-encoding") or b"")
    except Unreadable:
        return True
    return False


def first_party_verdict(
    context: RequestContext, upstream_response: UpstreamResponse, data: bytes
) -> Verdict | None:
    """Return the verdict on a script that begins as a provider's does, whatever its address; else None (T31).

    `data` is what has arrived of it: its beginning.
    """
    if not may_be_first_party(context, upstream_response) or not data:
        return None
    coding = (joined(upstream_response, b"content-encoding") or b"")[:64]
    return begun(
        data[:BEGINNING], coding, context.site.requests, context.request.host, context.variant.grants
    )


def may_be_first_party(context: RequestContext, upstream_response: UpstreamResponse) -> bool:
    """True for a script of a site whose rules know tags by how they begin."""
    if not context.site.requests.by_reply or upstream_response.status != 200 or upstream_response.bodiless:
        return False
    return any(b"script" in kind.lower() for kind in upstream_response.fields.get(b"content-type", ()))


def compose(
    context: RequestContext,
    upstream_head: UpstreamHead,
    upstream_response: UpstreamResponse,
    sort: BodyKind,
    data: bytes = b"",
) -> VisitorResponse:
    """Return the response's head and body filter for this visitor; Unreadable where there is none.

    `data` is what has arrived of its body.
    """
    if sort is not BodyKind.OTHER:
        context.kind = "document" if sort in PAGES else sort.value
    _translate_names(context, upstream_response)
    if context.mode is Mode.OFF:
        return VisitorResponse(without_refused_cookies(upstream_response.headers, context), VERBATIM)
    headers, verdicts = judged(upstream_response.headers, context)
    context.verdicts += verdicts
    if context.observes:
        if context.rewrites and sort in (BodyKind.HTML, BodyKind.XML):
            return observed_page(context, upstream_response, sort)
        if upstream_response.status == 304 and upstream_head.ours:
            return observed_again(context, upstream_response)
        return observed_as_it_is(context, upstream_response, sort)
    headers += _challenge(upstream_response)
    ours = context.site.upstream_header
    if ours is not None and any(ours.name.lower() in value.lower() for value in _vary_of(upstream_response)):
        headers = depending(headers, ours.name)
    if upstream_response.status == 304:
        return VisitorResponse(_not_modified(context, upstream_head, upstream_response, headers), VERBATIM)
    if sort not in PAGES and sort is not BodyKind.REFUSED:
        if first_party_verdict(context, upstream_response, data) is not None:
            headers = without(code_headers(headers), (b"etag", b"last-modified"))  # a 304 would bring it back
        return _unread(context, upstream_response, headers, sort)
    if sort is BodyKind.HTML and data:
        headers = _typed(headers, context.request, upstream_response, data)
    late = sort is BodyKind.HTML and not context.request.opens and _says_late(upstream_response, data)
    return _document(context, upstream_head, upstream_response, headers, sort, late=late)


def _vary_of(upstream_response: UpstreamResponse) -> list[bytes]:
    return upstream_response.fields.get(b"vary", [])


def _unread(
    context: RequestContext, upstream_response: UpstreamResponse, headers: Headers, sort: BodyKind
) -> VisitorResponse:
    """Return what is no page: its bytes pass, under a fence, as a frame or a worker may be made of it."""
    if sort is BodyKind.MAIL:
        return VisitorResponse(_fenced_for_all(saved(headers), context), VERBATIM)
    if context.request.destination not in WORKERS:
        if sort is BodyKind.OTHER and opens_nothing(upstream_response):
            return VisitorResponse(headers, VERBATIM)
        if sort in (BodyKind.CODE, BodyKind.DATA):
            headers = code_headers(headers)
        feed = sort is BodyKind.FEED and not _is_svg(upstream_response)
        return VisitorResponse(_fenced_for_all(headers, context, more=INERT if feed else b""), VERBATIM)
    if sort is BodyKind.OTHER and _may_name(context, upstream_response):
        return _service_worker(context, upstream_response, headers)
    return VisitorResponse(_fenced(code_headers(headers), context), VERBATIM)


def _challenge(upstream_response: UpstreamResponse) -> Headers:
    """Return what a 407 is about: hop-by-hop fields in general, and the visitor is that hop."""
    if upstream_response.status != 407:
        return []
    return [pair for pair in upstream_response.headers if pair[0].lower() == b"proxy-authenticate"]


def _document(
    context: RequestContext,
    upstream_head: UpstreamHead,
    upstream_response: UpstreamResponse,
    headers: Headers,
    sort: BodyKind,
    *,
    late: bool,
) -> VisitorResponse:
    """Return a page as this visitor may have it: private, fenced, injected into, read to its last byte."""
    unread = has_no_body(upstream_response)
    if not unread:
        _check_readable(upstream_response)
    coding = response_coding(context, upstream_response)
    context.asks = context.shows_banner
    injection: PageInjection | None = None
    if late or not GOVERNING.isdisjoint(upstream_response.fields):
        injection = injection_for(context, headers, late=late, xml=sort is BodyKind.XML)
        headers = admitted(headers, injection)
    body = DROPPED if unread else _body(context, upstream_response, sort, coding, injection)
    headers = document_headers(headers, variant=context.tag, coding=coding or kept_label(upstream_response))
    headers = _fenced(headers, context)
    return VisitorResponse(headers + expired_cookies(context, upstream_head.hidden), body)


def _translate_names(context: RequestContext, upstream_response: UpstreamResponse) -> None:
    """Let addresses and cookies that name the upstream lead to the visitor's host, observed or not."""
    fields = upstream_response.fields
    if b"set-cookie" in fields or not ADDRESSES.isdisjoint(fields):
        request = context.request
        upstream_response.headers = context.site.upstream_names.translate(
            upstream_response.headers,
            secure=request.visitor.secure,
            authority=request.authority,
            host=request.host.encode("latin-1"),
        )


def _check_readable(upstream_response: UpstreamResponse) -> None:
    """Raise Unreadable for a page in part, and for one whose policies browsers could read otherwise."""
    if upstream_response.status == PARTIAL:
        raise Unreadable("a part of a page cannot be read")
    for name in _POLICIES:
        if any(map(_CONTROL, upstream_response.fields.get(name, ()))):
            raise Unreadable(f"{name.decode()} has a control character in its value")


def without_body(
    context: RequestContext, upstream_head: UpstreamHead, upstream_response: UpstreamResponse
) -> VisitorResponse:
    """Return the head of a redirect or challenge whose body cannot be read: nobody waits for it."""
    headers, _ = judged(upstream_response.headers, context)
    headers = document_headers(headers, variant=context.tag, coding=None)
    return VisitorResponse(
        _fenced(headers, context) + expired_cookies(context, upstream_head.hidden), DROPPED
    )


def _may_name(context: RequestContext, upstream_response: UpstreamResponse) -> bool:
    """True for the script of a service worker whose visitor's answer we know."""
    request, decision = context.request, context.decision
    return (
        request.destination == b"serviceworker" and upstream_response.status == 200 and not decision.withheld
    )


def _service_worker(
    context: RequestContext, upstream_response: UpstreamResponse, headers: Headers
) -> VisitorResponse:
    """Return a service worker's script with our lines, and the name of this variant behind its bytes.

    Browsers keep the fence it came with for as long as the bytes are the same: without that
    name, what was agreed to would still be refused behind it, and what was withdrawn would not.
    """
    coding = response_coding(context, upstream_response)
    body: BodyFilter = VERBATIM
    try:
        if not upstream_response.bodiless:
            accept = context.request.first(b"accept-language")
            body = worker_filter(
                context.site.renderer.worker_lines(context.decision, context.variant.fence, accept=accept),
                b"// " + context.variant.tag,
                content_encoding=joined(upstream_response, b"content-encoding") or b"",
                response_coding=coding,
            )
    except Unreadable:
        return VisitorResponse(_fenced(code_headers(headers), context), body)
    label = coding or kept_label(upstream_response)
    headers = code_headers(document_headers(headers, variant=context.tag, coding=label))
    return VisitorResponse(_fenced(headers, context), body)


def _body(
    context: RequestContext,
    upstream_response: UpstreamResponse,
    sort: BodyKind,
    coding: bytes | None,
    injection: PageInjection | None,
) -> BodyFilter:
    """Return what a page passes through; it is made only where the page is not remembered."""
    request = context.request
    more = (injection.name, *injection.policies) if injection is not None else ()
    # all that a page is made of beside its bytes: decision, rules, language, address, policies
    name = (context.tag, request.authority, request.method, request.target, more)
    cache = context.site.pages if len(request.target) <= NAMES else _NO_PAGES
    return cached_filter(
        PageCacheKey(cache, name),
        sort=sort,
        content_type=joined(upstream_response, b"content-type"),
        content_encoding=joined(upstream_response, b"content-encoding") or b"",
        response_coding=coding,
        judge=context.variant.judge,
        inject=lambda: (injection or injection_for(context, [])).inject,
        asking=context,
    )


def _typed(headers: Headers, request: Request, upstream_response: UpstreamResponse, data: bytes) -> Headers:
    """Return a page's headers with the charset that it declares itself, where that is beyond doubt."""
    types = upstream_response.fields.get(b"content-type", ())
    if len(types) != 1 or b"=" in types[0]:
        return headers
    if not names_html_only(types[0]) or is_document(request.destination) is False:
        return headers
    said = _declared(types[0], joined(upstream_response, b"content-encoding") or b"", data[:BEGINNING])
    if said == types[0]:
        return headers
    return [(name, said if name.lower() == b"content-type" else value) for name, value in headers]


@lru_cache_of_short(256, 4096)
def _declared(content_type: bytes, coding: bytes, beginning: bytes) -> bytes:
    """Return a page's Content-Type, given how its coded bytes begin: pages of a site begin alike."""
    try:
        return typed(content_type, first_bytes(beginning, coding))
    except Unreadable:
        return content_type  # it will be said where it is read


def _says_late(upstream_response: UpstreamResponse, data: bytes) -> bool:
    """True where something that is fetched says that it is a document, whatever stands before that."""
    try:
        coding = joined(upstream_response, b"content-encoding") or b""
        return names_document(first_bytes(data[:BEGINNING], coding))
    except Unreadable:
        return False  # it will be said where it is read


def _not_modified(
    context: RequestContext,
    upstream_head: UpstreamHead,
    upstream_response: UpstreamResponse,
    headers: Headers,
) -> Headers:
    """Return the head of a 304: of a page of this variant, or of something that is none."""
    if upstream_head.ours:
        context.kind = "document"
        if not GOVERNING.isdisjoint(upstream_response.fields):
            # The browser shows what it kept under the policies it gets now: they have to let us in again.
            headers = admitted(headers, injection_for(context, headers, xml=True))
        headers = document_headers(headers, variant=context.tag, coding=None)
        return _fenced(headers, context) + expired_cookies(context, upstream_head.hidden)
    if context.request.destination in WORKERS:
        return _fenced(code_headers(headers), context)
    return _fenced_for_all(headers, context)


def unread(context: RequestContext, upstream_response: UpstreamResponse) -> VisitorResponse:
    """Return a page that cannot be read, passed all the same because `on_error: pass` says so."""
    headers, _ = judged(upstream_response.headers, context)
    return VisitorResponse(_fenced(code_headers(headers), context), VERBATIM)


def _fenced(headers: Headers, context: RequestContext) -> Headers:
    """Return the headers with one policy more: browsers enforce all they get, so the site's stays whole."""
    fence = context.variant.fence
    return [*headers, (b"Content-Security-Policy", fence)] if fence else headers


def _is_svg(upstream_response: UpstreamResponse) -> bool:
    return any(b"svg" in kind.lower() for kind in upstream_response.fields.get(b"content-type", ()))


def _fenced_for_all(headers: Headers, context: RequestContext, *, more: bytes = b"") -> Headers:
    """Return the headers with the strictest fence: caches keep this response, and hand it to anybody.

    Whatever a browser shows in a frame or makes a worker of is a realm of the site's, pages or not.
    """
    fence = context.site.strictest_fence(secure=context.request.visitor.secure)
    return [*headers, (b"Content-Security-Policy", fence + more)] if fence else headers
