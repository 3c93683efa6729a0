"""A visitor's connection: aiohttp's RequestHandler, with timeouts and refusals of our own.

Only what aiohttp documents or names publicly is used and overridden. Its parser gets one request at a time:
where heads and bodies end is read here, and what comes behind a request waits until that one has been
served (server.py calls `begins` and `ends`).
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
from proxy.http.body_framing import NO_BODY, ChunkedFraming, Framing, SizedFraming
from proxy.http.half_close import HalfClosed
from proxy.http.message import IncomingMessage
from proxy.http.request_limits import RequestLimits
from proxy.http.request_line import split_method
from proxy.http.response import Response
from proxy.http.upstream.pinning import Pinned

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader

END = b"\r\n\r\n"
"""What a head ends with."""

LINGER = 5.0
"""Seconds in which the rest of a head that was refused is read and dropped (nginx lingering_timeout)."""

TAIL = 24
"""Bytes of a head that are kept to find its end, or what it says of chunks, where they are cut."""

MOST_HELD = 65_536
"""Bytes behind a request that are taken while it is being handled; then the visitor is not read."""

_SWITCHES = frozenset({b"websocket", b"tcp"})  # what aiohttp may switch to: what follows is no request


class Server(Protocol):
    """What a connection has to know of the server that accepted it (server.py)."""

    allowance: RequestLimits
    draining: bool
    refuse: Callable[[int, IncomingMessage | None], Response]
    report: Callable[[BaseException], None]


class Connection(RequestHandler):
    """One connection of a visitor, with a timeout and a size limit for a whole head."""

    __slots__ = (
        "_begun",
        "_discards",
        "_exact",
        "_framing",
        "_given",
        "_head_began",
        "_head_size",
        "_head_tail",
        "_held",
        "_idle_since",
        "_line_ended",
        "_line_too_long",
        "_lingers",
        "_method",
        "_says_chunked",
        "_timer",
        "_unread_waiter",
        "allowance",
        "half_closed",
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
        self._says_chunked = False  # its body may be in chunks
        self._begun: bytes | None = None  # how it begins, until its method has come
        self._method = b""  # of the next request, where the parser reads another in its place
        self._framing: Framing | None = None  # of the body of the request that is being handled
        self._given = b""  # of its body: what was parsed together with its head
        self._held = b""  # what came behind that request
        self._exact = True  # nothing has been parsed of which it is not known where it ends
        self.half_closed: HalfClosed | None = None  # the visitor will send no more
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._unread_waiter: asyncio.Future[None] | None = None
        self._lingers: asyncio.Transport | None = None  # answered, and read until its visitor has done

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
            waiter.set_result(None)
        self.pinned.end()
        if self.half_closed is not None:
            self.half_closed.end()

    # -- what comes --------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Let aiohttp parse what came of the request that is next, or of the body that is being read."""
        if self._lingers is not None:
            return
        if not data or self._discards or self.transport is None:
            super().data_received(data)
        elif self.request is not None:
            self._take_body(data)
        elif self.head_ended:
            self._hold(data)
        else:
            self._take_head(data)

    def _take_head(self, data: bytes) -> None:
        """Parse a piece of a head; the first starts its timeout. Hold what comes behind the head."""
        if self._head_began is None:
            self._head_began, self._head_size, self._head_tail = self.loop.time(), 0, b""
            self._line_ended = self._line_too_long = False
            self._begun = b"" if self._exact else None
            self._says_chunked = False
        if not self._head_size:
            data = data.lstrip(b"\r\n")  # blank lines before a request are skipped (RFC 9112 section 2.2)
        piece, behind = self._count_head(data)
        if self._begun is not None:
            piece = self._begun + piece
            found = split_method(piece)
            if found is None:
                self._begun = piece
                return
            self._begun = None
            piece, self._method = found
        if behind and self._says_chunked:
            # at once, so that nobody is asked for a response to what llhttp refuses
            taken = ChunkedFraming().feed(behind)
            self._given, behind = behind[:taken], b"" if taken is None else behind[taken:]
            piece += self._given
        if behind:
            self._hold(behind)
        super().data_received(piece)

    def _count_head(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what is the head's of a piece, and what is not. Refuse a head that is too large already."""
        if not self._line_ended:
            end = data.find(b"\n")
            self._line_ended = end >= 0
            length = self._head_size + (end if end >= 0 else len(data))
            self._line_too_long = length > self.allowance.line
        tail = self._head_tail
        found = tail + data if tail else data
        end = found.find(END)
        self._says_chunked = self._says_chunked or b"transfer-encoding" in found[:end].lower()
        if end >= 0:
            self.head_ended = True
            end += len(END) - len(tail)
            return data[:end], data[end:]
        self._head_size += len(data)
        if self._head_size > self.allowance.head_size:
            self._refuse_head()
        else:
            self._head_tail = found[-TAIL:]
        return data, b""

    def _refuse_head(self) -> None:
        message = IncomingMessage.unread(self)
        error = BadRequest("the request head is too large", 414 if self._line_too_long else 431)
        self.send_response(message, self.refusal(message, error))
        self._linger()

    def _linger(self) -> None:
        """End the connection, but read on for a while: a reset would take the response from the visitor."""
        self._discards, self._head_began = True, None
        transport = self.transport
        if transport is None or transport.is_closing() or not transport.can_write_eof():
            self.force_close()
            return
        self.close()
        transport.write_eof()
        self._lingers, self.transport = transport, None  # aiohttp closes what stands there
        self.loop.call_later(LINGER, self.force_close)

    def _take_body(self, data: bytes) -> None:
        """Parse what belongs to the request that is being handled; hold what comes behind it."""
        framing, request = self._framing, self.request
        if framing is None:
            super().data_received(data)
            return
        taken = 0 if framing.ended else framing.feed(data)
        if taken is None:
            self._framing, self._exact, taken = None, False, len(data)
            assert request is not None
            request.fail_body(BadRequest("the request body is malformed"))
        if taken:
            super().data_received(data[:taken])
        if taken < len(data):
            self._hold(data[taken:])

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > MOST_HELD and self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio asks; aiohttp always says no
        """Keep the connection of a visitor who closed their half until they have their response.

        A browser does that to none that has begun. TLS knows no such thing, and a tunnel ends with it.
        """
        request, transport = self.request, self.transport
        if self.half_closed is not None:
            return True
        if transport is None or self.secure or self.tunnels or self._discards:
            return False
        if request is None:
            if not self.head_ended:
                return False
        elif not self._has_body_whole or (request.started and b"sec-fetch-mode" in request.fields):
            return False
        self.half_closed = HalfClosed(self.loop, transport, self.allowance.idle_write)
        self.half_closed.request = request
        return True

    @property
    def _has_body_whole(self) -> bool:
        return self._framing is not None and self._framing.ended

    @property
    def is_last(self) -> bool:
        """True when no request can follow the one that is being handled."""
        return self.half_closed is not None and not self._held

    def incoming(self, message: RawRequestMessage, payload: StreamReader) -> IncomingMessage:
        """Return the request whose head aiohttp parsed."""
        incoming = IncomingMessage(message, payload, self)
        if self._method:
            incoming.method, self._method = self._method, b""
        return incoming

    def begins(self, message: IncomingMessage) -> None:
        """Note that a request is being handled from now on."""
        followed, self.head_ended = self.head_ended, False
        self._head_began = None
        if message.go_on is not None:
            return
        framing = _framing_of(message) if followed and self._exact else None
        given, self._given = self._given, b""
        if framing is not None and given and framing.feed(given) != len(given):
            framing = None
        self._exact = framing is not None
        self.handles(message, framing)
        held, self._held = self._held, b""
        if held:
            self._take_body(held)
        if self.half_closed is not None and not self._has_body_whole:
            self.force_close()  # the rest of it will never come

    def handles(self, message: IncomingMessage, framing: Framing | None) -> None:
        """Note the request that is being handled, and where its body ends."""
        self.request, self._framing = message, framing
        if self.half_closed is not None:
            self.half_closed.request = message

    def ends(self, *, lasts: bool) -> None:
        """Note that the response has left: the next request may come, where the connection lasts."""
        if not lasts or (self.request is not None and not self.request.is_whole):
            self._discards = True
        self.request = self._framing = None
        self._idle_since = self.loop.time()
        held, self._held = self._held, b""
        if self._discards:
            return
        if held and (transport := self.transport) is not None:
            if len(held) > MOST_HELD:
                transport.resume_reading()
            self.data_received(held)
        self._close_if_last()

    def _close_if_last(self) -> None:
        if self.half_closed is not None and self.request is None and not self.head_ended:
            self.force_close()

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
            if self.transport is None:
                raise ConnectionResetError("the visitor has left")
            if waiter.done():
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
        self.ends(lasts=False)
        if status == 400:
            self._linger()
        return response

    def force_close(self) -> None:
        """Close; what a visitor does not take in time is given up."""
        self.close_in_time()
        super().force_close()
        if self._lingers is not None:
            self._lingers.close()

    def close_in_time(self) -> None:
        """See to it that a closing connection does not wait for ever for its visitor to read."""
        transport = self.transport
        if transport is not None and not transport.is_closing() and transport.get_write_buffer_size():
            self.loop.call_later(self.allowance.idle_write, _abort_if_stuck, transport)


def _framing_of(message: IncomingMessage) -> Framing | None:
    """Return where a request's body ends; None where what follows may be no request."""
    fields = message.fields
    if any(value.lower() in _SWITCHES for value in fields.get(b"upgrade", ())):
        return None
    if b"transfer-encoding" in fields:
        return ChunkedFraming()
    lengths = fields.get(b"content-length")
    if lengths is None:
        return NO_BODY
    return SizedFraming(int(lengths[-1])) if lengths[-1].isdigit() else None


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
