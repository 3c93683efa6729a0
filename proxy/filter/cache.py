"""Memory with a bound: what was judged once need not be judged again.

A memo never changes a result; emptying it at any moment is allowed, and that is how it
stays bounded. Memos that share a Room are bounded together, however many there are.
"""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

SHORT = 40
"""Bytes of a key that has hardly room for a token."""

LATELY = 2_000
"""Keys that came once, of which a trace is kept."""


class CacheBudget:
    """How many bytes some memos may weigh together: the heaviest is emptied for the others."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._memos: list[weakref.ref[Cache[Any]]] = []

    def enter(self, cache: Cache[Any]) -> None:
        """Count a memo as long as it lives."""
        self._memos.append(weakref.ref(cache))

    def take(self, size: int) -> None:
        """Count that much more; where it is too much, make room for some time to come."""
        self._weight += size
        if self._weight > self._limit:
            self._make_room(size)

    def _make_room(self, size: int) -> None:
        alive = [cache for cache in (ref() for ref in self._memos) if cache is not None]
        self._memos = [weakref.ref(cache) for cache in alive]
        # less than was counted: some have emptied themselves, some are gone
        left = size + sum(cache.weight for cache in alive)
        for cache in sorted(alive, key=lambda cache: cache.weight, reverse=True):
            if left <= self._limit * 3 // 4:
                break
            left -= cache.weight
            cache.forget()
        self._weight = left


class Cache(dict[bytes, Value], Generic[Value]):
    """A dict that empties itself when its keys weigh more than `limit` bytes, or its room is full.

    Reading is the dict's own; writing goes through `keep` and `keep_known`.
    """

    def __init__(self, limit: int, longest: int, room: CacheBudget | None = None) -> None:
        super().__init__()
        self._limit = limit
        self._longest = longest
        self._room = room
        self._once: set[int] = set()
        self.weight = 0
        if room is not None:
            room.enter(self)

    def keep(self, key: bytes, value: Value) -> None:
        """Remember, unless the key is too long to be worth it."""
        size = len(key) + 200  # what an entry costs beside its key
        if size > self._longest:
            return
        if self.weight + size > self._limit:
            self.forget()
        if self._room is not None:
            self._room.take(size)
        self.weight += size
        self[key] = value

    def keep_known(self, key: bytes, value: Value) -> None:
        """Remember what is short or comes a second time: a tag with a token of its own never does."""
        trace = hash(key)
        if len(key) <= SHORT or trace in self._once:
            self.keep(key, value)
        else:
            if len(self._once) >= LATELY:
                self._once.clear()
            self._once.add(trace)

    def forget(self) -> None:
        """Empty the memo."""
        self.clear()
        self._once.clear()
        self.weight = 0
