"""The bounded cache: results by bytes, emptied when they weigh too much.

A cache never changes a result, so it may be emptied at any moment. Caches that share a
budget are bounded together, however many there are.
"""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

MAX_SHORT_KEY = 40
"""Bytes of a key too short to contain a token."""

MAX_SEEN_ONCE = 2_000
"""Hashes kept of keys that came once."""


class CacheBudget:
    """The bytes that several caches may weigh together; the heaviest is emptied first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._caches: list[weakref.ref[Cache[Any]]] = []

    def enter(self, cache: Cache[Any]) -> None:
        """Add a cache, as long as it lives."""
        self._caches.append(weakref.ref(cache))

    def take(self, size: int) -> None:
        """Count `size` more; over the limit, empty the heaviest caches."""
        self._weight += size
        if self._weight > self._limit:
            self._shrink(size)

    def _shrink(self, size: int) -> None:
        alive = [cache for cache in (ref() for ref in self._caches) if cache is not None]
        self._caches = [weakref.ref(cache) for cache in alive]
        # less than was counted: some have emptied themselves, some are gone
        left = size + sum(cache.weight for cache in alive)
        for cache in sorted(alive, key=lambda cache: cache.weight, reverse=True):
            if left <= self._limit * 3 // 4:
                break
            left -= cache.weight
            cache.clear()
        self._weight = left


class Cache(dict[bytes, Value], Generic[Value]):
    """A dict that empties itself when its keys weigh more than `limit` bytes, or its budget is used up.

    Reading is the dict's own; writing goes through `store` and `store_repeated`.
    """

    def __init__(self, limit: int, longest: int, budget: CacheBudget | None = None) -> None:
        super().__init__()
        self._limit = limit
        self._longest = longest
        self._budget = budget
        self._seen_once: set[int] = set()
        self.weight = 0
        if budget is not None:
            budget.enter(self)

    def store(self, key: bytes, value: Value) -> None:
        """Store the value, unless the key is longer than `longest`."""
        size = len(key) + 200  # what an entry costs beside its key
        if size > self._longest:
            return
        if self.weight + size > self._limit:
            self.clear()
        if self._budget is not None:
            self._budget.take(size)
        self.weight += size
        self[key] = value

    def store_repeated(self, key: bytes, value: Value) -> None:
        """Store what is short or comes a second time: a tag with a token never does."""
        trace = hash(key)
        if len(key) <= MAX_SHORT_KEY or trace in self._seen_once:
            self.store(key, value)
        else:
            if len(self._seen_once) >= MAX_SEEN_ONCE:
                self._seen_once.clear()
            self._seen_once.add(trace)

    def clear(self) -> None:
        """Empty the cache."""
        super().clear()
        self._seen_once.clear()
        self.weight = 0
