"""The bounded cache: emptied when it has too many entries, or their keys weigh too much.

A cache never changes a result, so it may be emptied at any moment. Caches that share a
budget are bounded together, however many there are.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Any, Generic, ParamSpec, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")

ENTRY_SIZE = 200
"""Bytes that an entry costs beside its key."""

UNBOUNDED = 1 << 62

MAX_SHORT_KEY = 40
"""Bytes of a key too short to contain a token."""

MAX_SEEN_ONCE = 2_000
"""Hashes kept of keys that came once."""


class CacheBudget:
    """The bytes that several caches may weigh together; the heaviest is emptied first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._caches: list[weakref.ref[Cache[Any, Any]]] = []

    def enter(self, cache: Cache[Any, Any]) -> None:
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


class Cache(dict[Key, Value], Generic[Key, Value]):
    """A dict that empties itself when it is full. Reading is the dict's own; writing goes through `store`.

    Full is `entries`, or keys of `limit` bytes, or a budget that is used up. Keys of more than `longest`
    bytes are not stored: whoever chooses them could fill the memory with few.
    """

    def __init__(
        self,
        entries: int = UNBOUNDED,
        *,
        limit: int = UNBOUNDED,
        longest: int = UNBOUNDED,
        budget: CacheBudget | None = None,
    ) -> None:
        super().__init__()
        self._entries = entries
        self._limit = limit
        self._longest = longest
        self._budget = budget
        self._seen_once: set[int] = set()
        self.weight = 0
        if budget is not None:
            budget.enter(self)

    def store(self, key: Key, value: Value, size: int | None = None) -> Value:
        """Store and return the value. `size`: bytes that strangers choose of a key that is not bytes."""
        if size is None:
            size = len(key) if isinstance(key, bytes) else 0
        if size > self._longest:
            return value
        size += ENTRY_SIZE
        if len(self) >= self._entries or self.weight + size > self._limit:
            self.clear()
        if self._budget is not None:
            self._budget.take(size)
        self.weight += size
        self[key] = value
        return value

    def store_repeated(self, key: Key, value: Value, size: int | None = None) -> None:
        """Store what is short or comes a second time: a tag with a token never does."""
        trace = hash(key)
        if size is None:
            size = len(key) if isinstance(key, bytes) else 0
        if size <= MAX_SHORT_KEY or trace in self._seen_once:
            self.store(key, value, size)
        else:
            if len(self._seen_once) >= MAX_SEEN_ONCE:
                self._seen_once.clear()
            self._seen_once.add(trace)

    def clear(self) -> None:
        """Empty the cache."""
        super().clear()
        self._seen_once.clear()
        self.weight = 0


def lru_cache_of_short(
    entries: int, longest: int
) -> Callable[[Callable[Arguments, Value]], Callable[Arguments, Value]]:
    """Return a decorator: an lru_cache that passes by arguments of more than `longest` bytes together."""

    def decorate(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
        known = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def found(*args: Arguments.args, **named: Arguments.kwargs) -> Value:
            size = sum(map(_size, args))
            return function(*args, **named) if size > longest else known(*args, **named)  # type: ignore[arg-type]

        return found

    return decorate


def _size(value: object) -> int:
    if isinstance(value, bytes | str):
        return len(value)
    return sum(map(_size, value)) if isinstance(value, tuple) else 0
