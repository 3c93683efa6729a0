"""Pages filtered before: filtering is a pure function of bytes and decision.

Most pages of a site are byte for byte the same for every visitor with the same grants;
those with a nonce or token never come twice, so a page is kept only when seen again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict

from proxy.filter.html import HtmlFilter
from proxy.filter.injection import Injector
from proxy.filter.matching import Judge
from proxy.filter.verdict import Verdict

Filtered = tuple[bytes, tuple[Verdict, ...]]

ENTRY = 500
"""What a page costs beside its bytes, however small: strangers can ask for very many very small ones."""
VERDICT = 64
"""What each of its verdicts costs."""


class PageMemo:
    """Remembers whole pages, least recently used ones least, up to `limit` bytes.

    Whoever asks gives a key for everything that goes into a page beside its bytes: site,
    grants, rules, language, what is injected. The digest is keyed, so that nobody can make
    two pages meet.
    """

    def __init__(self, limit: int, seen: int = 20_000) -> None:
        self._limit = limit
        self._most_seen = seen
        self._secret = secrets.token_bytes(16)
        self._pages: OrderedDict[bytes, Filtered] = OrderedDict()
        self._once: OrderedDict[bytes, None] = OrderedDict()
        self._size = 0

    def digest(self, body: bytes, key: bytes) -> bytes:
        """Return what a page with this key is remembered under."""
        return hashlib.blake2b(
            len(key).to_bytes(4, "big") + key + body, key=self._secret, digest_size=16
        ).digest()

    def get(self, digest: bytes) -> Filtered | None:
        """Return a page remembered, or None."""
        found = self._pages.get(digest)
        if found is not None:
            self._pages.move_to_end(digest)
        return found

    def keep(self, digest: bytes, out: bytes, verdicts: list[Verdict]) -> None:
        """Remember a page if it was seen before."""
        if digest not in self._once:
            self._once[digest] = None
            if len(self._once) > self._most_seen:
                self._once.popitem(last=False)
            return
        del self._once[digest]
        page = out, tuple(verdicts)
        self._pages[digest] = page
        self._size += _weight(page)
        while self._size > self._limit and self._pages:
            self._size -= _weight(self._pages.popitem(last=False)[1])

    def filtered(
        self, judge: Judge, body: bytes, *, inject: Injector | None, key: bytes, xml: bool = False
    ) -> Filtered:
        """Return a complete page filtered, from memory where possible."""
        digest = self.digest(body, key)
        found = self.get(digest)
        if found is not None:
            return found
        page = HtmlFilter(judge, inject=inject, xml=xml)
        out = page.feed(body) + page.close()
        self.keep(digest, out, page.verdicts)
        return out, tuple(page.verdicts)


def _weight(page: Filtered) -> int:
    return len(page[0]) + ENTRY + VERDICT * len(page[1])
