"""Where the proxy injects into a page: after <head>, after <body>, before the last </body>.

A navigation is injected into however it begins: the guard goes before a notice printed
above the doctype. What is fetched by script is injected into only if it is a complete
document (its first tag is a doctype, html, head or body). AMP pages are spared only where
the site's config says `amp: yes`: no attribute of a page switches anything off by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from proxy.filter.rules.judge import TagFacts
from proxy.filter.syntax.attributes import escaped
from proxy.filter.syntax.fetching_attributes import HEAD_CONTENT
from proxy.filter.verdict import Verdict

_HEAD_CONTENT: Final = frozenset(name.encode() for name in HEAD_CONTENT)
_ELSEWHERE: Final = re.compile(r"[\x00-\x20]*+(?:[a-z][a-z0-9+.-]*:|[\\/]{2})", re.IGNORECASE)
_AMP: Final = ("amp", "\u26a1", "amp4ads", "\u26a14ads", "amp4email", "\u26a14email")


@dataclass(slots=True)
class PageMetadata:
    """What is known of the page from the tags read so far."""

    lang: str = ""
    meta_csp: tuple[str, ...] = ()
    amp: bool = False
    is_moved: bool = False  # a <base> resolves relative addresses to another origin

    def html(self, values: Mapping[str, str]) -> None:
        """Record the attributes of <html>."""
        self.lang = self.lang or values.get("lang", "") or values.get("xml:lang", "")
        self.amp = self.amp or any(name in values for name in _AMP)

    def meta(self, values: Mapping[str, str]) -> None:
        """Record a <meta>."""
        if values.get("http-equiv", "").strip().lower() == "content-security-policy" and "content" in values:
            self.meta_csp += (values["content"],)

    def base(self, href: str) -> None:
        """Record the first <base href>."""
        self.is_moved = self.is_moved or _ELSEWHERE.match(href) is not None


class Asking(Protocol):
    """Where it is noted in which language a page asks its visitor; "" for a page that does not."""

    language: str


class Injector(Protocol):
    """Makes the bytes that are injected: UTF-8, and well-formed as XML."""

    @property
    def always(self) -> bool:
        """True for a page or frame: its HTML is a document, never a fragment."""
        ...

    @property
    def amp(self) -> bool:
        """True where the site says that its AMP pages are to stay valid: they get nothing."""
        ...

    def head(self, page: PageMetadata) -> bytes:
        """Return what goes first into the head."""
        ...

    def body(self, page: PageMetadata) -> bytes:
        """Return what goes first into the body."""
        ...

    def foot(self, page: PageMetadata) -> bytes:
        """Return what goes last into the body."""
        ...

    def root(self) -> bytes:
        """Return what goes into a document of other XML than XHTML: the guard alone."""
        ...

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return the placeholder for a replaced element."""
        ...


def plain_placeholder(_verdict: Verdict, facts: TagFacts) -> bytes:
    """Return the placeholder without an injector: a plain link."""
    link = facts.link or facts.privacy
    words = escaped(facts.link or facts.name)
    if link is None:
        return b"<span>" + words + b"</span>" if words else b""
    return b'<a href="' + escaped(link) + b'" rel="noopener noreferrer" target="_blank">' + words + b"</a>"


class Phase(IntEnum):
    """How far into the page the stream has come."""

    START = 0  # nothing but white space and comments so far
    PRE_HEAD = 1  # a complete document, its head not begun
    HEAD = 2
    BODY = 3
    FRAGMENT = 4  # not a complete document: nothing is injected


# A global is ten times faster than the look-up of an enum member.
_START: Final = Phase.START
_PRE_HEAD: Final = Phase.PRE_HEAD
_HEAD: Final = Phase.HEAD
_BODY: Final = Phase.BODY
_FRAGMENT: Final = Phase.FRAGMENT


class Injection:
    """Tracks where head and body begin, and returns what is injected there."""

    def __init__(
        self, inject: Injector | None, page: PageMetadata, *, nested: bool = False, xml: bool = False
    ) -> None:
        self.phase: Phase = _START
        self.bars_placeholders = False  # no placeholder may be put here
        self.page = page
        self.has_body = False
        self.is_empty = True  # until the first byte
        self.inject = inject
        self._inject = None if nested else inject
        self.is_document = self._inject is not None and self._inject.always and not xml
        self._templates = 0

    @property
    def _spares(self) -> bool:
        """True for an AMP page of a site that says that such pages stay as they are."""
        return self.page.amp and self._inject is not None and self._inject.amp

    @property
    def is_before_body(self) -> bool:
        """True while the body has not begun: every tag matters."""
        return self.phase < _BODY

    @property
    def in_template(self) -> bool:
        """True inside a template in the head, whose content starts no body."""
        return self._templates > 0

    @property
    def has_foot(self) -> bool:
        """True when something is injected at the foot of this page."""
        return self._inject is not None and self.has_body and not self._spares

    def _head(self) -> bytes:
        return self._inject.head(self.page) if self._inject and not self._spares else b""

    def _body(self) -> bytes:
        self.phase = _BODY
        self.has_body = True
        return self._inject.body(self.page) if self._inject and not self._spares else b""

    def foot(self) -> bytes:
        """Return what goes last into the body."""
        return self._inject.foot(self.page) if self._inject and self.has_foot else b""

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return the placeholder; nothing where it would end the head."""
        if self.bars_placeholders or self.phase in (_PRE_HEAD, _HEAD):
            return b""
        make = self.inject.placeholder if self.inject else plain_placeholder
        return make(verdict, facts)

    def doctype(self) -> None:
        """Record a doctype."""
        if self.phase is _START:
            self.phase = _PRE_HEAD

    def text(self) -> bytes:
        """Return what goes before text that is not white space."""
        if self.phase is _START:
            self.phase = self._first()
        if not self.is_before_body or self._templates:
            return b""
        head = self._head() if self.phase is _PRE_HEAD else b""
        return head + self._body()

    def start(self, name: bytes, values: Mapping[str, str]) -> tuple[bytes, bytes]:
        """Return what goes before and after a start tag."""
        if name == b"html":
            self.page.html(values)
        if self.phase is _START:
            self.phase = _PRE_HEAD if name in (b"html", b"head", b"body") else self._first()
        if not self.is_before_body or self._templates or name == b"html":
            if self._templates and name == b"template":
                self._templates += 1
            return b"", b""
        if name == b"head":
            return b"", self._begin_head()
        before = self._begin_head()
        if name == b"template":
            self._templates += 1
        if name == b"body":
            return before, self._body()
        if name == b"frameset":
            self.phase = _BODY
            return before, b""
        if name not in _HEAD_CONTENT:
            return before + self._body(), b""
        return before, b""

    def _begin_head(self) -> bytes:
        """Return the head's injection if the head begins only now."""
        if self.phase is not _PRE_HEAD:
            return b""
        self.phase = _HEAD
        return self._head()

    def end(self, name: bytes) -> bytes:
        """Return what goes before an end tag."""
        if self._templates:
            self._templates -= name == b"template"
            return b""
        if self.phase is _START:
            self.phase = self._first()
        if not self.is_before_body:
            return b""
        if name == b"head":
            return self._begin_head()
        if name in (b"body", b"html", b"br"):
            return self.text()
        return b""

    def finish(self) -> bytes:
        """Return what goes to the end of a page whose body never began."""
        begun = self.phase in (_PRE_HEAD, _HEAD) or (self.phase is _START and self.is_document)
        return self.text() if begun and not self.is_empty else b""

    def _first(self) -> Phase:
        """Return the phase of a page that begins with other markup."""
        return _PRE_HEAD if self.is_document else _FRAGMENT
