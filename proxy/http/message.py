"""A visitor's request as the parser leaves it: raw bytes, its body as it comes, and the way back.

Nothing is decoded or quoted. `http/request.py` has the other request: what a visitor asks for, read from
this one and the trusted proxies, without a connection, so that rules and pages can be tested with it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import ClientConnectionResetError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestPayloadError

from proxy.errors import BadRequest
from proxy.filter.headers.fields import Headers
from proxy.http.half_close import CONTINUE, HalfClosed
from proxy.http.header_names import fields_of
from proxy.http.request_limits import RequestLimits
from proxy.http.response import Response
from proxy.http.upstream.pinning import Pinned

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader


class Draining(Protocol):
    """The server of a connection, as far as a request asks it."""

    draining: bool


class VisitorConnection(Protocol):
    """What a request, and whoever responds to it, may ask of the visitor's connection (connection.py)."""

    allowance: RequestLimits
    peer: str
    secure: bool
    pinned: Pinned
    tunnels: bool
    half_closed: HalfClosed | None

    @property
    def is_last(self) -> bool:
        """True when no request can follow this one."""

    @property
    def http_server(self) -> Draining:
        """The server that accepted it."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """The socket, None once it is lost."""

    @property
    def writing_paused(self) -> bool:
        """True while the visitor does not read."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop it lives in."""

    async def drained(self, idle: float) -> None:
        """Wait until the visitor has read."""

    def set_parser(self, parser: Any) -> None:
        """Hand what the visitor sends from now on to a tunnel."""

    def close_in_time(self) -> None:
        """See to it that closing does not wait for ever for the visitor to read."""


class IncomingMessage:
    """One request. `method`, `target`, `headers` are bytes as they came."""

    __slots__ = (
        "_expects", "_lasts", "_payload", "allowance", "fields", "go_on", "headers", "length",
        "method", "news", "protocol", "started", "target", "upgrade", "version",
    )  # fmt: skip

    def __init__(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: VisitorConnection,
    ) -> None:
        self._payload = payload
        self._expects = b""
        self.protocol = protocol
        self.allowance = protocol.allowance
        self.started = False  # a response is on its way
        self.headers: Headers = list(message.raw_headers)
        self.length: int | None = None  # the body's, when it was declared
        self.news: tuple[bytes, ...] = ()  # values of a head that came before but for these
        self.upgrade = b""  # what the visitor wants to switch to, in lower case
        self.go_on: Callable[[], Awaitable[Response]] | None = None  # the rest of what the fast path began
        self.fields = fields_of(self.headers)
        self._lasts = not message.should_close
        self.method = message.method.encode()
        self.target = message.path.encode("utf-8", "surrogateescape")
        self.version = (message.version.major, message.version.minor)

    @classmethod
    def unread(cls, protocol: VisitorConnection) -> IncomingMessage:
        """Return a GET of nothing: what stands for a request of which no head was read."""
        self = cls.__new__(cls)
        self._payload = EMPTY_PAYLOAD
        self._expects = self.upgrade = b""
        self.protocol = protocol
        self.allowance = protocol.allowance
        self.started = False
        self.length = self.go_on = None
        self.news = ()
        self.headers, self.fields = [], {}
        self._lasts = True
        self.method = b"GET"
        self.target = b"/"
        self.version = (1, 1)
        return self

    # -- what it is --------------------------------------------------------------------------------------

    @property
    def has_body(self) -> bool:
        """True when bytes follow the head, or may."""
        payload = self._payload
        return payload is not EMPTY_PAYLOAD and (not payload.is_eof() or payload.total_bytes > 0)

    @property
    def is_whole(self) -> bool:
        """True when all of its body is here."""
        return self._payload is EMPTY_PAYLOAD or self._payload.is_eof()

    @property
    def expects_continue(self) -> bool:
        """True when the visitor waits for somebody to ask for the body (RFC 9110 section 10.1.1)."""
        return bool(self._expects) and self.version == (1, 1) and not self.is_whole

    @property
    def peer(self) -> str:
        """Return the address at the other end of the connection."""
        return self.protocol.peer

    @property
    def secure(self) -> bool:
        """True when the connection is TLS."""
        return self.protocol.secure

    @property
    def keep_alive(self) -> bool:
        """True when the visitor may send another request on this connection.

        Not behind a body that is not read: it would be taken for the next request.
        """
        protocol = self.protocol
        through = self._payload is EMPTY_PAYLOAD or self._payload.is_eof()
        return self._lasts and through and not protocol.http_server.draining and not protocol.is_last

    def check(self) -> None:
        """Raise BadRequest for what no server behind us should have to interpret."""
        if self.version not in ((1, 1), (1, 0)):
            raise BadRequest("we speak HTTP/1.1", 505)
        if self.method.upper() in (b"CONNECT", b"TRACE"):  # some servers read methods in any case
            raise BadRequest("no such method here", 501)
        if self._head_size() > self.allowance.head_size:
            raise BadRequest("the request head is too large", 431)
        fields = self.fields
        if upgrade := fields.get(b"upgrade"):
            self.upgrade = upgrade[-1].lower()
        if expects := fields.get(b"expect"):
            self._expects = expects[-1].lower()
            if self._expects not in (b"", b"100-continue"):
                raise BadRequest("no such expectation can be met", 417)
        if lengths := fields.get(b"content-length"):
            self.length = int(lengths[-1])
        if (codings := fields.get(b"transfer-encoding")) and (
            lengths or self.version == (1, 0) or [coding.lower() for coding in codings] != [b"chunked"]
        ):
            raise BadRequest("the only transfer coding here is one 'chunked', without Content-Length", 400)
        if self.length is not None and self.allowance.body is not None and self.length > self.allowance.body:
            raise BadRequest("the request body is too large", 413)

    def _head_size(self) -> int:
        """Return the bytes of its head on the wire, but for blanks around values."""
        fields = sum([len(name) + len(value) + 4 for name, value in self.headers])
        return len(self.method) + len(self.target) + 14 + fields

    # -- its body ----------------------------------------------------------------------------------------

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; BadRequest when it is malformed, late (408) or too large (413).

        Who reads it for an upstream that the visitor's expectation is passed on to calls `ask_for_body` when
        the upstream does.
        """
        taken, cap = 0, self.allowance.body
        while True:
            try:
                async with asyncio.timeout(self.allowance.idle_body):
                    piece = await self._payload.readany()
            except TimeoutError:
                raise BadRequest("the request body stopped", 408) from None
            except (RequestPayloadError, HttpProcessingError) as error:
                raise BadRequest(f"the request body is malformed: {error}") from None
            if not piece:
                return
            taken += len(piece)
            if cap is not None and taken > cap:
                raise BadRequest("the request body is too large", 413)
            yield piece

    async def whole_body(self, most: int) -> bytes:
        """Return all of the body, for forms of our own; BadRequest (413) beyond `most` bytes."""
        if self.length is not None and self.length > most:
            raise BadRequest("the form is too large", 413)
        pieces, size = [], 0
        self.ask_for_body()
        async for piece in self.body():
            size += len(piece)
            if size > most:
                raise BadRequest("the form is too large", 413)
            pieces.append(piece)
        return b"".join(pieces)

    def fail_body(self, error: BaseException) -> None:
        """Let whoever reads the body get this error."""
        if not self._payload.is_eof():
            self._payload.set_exception(error)

    def ask_for_body(self) -> None:
        """Tell a visitor who waits for it that the body is wanted."""
        # web.Server never does (web.Application would), and curl waits a second for it
        if self.expects_continue and not self.started:
            self._expects = b""
            transport = self.protocol.transport
            if transport is not None:
                transport.write(CONTINUE)

    # -- the way back ------------------------------------------------------------------------------------

    async def send(self, piece: bytes) -> None:
        """Write bytes; wait while the visitor does not read, but not for ever."""
        protocol = self.protocol
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("the visitor has gone")
        transport.write(piece)  # not by aiohttp's StreamWriter: heads and framing are ours (response.py)
        if protocol.half_closed is not None:
            protocol.half_closed.wrote()
        if protocol.writing_paused:
            await protocol.drained(self.allowance.idle_write)

    def cut(self, *, visibly: bool = False) -> None:
        """End the connection in mid-response; `visibly`: with a RST, where a clean end would look whole."""
        transport = self.protocol.transport
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        if visibly and sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class AiohttpRequest(web.BaseRequest):
    """The request as aiohttp's own code handles it; all else uses `incoming`."""

    def __init__(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: Any,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
        *,
        incoming: IncomingMessage,
    ) -> None:
        super().__init__(message, payload, protocol, writer, task, protocol.loop)
        self.incoming = incoming
