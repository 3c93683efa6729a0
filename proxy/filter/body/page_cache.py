"""Pages filtered before: filtering is a pure function of bytes and decision.

Most pages of a site are byte for byte the same for every visitor with the same grants;
those with a nonce or token never come twice, so a page is kept only when seen again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from proxy.filter.verdict import Verdict

Filtered = tuple[bytes, tuple[Verdict, ...]]

STEP = 13
"""Of a page seen once one byte in so many is looked at: nonces are longer, and a mistake keeps it early."""

ENTRY = 1000
"""What a page costs beside its bytes, however small: strangers can ask for very many very small ones."""
VERDICT = 64
"""What each of its verdicts costs."""


class _Page(NamedTuple):
    body: bytes
    filtered: Filtered
    size: int


class PageCache:
    """Remembers whole pages, least recently used ones least, up to `limit` bytes.

    Whoever asks gives a key for everything that goes into a page beside its bytes: site,
    address, grants, rules, language, what is injected. Of each key the page last seen twice
    is kept, as it came and as it left: to compare bytes is cheaper than any digest of them,
    and nobody can make two pages meet.
    """

    def __init__(self, limit: int, seen: int = 20_000) -> None:
        self._limit = limit
        self._most_seen = seen
        self._pages: OrderedDict[Hashable, _Page] = OrderedDict()
        self._once: OrderedDict[int, int] = (
            OrderedDict()
        )  # hashes of key and body: wrong ones keep a page early
        self._size = 0

    def get(self, key: Hashable, body: bytes) -> Filtered | None:
        """Return what became of that very page, or None."""
        found = self._pages.get(key)
        if found is None or found.body != body:
            return None
        self._pages.move_to_end(key)
        return found.filtered

    def keep(self, key: Hashable, body: bytes, filtered: Filtered) -> None:
        """Remember a page if it was seen before."""
        name, seen = hash(key), hash((len(body), body[::STEP]))
        if self._once.get(name) != seen:
            self._once[name] = seen
            if len(self._once) > self._most_seen:
                self._once.popitem(last=False)
            return
        del self._once[name]
        self._forget(key)
        size = len(body) + len(filtered[0]) + ENTRY + VERDICT * len(filtered[1])
        page = _Page(body, filtered, size)
        self._pages[key] = page
        self._size += page.size
        while self._size > self._limit and self._pages:
            self._forget(next(iter(self._pages)))

    def _forget(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._size -= page.size
