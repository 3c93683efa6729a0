"""The short way: what is asked as before, and answered in one piece, needs no task.

Most of what visitors ask for is a GET whose head came before, and most answers arrive whole.
Then everything there is to do is done in two steps: when the request comes, and when its
answer does. Whatever has to wait for more than that goes the long way, from where it stands.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from proxy.filter.verdict import Does
from proxy.server.documents import PAGES, sort_named
from proxy.server.exchange import Reply, UpstreamRequest
from proxy.server.heads import Asked
from proxy.server.incoming import Incoming
from proxy.server.outgoing import is_unfit
from proxy.server.passage import Passage
from proxy.server.response import RawResponse
from proxy.server.seen import Head
from proxy.server.standing import Standing, standing_of
from proxy.server.upstream import Begun

if TYPE_CHECKING:
    from proxy.server.house import House
    from proxy.server.relay import Relay


class Errand:
    """One request on the short way: it was sent, its answer is to come."""

    __slots__ = ("_began", "_begun", "_passage", "_relay", "_standing", "told")

    def __init__(self, relay: Relay, passage: Passage, standing: Standing, begun: Begun) -> None:
        self._relay = relay
        self._passage = passage
        self._standing = standing
        self._begun = begun
        self._began = time.perf_counter()
        self.told = False  # the record of this request is written

    @property
    def ask(self) -> Asked:
        """The request as its upstream got it."""
        return self._standing.asked(self._passage.visit)

    def wait(self) -> None:
        """Let the answer find us."""
        self._begun.reply.on_here = self._here

    def _end_wait(self) -> None:
        self._begun.reply.on_here = None
        self._passage.upstream_seconds += time.perf_counter() - self._began

    def go_long(self) -> None:
        """Let the long way go on, where it does not already."""
        if self._begun.reply.on_here is not None:
            self._end_wait()
            incoming = self._passage.incoming
            incoming.protocol.hand_over(incoming, self._go_on)

    def _here(self) -> None:
        """Answer the visitor, or let the long way do it."""
        self._end_wait()
        passage = self._passage
        incoming = passage.incoming
        connection = incoming.protocol
        try:
            response = self._response()
            if response is None:
                connection.hand_over(incoming, self._go_on)
                return
            data = response.beginning(incoming)
        except Exception as error:  # noqa: BLE001 - it is raised again where all errors are dealt with
            self._fail(error)
            return
        connection.answered(incoming, response, data)

    def _response(self) -> RawResponse | None:
        """Return the answer, None where it cannot be told yet what it is, or more of it is to come."""
        reply, passage = self._begun.reply, self._passage
        if not reply.is_whole or reply.status == 101:
            return None
        sort = sort_named(reply, passage.visit.destination)
        if sort is None or (sort in PAGES and is_unfit(reply, sort)):
            return None
        self._begun.pool.health.worked()
        response = self._relay.whole(passage, self._standing.ask, reply, sort)
        self.told = True
        return response

    def _fail(self, error: Exception) -> None:
        async def failing() -> RawResponse:
            raise error

        async def going_on() -> RawResponse:
            return await self._relay.carried(self._passage, failing())

        incoming = self._passage.incoming
        incoming.protocol.hand_over(incoming, going_on)

    async def _go_on(self) -> RawResponse:
        return await self._relay.carried(self._passage, self._relay.go_on(self._passage, self))

    async def reply(self) -> Reply:
        """Return the answer once its head is here, as it would be the long way."""
        began = time.perf_counter()
        try:
            return await self._standing.reach.go_on(self._begun)
        finally:
            self._passage.upstream_seconds += time.perf_counter() - began

    def give_up(self) -> None:
        """The visitor has left."""
        if self._begun.reply.on_here is not None:
            self._end_wait()
        self._begun.reply.abort()
        if not self.told:
            self._relay.left(self._passage)


def begin(relay: Relay, house: House, incoming: Incoming, head: Head, began: float) -> Errand | None:
    """Send a request that nothing stands in the way of; None where it is to go the long way, untouched."""
    now = int(house.clock())
    standing = head.standing
    if standing is None or not standing.holds(house, incoming.protocol, now):
        standing = head.standing = standing_of(house, incoming)
        if standing is None:
            return None
    passage = standing.passage(incoming, house.name_request(), now, began)
    visit = passage.visit
    if house.pages.owns(visit) or standing.site.refusal(visit, passage.decision).does is not Does.KEEP:
        return None
    request = UpstreamRequest(b"GET", visit.target, [], raw=standing.raw(visit))
    begun = standing.reach.begin(request)
    return None if begun is None else Errand(relay, passage, standing, begun)
