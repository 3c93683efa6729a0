"""An injector whose words come in ASCII, and so are right in every encoding the scanner reads."""

from __future__ import annotations

from proxy.filter.rules.judged_tag import TagFacts
from proxy.filter.tags.injection import Injector, PageSeen
from proxy.filter.verdict import Verdict


class AsciiInjector:
    """Hands on what another injects, with character references for all that is not ASCII.

    In a page that is not in UTF-8 its bytes would be read as other letters. Scripts and
    styles must be ASCII as they are: a character reference means nothing in them.
    """

    def __init__(self, inner: Injector) -> None:
        self._inner = inner

    @property
    def always(self) -> bool:
        """True where what comes is a page however it begins."""
        return self._inner.always

    def head(self, page: PageSeen) -> bytes:
        """Return what stands first in the head."""
        return _ascii(self._inner.head(page))

    def body(self, page: PageSeen) -> bytes:
        """Return what stands first in the body."""
        return _ascii(self._inner.body(page))

    def foot(self, page: PageSeen) -> bytes:
        """Return what stands last in the body."""
        return _ascii(self._inner.foot(page))

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return what stands in place of a replaced element."""
        return _ascii(self._inner.placeholder(verdict, facts))


def _ascii(text: bytes) -> bytes:
    return text if text.isascii() else text.decode().encode("ascii", "xmlcharrefreplace")
