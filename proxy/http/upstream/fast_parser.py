"""A fast path of the parser for responses that arrived whole in one read.

Most responses are: plain header lines, then Content-Length bytes or plain chunks. Parsed lines
are cached. Anything unusual, or still to come, is left to parser.py.
"""

from __future__ import annotations

import re

from proxy.filter.cache import Cache
from proxy.filter.headers.fields import Headers
from proxy.http.header_names import ANSWERED, Fields

HEAD_BYTES = 65_536  # nginx takes 8 x 8k by default; a CSP with many cookies stays far below
HEAD_FIELDS = 512
LONGEST_LENGTH = 18
"""Digits of a Content-Length: longer ones overflow in other parsers."""

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
        lower = ANSWERED[found[1]][0]
        field = ((found[1], found[2]), lower)
        return field if lower in _NOT_CACHED else self.store(line, field)


PARSED_LINES = _LineCache(LINE_CACHE_SIZE, longest=LONGEST_CACHED_LINE)


def parse_complete_response(data: bytes) -> CompleteResponse | None:
    """Return the response (not to HEAD) that `data` is; None if parser.py has to parse it."""
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
