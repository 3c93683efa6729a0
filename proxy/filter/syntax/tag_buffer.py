"""The pieces of a start tag that is not complete, joined only when that may help."""

from __future__ import annotations

from proxy.filter.size_limits import MAX_TAG

_FREE_TRIES = 4  # joins before it waits for a quarter more, so that one-byte pieces cost linear time


class TagBuffer:
    """Collects pieces until the tag may be complete, or is longer than its cap."""

    __slots__ = ("_cap", "_closes", "_pieces", "_retry_at", "_size", "_tries")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._tries = 0
        self._retry_at = 0
        self._closes = False
        self._cap = MAX_TAG

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def begin(self, piece: bytes, cap: int) -> None:
        """Buffer what begins here; the same tag begun again counts as a useless join."""
        self._tries = self._tries + 1 if len(piece) == self._size else 0
        self._pieces.append(piece)
        self._cap = cap
        self._size = len(piece)
        self._closes = False
        self._retry_at = 0 if self._tries < _FREE_TRIES else self._size + self._size // 4

    def ready(self, piece: bytes) -> bool:
        """Add a piece; True when the joined whole is worth reading."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._closes = self._closes or b">" in piece
        return self._size > self._cap or (self._closes and self._size >= self._retry_at)

    def take(self) -> bytes:
        """Return everything buffered, and forget it."""
        joined = b"".join(self._pieces)
        self._pieces.clear()
        return joined
