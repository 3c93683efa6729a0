"""The route of a request, one step a line. What each step does is in the module it names."""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial

from proxy.errors import Unreadable, UpstreamError
from proxy.filter.body import VERBATIM
from proxy.filter.document import Sort
from proxy.filter.verdict import Does
from proxy.server.config import OnError
from proxy.server.documents import PAGES, sort_body
from proxy.server.exchange import Reply, UpstreamRequest
from proxy.server.heads import Asked, ask_identity, asked, judged
from proxy.server.hops import last_stop
from proxy.server.house import House
from proxy.server.incoming import Incoming
from proxy.server.logs import log
from proxy.server.observe import Tally
from proxy.server.outgoing import Outgoing, compose, is_unfit, unread
from proxy.server.passage import Passage, tell_own
from proxy.server.response import RawResponse
from proxy.server.short import Errand, begin
from proxy.server.transport import plain_refusal
from proxy.server.websocket import relay_websocket, wants_websocket

LEFT = 499
"""What is counted where a visitor went away before the answer (nginx's number for it)."""

ENDLESS = 86_400.0
"""Seconds until the head of an event stream or a WebSocket: as good as for ever."""


class Relay:
    """Answers every request of this process. `house` gives what rules and config say now."""

    def __init__(self, house: Callable[[], House], tally: Tally) -> None:
        self.house = house
        self._tally = tally
        self.begin = partial(begin, self)  # takes a request on the short way, or returns None

    async def answer(self, incoming: Incoming) -> RawResponse:
        """Return the answer to one request, which has left already where it was long."""
        began = time.perf_counter()
        house = self.house()
        visit = house.visit(incoming)
        site = house.sites.match(visit.host)
        if house.pages.owns(visit):
            response = await house.pages.answer(site, visit, incoming)
            tell_own(self._tally, house.config, site, visit, response.status)
            return response
        passage = house.decide(site, visit, incoming, began)
        if refused := _refused(passage):
            return self._end(passage, refused)
        return await self.carried(passage, self._relay(passage))

    async def carried(self, passage: Passage, relaying: Awaitable[RawResponse]) -> RawResponse:
        """Return what relaying gives; where it fails, our own page that says so."""
        try:
            return await relaying
        except (UpstreamError, Unreadable) as error:
            return self._end(passage, self._failure(passage, error), str(error))
        except BaseException as error:  # a visitor who left, whose own body went wrong, a fault of ours
            ours = isinstance(error, Exception) and not isinstance(error, ConnectionError | TimeoutError)
            passage.tell(self._tally, getattr(error, "status", 500 if ours else LEFT), type(error).__name__)
            raise

    async def _relay(self, passage: Passage) -> RawResponse:
        ask = asked(passage)
        switching = wants_websocket(passage.incoming)
        return await self._answered(passage, ask, await _fetch(passage, ask, switching=switching))

    async def _answered(self, passage: Passage, ask: Asked, reply: Reply) -> RawResponse:
        try:
            if reply.status == 101:
                return await self._switch(passage, reply)
            sort, data, complete = await sort_body(reply, passage.visit.destination)
            if passage.may_ask_again and is_unfit(reply, sort):
                reply.abort()
                ask.headers = ask_identity(ask.headers)
                reply = await _fetch(passage, ask)
                sort, data, complete = await sort_body(reply, passage.visit.destination)
            return await self._send(passage, ask, reply, sort, data, complete=complete)
        finally:
            reply.abort()

    # -- the short way ---------------------------------------------------------------------------------

    def whole(self, passage: Passage, ask: Asked, reply: Reply, sort: Sort) -> RawResponse:
        """Return the answer to a request, where all of its upstream's is here."""
        data = reply.whole()
        if sort in PAGES:
            passage.read += len(data)
        outgoing, first = self._begin(passage, ask, reply, sort, data, complete=True)
        passage.tags = outgoing.body.verdicts
        return self._end(passage, RawResponse(reply.status, outgoing.headers, first, reason=reply.reason))

    async def go_on(self, passage: Passage, errand: Errand) -> RawResponse:
        """Return the answer to a request that went the short way as far as it could."""
        return await self._answered(passage, errand.ask, await errand.reply())

    def left(self, passage: Passage) -> None:
        """Take note of a visitor who left the short way."""
        passage.tell(self._tally, LEFT, "CancelledError")

    # -- the answer ------------------------------------------------------------------------------------

    async def _send(
        self, passage: Passage, ask: Asked, reply: Reply, sort: Sort, data: bytes, *, complete: bool
    ) -> RawResponse:
        if sort in PAGES and not complete and not data:
            data = await reply.read()  # a page that cannot be read is to be refused before its first byte
            complete = not data
        if sort in PAGES:
            passage.read += len(data)
        outgoing, first = self._begin(passage, ask, reply, sort, data, complete=complete)
        response = RawResponse(reply.status, outgoing.headers, first, complete=complete, reason=reply.reason)
        if not complete:
            await self._pour(passage, reply, outgoing, response)
        passage.tags = outgoing.body.verdicts
        return self._end(passage, response)

    def _begin(
        self, passage: Passage, ask: Asked, reply: Reply, sort: Sort, data: bytes, *, complete: bool
    ) -> tuple[Outgoing, bytes]:
        """Return what leaves, and the bytes that leave with the head."""
        try:
            outgoing = compose(passage, ask, reply, sort, data)
            body = outgoing.body
            if body is VERBATIM:
                return outgoing, data
            return outgoing, body.whole(data) if complete else body.feed(data)
        except Unreadable as error:
            site = passage.site
            if site.config.on_error is not OnError.PASS:
                raise
            self._tally.add("passed_unread", site.name)
            log().warning("document_passed_unread", site=site.name, why=str(error))
            passage.asks = False
            return unread(passage, reply), data

    async def _pour(self, passage: Passage, reply: Reply, outgoing: Outgoing, response: RawResponse) -> None:
        """Send piece by piece as it comes; what goes wrong now leaves a visibly cut answer (T48)."""
        body = outgoing.body
        await response.prepare(passage.incoming)
        try:
            piece = b""
            while chunk := await reply.read():
                passage.read += len(chunk)
                for following in filter(None, body.pieces(chunk)):
                    await response.write(piece)
                    piece = following
                if not reply.is_through:  # else it leaves together with the end
                    await response.write(piece)
                    piece = b""
            await response.finish(piece + body.close())
        except (UpstreamError, Unreadable) as error:
            response.cut()
            self._note(passage, error)

    async def _switch(self, passage: Passage, reply: Reply) -> RawResponse:
        headers, verdicts = judged(reply.headers, passage)
        passage.verdicts += verdicts
        passage.kind = "websocket"
        return self._end(passage, await relay_websocket(passage.incoming, reply, headers))

    # -- ends ------------------------------------------------------------------------------------------

    def _end(self, passage: Passage, response: RawResponse, outcome: str = "") -> RawResponse:
        passage.tell(self._tally, response.status, outcome)
        return response

    def _failure(self, passage: Passage, error: UpstreamError | Unreadable) -> RawResponse:
        """Return our own page for an upstream that failed or a document that cannot be read (T50)."""
        self._note(passage, error)
        status, unheard = 502, False
        if isinstance(error, UpstreamError):
            status, unheard = error.status, error.unheard
        passage.kind, passage.asks = "refused", False
        return passage.house.pages.error(passage.visit, status, unheard=unheard)

    def _note(self, passage: Passage, error: UpstreamError | Unreadable) -> None:
        site, visit = passage.site.name, passage.visit
        said = {"site": site, "path": visit.path.decode("latin-1"), "request_id": visit.id.decode("latin-1")}
        if isinstance(error, UpstreamError):
            self._tally.add("upstream_failures", site, str(error.status))
            log().warning("upstream_failed", why=str(error), status=error.status, **said)
        else:
            self._tally.add("unreadable", site)
            log().warning("document_unreadable", why=str(error), **said)

    def refuse(self, status: int, incoming: Incoming | None) -> RawResponse:
        """Return what is said where no site is known yet, or the request is none."""
        self._tally.add("requests", "none", "refused", f"{status // 100}xx")
        if incoming is None or status in (400, 408, 421, 501, 505):
            return plain_refusal(status)
        return self.house().pages.refusal(status, incoming)

    def report(self, error: BaseException) -> None:
        """Take note of an error nobody expected: its kind and place, nothing a visitor sent."""
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
        log().error("request_broken", error=type(error).__name__, where=where)

    async def to_https(self, incoming: Incoming) -> RawResponse:
        """Return the way to the same address under https (308 keeps method and body)."""
        house = self.house()
        visit = house.visit(incoming)
        house.sites.match(visit.host)
        where = b"https://%b%b%b" % (visit.host.encode("latin-1"), house.https_port, visit.target)
        return RawResponse(308, [(b"Location", where), (b"Cache-Control", b"no-store")])


def _refused(passage: Passage) -> RawResponse | None:
    """Return 204 for a request that only measures and is not agreed to (T31); observing only counts it.

    And for one that may go no further.
    """
    if last := last_stop(passage.visit):
        return last
    verdict = passage.site.refusal(passage.visit, passage.decision)
    if verdict.does is Does.KEEP:
        return None
    passage.verdicts.append(("request", verdict))
    return None if passage.site.observes else RawResponse(204, [(b"Cache-Control", b"no-store")])


async def _fetch(passage: Passage, ask: Asked, *, switching: bool = False) -> Reply:
    incoming, visit = passage.incoming, passage.visit
    began = time.perf_counter()
    endless = switching or b"text/event-stream" in (visit.first(b"accept") or b"")
    try:
        return await passage.house.reach[passage.site.name].fetch(
            UpstreamRequest(
                visit.method,
                visit.target,
                ask.headers,
                incoming.body() if incoming.has_body else None,
                first_byte=ENDLESS if endless else None,
                upgrade=switching,
                pinned=incoming.protocol.pinned,
                visitor=visit.visitor.address,
            )
        )
    finally:
        passage.upstream_seconds += time.perf_counter() - began
