"""A request to an upstream and its response, without IO.

The request is written as it was received; the response is read strictly. Ambiguous framing is refused with
an UpstreamError, because another parser before or behind the proxy could read it differently.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from proxy.errors import BadRequest, UpstreamError
from proxy.filter.headers.fields import Headers, list_of, without
from proxy.http.header_names import Fields
from proxy.http.upstream.health import UpstreamHealth
from proxy.http.upstream.pinning import Pinned, signs_in


@dataclass(frozen=True, slots=True)
class Framing:
    """How the body of a response ends, and whether its connection persists."""

    persistent: bool
    until_eof: bool
    endless: bool  # text/event-stream: no idle timeout


framing_of = lru_cache(maxsize=8)(Framing)
"""Cached: there are eight combinations."""

_KEPT = [b"keep-alive"]


def is_endless(content_type: bytes) -> bool:
    """True for an event stream (WHATWG HTML 9.2.5), which lasts as long as its connection."""
    if content_type[:17].lower() != b"text/event-stream":  # values have no blanks around them
        return False
    return content_type.partition(b";")[0].strip().lower() == b"text/event-stream"


def persists(values: list[bytes] | None, version: str) -> bool:
    """True when the connection may carry another exchange."""
    if values is None or values == _KEPT:
        return values is not None or version == "1.1"
    options = {option.strip() for option in b",".join(values).lower().split(b",")}
    return b"close" not in options if version == "1.1" else b"keep-alive" in options


# RFC 9110 section 9.2.2, without the ones that a browser form can cause by accident
REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_HOP_BY_HOP = frozenset({b"transfer-encoding", b"connection", b"keep-alive", b"upgrade", b"te", b"trailer"})
_CHECKED_LENGTHS = frozenset(
    {2, 7, 10, 13, 14, 17}
)  # the lengths of these, of authorization, of content-length
LONGEST_LENGTH = 18
"""Digits of a Content-Length: longer ones overflow in other parsers."""

_UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket")
_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


@dataclass(slots=True)
class UpstreamRequest:
    """A request to an upstream: target and headers are sent byte for byte, framing fields made anew.

    `body` is None, bytes, or an iterator (chunked unless there is a Content-Length). `first_byte` overrides
    the timeout for the response head, in seconds. `upgrade` requests a WebSocket. `pinned` are the pinned
    connections of the visitor's connection, `visitor` is their address.
    """

    method: bytes
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | bytes | None = None
    first_byte: float | None = None
    upgrade: bool = False
    length: int | None = None  # set by request_head from Content-Length
    raw: bytes = b""  # the head as bytes, where it is already encoded
    pinned: Pinned | None = None
    visitor: str = ""
    observed: bool = False  # nothing of the response is refused that a browser would read
    on_continue: Callable[[], None] | None = None  # `Expect: 100-continue`: called when the upstream says 100
    signs_in: bool = False  # set by request_head: NTLM or Negotiate credentials

    @property
    def may_repeat(self) -> bool:
        """True if it is safe to send twice."""
        return self.body is None and self.method in REPEATABLE

    @property
    def needs_fresh(self) -> bool:
        """True if it needs a connection that was used just now, because it cannot be sent again."""
        return self.body is not None or self.method not in SAFE or self.upgrade


def request_head(request: UpstreamRequest) -> bytes:
    """Return the request head as bytes; BadRequest if a value contains a line break."""
    lines, length = _lines(request)
    body = request.body
    if length is None and body is not None:
        if isinstance(body, bytes):
            lines.append(b"Content-Length: %d" % len(body))
        else:
            lines.append(b"Transfer-Encoding: chunked")
    if request.upgrade:
        lines += _UPGRADE
    if request.on_continue is not None:
        lines.append(b"Expect: 100-continue")
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
        if len(name) in _CHECKED_LENGTHS:
            lower = name.lower()
            if lower in _HOP_BY_HOP:
                continue
            if lower == b"content-length":
                length = int(value)
            elif lower == b"authorization" and signs_in((value,)):
                request.signs_in = True
        lines.append(b"%b: %b" % (name, value))
    return lines, length


def _accept(headers: Headers) -> bytes:
    """Return the expected Sec-WebSocket-Accept, empty without a key."""
    keys = [value for name, value in headers if name.lower() == b"sec-websocket-key"]
    if len(keys) != 1:
        return b""
    return base64.b64encode(hashlib.sha1(keys[0] + _WEBSOCKET, usedforsecurity=False).digest())


class Carrier(Protocol):
    """The connection of a response, as the response uses it."""

    def fail(self, error: Exception) -> None:
        """End the exchange with this error, and close the connection."""

    def write(self, piece: bytes) -> bool:
        """Send bytes of a WebSocket; False while the write buffer is full."""

    def close(self) -> None:
        """Close a WebSocket's connection once everything is written."""

    def resume(self) -> None:
        """Resume reading: the buffered bytes have been taken."""


class CarryingPool(Protocol):
    """The pool of that connection."""

    health: UpstreamHealth


class BodyFraming(NamedTuple):
    """How a body comes, as its head says."""

    framing: Framing
    chunked: bool
    length: int | None  # None: until its connection ends, or in chunks


def _leave_out(name: bytes, headers: Headers, fields: Fields) -> None:
    """Take a field away from both."""
    headers[:] = without(headers, (name,))
    fields.pop(name, None)


class UpstreamResponse:
    """An upstream's response: `head` waits for status and headers, `read` for the body."""

    __slots__ = (
        "_error",
        "_loop",
        "_pieces",
        "_spoilt",
        "_waiter",
        "accept",
        "bodiless",
        "buffered",
        "complete",
        "connection",
        "fields",
        "headed",
        "headers",
        "may_be_plain",
        "method",
        "observed",
        "on_continue",
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
        self.observed = request.observed
        self.may_be_plain = False  # HTTP/1.0 that says chunked: where it is not, it lasts until the end
        self._spoilt = False  # its framing was in doubt
        self.accept = _accept(request.headers) if request.upgrade else b""
        self.on_continue = request.on_continue
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

    # -- for the reader ----------------------------------------------------------------------------------

    def arrived(self) -> tuple[bytes, bool]:
        """Return the body bytes received so far, and whether the body is complete. Never waits."""
        return self._taken(), self.complete

    def whole(self) -> bytes:
        """Return the whole body of a complete response of which nothing was read yet."""
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def is_through(self) -> bool:
        """True when everything has been read."""
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
        """Discard the response; closes its connection unless the response was complete."""
        if not self.complete and self.connection is not None:
            self.connection.fail(UpstreamError("given up"))

    def send(self, piece: bytes) -> bool:
        """Send bytes of a WebSocket; False while the write buffer is full, until `on_writable` is called."""
        return self.connection is None or self.connection.write(piece)

    def hang_up(self) -> None:
        """Close a WebSocket's connection after what was sent."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    async def head(self) -> None:
        """Wait until status and headers have arrived."""
        while not self.headed:
            if self._error is not None:
                raise self._error
            waiter = self._waiter = self._loop.create_future()  # as _wait, without another coroutine
            try:
                await waiter
            finally:
                self._waiter = None

    # -- for the connection ------------------------------------------------------------------------------

    def read_head(
        self,
        status: int,
        reason: bytes,
        headers: Headers,
        fields: Fields,
        version: str,
        *,
        sure: bool = True,
    ) -> BodyFraming:
        """Set status and headers; UpstreamError if their framing is ambiguous."""
        self._spoilt = self._spoilt or not sure
        if status == 101:
            return BodyFraming(self._switched(reason, headers, fields), chunked=False, length=None)
        chunked = b"transfer-encoding" in fields and self._is_chunked(headers, fields)
        length = None if chunked else self._length(headers, fields)
        self.status, self.reason, self.headers, self.fields = status, reason, headers, fields
        self.headed = True
        self.bodiless = self.method == b"HEAD"
        self.may_be_plain = chunked and version == "1.0"
        until_eof = not (length is not None or chunked or self.bodiless or status in (204, 304))
        kinds = fields.get(b"content-type")
        endless = kinds is not None and is_endless(kinds[-1])
        persistent = not (until_eof or endless or self.may_be_plain or self._spoilt)
        persistent = persistent and persists(fields.get(b"connection"), version)
        return BodyFraming(framing_of(persistent, until_eof, endless), chunked=chunked, length=length)

    def _is_chunked(self, headers: Headers, fields: Fields) -> bool:
        """Return whether the body comes in chunks; a Transfer-Encoding that says nothing is taken away."""
        codings = list_of([value.lower() for value in fields[b"transfer-encoding"]])
        if codings == [b"chunked"] and b"content-length" not in fields:
            return True
        if codings and not set(codings) - {b"identity"}:
            _leave_out(b"transfer-encoding", headers, fields)
            return False
        if not self.observed:
            raise UpstreamError("its response has a Transfer-Encoding other than one 'chunked'")
        self._spoilt = True  # browsers read it as follows, others may not: nothing more on this connection
        if codings[-1:] == [b"chunked"]:
            _leave_out(b"content-length", headers, fields)
            return True
        if codings:
            _leave_out(b"content-length", headers, fields)
        _leave_out(b"transfer-encoding", headers, fields)
        return False

    def _length(self, headers: Headers, fields: Fields) -> int | None:
        """Return what Content-Length says; said twice alike, it is once (RFC 9110 8.6)."""
        lengths = fields.get(b"content-length")
        if lengths is None:
            return None
        if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > LONGEST_LENGTH:
            parts = [part.strip(b" \t") for value in lengths for part in value.split(b",")]
            if len(set(parts)) > 1:
                raise UpstreamError("its response has several different lengths")
            _leave_out(b"content-length", headers, fields)
            if self.observed and not (parts[0].isdigit() and len(parts[0]) <= LONGEST_LENGTH):
                self._spoilt = True  # browsers take it for none, and read to the end
                return None
            headers.append((b"Content-Length", parts[0]))
            fields[b"content-length"] = lengths = parts[:1]
        if not lengths[0].isdigit() or len(lengths[0]) > LONGEST_LENGTH:  # RFC 9112 6.3: 502 by a proxy
            raise UpstreamError("its Content-Length is no length")
        return int(lengths[0])

    def _switched(self, reason: bytes, headers: Headers, fields: Fields) -> Framing:
        options = list_of([value.lower() for value in fields.get(b"connection", ())])
        proven = self.accept and fields.get(b"sec-websocket-accept") == [self.accept]
        if not proven or b"upgrade" not in fields or b"upgrade" not in options:
            raise UpstreamError("it switched protocols unasked")
        self.status, self.reason, self.headers, self.fields = 101, reason, headers, fields
        self.headed = True
        return Framing(persistent=False, until_eof=True, endless=True)

    def take(self, piece: bytes) -> None:
        """Buffer a piece of the body; the connection wakes the reader once per read."""
        self._pieces.append(piece)
        self.buffered += len(piece)

    def wake(self) -> None:
        """Wake the reader."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        elif self.on_here is not None:
            self.on_here()

    def end(self, error: Exception | None) -> None:
        """Mark the response as complete, or as failed with an error. The first call counts."""
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
