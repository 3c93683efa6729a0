"""A connection that serves repeated requests without aiohttp's task, by names private to aiohttp.

Every such name stands in PRIVATE with its reason and nowhere else in the program. Where `missing_names`
finds one gone, the fast path is off (fast_path.py): the ordinary route needs none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import ERROR, RequestHandler

from proxy.http.body_framing import NO_BODY
from proxy.http.connection import END, Connection
from proxy.http.message import IncomingMessage
from proxy.http.response import Response
from proxy.http.server import HttpServer
from proxy.route.fast.fast_exchange import ExchangeConnection, FastExchange
from proxy.route.fast.request_head_cache import RequestHead, RequestHeadCache

PRIVATE = {
    "_waiter": "set and not done exactly while aiohttp waits for a request: only then may one be served "
    "synchronously, and by it aiohttp is woken for a request that leaves the fast path",
    "_messages": "requests that were parsed and not begun: nothing may overtake them; the head of one is "
    "learned from there, and a request that leaves the fast path is put there",
    "_upgraded": "true while bytes are no requests, because the last one asked to switch protocols",
    "_buffer_paused": "true while parsed requests wait unread: nothing may overtake them",
}
"""Attributes of aiohttp's RequestHandler that the fast path reads or sets, and why."""

Begin = Callable[[ExchangeConnection, IncomingMessage, RequestHead], FastExchange | None]


def missing_names() -> list[str]:
    """Return the private names that the installed aiohttp does not have."""
    return [name for name in PRIVATE if not hasattr(RequestHandler, name)]


class FastConnection(Connection):
    """A connection that offers each repeated request to the fast path first."""

    __slots__ = ("_begin_exchange", "_exchange", "_handed_over", "_heads", "_last_ended")

    def __init__(
        self,
        http_server: HttpServer,
        heads: RequestHeadCache,
        begin: Begin,
        *,
        loop: asyncio.AbstractEventLoop,
        **options: Any,
    ) -> None:
        super().__init__(http_server, loop=loop, **options)
        self._heads = heads
        self._begin_exchange = begin
        self._exchange: FastExchange | None = None  # the request that is on the fast path
        self._handed_over: IncomingMessage | None = None  # the request that aiohttp goes on with
        self._last_ended = True  # what came last ended as a head does

    @property
    def on_fast_path(self) -> bool:
        """True while a request of this connection is on the fast path."""
        return self._exchange is not None

    def data_received(self, data: bytes) -> None:
        """Serve a repeated request on the fast path; let aiohttp parse anything else, and learn its head."""
        if self._exchange is not None:
            self._hold(data)
            self._exchange.leave()  # read on: a visitor who leaves has to be noticed
            return
        waiter, ended = self._waiter, data.endswith(END)
        whole = (  # aiohttp waits for a request, nothing of one has come, and here is the end of one
            ended
            and self._last_ended  # else the beginning of a head may have come behind the last request
            and waiter is not None
            and not waiter.done()  # it is done where a request waits or the connection is to close
            and not (self._head_began is not None or self._upgraded or self._buffer_paused)
        )
        if whole and self._begin(data):
            return
        if data:
            self._last_ended = ended
        super().data_received(data)
        if whole and len(self._messages) == 1 and self._messages[0][1] is EMPTY_PAYLOAD:
            message = self._messages[0][0]
            if not hasattr(message, "exc"):  # the parser refused it
                self._heads.learn(data, message)

    def _begin(self, data: bytes) -> bool:
        if self.pinned or len(data) > self.allowance.head_size:
            return False
        found = self._heads.find(data)
        if found is None:
            return False
        head, target, news = found
        message = head.message(target, self, news)
        exchange = self._begin_exchange(self, message, head)
        if exchange is None:
            return False
        self.handles(message, NO_BODY)
        self._exchange = exchange
        return True

    def send_whole(self, message: IncomingMessage, response: Response, head: bytes, body: bytes) -> None:
        """Send the whole response to the request on the fast path, and take what came behind it."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.writelines((head, body) if body else (head,))
        if self.writing_paused or not response.keep_alive:

            async def ending() -> Response:
                if self.writing_paused:
                    await self.drained(self.allowance.idle_write)
                return response

            self.hand_over(message, ending)
            return
        self._exchange = None
        self.ends(lasts=True)

    def hand_over(self, message: IncomingMessage, go_on: Callable[[], Awaitable[Response]]) -> None:
        """Let aiohttp's task go on with the request on the fast path."""

        async def going_on() -> Response:
            message.go_on = None
            self._exchange = None
            return await go_on()

        message.go_on = going_on
        self._handed_over = message
        self._messages.append((ERROR, EMPTY_PAYLOAD))  # `incoming` puts the request in its place
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def incoming(self, message: Any, payload: StreamReader) -> IncomingMessage:
        """Return the request that aiohttp parsed, or the one that was handed over."""
        handed_over, self._handed_over = self._handed_over, None
        return handed_over or super().incoming(message, payload)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the request on the fast path, whose visitor has left."""
        exchange, self._exchange = self._exchange, None
        super().connection_lost(exc)
        if exchange is not None:
            exchange.give_up()
