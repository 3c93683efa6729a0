"""Parses responses of an upstream with httptools (llhttp, strict) into an UpstreamResponse. No IO.

Stricter than llhttp: refuses other versions, control characters in a reason, codings besides one 'chunked',
oversized heads, unrequested upgrades, and bytes behind the end of a response.
"""

from __future__ import annotations

import re

import httptools

from proxy.errors import UpstreamError
from proxy.filter.headers.fields import Headers
from proxy.http.header_names import ANSWERED, Fields
from proxy.http.upstream.exchange import UpstreamResponse
from proxy.http.upstream.fast_parser import HEAD_BYTES, HEAD_FIELDS, parse_complete_response
from proxy.http.upstream.framing import Framing

_REASON = re.compile(rb"[\t -~\x80-\xff]*").fullmatch
"""RFC 9112 section 4; llhttp takes any byte there but the ends of lines."""

_NO_FRAMING = Framing(persistent=False, until_eof=False, endless=False)


class ResponseParser:
    """Parses the responses of one connection in turn: `begin` with a response, then `feed` bytes.

    `ended`: the response is complete. `excess`: bytes came behind it, so the connection must be closed.
    """

    __slots__ = (
        "_bodiless_bytes", "_came", "_fields", "_interim", "_parser", "_reason", "_response", "ended",
        "excess", "framing", "headed", "heard",
    )  # fmt: skip

    def __init__(self) -> None:
        self._parser: httptools.HttpResponseParser | None = None
        self._response: UpstreamResponse | None = None

    def begin(self, response: UpstreamResponse) -> None:
        """Start to parse the response to one request."""
        self._response = response
        self._fields: Headers = []
        self._reason = b""
        self._bodiless_bytes = self._came = 0
        self._interim = self.heard = self.headed = self.ended = self.excess = False
        self.framing = _NO_FRAMING
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Parse bytes; UpstreamError for a response that parsers could read differently."""
        response = self._response
        if (
            not self.heard
            and response is not None
            and response.method != b"HEAD"
            and (found := parse_complete_response(data))
        ):
            status, reason, headers, fields, body = found
            self.framing = response.read_head(status, reason, headers, fields, "1.1")
            self.heard = self.headed = self.ended = True
            if body:
                response.take(body)
            return
        self.heard = True
        self._bodiless_bytes += len(data)  # a byte of body sets it back
        self._came += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            if not self.ended:
                raise _fault(error) from None
            self.excess = True
        if self._bodiless_bytes > HEAD_BYTES and not self.ended:
            raise UpstreamError(f"its response has more than {HEAD_BYTES} bytes between bytes of body")

    def release(self) -> None:
        """Drop the references between parser and this object."""
        self._parser = self._response = None

    def _parse(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:  # behind a 101, or behind the response to HEAD
            self.on_body(data)
            return
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            if not self.headed:
                raise
            self._parser = None
            if rest := data[switch.args[0] :]:
                self.on_body(rest)

    # -- httptools calls ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start a head: of an interim response, of the response, or of an excess one."""
        if self.ended:
            self.excess = True

    def on_status(self, reason: bytes) -> None:
        """Collect the reason phrase; it may come in pieces."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one field; those after the head are trailers, which are dropped (threats T18)."""
        if not self.headed:
            self._fields.append((name, value))  # `feed` bounds the size; the exact check is in `_head`

    def on_headers_complete(self) -> None:
        """Set the response head; refuses ambiguous ones, drops interim ones (threats T14)."""
        if self.ended:
            self.excess = True
            return
        parser, response = self._parser, self._response
        assert parser is not None
        assert response is not None
        status = parser.get_status_code()
        if status < 200 and not (status == 101 and parser.should_upgrade()):
            self._interim = True
            self._fields, self._reason = [], b""
            return
        if _REASON(self._reason) is None:
            raise UpstreamError("its reason phrase holds a control character")
        headers, fields = self._head()
        self.framing = response.read_head(status, self._reason, headers, fields, parser.get_http_version())
        self.headed = True
        if response.bodiless:
            self.ended = True
            self._parser = (
                None  # llhttp cannot be told that no body follows: the next response gets a new parser
            )

    def _head(self) -> tuple[Headers, Fields]:
        """Return the fields in their order, and the values of each by its name in lower case."""
        headers: Headers = []
        fields: Fields = {}
        for name, value in self._fields:
            value = value.rstrip(b" \t")  # noqa: PLW2901 - llhttp leaves the blanks behind it
            lower = ANSWERED[name][0]
            if lower in fields:
                fields[lower].append(value)
            else:
                fields[lower] = [value]
            headers.append((name, value))
        # the exact size is only counted if as many bytes arrived
        long = self._came > HEAD_BYTES and sum([len(n) + len(v) + 4 for n, v in headers]) > HEAD_BYTES
        if long or len(headers) > HEAD_FIELDS:
            raise UpstreamError(f"its response head has more than {HEAD_BYTES} bytes or {HEAD_FIELDS} fields")
        return headers, fields

    def on_body(self, piece: bytes) -> None:
        """Add a piece of the body."""
        if self.ended:
            self.excess = True
            return
        self._bodiless_bytes = 0
        assert self._response is not None
        self._response.take(piece)

    def on_message_complete(self) -> None:
        """End the response, unless it was an interim one, or lasts until the connection closes."""
        if self._interim:
            self._interim = False
        elif self.headed and not self.framing.until_eof:
            self.ended = True


def _fault(error: httptools.HttpParserError) -> Exception:
    """Return the UpstreamError that a callback raised, else one with llhttp's message."""
    cause = error.__context__
    if isinstance(cause, UpstreamError):
        return cause
    if isinstance(error, httptools.HttpParserUpgrade):
        return UpstreamError("it switched protocols unasked")
    return UpstreamError(f"its response is not HTTP/1.1: {error}")
