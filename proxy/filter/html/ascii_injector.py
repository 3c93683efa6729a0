"""An injector that writes ASCII only, which is valid in every encoding the scanner reads."""

from __future__ import annotations

from proxy.filter.rules.judge import TagFacts
from proxy.filter.tags.injection import Injector, PageMetadata
from proxy.filter.verdict import Verdict


class AsciiInjector:
    """Wraps an injector: everything not ASCII becomes a character reference.

    In a page that is not in UTF-8 its bytes would be read as other characters. Scripts and
    styles must be ASCII as they are: a character reference means nothing in them.
    """

    def __init__(self, inner: Injector) -> None:
        self._inner = inner

    @property
    def always(self) -> bool:
        """True where the response is opened as a page, however it begins."""
        return self._inner.always

    @property
    def amp(self) -> bool:
        """True where the site's AMP pages get nothing."""
        return self._inner.amp

    def head(self, page: PageMetadata) -> bytes:
        """Return what goes first into the head."""
        return _ascii(self._inner.head(page))

    def body(self, page: PageMetadata) -> bytes:
        """Return what goes first into the body."""
        return _ascii(self._inner.body(page))

    def foot(self, page: PageMetadata) -> bytes:
        """Return what goes last into the body."""
        return _ascii(self._inner.foot(page))

    def root(self) -> bytes:
        """Return what goes into a document of other XML than XHTML."""
        return _ascii(self._inner.root())

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return the placeholder for a replaced element."""
        return _ascii(self._inner.placeholder(verdict, facts))


def _ascii(text: bytes) -> bytes:
    return text if text.isascii() else text.decode().encode("ascii", "xmlcharrefreplace")
