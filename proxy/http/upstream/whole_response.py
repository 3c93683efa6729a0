"""Answers that are all here and beyond doubt, read without llhttp.

That is most of what a site sends: a head of plain lines, then as many bytes as it said, or
chunks without more. To call back for each field costs three times as much as to cut such a
head at its line ends, and most of its lines came before. Whatever is in doubt is llhttp's.
"""

from __future__ import annotations

import re

from proxy.filter.cache import Cache
from proxy.filter.headers.fields import Headers
from proxy.http.header_names import ANSWERED, Fields

HEAD_BYTES = 65_536  # nginx takes 8 x 8k by default; a CSP with many cookies stays far below
HEAD_FIELDS = 512
LONGEST_LENGTH = 18
"""Digits of a length: beyond, numbers of bytes run over elsewhere."""

LINES_KEPT = 2048
LONGEST_KEPT = 512

_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([\t -~\x80-\xff]*)").fullmatch
# RFC 9110 5.5: blanks around a value are none of it
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)"
).fullmatch
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,7}").fullmatch
_NEW_EACH_TIME = frozenset({b"set-cookie", b"location"})
_BODILESS = frozenset({204, 304})


Plain = tuple[int, bytes, Headers, Fields, bytes]
"""A whole answer: status, reason, its fields in order and by name, its body."""


class _Lines(Cache[bytes, "tuple[tuple[bytes, bytes], bytes] | None"]):
    """The field in a line and its name in lower case, None where it is in doubt: remembered by its bytes."""

    def __missing__(self, line: bytes) -> tuple[tuple[bytes, bytes], bytes] | None:
        found = _FIELD(line)
        if found is None:
            return None
        lower = ANSWERED[found[1]][0]
        field = ((found[1], found[2]), lower)
        return field if lower in _NEW_EACH_TIME else self.store(line, field)


_lines = _Lines(LINES_KEPT, longest=LONGEST_KEPT)


def plain_answer(data: bytes) -> Plain | None:
    """Return the answer that `data` is, to anything but HEAD; None where llhttp is to look at it."""
    end = data.find(_END, 0, HEAD_BYTES)
    if end < 0:
        return None
    said = _STATUS(data, 0, data.find(b"\r\n"))
    if said is None:
        return None
    headers: Headers = []
    fields: Fields = {}
    known = _lines
    for line in data[said.end() + 2 : end].split(b"\r\n"):
        found = known[line]
        if found is None:
            return None
        pair, lower = found
        headers.append(pair)
        if lower in fields:
            fields[lower].append(pair[1])
        else:
            fields[lower] = [pair[1]]
    status = int(said[1])
    body = _body(data, end + 4, status, fields)
    if body is None or len(headers) > HEAD_FIELDS or b"upgrade" in fields:
        return None
    return status, said[2], headers, fields, body


def _body(data: bytes, at: int, status: int, fields: Fields) -> bytes | None:
    """Return all of the body, which ends where `data` does, or None."""
    codings = fields.get(b"transfer-encoding")
    if codings is not None:
        plain = codings == [b"chunked"] and b"content-length" not in fields and status not in _BODILESS
        return _unchunked(data, at) if plain else None
    size = _length(fields.get(b"content-length"))
    if status in _BODILESS and size is not None:
        size = 0
    if size is None or size < 0 or at + size != len(data):
        return None
    return data[at:]


def _length(said: list[bytes] | None) -> int | None:
    """Return the one length that was said, -1 where none was, None where it is in doubt."""
    if said is None:
        return -1
    if len(said) > 1 or len(said[0]) > LONGEST_LENGTH or not said[0].isdigit():
        return None
    return int(said[0])


def _unchunked(data: bytes, at: int) -> bytes | None:
    """Return what is in the chunks, without extensions or trailers, that fill `data` to its end."""
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
