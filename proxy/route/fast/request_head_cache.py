"""Heads of requests that came before, not read twice, and what follows from each.

A browser asks for the files of a page with a handful of heads that differ in nothing but
their first line, and in the fields that are new in every request where somebody before us adds one:
a trace, the Ray of Cloudflare. What llhttp found in such a head is kept by its very bytes,
without what those fields say; of the first line and of them only what is beyond any
doubt is read here, all else is llhttp's.

A `RequestTemplate` is what follows from a head whatever its target: the visitor, the site, the decision,
and all of the upstream's request but the target, its name and what is new in it. It is valid for a minute.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.config.types import Mode
from proxy.consent.cookie import ConsentReading
from proxy.consent.decision import Decision
from proxy.filter.cache import Cache
from proxy.filter.headers.fields import Headers
from proxy.http.header_names import REQUEST_FIELDS, Fields, fields_of
from proxy.http.message import IncomingMessage, VisitorConnection
from proxy.http.request import Request
from proxy.http.upstream.balancer import Upstreams
from proxy.http.upstream.exchange import UpstreamRequest, request_head
from proxy.route.context import RequestContext, context_of
from proxy.route.request_headers import UpstreamHead, build_upstream_head
from proxy.snapshot.sites import Site, Variant
from proxy.snapshot.snapshot import random_bits

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

END = b"\r\n\r\n"
LONGEST = 4096
"""Bytes of the longest head that is remembered."""

MOST = 64
"""Fields of a head that is remembered: browsers send some twenty, and each weighs more than its bytes."""

KEPT = 512 << 10
"""Bytes of heads remembered: they come from strangers."""

_LINE = re.compile(rb"GET (/[-A-Za-z0-9/._~%!$&'()*+,;=:@?]{0,2048}) HTTP/1\.1").fullmatch
_NOT_PLAIN = frozenset(
    b"upgrade expect te content-length transfer-encoding if-none-match if-modified-since if-match"
    b" if-unmodified-since range if-range".split()
)
"""Fields with which a request is more than the wish to see something, or is about one address."""

_NEWS = (
    "cf-ray", "traceparent", "tracestate", "x-request-id", "x-correlation-id", "request-id", "x-trace-id",
    "x-amzn-trace-id", "x-amz-cf-id", "x-azure-ref", "x-cloud-trace-context", "x-b3-traceid", "x-b3-spanid",
)  # fmt: skip
"""Fields that CDNs, load balancers and tracing (W3C Trace Context, B3) make anew for each request."""

_NEW = re.compile(rf"\r\n((?i:{'|'.join(_NEWS)})): ([!-~]{{1,256}})(?=\r\n)".encode())
"""One of them whose value is one word: no two parsers read it differently."""

_GAP = b"\0"
"""What stands in a key where a value was: no head that llhttp takes has one."""


@dataclass(slots=True)
class RequestHead:
    """All but the first line of a head: its fields as they came and by name; and what follows from them.

    Where values are new each time, `words` stand for them: words of ours that nobody can send us.
    """

    headers: Headers
    fields: Fields
    places: tuple[int, ...] = ()  # of the fields whose values are new each time
    words: tuple[bytes, ...] = ()
    template: RequestTemplate | None = None  # what follows from it, once it was asked for

    def message(
        self, target: bytes, connection: VisitorConnection, news: tuple[bytes, ...] = ()
    ) -> IncomingMessage:
        """Return a GET without a body that has this head; `news` are the values that are new in it."""
        message = IncomingMessage.unread(connection)
        message.news = news
        message.headers, message.fields = self.filled(news) if news else (self.headers, self.fields)
        message.target = target
        return message

    def filled(self, news: tuple[bytes, ...]) -> tuple[Headers, Fields]:
        """Return the fields with the values that are new in this one."""
        headers, fields, known = self.headers.copy(), self.fields.copy(), REQUEST_FIELDS
        for place, value in zip(self.places, news, strict=True):
            name = headers[place][0]
            headers[place] = (name, value)
            fields[known[name][0]] = [value]
        return headers, fields


class RequestHeadCache(Cache[bytes, RequestHead]):
    """The heads that came lately, by their bytes from the end of the first line on."""

    def __init__(self) -> None:
        super().__init__(limit=KEPT, longest=LONGEST)

    def find(self, data: bytes) -> tuple[RequestHead, bytes, tuple[bytes, ...]] | None:
        """Return head, target, and what is new in it, of a request that is all of `data`.

        None for what llhttp has to read.
        """
        end = data.find(b"\r\n")
        rest = data[end:]
        head = self.get(rest)
        news: tuple[bytes, ...] = ()
        if head is None:
            key, news = _without_news(rest)
            head = self.get(key) if news else None
        if head is None or len(head.places) != len(news):
            return None  # no head that came had a gap of its own
        line = _LINE(data, 0, end)
        return None if line is None else (head, line[1], news)

    def learn(self, data: bytes, message: RawRequestMessage) -> None:
        """Remember the head that llhttp found `data` to be: one request, all of it, without a body."""
        if data.find(END) != len(data) - len(END) or not data.startswith(b"GET "):
            return
        if message.should_close or message.upgrade or message.chunked or tuple(message.version) != (1, 1):
            return
        headers = list(message.raw_headers)
        if len(headers) > MOST or data.count(b"\r\n") != len(headers) + 2:
            return  # not each of its fields is one line here: it began before `data`, say
        fields = fields_of(headers)
        rest = data[data.find(b"\r\n") :]
        key, news = _without_news(rest)
        if (
            not _NOT_PLAIN.isdisjoint(fields) or key in self
        ):  # it may be known, and its request have gone the ordinary route
            return
        head = RequestHead(headers, fields)
        if news:
            places = tuple(rest.count(b"\r\n", 0, found.start()) for found in _NEW.finditer(rest))
            names = [headers[place][0] for place in places]
            if any(len(fields[name.lower()]) > 1 for name in names):
                return
            words = tuple(secrets.token_hex(16).encode() for _ in places)
            head = RequestHead(headers, fields, places, words)
            head.headers, head.fields = head.filled(words)
        self.store(key, head)


def _without_news(rest: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return a head with a gap for each value that is new, and these values, in order."""
    parts = _NEW.split(rest)
    if len(parts) == 1:
        return rest, ()
    news = tuple(parts[2::3])
    parts[1::3] = [b"\r\n%b: %b" % (name, _GAP) for name in parts[1::3]]
    del parts[2::3]
    return b"".join(parts), news


if TYPE_CHECKING:
    from proxy.snapshot.snapshot import Snapshot


@dataclass(slots=True)
class RequestTemplate:
    """All that follows from one head, from one address, in one snapshot, for this minute."""

    snapshot: Snapshot
    peer: str
    secure: bool
    minute: int
    request: Request  # the one it was found by
    site: Site
    upstreams: Upstreams
    reading: ConsentReading
    decision: Decision
    variant: Variant
    tag: bytes  # of its pages, unless a part of the site is treated in another way
    mode: Mode  # of the whole site for this visitor
    ask: UpstreamHead  # without the last field, the request's name; with words for what is new each time
    words: Mapping[bytes, int]  # which of the new values each of these words stands for
    lines: Sequence[
        bytes
    ]  # the same, as they are sent, after the target and up to that name: cut at each word
    order: Sequence[int]  # which of the new values stands behind each of `lines` but the last

    def holds(self, snapshot: Snapshot, connection: VisitorConnection, now: int) -> bool:
        """True as long as nothing has changed on which it depends."""
        return (
            self.snapshot is snapshot
            and self.minute == now // 60
            and self.peer == connection.peer
            and self.secure is connection.secure
        )

    def context(self, message: IncomingMessage, now: int, began: float) -> RequestContext:
        """Return a request with this head, and what was decided about it."""
        like, target, fields = self.request, message.target, message.fields
        snapshot, site = self.snapshot, self.site
        given = b"x-request-id" in fields  # else a random one
        request = Request(
            b"GET", target, message.headers, fields, like.authority, like.host, like.visitor, like.peer,
            snapshot.request_id(fields, like.peer) if given else b"%016x" % random_bits(64), now,
            target.partition(b"?")[0], like.destination, like.opens,
        )  # fmt: skip
        if site.paths is None:
            return RequestContext(
                snapshot, message, request, site, self.reading, self.decision, self.variant, began,
                mode=self.mode, tag_=self.tag,
            )  # fmt: skip
        part = site.paths.part(request.path)
        return RequestContext(
            snapshot, message, request, site, self.reading, part.decision(self.decision), self.variant, began,
            mode=self.mode.milder(part.mode),
        )  # fmt: skip

    def asked(self, request: Request, news: tuple[bytes, ...]) -> UpstreamHead:
        """Return the request as the upstream gets it."""
        headers, words = self.ask.headers, self.words
        if news:
            headers = [(name, news[words[value]] if value in words else value) for name, value in headers]
        return UpstreamHead([*headers, (b"X-Request-ID", request.id)], self.ask.hidden)

    def raw(self, request: Request, news: tuple[bytes, ...]) -> bytes:
        """Return the same as bytes; the target is a plain one (route/fast/request_head_cache.py)."""
        lines = self.lines
        if not self.order:
            return b"GET %b%b%b\r\n\r\n" % (request.target, lines[0], request.id)
        parts = [b"GET ", request.target, lines[0]]
        for number, line in zip(self.order, lines[1:], strict=True):
            parts += (news[number], line)
        parts += (request.id, END)
        return b"".join(parts)


def template_of(snapshot: Snapshot, head: RequestHead, message: IncomingMessage) -> RequestTemplate | None:
    """Return what follows from a head; None where the response depends on more.

    BadRequest where the ordinary route refuses it, and says why.
    """
    like = head.message(message.target, message.protocol)  # with words for what is new each time
    like.check()
    context = context_of(snapshot, like, time.perf_counter())
    request, site = context.request, context.site
    if request.wants_events:
        return None
    decision = site.look_up_consent(request)[1]
    mode = site.mode_for(request, decision)
    if decision.answer is not None and decision.saved(request.now) is not None:  # its page says so once
        return None
    if context.mode is not mode:  # the upstream of an observed part is told more
        return None
    ask = build_upstream_head(context)
    upstream_request = UpstreamRequest(request.method, request.target, ask.headers)
    sent = request_head(upstream_request)
    if upstream_request.signs_in:
        return None
    lines, order = _cut(sent[len(b"GET ") + len(request.target) : -len(request.id) - len(END)], head.words)
    ask.headers.pop()
    return RequestTemplate(
        snapshot, request.peer, like.secure, request.now // 60, request, site, snapshot.upstreams[site.name],
        context.reading, decision, context.variant, context.tag, mode, ask,
        {word: number for number, word in enumerate(head.words)}, lines, order,
    )  # fmt: skip


def _cut(sent: bytes, words: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
    """Return what is sent cut where words stand, and which word stood where; some are not passed on."""
    order = sorted(
        (number for number, word in enumerate(words) if word in sent), key=lambda n: sent.find(words[n])
    )
    lines = []
    for number in order:
        line, _, sent = sent.partition(words[number])
        lines.append(line)
    return [*lines, sent], order
