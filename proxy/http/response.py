"""Answers as bytes: one write for the head and what is here of the body, then piece by piece.

Headers go out as they are given, order, case and non-UTF-8 bytes included; only framing is ours
(facts: aiohttp's writer drops lone surrogates and adds Server, Date and Content-Type).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol

from proxy.errors import UpstreamError
from proxy.filter.headers.fields import Headers

_OURS = frozenset({b"transfer-encoding", b"connection", b"keep-alive", b"upgrade"})
_LOOKED_AT = frozenset({7, 10, 14, 17})  # the lengths of these names and of content-length
NOTHING_LOADS = (b"Content-Security-Policy", b"default-src 'none'")
"""For responses of our own that are no pages: in a frame each is a realm that scripts of the site reach."""

_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


class Closing(Protocol):
    """The visitor's connection, as far as a response ends it."""

    def close_in_time(self) -> None:
        """See to it that closing does not wait for ever for the visitor to read."""


class Exchange(Protocol):
    """What a response has to know of the request it is for, and the way back to the visitor."""

    method: bytes
    version: tuple[int, int]
    started: bool

    @property
    def keep_alive(self) -> bool:
        """True when the visitor may send another request on this connection."""

    @property
    def protocol(self) -> Closing:
        """The visitor's connection."""

    async def send(self, piece: bytes) -> None:
        """Write bytes; wait while the visitor does not read."""

    def cut(self, *, visibly: bool = False) -> None:
        """End the connection in the middle of the response."""


class Response:
    """A response. Complete ones are simply returned from the handler.

    A longer one is `prepare`d (head and `first` go out), then `write`s and `finish`es, or is `cut`.
    `first` is what has arrived of the body, `complete` whether that is all of it. Without a Content-Length
    in `headers` it is framed here: by length when complete, else chunked, else by the end (HTTP/1.0).
    """

    __slots__ = (
        "_chunked", "_complete", "_ended", "_first", "_left", "_request", "_was_cut", "bodiless",
        "body_length", "headers", "keep_alive", "reason", "status",
    )  # fmt: skip

    def __init__(
        self,
        status: int,
        headers: Headers,
        first: bytes = b"",
        *,
        complete: bool = True,
        reason: bytes | None = None,
        keep_alive: bool = True,
    ) -> None:
        self.status = status
        self.reason = _PHRASES.get(status, b"") if reason is None else reason
        self.headers = headers
        self.keep_alive = keep_alive
        self.body_length = 0
        self.bodiless = False
        self._first = first
        self._complete = complete
        self._request: Exchange | None = None
        self._chunked = self._ended = self._was_cut = False
        self._left: int | None = None

    async def prepare(self, request: Exchange) -> None:
        """Send the head and what is here of the body, in one write."""
        if self._request is None:
            head, first = self.beginning(request)
            await request.send(head + first if first else head)

    def beginning(self, request: Exchange) -> tuple[bytes, bytes]:
        """Return the head and what is here of the body: whoever asks sends them."""
        self._request = request
        request.started = True
        first, self._first = self._first, b""
        head = self._head(request, first)
        if self.bodiless:
            first = b""
            self._ended = True
        if self._left is not None:
            self._left -= len(first)
            if self._left < 0:
                self._refuse_overrun()
        self.body_length = len(first)
        if self._chunked and first:
            first = b"%x\r\n%b\r\n" % (len(first), first)
        if self._complete:
            self._ended = True
            if self._left:
                self._refuse_shortfall()
        return head, first

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body; waits while the visitor does not read."""
        if not piece or self._ended:
            return
        await self._send(piece, b"%x\r\n%b\r\n" if self._chunked else b"")

    async def finish(self, piece: bytes = b"") -> None:
        """Send the last piece and end the body."""
        if self._ended:
            return
        self._ended = True
        if piece:
            await self._send(piece, b"%x\r\n%b\r\n0\r\n\r\n" if self._chunked else b"")
        elif self._chunked and self._request is not None:
            await self._request.send(b"0\r\n\r\n")
        self._refuse_shortfall()

    def cut(self) -> None:
        """End the connection so that the visitor's browser knows that something is missing."""
        self._was_cut = self._ended = True
        self.keep_alive = False
        if self._request is not None:
            self._request.cut(visibly=not self._chunked and self._left is None)

    async def write_eof(self, _: bytes = b"") -> None:
        """End what the handler left open (aiohttp calls this after it)."""
        if self._was_cut:
            raise ConnectionResetError("the response was cut")
        if not self._ended:
            await self.finish()
        if not self.keep_alive and self._request is not None:
            self._request.protocol.close_in_time()

    # -- inside ------------------------------------------------------------------------------------------

    async def _send(self, piece: bytes, frame: bytes) -> None:
        assert self._request is not None
        self.body_length += len(piece)
        if self._left is not None:
            self._left -= len(piece)
            self._refuse_overrun()
        await self._request.send(frame % (len(piece), piece) if frame else piece)

    def _head(self, request: Exchange, first: bytes) -> bytes:
        self.bodiless = request.method == b"HEAD" or self.status in (204, 304) or 100 <= self.status < 200
        lines, length = self._lines()
        if self.bodiless:
            if length is None and first and request.method == b"HEAD":
                lines.append(b"Content-Length: %d" % len(first))
        elif length is not None:
            self._left = int(length)
        elif self._complete:
            lines.append(b"Content-Length: %d" % len(first))
        elif request.version == (1, 1):
            self._chunked = True
            lines.append(b"Transfer-Encoding: chunked")
        else:
            self.keep_alive = False
        self._say_whether_it_lasts(request, lines)
        count = len(lines)
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if head.count(b"\n") != count + 1 or head.count(b"\r") != count + 1 or b"\0" in head:
            raise UpstreamError("the response's head holds a line break or a NUL where none may be")
        return head

    def _lines(self) -> tuple[list[bytes], bytes | None]:
        lines = [b"HTTP/1.1 %d %b" % (self.status, self.reason)]
        length: bytes | None = None
        looked_at = _LOOKED_AT
        for name, value in self.headers:
            if len(name) in looked_at:
                lower = name.lower()
                if lower in _OURS:
                    continue
                if lower == b"content-length":
                    if self.status == 204 or 100 <= self.status < 200:  # RFC 9110 section 8.6
                        continue
                    length = value
            lines.append(b"%b: %b" % (name, value))
        return lines, length

    def _say_whether_it_lasts(self, request: Exchange, lines: list[bytes]) -> None:
        if self.status == 101:
            lines += (b"Connection: Upgrade", b"Upgrade: websocket")
            return
        if not request.keep_alive:
            self.keep_alive = False
        if not self.keep_alive:
            lines.append(b"Connection: close")
        elif request.version == (1, 0):
            lines.append(b"Connection: keep-alive")

    def _refuse_overrun(self) -> None:
        if self._left is not None and self._left < 0:
            self.cut()
            raise ConnectionResetError("the response is longer than its Content-Length")

    def _refuse_shortfall(self) -> None:
        if self._left and not self.bodiless:
            self.cut()
            raise ConnectionResetError("the response is shorter than its Content-Length")
