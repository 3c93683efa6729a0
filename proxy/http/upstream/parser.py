"""Parses responses of an upstream into an UpstreamResponse. No IO.

A connection that is in doubt after a response (its framing, bytes behind its end) ends with it.
"""

from __future__ import annotations

from proxy.errors import UpstreamError
from proxy.http.upstream.chunked_body import ChunkedBody
from proxy.http.upstream.exchange import UpstreamResponse
from proxy.http.upstream.fast_parser import HEAD_BYTES, parse_complete_response
from proxy.http.upstream.framing import Framing
from proxy.http.upstream.response_head import ResponseHead, read_response_head

_NO_FRAMING = Framing(persistent=False, until_eof=False, endless=False)
_UNTIL_EOF = Framing(persistent=False, until_eof=True, endless=False)


class ResponseParser:
    """One connection's responses, one after the other: `begin` with a response, then `feed` what comes.

    `ended`: the response is complete. `excess`: more came than was asked for, so the connection is spoilt.
    """

    __slots__ = (
        "_bodiless_bytes", "_chunks", "_held", "_left", "_response", "_tunnel", "ended", "excess", "framing",
        "headed", "heard",
    )  # fmt: skip

    def __init__(self) -> None:
        self._response: UpstreamResponse | None = None

    def begin(self, response: UpstreamResponse) -> None:
        """Expect the response to one request."""
        self._response = response
        self._held = b""  # of a head that is not all here
        self._bodiless_bytes = 0
        self._left = 0  # bytes of a body of known length
        self._chunks: ChunkedBody | None = None
        self._tunnel = self.heard = self.headed = self.ended = self.excess = False
        self.framing = _NO_FRAMING

    def feed(self, data: bytes) -> None:
        """Take bytes; UpstreamError when they are no response that all parsers would read alike."""
        response = self._response
        assert response is not None
        if not self.heard and response.method != b"HEAD" and (found := parse_complete_response(data)):
            status, reason, headers, fields, body = found
            self.framing = response.read_head(status, reason, headers, fields, "1.1").framing
            self.heard = self.headed = self.ended = True
            if body:
                response.take(body)
            return
        self.heard = True
        self._bodiless_bytes += len(data)  # a byte of body sets it back
        if self.ended:
            self.excess |= bool(data)
        elif self.headed:
            self._read_body(data, response)
        else:
            self._read_heads(data, response)
        if self._bodiless_bytes > HEAD_BYTES and not self.ended:
            raise UpstreamError(f"its response has more than {HEAD_BYTES} bytes between bytes of body")

    def release(self) -> None:
        """Forget everything."""
        self._response = None

    def _read_heads(self, data: bytes, response: UpstreamResponse) -> None:
        """Read interim heads, which are dropped (threats T14), the head itself, and what is behind it."""
        held = self._held + data
        while head := read_response_head(held, observed=response.observed):
            held = held[head.end :]
            if head.status >= 200 or head.status == 101:
                self._held = b""
                self._take_head(head, held, response)
                return
            if head.status == 100 and response.on_continue is not None:
                response.on_continue()
        self._held = held

    def _take_head(self, head: ResponseHead, behind: bytes, response: UpstreamResponse) -> None:
        before = self._bodiless_bytes - len(behind)
        if before > HEAD_BYTES:
            raise UpstreamError(f"its heads have more than {HEAD_BYTES} bytes")
        self._bodiless_bytes = len(behind)
        taken = response.read_head(head.status, head.reason, head.headers, head.fields, head.version)
        self.framing, self._left = taken.framing, taken.length or 0
        self.headed = True
        if head.status == 101:
            self._tunnel = True
        elif response.bodiless or head.status in (204, 304):
            self.ended = True
        elif taken.chunked:
            self._chunks = ChunkedBody()
        elif not self.framing.until_eof and not taken.length:
            self.ended = True
        if self.ended:
            self.excess = bool(behind)
        elif behind:
            self._read_body(behind, response)

    def _read_body(self, data: bytes, response: UpstreamResponse) -> None:
        if self._chunks is not None:
            self._read_chunks(self._chunks, data, response)
            return
        if not (self._tunnel or self.framing.until_eof):
            behind = data[self._left :]
            data = data[: self._left]
            self._left -= len(data)
            self.ended, self.excess = not self._left, bool(behind)
        self._take(data)

    def _read_chunks(self, chunks: ChunkedBody, data: bytes, response: UpstreamResponse) -> None:
        held, before = chunks.rest(), response.buffered
        try:
            behind = chunks.feed(data, response.take)
        except UpstreamError:
            if chunks.began or not response.may_be_plain:
                raise
            self._chunks, self.framing = None, _UNTIL_EOF  # HTTP/1.0 knows no chunks, and these are none
            self._take(held + data)
            return
        if response.buffered != before:
            self._bodiless_bytes = 0
        if behind is not None:
            self.ended, self.excess = True, bool(behind)

    def _take(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        self._bodiless_bytes = 0
        assert self._response is not None
        self._response.take(piece)
