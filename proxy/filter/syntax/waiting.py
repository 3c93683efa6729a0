"""The pieces of a tag that is not complete, joined only when that may help."""

from __future__ import annotations

LONGEST_TAG = 64 * 1024
"""Bytes of a tag that are held; longer ones are read attribute by attribute."""

LONGEST_CODE = 256 * 1024
"""The cap for tags that carry code: scripts (data: addresses) and iframes (srcdoc)."""

_FRUITLESS = 4  # attempts before waiting for a quarter more, so that one-byte pieces cost linear time


class Waiting:
    """Collects pieces until the tag can be complete, or is too long to be held."""

    __slots__ = ("_cap", "_closes", "_pieces", "_retry_at", "_size", "_tries")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._tries = 0
        self._retry_at = 0
        self._closes = False
        self._cap = LONGEST_TAG

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def begin(self, piece: bytes, cap: int) -> None:
        """Hold what begins here; the same tag held again counts as a fruitless attempt."""
        self._tries = self._tries + 1 if len(piece) == self._size else 0
        self._pieces.append(piece)
        self._cap = cap
        self._size = len(piece)
        self._closes = False
        self._retry_at = 0 if self._tries < _FRUITLESS else self._size + self._size // 4

    def ready(self, piece: bytes) -> bool:
        """Take a piece; True when it is worth looking at the whole."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._closes = self._closes or b">" in piece
        return self._size > self._cap or (self._closes and self._size >= self._retry_at)

    def take(self) -> bytes:
        """Return everything held."""
        joined = b"".join(self._pieces)
        self._pieces.clear()
        return joined
