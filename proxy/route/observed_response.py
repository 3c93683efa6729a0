"""A response of a site that is observed: nothing is refused, and what would be is judged in passing."""

from __future__ import annotations

from proxy.errors import Unreadable
from proxy.filter.body.body_filter import VERBATIM, ObservedBody, document_filter
from proxy.filter.headers.cache_headers import document_headers, private
from proxy.filter.headers.content_kind import BodyKind
from proxy.filter.headers.fields import Headers
from proxy.filter.headers.judged_headers import end_to_end
from proxy.http.upstream.exchange import UpstreamResponse
from proxy.route.context import RequestContext
from proxy.route.page_injection import GOVERNING, admitted, observe, observes_no_script
from proxy.route.response_headers import VisitorResponse
from proxy.route.response_kind import PAGES, WORKERS, has_no_body, joined, kept_label, response_coding


def observed_as_it_is(
    context: RequestContext, upstream_response: UpstreamResponse, sort: BodyKind
) -> VisitorResponse:
    """Return the response unchanged but for a fence that only reports; its body is judged in passing."""
    headers = end_to_end(upstream_response.headers)
    if context.request.destination in WORKERS:
        return VisitorResponse(_reporting(headers, context), VERBATIM)
    if sort in PAGES and context.site.share < 1:
        headers = private(headers)  # kept by a cache it would reach those for whom the site is enforced
    if sort not in PAGES or upstream_response.bodiless or upstream_response.status in (204, 206, 304):
        return VisitorResponse(headers, VERBATIM)
    headers = _reporting(headers, context)
    try:
        judging = document_filter(
            sort=sort,
            content_type=joined(upstream_response, b"content-type"),
            content_encoding=joined(upstream_response, b"content-encoding") or b"",
            response_coding=None,
            judge=context.variant.judge,
            inject=None,
        )
    except Unreadable:
        context.note_unread()
        return VisitorResponse(headers, VERBATIM)
    return VisitorResponse(headers, ObservedBody(judging))


def _reporting(headers: Headers, context: RequestContext, *, told_by_page: bool = False) -> Headers:
    """Return the headers with a fence that only reports, and only what was not seen today.

    `told_by_page`: the page's script hears of it, and puts all into one report.
    """
    fence = context.variant.fence
    if not fence:
        return headers
    known = context.snapshot.sightings.sources.get(context.site.name, b"")
    policy = fence.replace(b"default-src ", b"default-src " + known, 1)
    if told_by_page:
        policy = policy.partition(b"; report-uri")[0]
    return [*headers, (b"Content-Security-Policy-Report-Only", policy)]


def observed_page(
    context: RequestContext, upstream_response: UpstreamResponse, sort: BodyKind
) -> VisitorResponse:
    """Return a page with the script that observes first in its head, else byte for byte.

    Unchanged where the site demands hashes of all scripts, and where we cannot read the page.
    """
    headers = end_to_end(upstream_response.headers)
    if (
        has_no_body(upstream_response)
        or upstream_response.status == 206
        or observes_no_script(upstream_response.fields)
    ):
        return observed_as_it_is(context, upstream_response, sort)
    content_type = joined(upstream_response, b"content-type")
    content_encoding = joined(upstream_response, b"content-encoding") or b""
    coding = response_coding(context, upstream_response)
    observing = observe(context, headers)
    try:
        judged_body = document_filter(
            sort=sort, content_type=content_type, content_encoding=content_encoding, response_coding=None,
            judge=context.variant.judge, inject=None,
        )  # fmt: skip
        shown = document_filter(
            sort=sort, content_type=content_type, content_encoding=content_encoding, response_coding=coding,
            judge=context.site.keeps_all, inject=observing.inject,
        )  # fmt: skip
    except Unreadable:
        return observed_as_it_is(context, upstream_response, sort)
    headers = admitted(headers, observing)
    headers = document_headers(headers, variant=context.tag, coding=coding or kept_label(upstream_response))
    headers = _reporting(headers, context, told_by_page=True)
    return VisitorResponse(headers, ObservedBody(judged_body, shown))


def observed_again(context: RequestContext, upstream_response: UpstreamResponse) -> VisitorResponse:
    """Return the head of a 304 for a page that the browser has with our script in it."""
    context.kind = "document"
    headers = end_to_end(upstream_response.headers)
    if not GOVERNING.isdisjoint(upstream_response.fields):
        headers = admitted(headers, observe(context, headers))
    headers = document_headers(headers, variant=context.tag, coding=None)
    return VisitorResponse(_reporting(headers, context, told_by_page=True), VERBATIM)
