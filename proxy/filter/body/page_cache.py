"""The page cache: filtered pages by key and original bytes.

Most pages of a site are byte for byte the same for every visitor with the same grants;
those with a nonce or token never repeat, so a page is stored only when seen again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from proxy.filter.verdict import Verdict

Filtered = tuple[bytes, tuple[Verdict, ...]]

STEP = 13
"""Every so-manieth byte of a page seen once is hashed: nonces are longer than that."""

ENTRY = 1000
"""Bytes that an entry costs beside its page: visitors can request many tiny ones."""
VERDICT = 64
"""Bytes that each of its verdicts costs."""


class _Page(NamedTuple):
    body: bytes
    filtered: Filtered
    size: int


class PageCache:
    """An LRU cache of whole pages, up to `limit` bytes.

    The key is everything a filtered page depends on beside its bytes: site, address, grants,
    rules, language, what is injected. For each key the page last seen twice is stored,
    original and filtered: comparing bytes is cheaper than a digest, and cannot collide.
    """

    def __init__(self, limit: int, seen: int = 20_000) -> None:
        self._limit = limit
        self._max_seen_once = seen
        self._pages: OrderedDict[Hashable, _Page] = OrderedDict()
        self._seen_once: OrderedDict[int, int] = (
            OrderedDict()
        )  # hashes of key and body; a collision stores a page early
        self._size = 0

    def get(self, key: Hashable, body: bytes) -> Filtered | None:
        """Return that very page filtered, or None."""
        found = self._pages.get(key)
        if found is None or found.body != body:
            return None
        self._pages.move_to_end(key)
        return found.filtered

    def keep(self, key: Hashable, body: bytes, filtered: Filtered) -> None:
        """Store a page if it was seen before."""
        name, seen = hash(key), hash((len(body), body[::STEP]))
        if self._seen_once.get(name) != seen:
            self._seen_once[name] = seen
            if len(self._seen_once) > self._max_seen_once:
                self._seen_once.popitem(last=False)
            return
        del self._seen_once[name]
        self._drop(key)
        size = len(body) + len(filtered[0]) + ENTRY + VERDICT * len(filtered[1])
        page = _Page(body, filtered, size)
        self._pages[key] = page
        self._size += page.size
        while self._size > self._limit and self._pages:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._size -= page.size
