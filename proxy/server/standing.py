"""What follows from a head alone, whatever it asks for: settled once, it holds for a minute.

Who asks, which site, what was agreed to, and all that its upstream is told but the target,
the name of the request, and what else is new in each (seen.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.consent.cookie import Reading
from proxy.consent.decision import Decision
from proxy.server.exchange import UpstreamRequest, request_head
from proxy.server.heads import Asked, asked
from proxy.server.incoming import Incoming
from proxy.server.passage import Passage
from proxy.server.seen import END, Head
from proxy.server.sites import Site, Variant
from proxy.server.upstream import Upstreams
from proxy.server.visit import Visit

if TYPE_CHECKING:
    from proxy.server.connection import Connection
    from proxy.server.house import House


@dataclass(slots=True)
class Standing:
    """All that one head, from one address, comes to in one House for this minute."""

    house: House
    peer: str
    secure: bool
    minute: int
    visit: Visit  # the one it was found by
    site: Site
    reach: Upstreams
    reading: Reading
    decision: Decision
    variant: Variant
    ask: Asked  # without the last field, the request's name; with words for what is new each time
    words: Mapping[bytes, int]  # which of the new values each of these words stands for
    lines: Sequence[
        bytes
    ]  # the same, as they are sent, after the target and up to that name: cut at each word
    order: Sequence[int]  # which of the new values stands behind each of `lines` but the last

    def holds(self, house: House, connection: Connection, now: int) -> bool:
        """True as long as nothing has changed on which it depends."""
        return (
            self.house is house
            and self.minute == now // 60
            and self.peer == connection.peer
            and self.secure is connection.secure
        )

    def passage(self, incoming: Incoming, now: int, began: float) -> Passage:
        """Return a request with this head, and what was decided about it."""
        like, target, fields = self.visit, incoming.target, incoming.fields
        visit = Visit(
            b"GET", target, incoming.headers, fields, like.authority, like.host, like.visitor, like.peer,
            self.house.name_request(fields, like.peer), now, target.partition(b"?")[0], like.destination,
        )  # fmt: skip
        return Passage(
            self.house, incoming, visit, self.site, self.reading, self.decision, self.variant, began
        )

    def asked(self, visit: Visit, news: tuple[bytes, ...]) -> Asked:
        """Return the request as the upstream gets it."""
        headers, words = self.ask.headers, self.words
        if news:
            headers = [(name, news[words[value]] if value in words else value) for name, value in headers]
        return Asked([*headers, (b"X-Request-ID", visit.id)], self.ask.hidden)

    def raw(self, visit: Visit, news: tuple[bytes, ...]) -> bytes:
        """Return the same as it is sent; its target is a plain one (seen.py)."""
        lines = self.lines
        if not self.order:
            return b"GET %b%b%b\r\n\r\n" % (visit.target, lines[0], visit.id)
        parts = [b"GET ", visit.target, lines[0]]
        for number, line in zip(self.order, lines[1:], strict=True):
            parts += (news[number], line)
        parts += (visit.id, END)
        return b"".join(parts)


def standing_of(house: House, head: Head, incoming: Incoming) -> Standing | None:
    """Return what a head comes to; None where it depends on more. BadRequest where the long way says why."""
    like = Incoming.again(head, incoming.target, incoming.protocol)  # with words for what is new each time
    visit = house.visit(like)
    if b"text/event-stream" in (visit.first(b"accept") or b""):
        return None
    site = house.sites.match(visit.host)
    passage = house.decide(site, visit, like, time.perf_counter())
    ask = asked(passage)
    request = UpstreamRequest(visit.method, visit.target, ask.headers)
    sent = request_head(request)
    if request.signs_in:
        return None
    lines, order = _cut(sent[len(b"GET ") + len(visit.target) : -len(visit.id) - len(END)], head.words)
    ask.headers.pop()
    return Standing(
        house, visit.peer, like.secure, visit.now // 60, visit, site, house.reach[site.name],
        passage.reading, passage.decision, passage.variant, ask,
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
