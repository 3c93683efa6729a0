"""Serve a repeated GET synchronously when the whole response comes in one read.

Most requests are a GET whose head came before, and most responses arrive whole. Then all work is done in
two calls: when the request comes, and when its response does. Whatever has to wait for more goes on along
the ordinary route, from where it stands.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from proxy.http.message import IncomingMessage
from proxy.http.response import Response
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.pinning import Pinned
from proxy.route.context import RequestContext
from proxy.route.fast.request_head_cache import RequestHead, RequestTemplate, template_of
from proxy.route.gates import stopped
from proxy.route.relay import Relay
from proxy.route.request_headers import UpstreamHead
from proxy.route.response_kind import PAGES, sort_named
from proxy.route.visitor_response import is_unfit


class ExchangeConnection(Protocol):
    """What a fast exchange asks of its visitor's connection (aiohttp_internals.py)."""

    pinned: Pinned

    def hand_over(self, message: IncomingMessage, go_on: Callable[[], Awaitable[Response]]) -> None:
        """Let aiohttp's task go on with the request."""

    def send_whole(self, message: IncomingMessage, response: Response, head: bytes, body: bytes) -> None:
        """Send the whole response."""


class FastExchange:
    """One request on the fast path: it was sent to the upstream, its response is to come."""

    __slots__ = (
        "_began",
        "_connection",
        "_context",
        "_recorded",
        "_relay",
        "_template",
        "_upstream_request",
        "_upstream_response",
    )

    def __init__(
        self,
        relay: Relay,
        connection: ExchangeConnection,
        context: RequestContext,
        template: RequestTemplate,
        *,
        upstream_request: UpstreamRequest,
        upstream_response: UpstreamResponse,
    ) -> None:
        self._relay = relay
        self._connection = connection
        self._context = context
        self._template = template
        self._upstream_request = upstream_request
        self._upstream_response = upstream_response
        self._began = time.perf_counter()
        self._recorded = False  # it is counted and logged
        upstream_response.on_here = self._here

    @property
    def ask(self) -> UpstreamHead:
        """The request as its upstream got it."""
        return self._template.asked(self._context.request, self._context.message.news)

    def _end_wait(self) -> None:
        self._upstream_response.on_here = None
        self._context.upstream_seconds += time.perf_counter() - self._began

    def leave(self) -> None:
        """Let the ordinary route go on, where it does not already."""
        if self._upstream_response.on_here is not None:
            self._end_wait()
            self._connection.hand_over(self._context.message, self._go_on)

    def _here(self) -> None:
        """Respond to the visitor, or let the ordinary route do it."""
        self._end_wait()
        context = self._context
        message = context.message
        connection = self._connection
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
        connection.send_whole(message, response, head, first)

    def _response(self) -> Response | None:
        """Return the response, None where its kind is not known yet or more of it is to come."""
        upstream_response, context = self._upstream_response, self._context
        if not upstream_response.complete or upstream_response.status == 101:
            return None
        sort = sort_named(upstream_response, context.request)
        if sort is None or (sort in PAGES and is_unfit(upstream_response, sort)):
            return None
        pool = upstream_response.pool
        if pool is not None and pool.health.failures:
            pool.health.worked()
        response = self._relay.whole(context, self._template.ask, upstream_response, sort)
        self._recorded = True
        return response

    async def _fail(self, error: Exception) -> Response:
        return await self._relay.carried(self._context, _raise(error))

    async def _go_on(self) -> Response:
        return await self._relay.carried(
            self._context, self._relay.go_on(self._context, self.ask, self.upstream_response())
        )

    async def upstream_response(self) -> UpstreamResponse:
        """Return the upstream's response once its head is here, as the ordinary route does."""
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
        if not self._recorded:
            self._relay.left(self._context)


async def _raise(error: Exception) -> Response:
    raise error


def begin(
    relay: Relay, connection: ExchangeConnection, message: IncomingMessage, head: RequestHead
) -> FastExchange | None:
    """Send a request that nothing stands in the way of; None, untouched, for the ordinary route."""
    began = time.perf_counter()
    snapshot = relay.snapshot()
    now = int(snapshot.clock())
    try:
        template = head.template
        if template is None or not template.holds(snapshot, message.protocol, now):
            template = head.template = template_of(snapshot, head, message)
            if template is None:
                return None
        context = template.context(message, now, began)
        request = context.request
        if context.mode is not template.mode or stopped(context) is not None:
            return None
        upstream_request = UpstreamRequest(
            b"GET",
            request.target,
            [],
            raw=template.raw(request, message.news),
            pinned=connection.pinned,
            visitor=request.visitor.address,
            observed=context.observes,
        )
        upstream_response = template.upstreams.begin(upstream_request)
    except Exception:  # noqa: BLE001 - the ordinary route meets it again, and deals with it
        return None
    if upstream_response is None:
        return None
    return FastExchange(
        relay,
        connection,
        context,
        template,
        upstream_request=upstream_request,
        upstream_response=upstream_response,
    )
