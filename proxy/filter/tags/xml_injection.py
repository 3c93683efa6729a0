"""Where the proxy injects into XML: a root named html is a page; any other document is guarded alone.

The guard goes first into the root, or before the first element that could bring code: one in a
namespace that browsers run, and what is read as raw text. Other XML stays as it came, since
browsers show it as a tree only while no element of theirs is in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from proxy.errors import Unreadable
from proxy.filter.tags.injection import Injection, Injector, PageMetadata, Phase

_RUNS: Final = re.compile(rb"w3\.org/(?:1999/xhtml|2000/svg|1998/Math/MathML)|&")
_HANDLER: Final = re.compile(rb"[ \t\r\n\"'][oO][nN]")
_TRANSFORMS: Final = frozenset({b"stylesheet", b"transform"})
_XHTML: Final = b'<script xmlns="http://www.w3.org/1999/xhtml" '


class XmlInjection(Injection):
    """Tracks where an XML document begins to be one that could run code."""

    def __init__(
        self, inject: Injector | None, page: PageMetadata, *, nested: bool = False, xml: bool = True
    ) -> None:
        super().__init__(inject, page, nested=nested, xml=xml)
        self._is_due = self._inject is not None and self._inject.always

    def doctype(self) -> None:
        """Do nothing: the root decides, whatever a doctype says."""

    def transformed(self) -> None:
        """Record a style sheet of XSLT before the root: what is shown is its result."""
        if self.phase is Phase.START:
            self._is_due = False

    def around(self, raw: bytes, name: bytes, values: Mapping[str, str]) -> tuple[bytes, bytes]:
        """Return what goes before and after a start tag, given its local name."""
        is_root = self.phase is Phase.START
        if is_root:
            self.phase = Phase.PRE_HEAD if name == b"html" else Phase.FRAGMENT
        if self.phase is not Phase.FRAGMENT:
            self._is_due = False
            return self.start(name, values)
        if is_root and name in _TRANSFORMS:
            self._is_due = False  # nothing may stand before its imports
        if not self._is_due or not _may_run(raw, name):
            return b"", b""
        if not is_root:
            return self._guard(), b""
        if name == b"script" or (raw.endswith(b"/>") and _HANDLER.search(raw)):
            raise Unreadable("an XML document that is nothing but a script")
        return (b"", b"") if raw.endswith(b"/>") else (b"", self._guard())

    def before_long(self) -> bytes:
        """Return what goes before a tag over the size cap."""
        if not self._is_due:
            return b""
        if self.phase is Phase.START:
            raise Unreadable("an XML document that begins with a tag of more than 64 kB")
        return self._guard()

    def _head(self) -> bytes:
        return super()._head().replace(b"<script ", _XHTML)  # whatever the root's namespace and prefix

    def _guard(self) -> bytes:
        self._is_due = False
        return self._inject.root() if self._inject else b""


def _may_run(raw: bytes, name: bytes) -> bool:
    """True where a tag may name a namespace that browsers run, or its content is no markup."""
    return name in (b"script", b"style") or (b"xmlns" in raw and _RUNS.search(raw) is not None)
