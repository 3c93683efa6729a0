"""Reads a chunked body (RFC 9112 7.1). Extensions and trailers are dropped (threats T18).

Blanks and zeros around a size, and lines that end in a line feed alone, have one reading only, so
they are read; an extension that holds an end of line has two, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from proxy.errors import UpstreamError

_SIZE = re.compile(rb"0*([0-9A-Fa-f]{1,15})[ \t]*(;[\t -~\x80-\xff]*)?").fullmatch
_DIGITS = b"0123456789abcdefABCDEF"


class _At(Enum):
    SIZE = 1
    DATA = 2
    DATA_END = 3
    TRAILER = 4


class ChunkedBody:
    """One chunked body on its way: `feed` until it returns the bytes behind its end."""

    __slots__ = ("_at", "_held", "_left", "began")

    def __init__(self) -> None:
        self._at = _At.SIZE
        self._held = b""  # of a line whose end has not come
        self._left = 0  # of the chunk that is being read
        self.began = False  # a first size was read

    def feed(self, data: bytes, take: Callable[[bytes], None]) -> bytes | None:
        """Hand on what is in the chunks; return what stands behind the body, None before its end."""
        data, at = self._held + data, 0
        self._held = b""
        while at < len(data):
            if self._at is _At.DATA:
                piece = data[at : at + self._left]
                take(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._at = _At.DATA_END
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._held = data[at:]
                self._check_begun()
                return None
            line, at = data[at:end], end + 1
            if self._line(line):
                return data[at:]
        return None

    def rest(self) -> bytes:
        """Return what was held of a line without an end."""
        return self._held

    def _line(self, line: bytes) -> bool:
        """Read a line that ended; True at the end of the body."""
        bare = not line.endswith(b"\r")
        line = line if bare else line[:-1]
        match self._at:
            case _At.TRAILER:
                return not line
            case _At.DATA_END:
                if line:
                    raise UpstreamError("a chunk of its body is not as long as it says")
                self._at = _At.SIZE
            case _:
                self._left = self._size(line, bare=bare)
                self._at = _At.DATA if self._left else _At.TRAILER
                self.began = True
        return False

    def _size(self, line: bytes, *, bare: bool) -> int:
        found = _SIZE(line)
        if found is None or (bare and found[2] is not None):
            raise UpstreamError("the size of a chunk of its body is in doubt")
        return int(found[1], 16)

    def _check_begun(self) -> None:
        """Refuse what cannot become the line that is due, however much of it is still to come."""
        held = self._held
        if self._at is _At.DATA_END and held != b"\r":
            raise UpstreamError("a chunk of its body is not as long as it says")
        if self._at is _At.SIZE and held[:1] not in _DIGITS:
            raise UpstreamError("the size of a chunk of its body is in doubt")
