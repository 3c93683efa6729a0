"""What leaves for the visitor: the head of the answer, and the filter its body goes through."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.errors import Unreadable
from proxy.filter.body import BodyFilter, Observed, Recall, Verbatim, document_filter, first_bytes
from proxy.filter.charset import names_html_only, typed
from proxy.filter.codings import choose
from proxy.filter.decoding import decoder
from proxy.filter.document import Sort, names_document, needs_whole
from proxy.filter.headers import Headers, code_headers, document_headers, end_to_end, values_of
from proxy.filter.worker import worker_filter
from proxy.server.documents import PAGES, WORKERS
from proxy.server.dressing import Dressing, dress
from proxy.server.exchange import Reply
from proxy.server.heads import Asked, cleaning, judged
from proxy.server.passage import Passage


@dataclass(slots=True)
class Outgoing:
    """An answer as the visitor gets it."""

    headers: Headers
    body: BodyFilter


def is_unfit(reply: Reply, sort: Sort) -> bool:
    """True when a page came in part, or in a coding we cannot read: both can be asked for otherwise."""
    if sort not in PAGES or reply.bodiless:
        return False
    if needs_whole(reply.status, sort):
        return True
    try:
        decoder(_joined(reply, b"content-encoding") or b"")
    except Unreadable:
        return True
    return False


def compose(passage: Passage, asked: Asked, reply: Reply, sort: Sort, data: bytes = b"") -> Outgoing:
    """Return the answer's head and body filter for this visitor; Unreadable where there is none.

    `data` is what has arrived of its body.
    """
    passage.kind = "document" if sort in PAGES else sort.value
    headers, verdicts = judged(reply.headers, passage)
    passage.judged(verdicts)
    if passage.site.observes:
        return _observed(passage, reply, sort)
    if reply.status == 304:
        return Outgoing(_not_modified(passage, asked, headers), Verbatim())
    match sort:
        case Sort.HTML | Sort.XML | Sort.RULES | Sort.REFUSED:
            if sort is Sort.HTML and data and names_document(passage.visit.destination) is not False:
                headers = _typed(headers, reply, data)
            return _document(passage, asked, reply, headers, sort)
        case Sort.CODE:
            return Outgoing(code_headers(headers), Verbatim())
        case Sort.FEED:
            return Outgoing(_fenced_for_all(headers, passage), Verbatim())
        case Sort.OTHER if _may_name(passage, reply):
            return _service_worker(passage, reply, headers)
        case Sort.OTHER if passage.visit.destination in WORKERS:
            return Outgoing(_fenced(code_headers(headers), passage), Verbatim())
        case Sort.OTHER:
            return Outgoing(headers, Verbatim())


def _document(passage: Passage, asked: Asked, reply: Reply, headers: Headers, sort: Sort) -> Outgoing:
    """Return a page as this visitor may have it: private, fenced, dressed, read to its last byte."""
    if needs_whole(reply.status, sort):
        raise Unreadable("a part of a page cannot be read")
    coding = _answer_coding(passage, reply)
    dressing = dress(passage, headers)
    body: BodyFilter = Verbatim()
    if not reply.bodiless:
        body = document_filter(
            sort=sort,
            content_type=_joined(reply, b"content-type"),
            content_encoding=_joined(reply, b"content-encoding") or b"",
            answer_coding=coding,
            judge=passage.variant.judge,
            inject=dressing.inject,
            recall=Recall(passage.site.pages, _page_name(passage, dressing)),
        )
    headers = document_headers(_admitted(headers, dressing), variant=passage.tag, coding=coding)
    headers = _fenced(headers, passage)
    return Outgoing(headers + cleaning(passage, asked.hidden), body)


def _typed(headers: Headers, reply: Reply, data: bytes) -> Headers:
    if not names_html_only(headers):
        return headers
    try:
        return typed(headers, first_bytes(data, _joined(reply, b"content-encoding") or b""))
    except Unreadable:
        return headers  # it will be said where it is read


def _may_name(passage: Passage, reply: Reply) -> bool:
    """True for the script of a service worker whose visitor's answer we know."""
    visit, decision = passage.visit, passage.decision
    return visit.destination == b"serviceworker" and reply.status == 200 and not decision.withheld


def _service_worker(passage: Passage, reply: Reply, headers: Headers) -> Outgoing:
    """Return a service worker's script with the name of this variant behind its bytes.

    Browsers keep the fence it came with for as long as the bytes are the same: without that
    name, what was agreed to would still be refused behind it, and what was withdrawn would not.
    """
    coding = _answer_coding(passage, reply)
    body: BodyFilter = Verbatim()
    try:
        if not reply.bodiless:
            lines = passage.site.renderer.worker_lines(passage.decision)
            body = worker_filter(
                lines + b"\n// " + passage.variant.tag,
                content_encoding=_joined(reply, b"content-encoding") or b"",
                answer_coding=coding,
            )
    except Unreadable:
        return Outgoing(_fenced(code_headers(headers), passage), body)
    headers = code_headers(document_headers(headers, variant=passage.tag, coding=coding))
    return Outgoing(_fenced(headers, passage), body)


def _page_name(passage: Passage, dressing: Dressing) -> bytes:
    """Return all that this page is made of beside its bytes: decision, rules, language, address, policies."""
    visit = passage.visit
    return b"\0".join(
        (passage.tag, visit.authority, visit.method, visit.target, dressing.name, *dressing.policies)
    )


def _not_modified(passage: Passage, asked: Asked, headers: Headers) -> Headers:
    """Return the head of a 304: of a page of this variant, or of something that is none."""
    if asked.ours:
        passage.kind = "document"
        # The browser shows what it kept under the policies it gets now: they have to let us in again.
        dressing = dress(passage, headers)
        passage.asks = False  # counted when the page itself was sent
        headers = document_headers(_admitted(headers, dressing), variant=passage.tag, coding=None)
        return _fenced(headers, passage) + cleaning(passage, asked.hidden)
    if passage.visit.destination in WORKERS:
        return _fenced(code_headers(headers), passage)
    return headers


def _observed(passage: Passage, reply: Reply, sort: Sort) -> Outgoing:
    """Return the answer unchanged but for a fence that only reports; its body is judged in passing."""
    headers = end_to_end(reply.headers)
    if sort not in PAGES or reply.bodiless or reply.status in (204, 206, 304):
        return Outgoing(headers, Verbatim())
    if passage.variant.fence:
        headers.append((b"Content-Security-Policy-Report-Only", passage.variant.fence))
    try:
        judging = document_filter(
            sort=sort,
            content_type=_joined(reply, b"content-type"),
            content_encoding=_joined(reply, b"content-encoding") or b"",
            answer_coding=None,
            judge=passage.variant.judge,
            inject=None,
        )
    except Unreadable:
        return Outgoing(headers, Verbatim())
    return Outgoing(headers, Observed(judging))


def unread(passage: Passage, reply: Reply) -> Outgoing:
    """Return a page that cannot be read, passed all the same because `on_error: pass` says so."""
    headers, _ = judged(reply.headers, passage)
    return Outgoing(_fenced(code_headers(headers), passage), Verbatim())


def _fenced(headers: Headers, passage: Passage) -> Headers:
    """Return the headers with one policy more: browsers enforce all they get, so the site's stays whole."""
    fence = passage.variant.fence
    return [*headers, (b"Content-Security-Policy", fence)] if fence else headers


def _fenced_for_all(headers: Headers, passage: Passage) -> Headers:
    """Return the headers with the strictest fence: caches keep this answer, and hand it to anybody."""
    secure = passage.visit.visitor.secure
    fence = passage.site.variant(frozenset(), secure=secure).fence
    return [*headers, (b"Content-Security-Policy", fence)] if fence else headers


def _admitted(headers: Headers, dressing: Dressing) -> Headers:
    """Return the headers with the site's own policies as they are once our script is let in."""
    policies = iter(dressing.policies)
    return [
        (name, next(policies, value)) if name.lower() == b"content-security-policy" else (name, value)
        for name, value in headers
    ]


def _answer_coding(passage: Passage, reply: Reply) -> bytes | None:
    """Return the coding a page is sent in; one that came plain is sent plain."""
    if (_joined(reply, b"content-encoding") or b"identity").strip().lower() == b"identity":
        return None
    return choose(b",".join(passage.visit.fields.get(b"accept-encoding", ())) or None)


def _joined(reply: Reply, name: bytes) -> bytes | None:
    values = values_of(reply.headers, name)
    return b", ".join(values) if values else None
