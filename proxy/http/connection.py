"""A visitor's connection: aiohttp's, with a deadline for a whole head, refusals of our own, and a short way.

What is asked with a head that came before is answered without aiohttp's task where that can be done at once
(short.py); whatever takes longer is handed to the task, which does with it as with any other request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from aiohttp.http_exceptions import BadHttpMethod, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import ERROR, RequestHandler

from proxy.errors import BadRequest, ProxyError, UpstreamError
from proxy.http.message import IncomingMessage, RequestLimits
from proxy.http.request_head_cache import END, RequestHead, RequestHeadCache
from proxy.http.response import Response
from proxy.http.upstream.pinning import Pinned


class SynchronousExchange(Protocol):
    """A request that the fast path has sent, whose response is to come."""

    def go_long(self) -> None:
        """Let the ordinary route go on with it."""

    def give_up(self) -> None:
        """The visitor has left."""


class Server(Protocol):
    """What a connection has to know of the server that accepted it (server.py)."""

    allowance: RequestLimits
    heads: RequestHeadCache
    draining: bool
    begin: Callable[[IncomingMessage, RequestHead], SynchronousExchange | None] | None
    refuse: Callable[[int, IncomingMessage | None], Response]
    report: Callable[[BaseException], None]


class Connection(RequestHandler):
    """A visitor's connection: aiohttp's, with a deadline for a whole head and refusals of our own."""

    __slots__ = (
        "_ended", "_fast", "_head_begun", "_head_size", "_held", "allowance", "http_server", "peer",
        "pinned", "secure", "tunnels",
    )  # fmt: skip

    def __init__(self, http_server: Server, **options: Any) -> None:
        super().__init__(cast("Any", http_server), **options)
        self.http_server = http_server
        self.allowance: RequestLimits = http_server.allowance  # what this connection may take
        self.peer = ""  # the address at its other end
        self.secure = False  # TLS
        self.pinned = Pinned()  # the upstream connections that are this visitor's alone
        self._head_begun = False
        self._head_size = 0  # bytes of that head so far
        self._ended = True  # what came last ended as a head does
        self._fast: SynchronousExchange | None = None  # the request that is on the short way
        self._held = b""  # what came behind it
        self.tunnels = False  # a WebSocket: nothing to wait for when the program ends

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop it lives in."""
        return self._loop

    def data_received(self, data: bytes) -> None:
        """Parse; the first bytes of a head start its deadline, which later bytes do not move."""
        if self._fast is not None:
            self._held += data
            self._fast.go_long()  # not to wait unread: who leaves behind it is to be noticed
            return
        waiter, ended = self._waiter, data.endswith(END)
        whole = (  # the last request is answered, nothing of the next has come, and here is the end of one
            ended
            and self._ended  # else the beginning of a head may have come behind that request
            and waiter is not None
            and not waiter.done()  # it is, where a request waits or the connection is to close
            and not (self._head_begun or self._upgraded or self._buffer_paused)
        )
        if whole and self._goes_short(data):
            return
        if data:
            self._ended = ended
        super().data_received(data)
        waiter = self._waiter
        if waiter is None or waiter.done():
            self._head_begun = False
            if self._messages:
                self._fail_body_before_garbage()
                if whole and len(self._messages) == 1 and self._messages[0][1] is EMPTY_PAYLOAD:
                    self._learn(data)
        elif not self._messages:
            self._count_head(data)

    def _count_head(self, data: bytes) -> None:
        """Take note of a piece of a head that is not complete; refuse one that is too large already."""
        if not self._head_begun:
            self._head_begun, self._head_size = True, 0
            self._close_at(self._loop.time() + self.allowance.head)
        self._head_size += len(data)
        if self._head_size > self.allowance.head_size:

            async def refusing() -> Response:
                raise BadRequest("the request head is too large", 431)

            self.hand_over(IncomingMessage(ERROR, EMPTY_PAYLOAD, self), refusing)
            self._close = True  # what still comes of it is not read

    # -- the short way -----------------------------------------------------------------------------------

    def _goes_short(self, data: bytes) -> bool:
        http_server = self.http_server
        if http_server.begin is None or self.pinned or len(data) > self.allowance.head_size:
            return False
        if (found := http_server.heads.find(data)) is None:
            return False
        head, target, news = found
        message = IncomingMessage.again(head, target, self, news)
        fast_exchange = http_server.begin(message, head)
        if fast_exchange is None:
            return False
        self._current_request = message  # type: ignore[assignment] # it stands in for a BaseRequest
        self._fast = fast_exchange
        return True

    def _learn(self, data: bytes) -> None:
        message = self._messages[0][0]
        if self.http_server.begin is not None and not hasattr(message, "exc"):
            self.http_server.heads.learn(data, message)

    def _let_go(self) -> None:
        """Take what came behind the request that was on the short way."""
        self._fast = None
        if self._held:
            held, self._held = self._held, b""
            self.data_received(held)

    def answered(self, message: IncomingMessage, response: Response, head: bytes, body: bytes) -> None:
        """Send the answer to the request that was on the short way, all of it."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.writelines((head, body) if body else (head,))
        if self._paused or not response.keep_alive:

            async def ending() -> Response:
                if self._paused:
                    await self.drained(self.allowance.idle_write)
                return response

            self.hand_over(message, ending)
            return
        self._current_request = None
        self._next_keepalive_close_time = self._loop.time() + self.allowance.keepalive
        if self._keepalive_handle is None:
            self._close_at(self._next_keepalive_close_time)
        self._fast = None
        if self._held:
            self._let_go()

    def hand_over(self, message: IncomingMessage, go_on: Callable[[], Awaitable[Response]]) -> None:
        """Let the task of this connection go on with the request that was on the short way."""

        async def going_on() -> Response:
            message.go_on = None
            self._let_go()
            return await go_on()

        message.go_on = going_on
        self._messages.append((message, EMPTY_PAYLOAD))  # type: ignore[arg-type] # see Listener._request
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _process_keepalive(self) -> None:
        if self._fast is not None:  # aiohttp sees nobody answering
            self._close_at(self._loop.time() + self.allowance.keepalive)
            return
        super()._process_keepalive()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of who is at the other end."""
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if isinstance(name, tuple) else ""
        self.secure = transport.get_extra_info("sslcontext") is not None
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what the visitor who left was waiting for, and what was theirs alone."""
        fast_exchange, self._fast = self._fast, None
        super().connection_lost(exc)
        if fast_exchange is not None:
            fast_exchange.give_up()
        self.pinned.end()

    # -- deadlines and refusals --------------------------------------------------------------------------

    def _close_at(self, when: float) -> None:
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
        self._next_keepalive_close_time = when
        self._keepalive_handle = self._loop.call_at(when, self._process_keepalive)

    def _fail_body_before_garbage(self) -> None:
        # aiohttp queues a 400 behind the request whose body went wrong, and leaves that body waiting
        request, last = self._current_request, self._messages[-1][0]
        error = getattr(last, "exc", None)
        if error is not None and isinstance(request, IncomingMessage):
            request.fail_body(BadRequest("the request body is malformed"))

    def handle_error(
        self,
        request: Any,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> Any:
        """Return the refusal for what the parser or the handler raised; cut where an answer has begun."""
        if isinstance(request, IncomingMessage) and request.started:
            if not isinstance(exc, ProxyError):
                self._report(exc)
            request.cut(visibly=True)
            raise ConnectionResetError("an answer went wrong in its middle")
        if isinstance(exc, BadRequest | UpstreamError):
            status = exc.status
        elif status == 400:
            status = _status_of(exc)
        else:
            self._report(exc)
        answer = self.http_server.refuse(status, request if status != 400 else None)
        if status in (400, 408, 413, 414, 431, 501, 505) or status >= 500:
            answer.keep_alive = False  # where the next request begins is no longer beyond doubt
        return answer

    def _report(self, exc: BaseException | None) -> None:
        if exc is not None and not isinstance(exc, ConnectionError):  # a visitor who left is nobody's fault
            self.http_server.report(exc)

    async def drained(self, idle: float) -> None:
        """Wait until the visitor has read; end the connection when nothing was taken for so long."""
        waiting = self._loop.create_task(self._drain_helper())
        try:
            while True:
                before = self._buffered()
                done, _ = await asyncio.wait({waiting}, timeout=idle)
                if done:
                    waiting.result()
                    return
                if self._buffered() >= before:
                    if self.transport is not None:
                        self.transport.abort()
                    raise ConnectionResetError("the visitor stopped reading")
        finally:
            waiting.cancel()

    def _buffered(self) -> int:
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def force_close(self) -> None:
        """Close; what a visitor does not take in time is given up."""
        self.close_in_time()
        super().force_close()

    def close_in_time(self) -> None:
        """See to it that a closing connection does not wait for ever for its visitor to read."""
        transport = self.transport
        if transport is not None and not transport.is_closing() and transport.get_write_buffer_size():
            self._loop.call_later(self.allowance.idle_write, _abort_if_stuck, transport)


def _abort_if_stuck(transport: asyncio.Transport) -> None:
    if transport.is_closing():
        transport.abort()


def _status_of(exc: BaseException | None) -> int:
    if isinstance(exc, LineTooLong):
        return 431
    if isinstance(exc, BadHttpMethod):
        return 501
    return 431 if "Too many headers" in str(exc) else 400
