"""Where a request's body ends, and that a chunked one is malformed as soon as it is (RFC 9112 section 7.1).

aiohttp's parser decodes bodies and decides what they are. But it gets one request at a time (connection.py),
so somebody has to know which bytes are behind it; and it reports an error only behind the request that is
being handled, whose handler would wait for the rest of the body until its timeout.
"""

from __future__ import annotations

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?\r\n").fullmatch
_LONGEST_LINE = 16_384


class SizedFraming:
    """A body of so many bytes; 0 for a request without one."""

    __slots__ = ("_left", "ended")

    def __init__(self, length: int) -> None:
        self._left = length
        self.ended = length == 0

    def feed(self, data: bytes) -> int:
        """Return how many of these bytes are the body's."""
        taken = min(self._left, len(data))
        self._left -= taken
        self.ended = self._left == 0
        return taken


class ChunkedFraming:
    """The framing of one chunked body: chunk sizes, the line ends behind chunks, and trailers."""

    __slots__ = ("_left", "_line", "_lost", "_trailers", "ended")

    def __init__(self) -> None:
        self._left = 0  # bytes of the current chunk and its line end that are still to come
        self._line = b""  # what has come of a chunk size or a trailer
        self._trailers = False  # the last chunk has come
        self._lost = False  # behind a line that is too long to be kept: all that comes is taken for the body
        self.ended = False

    def feed(self, data: bytes) -> int | None:
        """Return how many of these bytes are the body's; None once it is malformed."""
        at = 0
        while at < len(data) and not self.ended:
            if self._lost:
                return len(data)
            if self._left > 2:
                step = min(self._left - 2, len(data) - at)
                at, self._left = at + step, self._left - step
            elif self._left:
                if data[at] != b"\n\r"[self._left - 1]:
                    return None
                at, self._left = at + 1, self._left - 1
            else:
                end = data.find(b"\n", at) + 1 or len(data)
                self._line += data[at:end]
                at = end
                if not self._read_line():
                    return None
        return at

    def _read_line(self) -> bool:
        line = self._line
        if not line.endswith(b"\n"):
            self._lost = len(line) > _LONGEST_LINE
            return True
        self._line = b""
        if self._trailers:
            self.ended = line == b"\r\n"
            return True
        found = _SIZE(line)
        if found is None:
            return False
        size = int(found[1], 16)
        self._trailers = size == 0
        self._left = size + 2 if size else 0
        return True


Framing = SizedFraming | ChunkedFraming
NO_BODY = SizedFraming(0)
