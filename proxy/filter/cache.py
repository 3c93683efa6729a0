"""The bounded caches: of look-ups, emptied when full, and of whole pages, the least recently used first.

A cache never changes a result, so it may be emptied at any moment. Caches that share a
budget are bounded together, however many there are.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Final, Generic, ParamSpec, TypeVar

from proxy.filter.verdict import Verdict

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")

ENTRY_SIZE: Final = 200
"""Bytes that an entry costs beside its key."""

UNBOUNDED: Final = 1 << 60
TOO_LARGE: Final = UNBOUNDED + 1
"""A size that no cache takes."""

MAX_SHORT_KEY: Final = 40
"""Bytes of a key too short to contain a token."""

MAX_SEEN_ONCE: Final = 2_000
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


Filtered = tuple[bytes, tuple[Verdict, ...], str]

PAGE_STEP: Final = 13
"""Every so-manieth byte of a page seen once is hashed: nonces are longer than that."""

PAGE_ENTRY_SIZE: Final = 1000
"""Bytes that an entry costs beside its page: visitors can request many tiny ones."""
PAGE_VERDICT_SIZE: Final = 64
"""Bytes that each of its verdicts costs."""


POPULAR: Final = 8
"""How often a page is sent from the cache before it is worth coding at the highest level."""
MAX_POPULAR: Final = 64
MAX_RECODED: Final = 1 << 20
"""Bytes of the largest page that is: at the highest level a megabyte takes a second."""


@dataclass(slots=True)
class CachedPage:
    """A page as it came and as it leaves, in that coding."""

    key: Hashable
    body: bytes
    filtered: Filtered
    size: int
    coding: bytes | None
    uses: int = 0


class PageCache:
    """An LRU cache of whole pages, up to `limit` bytes.

    The key is everything a filtered page depends on beside its bytes: site, address, grants,
    rules, language, what is injected. For each key the page last seen twice is stored,
    original and filtered: comparing bytes is cheaper than a digest, and cannot collide.
    """

    def __init__(self, limit: int, seen: int = 20_000) -> None:
        self._limit = limit
        self._max_seen_once = seen
        self._pages: OrderedDict[Hashable, CachedPage] = OrderedDict()
        self._seen_once: OrderedDict[int, int] = (
            OrderedDict()
        )  # hashes of key and body; a collision stores a page early
        self._popular: deque[CachedPage] = deque(maxlen=MAX_POPULAR)
        self._size = 0

    def get(self, key: Hashable, body: bytes) -> Filtered | None:
        """Return that very page filtered, or None."""
        found = self._pages.get(key)
        if found is None or found.body != body:
            return None
        self._pages.move_to_end(key)
        found.uses += 1
        if found.uses == POPULAR and found.coding and len(body) <= MAX_RECODED:
            self._popular.append(found)
        return found.filtered

    def next_popular(self) -> CachedPage | None:
        """Return the next page that is sent often and was not coded at the highest level yet."""
        while self._popular:
            page = self._popular.popleft()
            if self._pages.get(page.key) is page:
                return page
        return None

    def recode(self, page: CachedPage, coded: bytes) -> None:
        """Send a page in these bytes from now on, if it is still here and they are fewer."""
        if self._pages.get(page.key) is page and len(coded) < len(page.filtered[0]):
            saved = len(page.filtered[0]) - len(coded)
            page.filtered = coded, *page.filtered[1:]
            page.size -= saved
            self._size -= saved

    def keep(self, key: Hashable, body: bytes, filtered: Filtered, coding: bytes | None = None) -> None:
        """Store a page if it was seen before; `coding` is the one it leaves in."""
        name, seen = hash(key), hash((len(body), body[::PAGE_STEP]))
        if self._seen_once.get(name) != seen:
            self._seen_once[name] = seen
            if len(self._seen_once) > self._max_seen_once:
                self._seen_once.popitem(last=False)
            return
        del self._seen_once[name]
        self._drop(key)
        size = len(body) + len(filtered[0]) + PAGE_ENTRY_SIZE + PAGE_VERDICT_SIZE * len(filtered[1])
        page = CachedPage(key, body, filtered, size, coding)
        self._pages[key] = page
        self._size += page.size
        while self._size > self._limit and self._pages:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._size -= page.size
