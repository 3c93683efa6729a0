"""The short way: what is asked as before, and answered in one piece, needs no task.

Most of what visitors ask for is a GET whose head came before, and most answers arrive whole.
Then everything there is to do is done in two steps: when the request comes, and when its
answer does. Whatever has to wait for more than that goes the long way, from where it stands.
"""

from __future__ import annotations

import time
from functools import partial

from proxy.http.message import IncomingMessage
from proxy.http.request_head_cache import RequestHead
from proxy.http.response import Response
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.route.context import RequestContext
from proxy.route.fast.request_template import RequestTemplate, template_of
from proxy.route.gates import stopped
from proxy.route.relay import Relay
from proxy.route.request_headers import UpstreamHead
from proxy.route.response_kind import PAGES, sort_named
from proxy.route.visitor_response import is_unfit


class FastExchange:
    """One request on the short way: it was sent, its answer is to come."""

    __slots__ = (
        "_began",
        "_context",
        "_relay",
        "_template",
        "_told",
        "_upstream_request",
        "_upstream_response",
    )

    def __init__(
        self,
        relay: Relay,
        context: RequestContext,
        template: RequestTemplate,
        upstream_request: UpstreamRequest,
        upstream_response: UpstreamResponse,
    ) -> None:
        self._relay = relay
        self._context = context
        self._template = template
        self._upstream_request = upstream_request
        self._upstream_response = upstream_response
        self._began = time.perf_counter()
        self._told = False  # the record of this request is written
        upstream_response.on_here = self._here

    @property
    def ask(self) -> UpstreamHead:
        """The request as its upstream got it."""
        return self._template.asked(self._context.request, self._context.message.news)

    def _end_wait(self) -> None:
        self._upstream_response.on_here = None
        self._context.upstream_seconds += time.perf_counter() - self._began

    def go_long(self) -> None:
        """Let the long way go on, where it does not already."""
        if self._upstream_response.on_here is not None:
            self._end_wait()
            message = self._context.message
            message.protocol.hand_over(message, self._go_on)

    def _here(self) -> None:
        """Answer the visitor, or let the long way do it."""
        self._end_wait()
        context = self._context
        message = context.message
        connection = message.protocol
        try:
            response = self._response()
        except Exception as error:  # noqa: BLE001 - it is raised again where all errors are dealt with
            connection.hand_over(message, partial(self._fail, error))
            return
        if response is None:
            connection.hand_over(message, self._go_on)
            return
        try:
            head, first = response.beginning(message)
        except Exception as error:  # noqa: BLE001
            connection.hand_over(message, partial(_raise, error))
            return
        connection.answered(message, response, head, first)

    def _response(self) -> Response | None:
        """Return the answer, None where it cannot be told yet what it is, or more of it is to come."""
        upstream_response, context = self._upstream_response, self._context
        if not upstream_response.complete or upstream_response.status == 101:
            return None
        sort = sort_named(upstream_response, context.request.destination)
        if sort is None or (sort in PAGES and is_unfit(upstream_response, sort)):
            return None
        if upstream_response.pool is not None:
            upstream_response.pool.health.worked()
        response = self._relay.whole(context, self._template.ask, upstream_response, sort)
        self._told = True
        return response

    async def _fail(self, error: Exception) -> Response:
        return await self._relay.carried(self._context, _raise(error))

    async def _go_on(self) -> Response:
        return await self._relay.carried(
            self._context, self._relay.go_on(self._context, self.ask, self.upstream_response())
        )

    async def upstream_response(self) -> UpstreamResponse:
        """Return the answer once its head is here, as it would be the long way."""
        began = time.perf_counter()
        try:
            return await self._template.upstreams.go_on(self._upstream_request, self._upstream_response)
        finally:
            self._context.upstream_seconds += time.perf_counter() - began

    def give_up(self) -> None:
        """The visitor has left."""
        if self._upstream_response.on_here is not None:
            self._end_wait()
        self._upstream_response.abort()
        if not self._told:
            self._relay.left(self._context)


async def _raise(error: Exception) -> Response:
    raise error


def begin(relay: Relay, message: IncomingMessage, head: RequestHead) -> FastExchange | None:
    """Send a request that nothing stands in the way of; None where it is to go the long way, untouched."""
    began = time.perf_counter()
    snapshot = relay.snapshot()
    now = int(snapshot.clock())
    try:
        template = head.template
        if not isinstance(template, RequestTemplate) or not template.holds(snapshot, message.protocol, now):
            template = head.template = template_of(snapshot, head, message)
            if template is None:
                return None
        context = template.context(message, now, began)
        request = context.request
        if stopped(context) is not None:
            return None
        upstream_request = UpstreamRequest(
            b"GET",
            request.target,
            [],
            raw=template.raw(request, message.news),
            pinned=message.protocol.pinned,
            visitor=request.visitor.address,
        )
        upstream_response = template.upstreams.begin(upstream_request)
    except Exception:  # noqa: BLE001 - the long way meets it again, and says so
        return None
    return (
        None
        if upstream_response is None
        else FastExchange(relay, context, template, upstream_request, upstream_response)
    )
