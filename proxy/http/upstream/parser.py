"""Parses responses of an upstream into an UpstreamResponse. No IO.

A connection that is in doubt after a response (its framing, bytes behind its end) ends with it. Most
responses come in one read: plain header lines, then Content-Length bytes or plain chunks. Those are parsed
in one step; anything unusual, or still to come, head first and then body.
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import NamedTuple

from proxy.errors import UpstreamError
from proxy.filter.cache import Cache
from proxy.filter.headers.fields import Headers, is_token
from proxy.filter.headers.judged_headers import HOP_BY_HOP
from proxy.http.header_names import RESPONSE_FIELDS, Fields
from proxy.http.upstream.chunked_body import ChunkedBody
from proxy.http.upstream.exchange import LONGEST_LENGTH, Framing, UpstreamResponse

HEAD_BYTES = 262_144  # as Chromium; nginx takes 8 x 8k by default
HEAD_FIELDS = 4096

LINE_CACHE_SIZE = 2048
LONGEST_CACHED_LINE = 512

_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([\t -~\x80-\xff]*)").fullmatch
# RFC 9110 5.5: blanks around a value are none of it
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)"
).fullmatch
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,7}").fullmatch
_NOT_CACHED = frozenset({b"set-cookie", b"location"})
_BODILESS = frozenset({204, 304})


CompleteResponse = tuple[int, bytes, Headers, Fields, bytes]
"""A complete response: status, reason, fields in order and by name, body."""


class _LineCache(Cache[bytes, "tuple[tuple[bytes, bytes], bytes] | None"]):
    """Parsed header lines by their bytes: field and lower-case name, None for unusual lines."""

    def __missing__(self, line: bytes) -> tuple[tuple[bytes, bytes], bytes] | None:
        found = _FIELD(line)
        if found is None:
            return None
        lower = RESPONSE_FIELDS[found[1]][0]
        field = ((found[1], found[2]), lower)
        return field if lower in _NOT_CACHED else self.store(line, field)


PARSED_LINES = _LineCache(LINE_CACHE_SIZE, longest=LONGEST_CACHED_LINE)


def parse_complete_response(data: bytes) -> CompleteResponse | None:
    """Return the response (not to HEAD) that `data` is; None where its parts have to be parsed."""
    end = data.find(_END, 0, HEAD_BYTES)
    if end < 0:
        return None
    status_line = _STATUS(data, 0, data.find(b"\r\n"))
    if status_line is None:
        return None
    headers: Headers = []
    fields: Fields = {}
    known = PARSED_LINES
    for line in data[status_line.end() + 2 : end].split(b"\r\n"):
        found = known[line]
        if found is None:
            return None
        pair, lower = found
        headers.append(pair)
        if lower in fields:
            fields[lower].append(pair[1])
        else:
            fields[lower] = [pair[1]]
    status = int(status_line[1])
    body = _body(data, end + 4, status, fields)
    if body is None or len(headers) > HEAD_FIELDS or b"upgrade" in fields:
        return None
    return status, status_line[2], headers, fields, body


def _body(data: bytes, at: int, status: int, fields: Fields) -> bytes | None:
    """Return the body if it ends exactly where `data` does, else None."""
    codings = fields.get(b"transfer-encoding")
    if codings is not None:
        plain = codings == [b"chunked"] and b"content-length" not in fields and status not in _BODILESS
        return _dechunk(data, at) if plain else None
    size = _length(fields.get(b"content-length"))
    if status in _BODILESS and size is not None:
        size = 0
    if size is None or size < 0 or at + size != len(data):
        return None
    return data[at:]


def _length(values: list[bytes] | None) -> int | None:
    """Return the Content-Length, -1 without one, None for an unusual one."""
    if values is None:
        return -1
    if len(values) > 1 or len(values[0]) > LONGEST_LENGTH or not values[0].isdigit():
        return None
    return int(values[0])


def _dechunk(data: bytes, at: int) -> bytes | None:
    """Return the content of plain chunks that end exactly where `data` does, else None."""
    pieces: list[bytes] = []
    while True:
        end = data.find(b"\r\n", at, at + 9)
        if end < 0 or _SIZE(data, at, end) is None:
            return None
        size = int(data[at:end], 16)
        at = end + 2
        if size == 0:
            return b"".join(pieces) if data[at:] == b"\r\n" else None
        if data[at + size : at + size + 2] != b"\r\n":
            return None
        pieces.append(data[at : at + size])
        at += size + 2


_STATUS_LINE = re.compile(rb"HTTP/([1-9]\.[0-9])[ \t]+([1-9][0-9]{2})(?:[ \t](.*))?", re.DOTALL).fullmatch
_SHOWN_STATUS_LINE = re.compile(  # what Chromium and Firefox read alike
    rb"HTTP/([1-9]\.[0-9])(?:[ \t]++([0-9]{2,3})(?:[ \t]++(.*))?)?", re.DOTALL
).fullmatch
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CONTROL = _CONTROLS.search
_ENDS_OR_NUL = re.compile(rb"[\0\r\n]")
_EARLY_END = re.compile(rb"(?<!\r)\n\r\n|\n\n").search
_HEAD_MAY_END = re.compile(rb"\n\r?\n").search
_NOT_IN_NAMES = re.compile(rb"[^A-Za-z-]+")
_BLANKS = frozenset({b" ", b"\t"})
_CLEAN_FRAMING = HOP_BY_HOP | {b"content-length"}
"""Fields between two neighbours: one in doubt could mean another end of the body, or of the head."""

_FOR_THE_BROWSER = frozenset(
    b"content-type content-encoding content-security-policy x-content-type-options x-frame-options".split()
)
"""Fields that decide what a browser makes of the body: without one it would be something else."""


class ResponseHead(NamedTuple):
    """A head as it was read, and where the bytes behind it begin."""

    status: int
    reason: bytes
    version: str
    headers: Headers
    fields: Fields
    end: int
    sure: bool  # no other parser would read it otherwise


def read_response_head(data: bytes, *, observed: bool = False) -> ResponseHead | None:
    """Return the head at the start of `data`, None while it is not all here.

    `observed`: what Chromium and Firefox read alike is read as they do, not refused.
    """
    start, sure = 0, True
    if data[:1] in (b"\r", b"\n"):  # blank lines before it mean nothing (RFC 9112 2.2)
        start = len(data) - len(data.lstrip(b"\r\n"))
    if not b"HTTP/".startswith(data[start : start + 5]):
        raise UpstreamError("its response is not HTTP/1.1")
    line_end = data.find(b"\n", start)
    if line_end < 0:
        return None
    lines: list[bytes]
    if data[line_end - 1 : line_end] == b"\r":
        end = data.find(b"\r\n\r\n", line_end - 1)
        lines = data[start:end].split(b"\r\n") if end >= 0 else []
        if data.count(b"\n", start, end) != len(lines) - 1:  # else no line feed stands alone
            early = _EARLY_END(data, line_end - 1, len(data) if end < 0 else end + 2)
            if early and not observed:
                raise UpstreamError("its head has an empty line for some parsers only")
            if early:  # the body begins there
                lines = [line.removesuffix(b"\r") for line in data[start : early.start()].split(b"\n")]
                end, sure = early.end() - 4, False
        if end < 0:
            return None
        behind = end + 4
    else:  # line feeds alone: every parser that reads this head at all reads it so
        ends = [
            found for found in (data.find(b"\n\n", line_end), data.find(b"\n\r\n", line_end)) if found > 0
        ]
        if not ends:
            return None
        end = min(ends)
        behind = end + (2 if data[end + 1 : end + 2] == b"\n" else 3)
        lines = [line.removesuffix(b"\r") for line in data[start:end].split(b"\n")]
    if behind > HEAD_BYTES:
        raise UpstreamError(f"its head has more than {HEAD_BYTES} bytes")
    status, reason, version = _status(lines[0], observed=observed)
    headers, fields = _fields(lines[1:], observed=observed)
    if version not in ("1.0", "1.1"):
        version, sure = "1.1", False
    return ResponseHead(status, reason, version, headers, fields, behind, sure)


def _status(line: bytes, *, observed: bool) -> tuple[int, bytes, str]:
    """Return status, reason and version; a reason with a control character is none."""
    found = _SHOWN_STATUS_LINE(line) if observed else _STATUS_LINE(line)
    if found is None:
        raise UpstreamError("its response is not HTTP/1.1: no status line")
    reason = found[3] or b""
    if b"\r" in reason:
        raise UpstreamError("its status line ends in two places")
    return int(found[2] or b"200"), b"" if _CONTROL(reason) else reason, found[1].decode()


def _fields(lines: list[bytes], *, observed: bool) -> tuple[Headers, Fields]:
    headers: Headers = []
    fields: Fields = {}
    plain = _BLANKS.isdisjoint([line[:1] for line in lines])
    for line, folded in zip(lines, repeat(False)) if plain else _unfolded(lines):
        known = None if folded else PARSED_LINES[line]
        if known is not None:
            pair, lower = known
        else:
            odd = _field(line, folded=folded, observed=observed)
            if odd is None:
                continue
            pair, lower = odd, RESPONSE_FIELDS[odd[0]][0]
        headers.append(pair)
        if lower in fields:
            fields[lower].append(pair[1])
        else:
            fields[lower] = [pair[1]]
    if len(headers) > HEAD_FIELDS:
        raise UpstreamError(f"its head has more than {HEAD_FIELDS} fields")
    return headers, fields


def _unfolded(lines: list[bytes]) -> list[tuple[bytes, bool]]:
    """Return each line joined with those that continue it (RFC 9112 5.2), and whether there were any."""
    whole: list[tuple[list[bytes], bool]] = []
    for line in lines:
        if line[:1] not in _BLANKS:
            whole.append(([line], False))
        elif not whole:
            whole.append(([line], True))  # of nothing: left out, where it says nothing of framing
        else:
            parts = whole[-1][0]
            parts.append(line.strip(b" \t"))
            whole[-1] = (parts, True)
    return [(b" ".join(parts), folded) for parts, folded in whole]


def _field(line: bytes, *, folded: bool, observed: bool) -> tuple[bytes, bytes] | None:
    """Return the field of a line that is not beyond doubt, None where it is to be left out."""
    name, colon, value = line.partition(b":")
    value = value.strip(b" \t")
    token = name.rstrip(b" \t")  # a proxy removes blanks before the colon (RFC 9112 5.1)
    clean = bool(colon) and is_token(token) and _CONTROL(value) is None
    if clean and token == name and not folded:
        return name, value
    if observed and colon and token == name and not _may_go(name.lower()) and not _ENDS_OR_NUL.search(value):
        return name, value  # no length and no coding that anybody knows: read_head leaves it out
    for part in re.split(rb"[\r\n]", line):
        meant = _NOT_IN_NAMES.sub(b"", part.partition(b":")[0]).lower()
        if meant in _CLEAN_FRAMING and not (observed and _may_go(meant)):
            raise UpstreamError(f"its field {meant.decode()} is in doubt")
    lower = token.lower()
    if lower in _FOR_THE_BROWSER and (folded or token != name or _ENDS_OR_NUL.search(value)) and not observed:
        raise UpstreamError(f"its field {lower.decode()} is in doubt")
    if _ENDS_OR_NUL.search(value):
        return None
    if lower in _CLEAN_FRAMING:
        return None
    if lower == b"location" and colon:
        return token, _CONTROLS.sub(lambda found: b"%%%02X" % found[0][0], value)  # as browsers follow it
    return (token, value) if clean or (colon and lower in _FOR_THE_BROWSER) else None


def _may_go(name: bytes) -> bool:
    return name not in (b"content-length", b"transfer-encoding")


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
        self._held = bytearray()  # of a head that is not all here
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
        before = len(self._held)
        self._held += data
        if (
            before > 5
            and len(self._held) <= HEAD_BYTES
            and _HEAD_MAY_END(self._held, max(0, before - 3)) is None
        ):
            return
        held = bytes(self._held)
        while head := read_response_head(held, observed=response.observed):
            held = held[head.end :]
            if not 100 <= head.status < 200 or head.status == 101:
                self._held = bytearray()
                self._take_head(head, held, response)
                return
            if head.status == 100 and response.on_continue is not None:
                response.on_continue()
        self._held = bytearray(held)

    def _take_head(self, head: ResponseHead, behind: bytes, response: UpstreamResponse) -> None:
        before = self._bodiless_bytes - len(behind)
        if before > HEAD_BYTES:
            raise UpstreamError(f"its heads have more than {HEAD_BYTES} bytes")
        self._bodiless_bytes = len(behind)
        taken = response.read_head(
            head.status, head.reason, head.headers, head.fields, head.version, sure=head.sure
        )
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
