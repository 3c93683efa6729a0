"""What leaves for the visitor: the head of the answer, and the filter its body goes through."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from proxy.errors import Unreadable
from proxy.filter.body import (
    VERBATIM,
    BodyFilter,
    Observed,
    Recall,
    document_filter,
    first_bytes,
    remembering_filter,
)
from proxy.filter.charset import names_html_only, typed
from proxy.filter.codings import choose
from proxy.filter.decoding import decoder
from proxy.filter.document import Sort, names_document, needs_whole
from proxy.filter.headers import Headers, code_headers, document_headers, end_to_end
from proxy.filter.pages import PageMemo
from proxy.filter.worker import worker_filter
from proxy.server.documents import PAGES, WORKERS
from proxy.server.dressing import Dressing, asks, dress, is_governed
from proxy.server.exchange import Reply
from proxy.server.heads import Asked, cleaning, judged
from proxy.server.passage import Passage

NAMES = 1024
"""Bytes of the longest address whose page is remembered: addresses come from strangers."""

BEGINNING = 2048
"""Coded bytes of a page in which its charset is looked for: decoded they are as many or more."""

_NO_PAGES = PageMemo(0, seen=0)


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
    if b"content-encoding" not in reply.fields:
        return False
    try:
        decoder(_joined(reply, b"content-encoding") or b"")
    except Unreadable:
        return True
    return False


def compose(passage: Passage, asked: Asked, reply: Reply, sort: Sort, data: bytes = b"") -> Outgoing:
    """Return the answer's head and body filter for this visitor; Unreadable where there is none.

    `data` is what has arrived of its body.
    """
    if sort is not Sort.OTHER:
        passage.kind = "document" if sort in PAGES else sort.value
    headers, verdicts = judged(reply.headers, passage)
    passage.verdicts += verdicts
    if passage.site.observes:
        return _observed(passage, reply, sort)
    if reply.status == 304:
        return Outgoing(_not_modified(passage, asked, reply, headers), VERBATIM)
    if sort is Sort.OTHER and passage.visit.destination not in WORKERS:
        return Outgoing(headers, VERBATIM)
    match sort:
        case Sort.HTML | Sort.XML | Sort.RULES | Sort.REFUSED:
            if sort is Sort.HTML and data and names_document(passage.visit.destination) is not False:
                headers = _typed(headers, reply, data)
            return _document(passage, asked, reply, headers, sort)
        case Sort.CODE:
            return Outgoing(code_headers(headers), VERBATIM)
        case Sort.FEED:
            return Outgoing(_fenced_for_all(headers, passage), VERBATIM)
        case Sort.OTHER if _may_name(passage, reply):
            return _service_worker(passage, reply, headers)
        case Sort.OTHER:
            return Outgoing(_fenced(code_headers(headers), passage), VERBATIM)


def _document(passage: Passage, asked: Asked, reply: Reply, headers: Headers, sort: Sort) -> Outgoing:
    """Return a page as this visitor may have it: private, fenced, dressed, read to its last byte."""
    if needs_whole(reply.status, sort):
        raise Unreadable("a part of a page cannot be read")
    coding = _answer_coding(passage, reply)
    passage.asks = asks(passage)
    dressing: Dressing | None = None
    if is_governed(reply.fields):
        dressing = dress(passage, headers)
        headers = _admitted(headers, dressing)
    body = VERBATIM if reply.bodiless else _body(passage, reply, sort, coding, dressing)
    headers = document_headers(headers, variant=passage.tag, coding=coding)
    headers = _fenced(headers, passage)
    return Outgoing(headers + cleaning(passage, asked.hidden), body)


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
    body: BodyFilter = VERBATIM
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


def _body(
    passage: Passage, reply: Reply, sort: Sort, coding: bytes | None, dressing: Dressing | None
) -> BodyFilter:
    """Return what a page passes through; it is made only where the page is not remembered."""
    visit = passage.visit
    more = (dressing.name, *dressing.policies) if dressing is not None else ()
    # all that a page is made of beside its bytes: decision, rules, language, address, policies
    name = (passage.tag, visit.authority, visit.method, visit.target, more)
    memo = passage.site.pages if len(visit.target) <= NAMES else _NO_PAGES
    return remembering_filter(
        Recall(memo, name),
        sort=sort,
        content_type=_joined(reply, b"content-type"),
        content_encoding=_joined(reply, b"content-encoding") or b"",
        answer_coding=coding,
        judge=passage.variant.judge,
        inject=lambda: (dressing or dress(passage, [])).inject,
    )


def _typed(headers: Headers, reply: Reply, data: bytes) -> Headers:
    """Return a page's headers with the charset that it declares itself, where that is beyond doubt."""
    types = reply.fields.get(b"content-type", ())
    if len(types) != 1 or not names_html_only(types[0]):
        return headers
    said = _declared(types[0], _joined(reply, b"content-encoding") or b"", data[:BEGINNING])
    if said == types[0]:
        return headers
    return [(name, said if name.lower() == b"content-type" else value) for name, value in headers]


@lru_cache(maxsize=256)
def _declared(content_type: bytes, coding: bytes, beginning: bytes) -> bytes:
    """Return a page's Content-Type, given how its coded bytes begin: pages of a site begin alike."""
    try:
        return typed(content_type, first_bytes(beginning, coding))
    except Unreadable:
        return content_type  # it will be said where it is read


def _not_modified(passage: Passage, asked: Asked, reply: Reply, headers: Headers) -> Headers:
    """Return the head of a 304: of a page of this variant, or of something that is none."""
    if asked.ours:
        passage.kind = "document"
        if is_governed(reply.fields):
            # The browser shows what it kept under the policies it gets now: they have to let us in again.
            headers = _admitted(headers, dress(passage, headers))
        headers = document_headers(headers, variant=passage.tag, coding=None)
        return _fenced(headers, passage) + cleaning(passage, asked.hidden)
    if passage.visit.destination in WORKERS:
        return _fenced(code_headers(headers), passage)
    return headers


def _observed(passage: Passage, reply: Reply, sort: Sort) -> Outgoing:
    """Return the answer unchanged but for a fence that only reports; its body is judged in passing."""
    headers = end_to_end(reply.headers)
    if sort not in PAGES or reply.bodiless or reply.status in (204, 206, 304):
        return Outgoing(headers, VERBATIM)
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
        return Outgoing(headers, VERBATIM)
    return Outgoing(headers, Observed(judging))


def unread(passage: Passage, reply: Reply) -> Outgoing:
    """Return a page that cannot be read, passed all the same because `on_error: pass` says so."""
    headers, _ = judged(reply.headers, passage)
    return Outgoing(_fenced(code_headers(headers), passage), VERBATIM)


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
    came = _joined(reply, b"content-encoding")
    if came is None or came.strip().lower() in (b"", b"identity"):
        return None
    return choose(b",".join(passage.visit.fields.get(b"accept-encoding", ())) or None)


def _joined(reply: Reply, name: bytes) -> bytes | None:
    values = reply.fields.get(name)
    return b", ".join(values) if values else None
