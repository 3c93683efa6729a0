"""Memory with a bound: what was judged once need not be judged again.

A memo never changes a result; emptying it at any moment is allowed, and that is how it
stays bounded.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memo(dict[bytes, Value], Generic[Value]):
    """A dict that empties itself when its keys weigh more than `limit` bytes.

    Reading is the dict's own; writing goes through `keep`.
    """

    def __init__(self, limit: int, longest: int) -> None:
        super().__init__()
        self._limit = limit
        self._longest = longest
        self._weight = 0

    def keep(self, key: bytes, value: Value) -> None:
        """Remember, unless the key is too long to be worth it."""
        size = len(key) + 200  # what an entry costs beside its key
        if size > self._longest:
            return
        if self._weight + size > self._limit:
            self.forget()
        self._weight += size
        self[key] = value

    def forget(self) -> None:
        """Empty the memo."""
        self.clear()
        self._weight = 0
