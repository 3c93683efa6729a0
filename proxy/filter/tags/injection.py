"""Where our own bytes go into a page: behind <head>, behind <body>, before the last </body>.

Into whatever a browser opens as a page, however it begins: behind a notice printed above
the doctype the guard stands before that notice. Into what is fetched only where it is a
complete document (its first tag is a doctype, html, head or body). Never into AMP, whose
validators refuse what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from proxy.filter.rules.judged_tag import TagFacts
from proxy.filter.syntax.attributes import escaped
from proxy.filter.syntax.fetching_attributes import HEAD_CONTENT
from proxy.filter.verdict import Verdict

_HEAD_CONTENT = frozenset(name.encode() for name in HEAD_CONTENT)
_ELSEWHERE = re.compile(r"[\x00-\x20]*+(?:[a-z][a-z0-9+.-]*:|[\\/]{2})", re.IGNORECASE)
_AMP = ("amp", "\u26a1", "amp4ads", "\u26a14ads", "amp4email", "\u26a14email")


@dataclass(slots=True)
class PageSeen:
    """What the stream has shown of the page so far."""

    lang: str = ""
    meta_csp: tuple[str, ...] = ()
    amp: bool = False
    is_moved: bool = False  # a <base> leads its relative addresses to another origin

    def html(self, values: Mapping[str, str]) -> None:
        """Note the attributes of <html>."""
        self.lang = self.lang or values.get("lang", "") or values.get("xml:lang", "")
        self.amp = self.amp or any(name in values for name in _AMP)

    def meta(self, values: Mapping[str, str]) -> None:
        """Note a <meta>."""
        if values.get("http-equiv", "").strip().lower() == "content-security-policy" and "content" in values:
            self.meta_csp += (values["content"],)

    def base(self, href: str) -> None:
        """Note the address of the <base> that counts."""
        self.is_moved = self.is_moved or _ELSEWHERE.match(href) is not None


class Injector(Protocol):
    """What is put into a page. All of it ASCII or UTF-8 and well-formed as XML."""

    @property
    def always(self) -> bool:
        """True where a browser opens what comes, as a page or in a frame: no HTML of it is a fragment."""
        ...

    def head(self, page: PageSeen) -> bytes:
        """Return what stands first in the head."""
        ...

    def body(self, page: PageSeen) -> bytes:
        """Return what stands first in the body."""
        ...

    def foot(self, page: PageSeen) -> bytes:
        """Return what stands last in the body."""
        ...

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return what stands in place of a replaced element."""
        ...


def plain_placeholder(_verdict: Verdict, facts: TagFacts) -> bytes:
    """Return the placeholder where nobody injects a better one: a plain link."""
    link = facts.link or facts.privacy
    words = escaped(facts.link or facts.name)
    if link is None:
        return b"<span>" + words + b"</span>" if words else b""
    return b'<a href="' + escaped(link) + b'" rel="noopener noreferrer" target="_blank">' + words + b"</a>"


class Phase(IntEnum):
    """How far into the page the stream is."""

    START = 0  # nothing but white space and comments so far
    PRE_HEAD = 1  # a complete document, its head not begun
    HEAD = 2
    BODY = 3
    FRAGMENT = 4  # not a complete document: nothing is injected


_START, _PRE_HEAD, _HEAD, _BODY, _FRAGMENT = Phase  # to look up a member of an enum takes ten times as long


class Injection:
    """Follows a page from its first byte to its body and says what goes where."""

    def __init__(
        self, inject: Injector | None, page: PageSeen, *, nested: bool = False, xml: bool = False
    ) -> None:
        self.phase: Phase = _START
        self.is_quiet = False  # no placeholder may stand here
        self.page = page
        self.has_body = False
        self.is_empty = True  # until the first byte
        self.inject = inject
        self._inject = None if nested else inject
        self.is_whole = self._inject is not None and self._inject.always and not xml
        self._templates = 0

    @property
    def is_before_body(self) -> bool:
        """True while every tag matters for where head and body begin."""
        return self.phase < _BODY

    @property
    def in_template(self) -> bool:
        """True inside a template in the head: what stands there begins no body."""
        return self._templates > 0

    @property
    def has_foot(self) -> bool:
        """True when something goes to the foot of this page."""
        return self._inject is not None and self.has_body and not self.page.amp

    def _head(self) -> bytes:
        return self._inject.head(self.page) if self._inject and not self.page.amp else b""

    def _body(self) -> bytes:
        self.phase = _BODY
        self.has_body = True
        return self._inject.body(self.page) if self._inject and not self.page.amp else b""

    def foot(self) -> bytes:
        """Return what goes to the foot of the body."""
        return self._inject.foot(self.page) if self._inject and self.has_foot else b""

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return what stands for a replaced element; nothing where it would end the head."""
        if self.is_quiet or self.phase in (_PRE_HEAD, _HEAD):
            return b""
        make = self.inject.placeholder if self.inject else plain_placeholder
        return make(verdict, facts)

    def doctype(self) -> None:
        """Note a doctype."""
        if self.phase is _START:
            self.phase = _PRE_HEAD

    def doctype_of(self, root: str) -> None:
        """Note the doctype of an XML document: only an HTML one is a page of ours."""
        if root == "html":
            self.doctype()
        elif self.phase is _START:
            self.phase = _FRAGMENT

    def text(self) -> bytes:
        """Return what goes before text that is not white space."""
        if self.phase is _START:
            self.phase = self._first()
        if not self.is_before_body or self._templates:
            return b""
        head = self._head() if self.phase is _PRE_HEAD else b""
        return head + self._body()

    def start(self, name: bytes, values: Mapping[str, str]) -> tuple[bytes, bytes]:
        """Return what goes before and behind a start tag."""
        if name == b"html":
            self.page.html(values)
        if self.phase is _START:
            self.phase = _PRE_HEAD if name in (b"html", b"head", b"body") else self._first()
        if not self.is_before_body or self._templates or name == b"html":
            if self._templates and name == b"template":
                self._templates += 1
            return b"", b""
        if name == b"head":
            return b"", self._begun()
        before = self._begun()
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

    def _begun(self) -> bytes:
        """Return the head's bytes if the head begins only now."""
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
            return self._begun()
        if name in (b"body", b"html", b"br"):
            return self.text()
        return b""

    def finish(self) -> bytes:
        """Return what goes to the end of a page that never began its body."""
        begun = self.phase in (_PRE_HEAD, _HEAD) or (self.phase is _START and self.is_whole)
        return self.text() if begun and not self.is_empty else b""

    def _first(self) -> Phase:
        """Return where a page is that begins unlike one."""
        return _PRE_HEAD if self.is_whole else _FRAGMENT
