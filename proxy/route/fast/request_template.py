"""What follows from a request head alone, whatever its target: computed once, valid for a minute.

The visitor, the site, the decision, and all of the upstream's request but the target, the
name of the request, and the values that are new in each (http/request_head_cache.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.consent.cookie import ConsentReading
from proxy.consent.decision import Decision
from proxy.http.message import IncomingMessage, VisitorConnection
from proxy.http.request import Request
from proxy.http.request_head_cache import END, RequestHead
from proxy.http.upstream.balancer import Upstreams
from proxy.http.upstream.exchange import UpstreamRequest, request_head
from proxy.route.context import RequestContext, context_of
from proxy.route.request_headers import UpstreamHead, build_upstream_head
from proxy.snapshot.sites import Site, Variant

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
        request = Request(
            b"GET", target, message.headers, fields, like.authority, like.host, like.visitor, like.peer,
            self.snapshot.request_id(fields, like.peer), now, target.partition(b"?")[0], like.destination,
        )  # fmt: skip
        part = self.site.paths.part(request.path)
        return RequestContext(
            self.snapshot, message, request, self.site, self.reading, part.decision(self.decision),
            self.variant, began, observes=self.site.observes or part.observes,
        )  # fmt: skip

    def asked(self, request: Request, news: tuple[bytes, ...]) -> UpstreamHead:
        """Return the request as the upstream gets it."""
        headers, words = self.ask.headers, self.words
        if news:
            headers = [(name, news[words[value]] if value in words else value) for name, value in headers]
        return UpstreamHead([*headers, (b"X-Request-ID", request.id)], self.ask.hidden)

    def raw(self, request: Request, news: tuple[bytes, ...]) -> bytes:
        """Return the same as bytes; the target is a plain one (http/request_head_cache.py)."""
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
    like = IncomingMessage.again(
        head, message.target, message.protocol
    )  # with words for what is new each time
    like.check()
    context = context_of(snapshot, like, time.perf_counter())
    request, site = context.request, context.site
    if request.wants_events:
        return None
    if context.observes is not site.observes:  # the upstream of an observed part is told more
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
        context.reading, site.look_up_consent(request)[1], context.variant, ask,
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
