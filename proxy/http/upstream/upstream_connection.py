"""One connection to an upstream: writes a request, reads its response.

It carries one exchange at a time, and is released to its pool only when clean: unsolicited bytes close it,
because they would otherwise be served to the next visitor.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from math import inf
from typing import Protocol, cast

from proxy.errors import BadRequest, UpstreamError
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse, request_head
from proxy.http.upstream.parser import ResponseParser
from proxy.http.upstream.pinning import CHALLENGES, asks_to_sign_in
from proxy.http.upstream.timeouts import UpstreamTimeouts

BUFFERED = 65_536  # bytes of a body; beyond, reading pauses until the visitor has taken some
LINGER = 5.0  # seconds to flush a WebSocket's last bytes after the visitor left
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class ConnectionOwner(Protocol):
    """The pool of a connection, notified of what happens to it."""

    def opened(self, connection: UpstreamConnection) -> None:
        """It is open, and counts."""

    def released(self, connection: UpstreamConnection) -> None:
        """It is idle again."""

    def long_lived(self, connection: UpstreamConnection) -> None:
        """It carries a WebSocket or an event stream, and must not count towards the limit."""

    def lost(self, connection: UpstreamConnection) -> None:
        """It is closed."""


class UpstreamConnection(asyncio.Protocol):
    """One connection of a pool."""

    def __init__(self, timeouts: UpstreamTimeouts, owner: ConnectionOwner) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._owner = owner
        self._parser = ResponseParser()
        self._poll = select.poll()
        self._transport: asyncio.Transport | None = None
        self._response: UpstreamResponse | None = None
        self.request: UpstreamRequest | None = None  # the request of the current exchange
        self.slot: str | None = None  # the slot of the pool that its exchange holds (pool.py)
        self.signed_in = False  # by NTLM or the like, or about to be: it belongs to one visitor from then on
        self._upload: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._writing_paused = self._reading_paused = self._eof = False
        self._fresh = True
        self._idle = timeouts.idle
        self.deadline = inf  # read by the sweep of the pool
        self.idle_since = 0.0
        self.closed = False

    # -- for the pool ------------------------------------------------------------------------------------

    @property
    def is_free(self) -> bool:
        """True when it is open and carries no exchange."""
        return self._response is None and not self.closed

    def is_quiet(self) -> bool:
        """True when nothing is readable on it: neither unsolicited bytes nor the upstream's EOF."""
        return not self.closed and not self._poll.poll(0)

    def send(self, request: UpstreamRequest, response: UpstreamResponse) -> None:
        """Write the request; `response` is filled as bytes arrive."""
        assert self._transport is not None
        assert self._response is None
        head = request.raw or request_head(request)
        response.reused, self._fresh = not self._fresh, False
        response.connection, self._response = self, response
        self.request = request
        if request.signs_in:
            self.signed_in = True
        self._parser.begin(response)
        self._idle = self._timeouts.idle
        first_byte = self._timeouts.first_byte if request.first_byte is None else request.first_byte
        body = request.body
        if body is None or isinstance(body, bytes):
            self._transport.write(head + body if body else head)
            self.deadline = self._loop.time() + first_byte
        else:
            self._transport.write(head)
            self.deadline = inf  # during an upload the visitor sets the pace
            self._upload = self._loop.create_task(self._send_body(body, request.length, first_byte))

    def abort(self) -> None:
        """Close the connection now, whatever it carries."""
        self._cancel_upload()
        if not self.closed and self._transport is not None:
            self.closed = True
            self._transport.abort()

    def fail(self, error: Exception) -> None:
        """End the exchange with this error, and close the connection."""
        response, self._response = self._response, None
        self.abort()
        if response is not None:
            response.end(error)

    # -- for the response --------------------------------------------------------------------------------

    def resume(self) -> None:
        """Resume reading: the visitor has taken what was buffered."""
        if self._reading_paused and not self.closed and self._transport is not None:
            self._reading_paused = False
            self.deadline = self._loop.time() + self._idle
            self._transport.resume_reading()

    def write(self, piece: bytes) -> bool:
        """Send bytes of a WebSocket; False while the write buffer is full."""
        if not self.closed and self._transport is not None:
            self._transport.write(piece)
        return not self._writing_paused

    def close(self) -> None:
        """Close a WebSocket's connection once everything is written, at the latest after LINGER seconds."""
        if not self.closed and self._transport is not None:
            self._transport.close()
            self._loop.call_later(LINGER, self._transport.abort)

    # -- the upload --------------------------------------------------------------------------------------

    async def _send_body(self, body: AsyncIterator[bytes], length: int | None, first_byte: float) -> None:
        try:
            await self._send_pieces(body, length)
        except Exception as error:  # noqa: BLE001 - whatever broke the body breaks the exchange
            self._upload = None
            self.fail(error)
        else:
            self._upload = None
            if not self._parser.headed:
                self.deadline = self._loop.time() + first_byte

    async def _send_pieces(self, body: AsyncIterator[bytes], length: int | None) -> None:
        transport, left = self._transport, length
        assert transport is not None
        async for piece in body:
            if not piece:
                continue
            if not self.is_quiet():  # an early response, perhaps with a reset behind it: read it first
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if left is None:
                transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            elif len(piece) > left:
                raise BadRequest("the request body is longer than its Content-Length")
            else:
                left -= len(piece)
                transport.write(piece)
            if self._writing_paused:
                await self._drained()
        if left:
            raise BadRequest(f"the request body lacks {left} bytes of its Content-Length")
        if left is None:
            transport.write(b"0\r\n\r\n")

    async def _drained(self) -> None:
        self._writable = self._loop.create_future()
        waits_for_head = not self._parser.headed
        if waits_for_head:
            self.deadline = self._loop.time() + self._timeouts.idle
        await self._writable
        if waits_for_head and not self._parser.headed:
            self.deadline = inf

    def _cancel_upload(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.cancel()

    # -- asyncio calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; watch its socket for `is_quiet`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a WebSocket has no deadline
        self._poll.register(sock.fileno(), READABLE)
        # the task that opened it may have just been cancelled: then the sweep closes it
        self.deadline = self._loop.time() + self._timeouts.connect
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came, then wake the reader once."""
        response, parser = self._response, self._parser
        if response is None or self.closed:
            self.abort()  # an unsolicited response: every later one would be off by one
            return
        headed = parser.headed
        try:
            parser.feed(data)
        except UpstreamError as error:
            self.fail(error)
            return
        if parser.ended:
            self._finish(response)
        elif parser.headed:
            if parser.framing.endless and not headed:
                self._idle = inf
                self._owner.long_lived(self)
            self.deadline = self._loop.time() + self._idle
            if response.buffered > BUFFERED:
                self._pause()
            response.wake()

    def eof_received(self) -> None:
        """Note that the upstream closed its side cleanly; the transport closes by itself."""
        self._eof = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange: a clean close completes a body that lasts until it."""
        parser = self._parser
        response, self._response = self._response, None
        self._cancel_upload()
        self.closed = True
        self.deadline = inf
        if self._writable is not None and not self._writable.done():
            self._writable.cancel()
        if response is not None:
            if parser.headed and parser.framing.until_eof and self._eof and exc is None:
                response.end(None)
            else:
                response.unanswered = not parser.heard
                when = "in mid-response" if parser.headed else "before its response"
                response.end(UpstreamError(f"it closed the connection {when}", unheard=not parser.headed))
        parser.release()
        self._owner.lost(self)

    def pause_writing(self) -> None:
        """Stop the upload: the upstream does not read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Resume the upload, or the WebSocket."""
        self._writing_paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self._response is not None and self._response.on_writable is not None:
            self._response.on_writable()

    # -- inside ------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        if not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self.deadline = inf  # the visitor is slow, not the upstream
            self._transport.pause_reading()

    def _finish(self, response: UpstreamResponse) -> None:
        """Release the connection before the reader wakes: buffered bytes belong to the response."""
        self._response = None
        parser = self._parser
        if (
            parser.framing.persistent
            and not (parser.excess or self._eof or self.closed)
            and self._upload is None  # a response before the end of the upload closes the connection
        ):
            self.deadline = inf
            if not CHALLENGES.isdisjoint(response.fields) and asks_to_sign_in(response.fields):
                self.signed_in = True
            self._owner.released(self)
        else:
            self.abort()
        self.request = None
        response.end(None)
