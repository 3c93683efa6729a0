"""Sees that a chunked request body is malformed as soon as it is (RFC 9112 section 7.1).

aiohttp's parser decodes the body and decides what it is. But it reports an error only behind the request
that is being handled, whose handler would wait for the rest of the body until its timeout. This reads the
same bytes for their framing alone, so that the handler can be told at once.
"""

from __future__ import annotations

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?\r\n").fullmatch
_LONGEST_LINE = 16_384


class ChunkedFraming:
    """The framing of one chunked body: chunk sizes and the line ends behind chunks."""

    __slots__ = ("_done", "_left", "_line")

    def __init__(self) -> None:
        self._left = 0  # bytes of the current chunk and its line end that are still to come
        self._line = b""  # what has come of a chunk size
        self._done = False  # the last chunk has come, or a line that is too long to be kept

    def feed(self, data: bytes) -> bool:
        """Take the next bytes of the body; False once it is malformed."""
        at = 0
        while at < len(data) and not self._done:
            if self._left > 2:
                step = min(self._left - 2, len(data) - at)
                at, self._left = at + step, self._left - step
            elif self._left:
                if data[at] != b"\n\r"[self._left - 1]:
                    return False
                at, self._left = at + 1, self._left - 1
            else:
                end = data.find(b"\n", at) + 1 or len(data)
                self._line += data[at:end]
                at = end
                if not self._read_size():
                    return False
        return True

    def _read_size(self) -> bool:
        line = self._line
        if not line.endswith(b"\n"):
            self._done = len(line) > _LONGEST_LINE
            return True
        found = _SIZE(line)
        if found is None:
            return False
        size = int(found[1], 16)
        self._line, self._left, self._done = b"", size + 2, size == 0
        return True
