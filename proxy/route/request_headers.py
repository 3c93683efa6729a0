"""The head of the request that the upstream gets.

What no line here speaks of passes byte for byte, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.consent.upstream_header import UpstreamHeader
from proxy.filter.body.encoding import ask_upstream
from proxy.filter.headers.cache_headers import translate_conditionals, translate_preconditions, without_range
from proxy.filter.headers.cookies import strip_cookie_header
from proxy.filter.headers.fields import Headers
from proxy.filter.headers.judged_headers import end_to_end
from proxy.http.forwarded import forwarded_headers
from proxy.http.header_names import (
    ADDRESS,
    CODING,
    COOKIE,
    MAX_FORWARDS,
    PASS,
    REQUEST_FIELDS,
    TRUSTED,
    is_plain,
)
from proxy.http.request import NAME, Request
from proxy.route.context import RequestContext

VIA = (b"Via", b"1.1 " + NAME)
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"if-match", b"range", b"if-range"})


@dataclass(slots=True)
class UpstreamHead:
    """The request as the upstream gets it, and what was kept from it."""

    headers: Headers
    hidden: list[bytes] = field(default_factory=list)  # names of cookies it is not shown
    ours: bool = False  # a 304 to it speaks of a document of this variant


def build_upstream_head(context: RequestContext) -> UpstreamHead:
    """Return the headers for the upstream: refused cookies hidden, our validators turned back."""
    request, site = context.request, context.site
    result = UpstreamHead([(b"Host", site.upstream_host or request.authority)])
    _walk(context, result)
    if context.rewrites and not _CONDITIONS.isdisjoint(request.fields):
        result.headers, result.ours = translate_conditionals(
            without_range(translate_preconditions(result.headers)), context.tag
        )
    result.headers = _one_hop_less(request, result.headers)
    result.headers += forwarded_headers(request.visitor, request.peer, request.authority)
    if site.config.via:
        result.headers.append(VIA)
    if site.upstream_header is not None:
        result.headers = _with_consent(context, site.upstream_header, result.headers)
    result.headers += ((b"CDN-Loop", context.snapshot.loop_mark), (b"X-Request-ID", request.id))
    return result


def _walk(context: RequestContext, result: UpstreamHead) -> None:
    """Add the visitor's own fields; where a site is only observed, each as it came."""
    request, observes = context.request, context.observes
    headers, known, out = request.headers, REQUEST_FIELDS, result.headers
    said = request.fields.get(b"connection")
    if said is not None and not is_plain(said):
        headers = end_to_end(headers)
    for pair in headers:
        fate = known[pair[0]][1]
        if fate is PASS:
            out.append(pair)
        elif fate is COOKIE:
            shown = pair[1] if observes else _shown_cookies(pair[1], context, result)
            if shown:
                out.append((pair[0], shown))
        elif fate is CODING:
            # A document in a coding we cannot read could not be shown (T1).
            readable = ask_upstream(pair[1]) if context.rewrites else pair[1]
            if readable is not None:
                out.append((pair[0], readable))
        elif (fate is TRUSTED or fate is ADDRESS) and context.snapshot.trust.passes(request.peer, pair[0]):
            out.append(pair)


def _shown_cookies(value: bytes, context: RequestContext, result: UpstreamHead) -> bytes:
    """Return a Cookie line without what was refused: it is not read either (SAN-2025-005)."""
    site, host = context.site, context.request.host
    shown, names = strip_cookie_header(site.cookies, value, host=host, grants=context.variant.grants)
    result.hidden += names
    return shown


def _with_consent(context: RequestContext, header: UpstreamHeader, headers: Headers) -> Headers:
    """Return the headers with what the visitor agreed to, and never with a visitor's word of that name.

    Where a site is only observed nothing is enforced, and nothing is said.
    """
    headers = [pair for pair in headers if not header.is_named(pair[0])]
    if not context.observes:
        purposes = {pair.purpose for pair in context.variant.grants}
        value = header.value(context.site.name, purposes, context.request.now)
        headers.append((header.name, value))
    return headers


def _one_hop_less(request: Request, headers: Headers) -> Headers:
    """Return the headers of an OPTIONS request with one less in Max-Forwards: its gate let it go on."""
    if request.method != b"OPTIONS" or MAX_FORWARDS not in request.fields:
        return headers
    return [
        (name, b"%d" % (int(value) - 1)) if name.lower() == MAX_FORWARDS else (name, value)
        for name, value in headers
    ]


def ask_identity(headers: Headers) -> Headers:
    """Return the headers of a second try that wants the body uncoded and whole."""
    gone = (b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since")
    return [*(pair for pair in headers if pair[0].lower() not in gone), (b"Accept-Encoding", b"identity")]
