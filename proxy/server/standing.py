"""What follows from a head alone, whatever it asks for: settled once, it holds for a minute.

Who asks, which site, what was agreed to, and all that its upstream is told but the target
and the name of the request.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.consent.cookie import Reading
from proxy.consent.decision import Decision
from proxy.server.exchange import UpstreamRequest, request_head
from proxy.server.heads import Asked, asked
from proxy.server.incoming import Incoming
from proxy.server.passage import Passage
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
    ask: Asked  # without the last field, the request's name
    lines: bytes  # the same, as they are sent, after the target and up to that name

    def holds(self, house: House, connection: Connection, now: int) -> bool:
        """True as long as nothing has changed on which it depends."""
        return (
            self.house is house
            and self.minute == now // 60
            and self.peer == connection.peer
            and self.secure is connection.secure
        )

    def passage(self, incoming: Incoming, id_: bytes, now: int, began: float) -> Passage:
        """Return a request with this head, and what was decided about it."""
        like, target = self.visit, incoming.target
        visit = Visit(
            b"GET", target, like.headers, like.fields, like.authority, like.host, like.visitor, like.peer,
            id_, now, target.partition(b"?")[0], like.destination,
        )  # fmt: skip
        return Passage(
            self.house, incoming, visit, self.site, self.reading, self.decision, self.variant, began
        )

    def asked(self, visit: Visit) -> Asked:
        """Return the request as the upstream gets it."""
        return Asked([*self.ask.headers, (b"X-Request-ID", visit.id)], self.ask.hidden)

    def raw(self, visit: Visit) -> bytes:
        """Return the same as it is sent; its target is a plain one (seen.py)."""
        return b"GET %b%b%b\r\n\r\n" % (visit.target, self.lines, visit.id)


def standing_of(house: House, incoming: Incoming) -> Standing | None:
    """Return what a head comes to; None where it depends on more. BadRequest where the long way says why."""
    visit = house.visit(incoming)
    if visit.first(b"x-request-id") is not None or b"text/event-stream" in (visit.first(b"accept") or b""):
        return None
    site = house.sites.match(visit.host)
    passage = house.decide(site, visit, incoming, time.perf_counter())
    ask = asked(passage)
    head = request_head(UpstreamRequest(visit.method, visit.target, ask.headers))
    lines = head[len(b"GET ") + len(visit.target) : -len(visit.id) - 4]
    ask.headers.pop()
    return Standing(
        house, visit.peer, incoming.secure, visit.now // 60, visit, site, house.reach[site.name],
        passage.reading, passage.decision, passage.variant, ask, lines,
    )  # fmt: skip
