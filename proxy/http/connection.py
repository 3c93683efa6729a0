"""A visitor's connection: aiohttp's RequestHandler, with timeouts and refusals of our own.

Only what aiohttp documents or names publicly is used and overridden. Which request is being handled, when
a head began and how large it is are counted here, from the bytes that come and from where a request begins
and ends (server.py calls `begins` and `ends`).
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiohttp.http_exceptions import BadHttpMethod, LineTooLong
from aiohttp.web_protocol import RequestHandler

from proxy.errors import BadRequest, ProxyError, UpstreamError
from proxy.http.chunked_framing import ChunkedFraming
from proxy.http.message import IncomingMessage
from proxy.http.request_limits import RequestLimits
from proxy.http.response import Response
from proxy.http.upstream.pinning import Pinned

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

END = b"\r\n\r\n"
"""What a head ends with."""


class Server(Protocol):
    """What a connection has to know of the server that accepted it (server.py)."""

    allowance: RequestLimits
    draining: bool
    refuse: Callable[[int, IncomingMessage | None], Response]
    report: Callable[[BaseException], None]


class Connection(RequestHandler):
    """One connection of a visitor, with a timeout and a size limit for a whole head."""

    __slots__ = (
        "_behind_head",
        "_chunks",
        "_discards",
        "_head_began",
        "_head_size",
        "_head_tail",
        "_idle_since",
        "_line_ended",
        "_line_too_long",
        "_timer",
        "_unread_waiter",
        "allowance",
        "head_ended",
        "http_server",
        "loop",
        "peer",
        "pinned",
        "request",
        "secure",
        "tunnels",
    )  # fmt: skip

    def __init__(self, http_server: Server, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(cast("Any", http_server), loop=loop, **options)
        self.http_server = http_server
        self.loop = loop
        self.allowance: RequestLimits = http_server.allowance  # what this connection may take
        self.peer = ""  # the address at its other end
        self.secure = False  # TLS
        self.pinned = Pinned()  # the upstream connections that are this visitor's alone
        self.tunnels = False  # a WebSocket: nothing to wait for when the program ends
        self.request: IncomingMessage | None = None  # the one that is being handled
        self.head_ended = False  # a whole head has come, its request begins in the loop's next turn
        self._head_began: float | None = None
        self._head_size = 0  # bytes of that head so far
        self._head_tail = b""  # its last bytes, where its end may be cut
        self._discards = False  # what comes is the rest of a body that nobody reads: no request follows it
        self._line_ended = self._line_too_long = False  # its request line
        self._behind_head = b""  # what came behind it before its request began
        self._chunks: ChunkedFraming | None = None  # of the body that is being read
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._unread_waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who is at the other end, and start the timer of heads and idle connections."""
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if isinstance(name, tuple) else ""
        self.secure = transport.get_extra_info("sslcontext") is not None
        self._idle_since = self.loop.time()
        self._check_timeouts()
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what waited for the visitor, and the upstream connections that were theirs alone."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
        waiter = self._unread_waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(ConnectionResetError("the visitor has left"))
        self.pinned.end()

    # -- what comes --------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Let aiohttp parse what came; count the bytes of a head, check the framing of a chunked body."""
        if self.request is None:
            if data and self.transport is not None and not self._discards:
                self._count_head(data)
        elif self._chunks is not None:
            self._check_chunks(data)
        super().data_received(data)

    def _count_head(self, data: bytes) -> None:
        """Note a piece of a head; the first starts its timeout. Refuse one that is too large already."""
        if self.head_ended:
            self._behind_head += data
            return
        if self._head_began is None:
            self._head_began, self._head_size, self._head_tail = self.loop.time(), 0, b""
            self._line_ended = self._line_too_long = False
        if not self._head_size:
            data = data.lstrip(b"\r\n")  # blank lines before a request are skipped (RFC 9112 section 2.2)
        if not self._line_ended:
            end = data.find(b"\n")
            self._line_ended = end >= 0
            length = self._head_size + (end if end >= 0 else len(data))
            self._line_too_long = length > self.allowance.line
        self._head_size += len(data)
        found = self._head_tail + data if self._head_tail else data
        end = found.find(END)
        if end >= 0:
            self.head_ended = True
            if len(found) > end + len(END):
                self._behind_head = found[end + len(END) :]
        elif self._head_size > self.allowance.head_size:
            self._refuse_head()
        else:
            self._head_tail = found[1 - len(END) :]

    def _refuse_head(self) -> None:
        message = IncomingMessage.unread(self)
        error = BadRequest("the request head is too large", 414 if self._line_too_long else 431)
        self.send_response(message, self.refusal(message, error))
        self.force_close()

    def incoming(self, message: RawRequestMessage, payload: StreamReader) -> IncomingMessage:
        """Return the request whose head aiohttp parsed."""
        return IncomingMessage(message, payload, self)

    def begins(self, message: IncomingMessage) -> None:
        """Note that a request is being handled from now on."""
        behind, self._behind_head = self._behind_head, b""
        followed, self.head_ended = self.head_ended, False
        self._head_began = None
        self.request = message
        if followed and message.is_chunked:  # of one that came behind another, its beginning is not known
            self._chunks = ChunkedFraming()
            self._check_chunks(behind)

    def _check_chunks(self, data: bytes) -> None:
        assert self._chunks is not None
        if not self._chunks.feed(data):
            self._chunks = None
            if self.request is not None:
                self.request.fail_body(BadRequest("the request body is malformed"))

    def ends(self) -> None:
        """Note that the response has left: the next request may come."""
        if self.request is not None and not self.request.is_whole:
            self._discards = True
        self.request = self._chunks = None
        self._idle_since = self.loop.time()

    # -- timeouts ----------------------------------------------------------------------------------------

    def _check_timeouts(self) -> None:
        """Close where a head or the next request is late. One timer for both: it looks often enough."""
        now, due = self.loop.time(), None
        if self._head_began is not None:
            due = self._head_began + self.allowance.head
        elif self.request is None:
            due = self._idle_since + self.allowance.keepalive
        if due is not None and now >= due:
            self.force_close()
            return
        again = now + min(self.allowance.head, self.allowance.keepalive)
        self._timer = self.loop.call_at(again if due is None else min(again, due), self._check_timeouts)

    def resume_writing(self) -> None:
        """Wake who waits for the visitor to read."""
        super().resume_writing()
        if self._unread_waiter is not None and not self._unread_waiter.done():
            self._unread_waiter.set_result(None)

    async def drained(self, idle: float) -> None:
        """Wait until the visitor has read; end the connection of one who reads nothing, or next to nothing.

        The upstream's connection waits with us: a crowd of such visitors would hold them all.
        """
        began, first = self.loop.time(), self._unread()
        while self.writing_paused:
            waiter = self._unread_waiter = self.loop.create_future()
            before = self._unread()
            try:
                await asyncio.wait((waiter,), timeout=idle)
            finally:
                self._unread_waiter = None
            if waiter.done():
                waiter.result()
                continue
            left, took = self._unread(), self.loop.time() - began
            if left >= before or first - left < self.allowance.slowest * took:
                if self.transport is not None:
                    self.transport.abort()
                raise ConnectionResetError("the visitor stopped reading")

    def _unread(self) -> int:
        """Return the bytes that were written and that the visitor's side has not acknowledged."""
        if self.transport is None:
            return 0
        sock = self.transport.get_extra_info("socket")
        return self.transport.get_write_buffer_size() + _unsent(sock.fileno() if sock is not None else -1)

    # -- refusals and ends -------------------------------------------------------------------------------

    def send_response(self, message: IncomingMessage, response: Response) -> None:
        """Write a whole response without waiting for the visitor to read."""
        head, body = response.beginning(message)
        if self.transport is not None and not self.transport.is_closing():
            self.transport.writelines((head, body) if body else (head,))

    def refusal(self, message: IncomingMessage, error: BaseException) -> Response:
        """Return the response for an error; where one has begun already, cut it and raise."""
        if message.started:
            if not isinstance(error, ProxyError):
                self._report(error)
            message.cut(visibly=True)
            raise ConnectionResetError("a response failed in its middle")
        status = 500
        if isinstance(error, BadRequest | UpstreamError):
            status = error.status
        elif isinstance(error, TimeoutError):
            status = 504
        else:
            self._report(error)
        return self._refused(status, message)

    def _refused(self, status: int, message: IncomingMessage) -> Response:
        response = self.http_server.refuse(status, message if status != 400 else None)
        if status in (400, 408, 413, 414, 431, 501, 505) or status >= 500:
            response.keep_alive = False  # where the next request begins is no longer beyond doubt
        return response

    def _report(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, ConnectionError):  # a visitor who left is no fault
            self.http_server.report(error)

    def handle_error(
        self,
        request: Any,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> Any:
        """Return the refusal for what aiohttp's parser refused (400), sent already."""
        incoming: IncomingMessage = request.incoming
        if status == 400:
            found = _status_of(exc)
            response = self._refused(414 if found == 431 and self._line_too_long else found, incoming)
        else:
            response = self.refusal(incoming, exc or TimeoutError())
        self.send_response(incoming, response)
        self.ends()
        return response

    def force_close(self) -> None:
        """Close; what a visitor does not take in time is given up."""
        self.close_in_time()
        super().force_close()

    def close_in_time(self) -> None:
        """See to it that a closing connection does not wait for ever for its visitor to read."""
        transport = self.transport
        if transport is not None and not transport.is_closing() and transport.get_write_buffer_size():
            self.loop.call_later(self.allowance.idle_write, _abort_if_stuck, transport)


def _abort_if_stuck(transport: asyncio.Transport) -> None:
    if transport.is_closing():
        transport.abort()


def _unsent(descriptor: int) -> int:
    """Return the bytes in a socket's send queue; 0 where the system does not say."""
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0


def _status_of(exc: BaseException | None) -> int:
    if isinstance(exc, LineTooLong):
        return 431
    if isinstance(exc, BadHttpMethod):
        return 501
    return 431 if "Too many headers" in str(exc) else 400
