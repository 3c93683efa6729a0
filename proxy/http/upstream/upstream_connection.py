"""One connection to an upstream: a request out, its answer in.

It carries one exchange at a time and goes back to its pool only when nothing is left on it: bytes that nobody
asked for end it, because they would otherwise be served to the next visitor.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from math import inf
from typing import Protocol, cast

from proxy.errors import BadRequest, UpstreamError
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse, request_head
from proxy.http.upstream.parser import ResponseParser
from proxy.http.upstream.pinning import asks_to_sign_in

BUFFERED = 65_536  # beyond this we stop reading until the visitor has taken some
LINGER = 5.0  # seconds that an upstream has for the last words of a visitor who left a tunnel
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """Seconds that an upstream may take."""

    connect: float = 5.0
    first_byte: float = 30.0  # until its whole answer head is here
    idle: float = 60.0  # between two pieces of a body, either way
    slot: float = 5.0  # waiting for one of its connections to become free
    keepalive: float = 4.0  # shorter than that of any common server, so that ours ends first


class ConnectionOwner(Protocol):
    """Who is told what becomes of a connection."""

    def opened(self, connection: UpstreamConnection) -> None:
        """It is open, and counts."""

    def released(self, connection: UpstreamConnection) -> None:
        """It may carry another exchange."""

    def apart(self, connection: UpstreamConnection) -> None:
        """It carries something without an end, and must not take the place of others."""

    def lost(self, connection: UpstreamConnection) -> None:
        """It is gone."""


class UpstreamConnection(asyncio.Protocol):
    """One connection of a keeper's."""

    def __init__(self, timeouts: UpstreamTimeouts, keeper: ConnectionOwner) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._keeper = keeper
        self._answer = ResponseParser()
        self._poll = select.poll()
        self._transport: asyncio.Transport | None = None
        self._response: UpstreamResponse | None = None
        self.request: UpstreamRequest | None = None  # what it carries, until that is answered
        self.signed_in = False  # by NTLM or the like, or about to be: it is one visitor's from then on
        self._upload: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._writing_paused = self._reading_paused = self._eof = False
        self._fresh = True
        self._idle = timeouts.idle
        self.deadline = inf  # read by the sweep of the pool
        self.idle_since = 0.0
        self.closed = False

    # -- what the pool asks ------------------------------------------------------------------------------

    @property
    def is_free(self) -> bool:
        """True when it is open and nothing is on it."""
        return self._response is None and not self.closed

    def is_quiet(self) -> bool:
        """True when nothing waits to be read: neither bytes nobody asked for nor the upstream's goodbye."""
        return not self.closed and not self._poll.poll(0)

    def send(self, request: UpstreamRequest, response: UpstreamResponse) -> None:
        """Write the request; the reply fills as the answer comes."""
        assert self._transport is not None
        assert self._response is None
        head = request.raw or request_head(request)
        response.reused, self._fresh = not self._fresh, False
        response.connection, self._response = self, response
        self.request = request
        if request.signs_in:
            self.signed_in = True
        self._answer.begin(response)
        self._idle = self._timeouts.idle
        first_byte = self._timeouts.first_byte if request.first_byte is None else request.first_byte
        body = request.body
        if body is None or isinstance(body, bytes):
            self._transport.write(head + body if body else head)
            self.deadline = self._loop.time() + first_byte
        else:
            self._transport.write(head)
            self.deadline = inf  # until the upload is through it is the visitor who sets the pace
            self._upload = self._loop.create_task(self._send_body(body, request.length, first_byte))

    def abort(self) -> None:
        """End the connection now, whatever is on it."""
        self._cancel_upload()
        if not self.closed and self._transport is not None:
            self.closed = True
            self._transport.abort()

    def fail(self, error: Exception) -> None:
        """Let the exchange end with this error, and the connection with it."""
        response, self._response = self._response, None
        self.abort()
        if response is not None:
            response.end(error)

    # -- what the reply asks -----------------------------------------------------------------------------

    def resume(self) -> None:
        """Read on: the visitor has taken what was buffered."""
        if self._reading_paused and not self.closed and self._transport is not None:
            self._reading_paused = False
            self.deadline = self._loop.time() + self._idle
            self._transport.resume_reading()

    def write(self, piece: bytes) -> bool:
        """Send bytes up a tunnel; False when the upstream does not keep up."""
        if not self.closed and self._transport is not None:
            self._transport.write(piece)
        return not self._writing_paused

    def close(self) -> None:
        """End a tunnel once what was written has gone, or LINGER later: it may be waiting for us to read."""
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
            if not self._answer.headed:
                self.deadline = self._loop.time() + first_byte

    async def _send_pieces(self, body: AsyncIterator[bytes], length: int | None) -> None:
        transport, left = self._transport, length
        assert transport is not None
        async for piece in body:
            if not piece:
                continue
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
        waits_for_head = not self._answer.headed
        if waits_for_head:
            self.deadline = self._loop.time() + self._timeouts.idle
        await self._writable
        if waits_for_head and not self._answer.headed:
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
        # whoever asked for it may have been cancelled this very moment: then the sweep finds it
        self.deadline = self._loop.time() + self._timeouts.connect
        self._keeper.opened(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came, then wake the reader once."""
        response, answer = self._response, self._answer
        if response is None or self.closed:
            self.abort()  # an answer nobody asked for: every later one would be shifted by it
            return
        headed = answer.headed
        try:
            answer.feed(data)
        except UpstreamError as error:
            self.fail(error)
            return
        if answer.ended:
            self._finish(response)
        elif answer.headed:
            if answer.framing.endless and not headed:
                self._idle = inf
                self._keeper.apart(self)
            self.deadline = self._loop.time() + self._idle
            if response.buffered > BUFFERED:
                self._pause()
            response.wake()

    def eof_received(self) -> None:
        """Remember that the upstream ended its side cleanly; the transport closes by itself."""
        self._eof = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange: a clean end completes a body that was to last until then."""
        answer = self._answer
        response, self._response = self._response, None
        self._cancel_upload()
        self.closed = True
        self.deadline = inf
        if self._writable is not None and not self._writable.done():
            self._writable.cancel()
        if response is not None:
            if answer.headed and answer.framing.until_eof and self._eof and exc is None:
                response.end(None)
            else:
                response.unanswered = not answer.heard
                when = "in mid-answer" if answer.headed else "before its answer"
                response.end(UpstreamError(f"it closed the connection {when}", unheard=not answer.headed))
        answer.release()
        self._keeper.lost(self)

    def pause_writing(self) -> None:
        """Stop the upload: the upstream does not read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Go on with the upload, or with what a visitor sends up a tunnel."""
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
        """Hand the connection back before the reader wakes: what is buffered belongs to the reply."""
        self._response = None
        answer = self._answer
        if (
            answer.framing.persistent
            and not (answer.excess or self._eof or self.closed)
            and self._upload is None  # an answer before the end of the upload ends both
        ):
            self.deadline = inf
            if asks_to_sign_in(response.fields):
                self.signed_in = True
            self._keeper.released(self)
        else:
            self.abort()
        self.request = None
        response.end(None)
