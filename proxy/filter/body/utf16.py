"""A UTF-16 document, filtered in place: what the filter leaves alone keeps its very bytes.

The scanner sees UTF-8 in which even a surrogate without its partner has its own bytes,
so that the way back gives every code unit as it was.
"""

from __future__ import annotations

import codecs
from typing import Protocol

from proxy.errors import Unreadable


class Feeds(Protocol):
    """What a UTF-16 document is read by."""

    def feed(self, chunk: bytes) -> bytes:
        """Return the filtered form of what these bytes complete."""
        ...

    def close(self) -> bytes:
        """Return what was left."""
        ...


class Utf16:
    """Feeds a filter of UTF-8 with a UTF-16 document and gives UTF-16 back."""

    def __init__(self, inner: Feeds, encoding: str) -> None:
        self._inner = inner
        self._codec = "utf-16-le" if encoding == "utf-16le" else "utf-16-be"
        self._high = 1 if encoding == "utf-16le" else 0  # where in a unit its upper byte stands
        self._held = b""
        self._back = codecs.getincrementaldecoder("utf-8")("surrogatepass")

    def feed(self, chunk: bytes) -> bytes:
        """Return the filtered form of what these bytes complete."""
        data = self._held + chunk
        cut = len(data) & ~1
        if cut and data[cut - 2 + self._high] & 0xFC == 0xD8:
            cut -= 2  # the first half of a pair waits for the second
        self._held = data[cut:]
        return self._out(self._inner.feed(self._in(data[:cut])))

    def close(self) -> bytes:
        """Return what was left; half a code unit at the end stays as it is."""
        whole = self._held[: len(self._held) & ~1]
        odd = self._held[len(whole) :]
        out = self._inner.feed(self._in(whole)) if whole else b""
        return self._out(out + self._inner.close(), final=True) + odd

    def _in(self, units: bytes) -> bytes:
        return units.decode(self._codec, "surrogatepass").encode("utf-8", "surrogatepass")

    def _out(self, data: bytes, *, final: bool = False) -> bytes:
        try:
            return self._back.decode(data, final).encode(self._codec, "surrogatepass")
        except UnicodeDecodeError as error:
            raise Unreadable(f"a UTF-16 document could not be put together again: {error}") from error
