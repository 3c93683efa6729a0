"""The short way: what is asked as before, and answered in one piece, needs no task.

Most of what visitors ask for is a GET whose head came before, and most answers arrive whole.
Then everything there is to do is done in two steps: when the request comes, and when its
answer does. Whatever has to wait for more than that goes the long way, from where it stands.
"""

from __future__ import annotations

import time
from functools import partial
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

if TYPE_CHECKING:
    from proxy.server.relay import Relay


class Errand:
    """One request on the short way: it was sent, its answer is to come."""

    __slots__ = ("_began", "_passage", "_relay", "_reply", "_request", "_standing", "_told")

    def __init__(
        self, relay: Relay, passage: Passage, standing: Standing, request: UpstreamRequest, reply: Reply
    ) -> None:
        self._relay = relay
        self._passage = passage
        self._standing = standing
        self._request = request
        self._reply = reply
        self._began = time.perf_counter()
        self._told = False  # the record of this request is written
        reply.on_here = self._here

    @property
    def ask(self) -> Asked:
        """The request as its upstream got it."""
        return self._standing.asked(self._passage.visit, self._passage.incoming.news)

    def _end_wait(self) -> None:
        self._reply.on_here = None
        self._passage.upstream_seconds += time.perf_counter() - self._began

    def go_long(self) -> None:
        """Let the long way go on, where it does not already."""
        if self._reply.on_here is not None:
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
        except Exception as error:  # noqa: BLE001 - it is raised again where all errors are dealt with
            connection.hand_over(incoming, partial(self._fail, error))
            return
        if response is None:
            connection.hand_over(incoming, self._go_on)
            return
        try:
            head, first = response.beginning(incoming)
        except Exception as error:  # noqa: BLE001
            connection.hand_over(incoming, partial(_raise, error))
            return
        connection.answered(incoming, response, head, first)

    def _response(self) -> RawResponse | None:
        """Return the answer, None where it cannot be told yet what it is, or more of it is to come."""
        reply, passage = self._reply, self._passage
        if not reply.complete or reply.status == 101:
            return None
        sort = sort_named(reply, passage.visit.destination)
        if sort is None or (sort in PAGES and is_unfit(reply, sort)):
            return None
        if reply.pool is not None:
            reply.pool.health.worked()
        response = self._relay.whole(passage, self._standing.ask, reply, sort)
        self._told = True
        return response

    async def _fail(self, error: Exception) -> RawResponse:
        return await self._relay.carried(self._passage, _raise(error))

    async def _go_on(self) -> RawResponse:
        return await self._relay.carried(self._passage, self._relay.go_on(self._passage, self))

    async def reply(self) -> Reply:
        """Return the answer once its head is here, as it would be the long way."""
        began = time.perf_counter()
        try:
            return await self._standing.reach.go_on(self._request, self._reply)
        finally:
            self._passage.upstream_seconds += time.perf_counter() - began

    def give_up(self) -> None:
        """The visitor has left."""
        if self._reply.on_here is not None:
            self._end_wait()
        self._reply.abort()
        if not self._told:
            self._relay.left(self._passage)


async def _raise(error: Exception) -> RawResponse:
    raise error


def begin(relay: Relay, incoming: Incoming, head: Head) -> Errand | None:
    """Send a request that nothing stands in the way of; None where it is to go the long way, untouched."""
    began = time.perf_counter()
    house = relay.house()
    now = int(house.clock())
    try:
        standing = head.standing
        if standing is None or not standing.holds(house, incoming.protocol, now):
            standing = head.standing = standing_of(house, head, incoming)
            if standing is None:
                return None
        passage = standing.passage(incoming, now, began)
        visit = passage.visit
        if house.pages.owns(visit) or standing.site.refusal(visit, passage.decision).does is not Does.KEEP:
            return None
        request = UpstreamRequest(
            b"GET",
            visit.target,
            [],
            raw=standing.raw(visit, incoming.news),
            pinned=incoming.protocol.pinned,
            visitor=visit.visitor.address,
        )
        reply = standing.reach.begin(request)
    except Exception:  # noqa: BLE001 - the long way meets it again, and says so
        return None
    return None if reply is None else Errand(relay, passage, standing, request, reply)
