"""Reads a chunked body (RFC 9112 7.1). Extensions and trailers are dropped (threats T18).

Blanks and zeros around a size, and lines that end in a line feed alone, have one reading only, so
they are read; an extension that holds a carriage return has two, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from proxy.errors import UpstreamError

_SIZE = re.compile(rb"0*([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t -~\x80-\xff]*)?").fullmatch
_DIGITS = b"0123456789abcdefABCDEF"


# what is due; plain numbers, as this is looked at for each line
_SIZE_LINE, _DATA, _DATA_END, _TRAILER = range(4)


class ChunkedBody:
    """One chunked body on its way: `feed` until it returns the bytes behind its end."""

    __slots__ = ("_at", "_held", "_left", "began")

    def __init__(self) -> None:
        self._at = _SIZE_LINE
        self._held = b""  # of a line whose end has not come
        self._left = 0  # of the chunk that is being read
        self.began = False  # a first size was read

    def feed(self, data: bytes, take: Callable[[bytes], None]) -> bytes | None:
        """Hand on what is in the chunks; return what stands behind the body, None before its end."""
        if self._held:
            data = self._held + data
            self._held = b""
        at, size = 0, len(data)
        while at < size:
            if self._at == _DATA:
                left = self._left
                piece = data[at : at + left]
                take(piece)
                at += len(piece)
                self._left = left - len(piece)
                if self._left:
                    return None
                if data[at : at + 2] == b"\r\n":
                    self._at = _SIZE_LINE
                    at += 2
                else:
                    self._at = _DATA_END
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
        line = line.removesuffix(b"\r")
        if self._at == _SIZE_LINE:
            self._left = self._size(line)
            self._at = _DATA if self._left else _TRAILER
            self.began = True
            return False
        if self._at == _TRAILER:
            return not line
        if line:
            raise UpstreamError("a chunk of its body is not as long as it says")
        self._at = _SIZE_LINE
        return False

    def _size(self, line: bytes) -> int:
        found = _SIZE(line)
        if found is None:
            raise UpstreamError("the size of a chunk of its body is in doubt")
        return int(found[1], 16)

    def _check_begun(self) -> None:
        """Refuse what cannot become the line that is due, however much of it is still to come."""
        held = self._held
        if self._at == _DATA_END and held != b"\r":
            raise UpstreamError("a chunk of its body is not as long as it says")
        if self._at == _SIZE_LINE and held[:1] not in _DIGITS:
            raise UpstreamError("the size of a chunk of its body is in doubt")
