"""One request to an upstream and its reply, as bytes: nothing here opens a socket.

The request is written as it was received; the reply is read strictly. What is ambiguous is refused with an
UpstreamError, because another parser behind or before us could read it differently.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from proxy.errors import BadRequest, UpstreamError
from proxy.filter.headers.fields import Headers
from proxy.http.header_names import Fields
from proxy.http.upstream.framing import Framing, framing_of, is_endless, persists
from proxy.http.upstream.health import UpstreamHealth
from proxy.http.upstream.pinning import Pinned, signs_in

# RFC 9110 section 9.2.2, without the ones that a browser form can cause by accident
REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_OURS = frozenset({b"transfer-encoding", b"connection", b"keep-alive", b"upgrade", b"te", b"trailer"})
_LOOKED_AT = frozenset({2, 7, 10, 13, 14, 17})  # the lengths of these, of authorization, of content-length
_UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket")
_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


@dataclass(slots=True)
class UpstreamRequest:
    """What is sent: target and headers go out byte for byte; framing fields are the connection's own.

    `body` is None, all of it, or its pieces as they come (chunked unless there is a Content-Length).
    `first_byte` overrides the deadline for the whole answer head, in seconds. `upgrade` asks for a WebSocket.
    `pinned` are the connections of whoever asks, `visitor` their address; without, none is pinned.
    """

    method: bytes
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | bytes | None = None
    first_byte: float | None = None
    upgrade: bool = False
    length: int | None = None  # set by request_head from Content-Length
    raw: bytes = b""  # the whole head, where it is made already
    pinned: Pinned | None = None
    visitor: str = ""
    signs_in: bool = False  # set by request_head: its credentials are about the connection

    @property
    def may_repeat(self) -> bool:
        """True when sending it twice does what sending it once does."""
        return self.body is None and self.method in REPEATABLE

    @property
    def needs_fresh(self) -> bool:
        """True when it must not meet a connection that may just be closing: it could not be sent again."""
        return self.body is not None or self.method not in SAFE or self.upgrade


def request_head(request: UpstreamRequest) -> bytes:
    """Return the head as bytes; BadRequest when a value would change the number of lines."""
    lines, length = _lines(request)
    body = request.body
    if length is None and body is not None:
        if isinstance(body, bytes):
            lines.append(b"Content-Length: %d" % len(body))
        else:
            lines.append(b"Transfer-Encoding: chunked")
    if request.upgrade:
        lines += _UPGRADE
    request.length = length
    if length and (body is None or (isinstance(body, bytes) and len(body) != length)):
        raise BadRequest("the request has a Content-Length and no such body")
    count = len(lines)
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    # One pass over everything instead of one check per value: a line more, or a field split in two, shows.
    if head.count(b"\n") != count + 1 or head.count(b"\r") != count + 1 or b"\0" in head:
        raise BadRequest("the request holds a line break or a NUL where none may be")
    if lines[0].count(b" ") != 2:
        raise BadRequest("the request line holds a blank where none may be")
    return head


def _lines(request: UpstreamRequest) -> tuple[list[bytes], int | None]:
    lines = [b"%b %b HTTP/1.1" % (request.method, request.target)]
    length: int | None = None
    for name, value in request.headers:
        if len(name) in _LOOKED_AT:
            lower = name.lower()
            if lower in _OURS:
                continue
            if lower == b"content-length":
                length = int(value)
            elif lower == b"authorization" and signs_in((value,)):
                request.signs_in = True
        lines.append(b"%b: %b" % (name, value))
    return lines, length


def _accept(headers: Headers) -> bytes:
    """Return the proof that an upstream has read this WebSocket handshake, nothing without a key."""
    keys = [value for name, value in headers if name.lower() == b"sec-websocket-key"]
    if len(keys) != 1:
        return b""
    return base64.b64encode(hashlib.sha1(keys[0] + _WEBSOCKET, usedforsecurity=False).digest())


class Carrier(Protocol):
    """The connection that carries a response, as far as its reader asks it."""

    def fail(self, error: Exception) -> None:
        """Let the exchange end with this error, and the connection with it."""

    def write(self, piece: bytes) -> bool:
        """Send bytes up a tunnel; False when the upstream does not keep up."""

    def close(self) -> None:
        """End a tunnel once what was written has gone."""

    def resume(self) -> None:
        """Read on: the visitor has taken what was buffered."""


class CarryingPool(Protocol):
    """The pool of that connection."""

    health: UpstreamHealth


class UpstreamResponse:
    """An upstream's answer: the head is complete, the body comes as it is read."""

    __slots__ = (
        "_error",
        "_loop",
        "_pieces",
        "_waiter",
        "accept",
        "bodiless",
        "buffered",
        "complete",
        "connection",
        "fields",
        "headed",
        "headers",
        "method",
        "on_here",
        "on_writable",
        "pool",
        "reason",
        "reused",
        "status",
        "unanswered",
    )  # fmt: skip

    def __init__(
        self,
        request: UpstreamRequest,
        loop: asyncio.AbstractEventLoop | None = None,
        pool: CarryingPool | None = None,
    ) -> None:
        self._loop = loop or asyncio.get_running_loop()  # to ask costs a system call before Python 3.12
        self.method = request.method
        self.accept = _accept(request.headers) if request.upgrade else b""
        self.on_here: Callable[[], None] | None = None  # called when head or end has come and nobody waits
        self.on_writable: Callable[[], None] | None = None  # called when a tunnel takes bytes again
        self.status = 0
        self.reason = b""
        self.headers: Headers = []
        self.fields: Fields = {}  # the same by name
        self.headed = False
        self.bodiless = False
        self.buffered = 0
        self.reused = False  # the connection had carried an exchange before
        self.unanswered = False  # and died before a byte of this one
        self.pool = pool  # whose connection carries it
        self.connection: Carrier | None = None
        self._pieces: list[bytes] = []
        self.complete = False  # all of it has arrived
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    # -- for the relay -----------------------------------------------------------------------------------

    def arrived(self) -> tuple[bytes, bool]:
        """Return the body bytes that are here now, and whether they are all of it. Never waits."""
        return self._taken(), self.complete

    def whole(self) -> bytes:
        """Return the body where all of it has arrived and nothing was read yet."""
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def is_through(self) -> bool:
        """True when nothing of it is left to be read."""
        return self.complete and not self._pieces

    async def read(self) -> bytes:
        """Return the next bytes, b"" at the end; UpstreamError when the body was cut or late."""
        while not self._pieces:
            if self.complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait()
        return self._taken()

    def abort(self) -> None:
        """Give up on the answer; its connection ends unless the answer was complete."""
        if not self.complete and self.connection is not None:
            self.connection.fail(UpstreamError("given up"))

    def send(self, piece: bytes) -> bool:
        """Send bytes up a WebSocket; False when the upstream is behind, until `on_writable` is called."""
        return self.connection is None or self.connection.write(piece)

    def hang_up(self) -> None:
        """End a WebSocket's connection after what was sent."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    async def head(self) -> None:
        """Wait until status and headers are here."""
        while not self.headed:
            if self._error is not None:
                raise self._error
            waiter = self._waiter = self._loop.create_future()  # as _wait, without another coroutine
            try:
                await waiter
            finally:
                self._waiter = None

    # -- for the wire ------------------------------------------------------------------------------------

    def read_head(
        self, status: int, reason: bytes, headers: Headers, fields: Fields, version: str
    ) -> Framing:
        """Take status and headers; UpstreamError when their framing is not beyond doubt."""
        if version not in ("1.1", "1.0"):
            raise UpstreamError(f"its answer claims to be HTTP/{version}")
        if status == 101:
            return self._switched(reason, headers, fields)
        if not 200 <= status <= 599:
            raise UpstreamError(f"its answer has the status {status}")
        lengths, codings = fields.get(b"content-length", ()), fields.get(b"transfer-encoding", ())
        if codings and (len(codings) > 1 or codings[0].lower() != b"chunked" or version == "1.0" or lengths):
            raise UpstreamError("its answer has a Transfer-Encoding other than one 'chunked'")
        if len(lengths) > 1:
            raise UpstreamError("its answer has several Content-Length fields")
        self.status, self.reason, self.headers, self.fields = status, reason, headers, fields
        self.headed = True
        self.bodiless = self.method == b"HEAD"
        until_eof = not (lengths or codings or self.bodiless or status in (204, 304))
        kinds = fields.get(b"content-type")
        endless = kinds is not None and is_endless(kinds[-1])
        persistent = not (until_eof or endless) and persists(fields.get(b"connection"), version)
        return framing_of(persistent, until_eof, endless)

    def _switched(self, reason: bytes, headers: Headers, fields: Fields) -> Framing:
        if not self.accept or fields.get(b"sec-websocket-accept") != [self.accept]:
            raise UpstreamError("it switched protocols unasked")
        self.status, self.reason, self.headers, self.fields = 101, reason, headers, fields
        self.headed = True
        return Framing(persistent=False, until_eof=True, endless=True)

    def take(self, piece: bytes) -> None:
        """Keep a piece of the body; the wire wakes the reader once per read."""
        self._pieces.append(piece)
        self.buffered += len(piece)

    def wake(self) -> None:
        """Let the reader look again."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        elif self.on_here is not None:
            self.on_here()

    def end(self, error: Exception | None) -> None:
        """Nothing more comes: all of it is here, or this went wrong. The first end counts."""
        if not self.complete and self._error is None:
            self.complete, self._error = error is None, error
        self.connection = None
        if self.on_here is not None:
            self.on_here()
        else:
            self.wake()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _taken(self) -> bytes:
        pieces = self._pieces
        if not pieces:
            return b""
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered = 0
        if self.connection is not None:
            self.connection.resume()
        return taken
