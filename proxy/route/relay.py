"""The ordinary route of a request, one step a line. What each step does is in the module it names."""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable

from proxy.config.types import Mode, OnError
from proxy.errors import Unreadable, UpstreamError
from proxy.filter.body.body_filter import VERBATIM, BodyFilter, ObservedBody
from proxy.filter.headers.content_kind import BodyKind
from proxy.http.message import IncomingMessage
from proxy.http.response import Response
from proxy.http.server import plain_refusal
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.websocket import relay_websocket, wants_websocket
from proxy.route.context import RequestContext, context_of, tell_own
from proxy.route.gates import Stop, refused_collection_response, stopped
from proxy.route.observed_response import observed_as_it_is
from proxy.route.prefetch import refused_prefetch
from proxy.route.request_headers import UpstreamHead, ask_identity, build_upstream_head
from proxy.route.response_headers import (
    VisitorResponse,
    judged,
    with_taken_answer,
    without_refused_cookies,
)
from proxy.route.response_kind import PAGES, goes_by_its_head, has_no_body, sort_body
from proxy.route.visitor_response import (
    compose,
    first_party_verdict,
    is_unfit,
    may_be_first_party,
    unread,
    without_body,
)
from proxy.snapshot.snapshot import Snapshot
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Tally

LEFT = 499
"""The status counted where a visitor left before the response (nginx's number for it)."""

ENDLESS = 86_400.0
"""Seconds until the first byte of an event stream or a WebSocket: in effect no timeout."""


class Relay:
    """Responds to every request of this process. `snapshot` gives what rules and config say now."""

    def __init__(self, snapshot: Callable[[], Snapshot], tally: Tally) -> None:
        self.snapshot = snapshot
        self._tally = tally

    async def respond(self, message: IncomingMessage) -> Response:
        """Return the response to one request; a long one has been sent already."""
        began = time.perf_counter()
        snapshot = self.snapshot()
        context = context_of(snapshot, message, began)
        match stopped(context):
            case None:
                return await self.carried(context, self._relay(context))
            case Stop.OWN_ADDRESS:
                return await self._own_address(context)
            case Stop.DECLARED_ANSWER:
                return await self.carried(context, self._take_and_relay(context))
            case response:
                return self._end(context, response)

    async def _take_and_relay(self, context: RequestContext) -> Response:
        """Record what another consent tool was told, then relay the request with what it grants."""
        declared = context.decision.declared
        assert declared is not None
        answer = await context.snapshot.pages.take(context.site, context.request, context.reading, declared)
        if answer is not None:
            context.take(answer)
        return await self._relay(context)

    async def _own_address(self, context: RequestContext) -> Response:
        snapshot, site, request = context.snapshot, context.site, context.request
        response = await snapshot.pages.respond(site, request, context.message)
        tell_own(self._tally, snapshot.config, site, request, response.status)
        return response

    async def carried(self, context: RequestContext, relaying: Awaitable[Response]) -> Response:
        """Return the response that is relayed; where relaying fails, our own page that says so."""
        try:
            return await relaying
        except (UpstreamError, Unreadable) as error:
            return self._end(context, self._failure(context, error), str(error))
        except BaseException as error:  # a visitor who left, whose own body went wrong, a fault of ours
            ours = isinstance(error, Exception) and not isinstance(error, ConnectionError | TimeoutError)
            context.tell(self._tally, getattr(error, "status", 500 if ours else LEFT), type(error).__name__)
            raise

    async def _relay(self, context: RequestContext) -> Response:
        upstream_head = build_upstream_head(context)
        switching = wants_websocket(context.message)
        return await self._relay_response(
            context, upstream_head, await _fetch(context, upstream_head, switching=switching)
        )

    async def _relay_response(
        self, context: RequestContext, upstream_head: UpstreamHead, upstream_response: UpstreamResponse
    ) -> Response:
        try:
            if upstream_response.status == 101:
                return await self._switch(context, upstream_response)
            if goes_by_its_head(upstream_response) and (
                refused := refused_prefetch(context, upstream_response)
            ):
                return self._end(context, refused)
            sort, data, complete = await sort_body(upstream_response, context.request)
            if context.may_ask_again and is_unfit(upstream_response, sort):
                upstream_response.abort()
                upstream_head.headers = ask_identity(upstream_head.headers)
                upstream_response = await _fetch(context, upstream_head)
                sort, data, complete = await sort_body(upstream_response, context.request)
            return await self._send(context, upstream_head, upstream_response, sort, data, complete=complete)
        finally:
            upstream_response.abort()

    # -- for the fast path -----------------------------------------------------------------------------

    def whole(
        self,
        context: RequestContext,
        upstream_head: UpstreamHead,
        upstream_response: UpstreamResponse,
        sort: BodyKind,
    ) -> Response:
        """Return the response to a request, when all of the upstream's response is here."""
        data = upstream_response.whole()
        if goes_by_its_head(upstream_response) and (refused := refused_prefetch(context, upstream_response)):
            return self._end(context, refused)
        if held := self._held(context, upstream_response, data):
            return held
        if sort in PAGES:
            context.read += len(data)
        outgoing, first = self._begin(context, upstream_head, upstream_response, sort, data, complete=True)
        _note_body(context, outgoing.body)
        return self._end(
            context,
            Response(upstream_response.status, outgoing.headers, first, reason=upstream_response.reason),
        )

    async def go_on(
        self, context: RequestContext, upstream_head: UpstreamHead, fetching: Awaitable[UpstreamResponse]
    ) -> Response:
        """Return the response to a request that left the fast path after it was sent."""
        return await self._relay_response(context, upstream_head, await fetching)

    def left(self, context: RequestContext) -> None:
        """Count and log a visitor who left while their request was on the fast path."""
        context.tell(self._tally, LEFT, "CancelledError")

    # -- the response ----------------------------------------------------------------------------------

    async def _send(
        self,
        context: RequestContext,
        upstream_head: UpstreamHead,
        upstream_response: UpstreamResponse,
        sort: BodyKind,
        data: bytes,
        *,
        complete: bool,
    ) -> Response:
        if not data and not complete and may_be_first_party(context, upstream_response):
            data, complete = await _first_piece(upstream_response)
        if held := self._held(context, upstream_response, data):
            return held
        if sort in PAGES and has_no_body(upstream_response) and not context.observes:
            data, complete = b"", True
        elif sort in PAGES and not complete and not data:
            data, complete = await _first_piece(upstream_response)
        if sort in PAGES:
            context.read += len(data)
        outgoing, first = self._begin(
            context, upstream_head, upstream_response, sort, data, complete=complete
        )
        outgoing.headers = with_taken_answer(outgoing.headers, context)
        response = Response(
            upstream_response.status,
            outgoing.headers,
            first,
            complete=complete,
            reason=upstream_response.reason,
        )
        if not complete:
            await self._pour(context, upstream_response, outgoing, response)
        _note_body(context, outgoing.body)
        return self._end(context, response)

    def _held(
        self, context: RequestContext, upstream_response: UpstreamResponse, data: bytes
    ) -> Response | None:
        """Return what stands in for a provider's script under an address of the site; None where it runs."""
        verdict = first_party_verdict(context, upstream_response, data)
        if verdict is None or verdict.keeps:
            return None
        context.verdicts.append(("request", verdict))
        return None if context.observes else self._end(context, refused_collection_response())

    def _begin(
        self,
        context: RequestContext,
        upstream_head: UpstreamHead,
        upstream_response: UpstreamResponse,
        sort: BodyKind,
        data: bytes,
        *,
        complete: bool,
    ) -> tuple[VisitorResponse, bytes]:
        """Return what leaves, and the bytes that leave with the head."""
        try:
            outgoing = compose(context, upstream_head, upstream_response, sort, data)
            body = outgoing.body
            if body is VERBATIM:
                return outgoing, data
            return outgoing, body.whole(data) if complete else body.feed(data)
        except Unreadable as error:
            site = context.site
            if context.observes:  # nothing of the upstream's is refused
                context.note_unread()
                return observed_as_it_is(context, upstream_response, BodyKind.OTHER), data
            if goes_by_its_head(upstream_response):
                return without_body(context, upstream_head, upstream_response), b""
            if site.config.on_error is not OnError.PASS:
                raise
            self._tally.add("passed_unread", site.name)
            log().warning("document_passed_unread", site=site.name, why=str(error))
            context.asks = False
            return unread(context, upstream_response), data

    async def _pour(
        self,
        context: RequestContext,
        upstream_response: UpstreamResponse,
        outgoing: VisitorResponse,
        response: Response,
    ) -> None:
        """Send piece by piece as it comes; what fails now leaves a visibly cut response (T48)."""
        body = outgoing.body
        await response.prepare(context.message)
        try:
            piece = b""
            while chunk := await upstream_response.read():
                context.read += len(chunk)
                for following in filter(None, body.pieces(chunk)):
                    await response.write(piece)
                    piece = following
                if not upstream_response.is_through:  # else it leaves together with the end
                    await response.write(piece)
                    piece = b""
            await response.finish(piece + body.close())
        except (UpstreamError, Unreadable) as error:
            if isinstance(error, Unreadable) and goes_by_its_head(upstream_response):
                await response.finish()
            else:
                response.cut()
            self._note(context, error)

    async def _switch(self, context: RequestContext, upstream_response: UpstreamResponse) -> Response:
        if context.mode is Mode.OFF:
            headers = without_refused_cookies(upstream_response.headers, context)
        else:
            headers, verdicts = judged(upstream_response.headers, context)
            context.verdicts += verdicts
        context.kind = "websocket"
        return self._end(context, await relay_websocket(context.message, upstream_response, headers))

    # -- ends ------------------------------------------------------------------------------------------

    def _end(self, context: RequestContext, response: Response, outcome: str = "") -> Response:
        context.tell(self._tally, response.status, outcome)
        return response

    def _failure(self, context: RequestContext, error: UpstreamError | Unreadable) -> Response:
        """Return our own page for an upstream that failed or a document that cannot be read (T50)."""
        self._note(context, error)
        status, unheard = 502, False
        if isinstance(error, UpstreamError):
            status, unheard = error.status, error.unheard
        context.kind, context.asks = "refused", False
        response = context.snapshot.pages.error(context.request, status, unheard=unheard)
        response.headers = with_taken_answer(response.headers, context)
        return response

    def _note(self, context: RequestContext, error: UpstreamError | Unreadable) -> None:
        site, request = context.site.name, context.request
        said = {
            "site": site,
            "path": request.path.decode("latin-1"),
            "request_id": request.id.decode("latin-1"),
        }
        if isinstance(error, UpstreamError):
            self._tally.add("upstream_failures", site, str(error.status))
            log().warning("upstream_failed", why=str(error), status=error.status, **said)
        else:
            self._tally.add("unreadable", site)
            context.note_unread()
            log().warning("document_unreadable", why=str(error), **said)

    def refuse(self, status: int, message: IncomingMessage | None) -> Response:
        """Return the refusal where no site is known yet, or the request could not be read."""
        self._tally.add("requests", "none", "refused", f"{status // 100}xx")
        if message is None or status in (400, 408, 421, 501, 505):
            return plain_refusal(status)
        return self.snapshot().pages.refusal(status, message)

    def report(self, error: BaseException) -> None:
        """Log an error nobody expected: its kind and place, nothing a visitor sent."""
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
        log().error("request_broken", error=type(error).__name__, where=where)

    async def to_https(self, message: IncomingMessage) -> Response:
        """Redirect to the same address under https (308 keeps method and body)."""
        snapshot = self.snapshot()
        request = snapshot.request(message)
        snapshot.sites.match(request.host)
        where = b"https://%b%b%b" % (request.host.encode("latin-1"), snapshot.https_port, request.target)
        return Response(308, [(b"Location", where), (b"Cache-Control", b"no-store")])


def _note_body(context: RequestContext, body: BodyFilter) -> None:
    """Note what the filter of a body has judged, and a page that could only be passed on unread."""
    context.tags = body.verdicts
    if context.observes and isinstance(body, ObservedBody) and body.unreadable is not None:
        context.note_unread()


async def _first_piece(upstream_response: UpstreamResponse) -> tuple[bytes, bool]:
    """Return the first bytes of a page, and whether they are all: it may be refused before they leave."""
    try:
        data = await upstream_response.read()
    except UpstreamError:
        if not goes_by_its_head(upstream_response):
            raise
        return b"", True
    return data, not data


async def _fetch(
    context: RequestContext, upstream_head: UpstreamHead, *, switching: bool = False
) -> UpstreamResponse:
    message, request = context.message, context.request
    began = time.perf_counter()
    endless = switching or request.wants_events
    try:
        return await context.snapshot.upstreams[context.site.name].fetch(
            UpstreamRequest(
                request.method,
                request.target,
                upstream_head.headers,
                message.body() if message.has_body else None,
                first_byte=ENDLESS if endless else None,
                upgrade=switching,
                pinned=message.protocol.pinned,
                visitor=request.visitor.address,
                observed=context.observes,
                on_continue=message.ask_for_body if message.expects_continue else None,
            )
        )
    finally:
        context.upstream_seconds += time.perf_counter() - began
