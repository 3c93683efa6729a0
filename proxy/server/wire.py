"""One connection to an upstream: bytes of a request out, the head and body of its answer in.

An asyncio.Protocol on httptools (llhttp, strict). Framing that two parsers could read differently is an
UpstreamError, never a guess (RFC 9112 section 6.3). A connection carries one exchange at a time and goes
back to its pool only when nothing is left on it: bytes that nobody asked for end it, because they would
otherwise be served to the next visitor.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from math import inf
from typing import cast

import httptools

from proxy.errors import BadRequest, UpstreamError
from proxy.server.exchange import Reply, UpstreamRequest, request_head

HEAD_BYTES = 65_536  # nginx proxy_buffers default to 8 x 8k; a CSP with many cookies stays far below
HEAD_FIELDS = 512
BUFFERED = 65_536  # beyond this we stop reading until the visitor has taken some
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that an upstream may take; None where nothing bounds it."""

    connect: float = 5.0
    first_byte: float = 30.0  # until its whole answer head is here
    idle: float = 60.0  # between two pieces of a body, either way
    slot: float = 5.0  # waiting for one of its connections to become free
    keepalive: float = 4.0  # shorter than that of any common server, so that ours ends first


class Wire(asyncio.Protocol):
    """One connection; `done` is called each time that it may carry another exchange, and when it is lost."""

    def __init__(self, deadlines: Deadlines, done: Callable[[Wire, bool], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadlines = deadlines
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._poll = select.poll()
        self._fresh = True
        self._reply: Reply | None = None
        self._upload: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._writing_paused = self._reading_paused = False
        self._eof = False
        self.deadline = inf  # read by the sweep of the pool
        self.idle_since = 0.0
        self.closed = False
        self._begin_answer()

    def _begin_answer(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._head_bytes = self._bodiless_bytes = 0
        self._heard = self._interim = self._headed = self._ended = self._excess = False
        self._persistent = self._until_eof = False
        self._idle = self._deadlines.idle

    # -- what the pool asks ------------------------------------------------------------------------------

    def is_quiet(self) -> bool:
        """True when nothing waits to be read: neither bytes nobody asked for nor the upstream's goodbye."""
        return not self.closed and not self._poll.poll(0)

    def send(self, request: UpstreamRequest, reply: Reply) -> None:
        """Write the request; the reply fills as the answer comes."""
        assert self._transport is not None
        assert self._reply is None
        head = request_head(request)
        reply.reused = not self._fresh
        self._fresh = False
        self._reply = reply
        reply.wire = self
        self._begin_answer()
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        first_byte = self._deadlines.first_byte if request.first_byte is None else request.first_byte
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
        reply, self._reply = self._reply, None
        self.abort()
        if reply is not None:
            reply.end(error)

    def resume(self) -> None:
        """Read on: the visitor has taken what was buffered."""
        if self._reading_paused and not self.closed and self._transport is not None:
            self._reading_paused = False
            self.deadline = self._loop.time() + self._idle
            self._transport.resume_reading()

    # -- the upload --------------------------------------------------------------------------------------

    async def _send_body(self, body: AsyncIterator[bytes], length: int | None, first_byte: float) -> None:
        transport = self._transport
        assert transport is not None
        left = length
        try:
            async for piece in body:
                if not piece:
                    continue
                if left is None:
                    transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                else:
                    left -= len(piece)
                    if left < 0:
                        break
                    transport.write(piece)
                if self._writing_paused:
                    await self._drained()
        except Exception as error:  # noqa: BLE001 - whatever broke the body breaks the exchange
            self._upload = None
            self.fail(error)
            return
        self._upload = None
        if left:
            self.fail(BadRequest(f"the request body differs from its Content-Length by {left} bytes"))
            return
        if length is None:
            transport.write(b"0\r\n\r\n")
        if not self._headed:
            self.deadline = self._loop.time() + first_byte

    async def _drained(self) -> None:
        self._writable = self._loop.create_future()
        if not self._headed:
            self.deadline = self._loop.time() + self._deadlines.idle
        await self._writable
        if not self._headed:
            self.deadline = inf

    def _cancel_upload(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.cancel()

    # -- asyncio calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; watch its socket for `is_quiet`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self._poll.register(transport.get_extra_info("socket").fileno(), READABLE)

    def data_received(self, data: bytes) -> None:
        """Parse what came, then wake the reader once."""
        reply = self._reply
        if reply is None or self.closed:
            self.abort()  # an answer nobody asked for: the next one would be shifted by it
            return
        self._heard = True
        self._bodiless_bytes += len(data)  # on_body sets it back
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self._ended:
                self.fail(_fault(error))
                return
            self._excess = True
        if self._ended:
            self._finish(reply)
        elif self._bodiless_bytes > HEAD_BYTES:
            self.fail(UpstreamError(f"its answer has more than {HEAD_BYTES} bytes between bytes of body"))
        elif self._headed:
            self.deadline = self._loop.time() + self._idle
            if reply.buffered > BUFFERED:
                self._pause()
            reply.wake()

    def eof_received(self) -> None:
        """Remember that the upstream ended its side cleanly; the transport closes by itself."""
        self._eof = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange: a clean end completes a body that was to last until then."""
        lost_before_a_byte = not self._heard
        reply, self._reply = self._reply, None
        self._cancel_upload()
        self.closed = True
        self._parser = None  # it refers back to us
        self.deadline = inf
        if self._writable is not None and not self._writable.done():
            self._writable.cancel()
        if reply is not None:
            if self._headed and self._until_eof and self._eof and exc is None:
                reply.end(None)
            else:
                reply.unanswered = lost_before_a_byte
                when = "in mid-answer" if self._headed else "before its answer"
                reply.end(UpstreamError(f"it closed the connection {when}"))
        self._done(self, False)

    def pause_writing(self) -> None:
        """Stop the upload: the upstream does not read."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Go on with the upload."""
        self._writing_paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _pause(self) -> None:
        if not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self.deadline = inf  # the visitor is slow, not the upstream
            self._transport.pause_reading()

    def _finish(self, reply: Reply) -> None:
        """Hand the connection back before the reader wakes: what is buffered belongs to the reply."""
        self._reply = None
        reusable = self._persistent and not self._excess and self._upload is None and not self._eof
        if reusable and not self.closed:
            self.deadline = inf
            self._done(self, True)
        else:
            self.abort()
        reply.end(None)

    # -- httptools calls ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start a head: of an interim answer, of the answer, or of one too many."""
        if self._ended:
            self._excess = True

    def on_status(self, reason: bytes) -> None:
        """Collect the reason phrase; it may come in pieces."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one field; those after the head are trailers, which are dropped (threats T18)."""
        if self._headed:
            return
        self._head_bytes += len(name) + len(value) + 4
        self._fields.append((name, value.rstrip(b" \t")))
        if self._head_bytes > HEAD_BYTES or len(self._fields) > HEAD_FIELDS:
            raise UpstreamError(f"its answer head has more than {HEAD_BYTES} bytes or {HEAD_FIELDS} fields")

    def on_headers_complete(self) -> None:
        """Take the head: refuse what is ambiguous, drop an interim one (threats T14)."""
        if self._ended:
            self._excess = True
            return
        parser, reply = self._parser, self._reply
        assert parser is not None
        assert reply is not None
        status = parser.get_status_code()
        if status < 200 and status != 101:
            self._interim = True
            self._fields, self._reason, self._head_bytes = [], b"", 0
            return
        framing = reply.read_head(status, self._reason, self._fields, parser.get_http_version())
        self._headed = True
        self._persistent = framing.persistent
        self._until_eof = framing.until_eof
        self._idle = inf if framing.endless else self._deadlines.idle
        self.deadline = self._loop.time() + self._idle
        if reply.bodiless:
            self._ended = True
            self._parser = (
                None  # httptools cannot be told that HEAD has no body: the next answer gets a new one
            )

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if self._ended:
            self._excess = True
            return
        self._bodiless_bytes = 0
        assert self._reply is not None
        self._reply.take(piece)

    def on_message_complete(self) -> None:
        """End the answer, unless it was an interim one."""
        if self._interim:
            self._interim = False
        elif self._headed:
            self._ended = True


def _fault(error: httptools.HttpParserError) -> Exception:
    """Return our own error that a callback raised, else one that says what llhttp found."""
    cause = error.__context__
    if isinstance(cause, UpstreamError):
        return cause
    if isinstance(error, httptools.HttpParserUpgrade):
        return UpstreamError("it switched protocols unasked")
    return UpstreamError(f"its answer is not HTTP/1.1: {error}")
