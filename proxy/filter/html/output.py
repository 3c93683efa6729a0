"""What has left the filter, and the tail that waits to see whether a `</body>` was the last."""

from __future__ import annotations

from proxy.filter.size_limits import MAX_TAIL
from proxy.filter.tags.injection import Injection


class Output:
    """Pieces on their way out; the foot of the page is put before the last `</body>`."""

    __slots__ = ("_foot_at", "_footed", "pieces")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._foot_at: int | None = None
        self._footed = False

    def emit(self, text: bytes) -> None:
        """Let a piece go."""
        if text:
            self.pieces.append(text)

    def body_ends(self, injection: Injection) -> None:
        """Note that a `</body>` follows: the foot belongs here unless another comes."""
        if self._footed or not injection.has_foot:
            return
        if self._tail() > MAX_TAIL:
            self._place(injection)
        else:
            self._foot_at = len(self.pieces)

    def _tail(self) -> int:
        return 0 if self._foot_at is None else sum(map(len, self.pieces[self._foot_at :]))

    def _place(self, injection: Injection) -> None:
        if self._foot_at is not None:
            self.pieces.insert(self._foot_at, injection.foot())
            self._foot_at = None
            self._footed = True

    def flush(self, injection: Injection) -> bytes:
        """Return what need not wait."""
        pieces = self.pieces
        if self._foot_at is not None and self._tail() > MAX_TAIL:
            self._place(injection)
        if self._foot_at is None:
            joined = b"".join(pieces)
            pieces.clear()
            return joined
        joined = b"".join(pieces[: self._foot_at])
        del pieces[: self._foot_at]
        if len(pieces) > 64:
            pieces[:] = [b"".join(pieces)]
        self._foot_at = 0
        return joined

    def end(self, injection: Injection, *, at_end: bool) -> None:
        """Nothing more comes: place the foot, at the end if no `</body>` was there."""
        if not self._footed and self._foot_at is None and at_end and injection.has_foot:
            self._foot_at = len(self.pieces)
        self._place(injection)
