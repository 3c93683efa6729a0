"""The output of the filter: held back behind a `</body>` until that is known to be the last."""

from __future__ import annotations

from proxy.filter.size_limits import MAX_TAIL
from proxy.filter.tags.injection import Injection


class Output:
    """Collects output; inserts the page's foot before the last `</body>`."""

    __slots__ = ("_foot_at", "_foot_placed", "pieces")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._foot_at: int | None = None
        self._foot_placed = False

    def emit(self, text: bytes) -> None:
        """Append output."""
        if text:
            self.pieces.append(text)

    def body_ends(self, injection: Injection) -> None:
        """Mark a `</body>` that follows: the foot goes here unless another comes."""
        if self._foot_placed or not injection.has_foot:
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
            self._foot_placed = True

    def flush(self, injection: Injection) -> bytes:
        """Return the output that need not wait."""
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
        """Insert the foot at the end of the page, if no `</body>` placed it before."""
        if not self._foot_placed and self._foot_at is None and at_end and injection.has_foot:
            self._foot_at = len(self.pieces)
        self._place(injection)
