"""Detects the character encoding of a document and feeds it to the HTML filter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from proxy.errors import Unreadable
from proxy.filter.body.charset import UTF16, named, readable, undecided
from proxy.filter.body.prescan import PRESCAN, declared_html, declared_xml
from proxy.filter.body.utf16 import Utf16
from proxy.filter.headers.link_header import judged
from proxy.filter.html.ascii_injector import AsciiInjector
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge
from proxy.filter.syntax.json_blocks import speculates_off_site
from proxy.filter.tags.injection import Injector
from proxy.filter.verdict import Does, Verdict

MAX_RULES = 1 << 20
"""Longest file of speculation rules that is judged; longer ones are refused."""

_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\(I)")  # into states in which `<` is half a character, or none


class Readable(Protocol):
    """A document being read: decoded bytes in, judged bytes out."""

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything so far that was not kept."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Return the filtered form of what these bytes complete."""
        ...

    def close(self) -> bytes:
        """Return what was left."""
        ...


class _EncodingWatch:
    """Watches a document whose encoding neither a BOM nor a header names.

    Its first 1024 bytes may declare one we cannot scan, and so may a <meta> at any later
    place, which browsers honour too. In ISO-2022-JP that shows only from its escapes on: in
    a page (XML says it at its start or never) they are refused, whatever was declared.
    """

    def __init__(self, *, xml: bool) -> None:
        self._xml = xml
        self._first: bytes | None = b""
        self._last = b""

    def see(self, data: bytes, *, final: bool = False) -> None:
        """Raise Unreadable where browsers may decode these bytes differently."""
        if self._first is not None:
            self._first += data
            if final or len(self._first) >= PRESCAN:
                declared = declared_xml(self._first) if self._xml else declared_html(self._first)
                readable(declared or "utf-8")
                self._first = None
        if not self._xml and data:
            if (b"\x1b" in data or b"\x1b" in self._last) and _ESCAPE.search(self._last + data):
                raise Unreadable("a page whose encoding no header names holds escapes of ISO-2022-JP")
            self._last = (self._last + data[-2:])[-2:]


class PageText:
    """Feeds a document to the HTML filter, once its first bytes tell the encoding."""

    def __init__(
        self, judge: Judge, inject: Injector | None, content_type: bytes | None, *, xml: bool
    ) -> None:
        self._judge, self._inject, self._xml = judge, inject, xml
        self._content_type = content_type
        self._head = b""
        self._html: HtmlFilter | None = None
        self._scan: HtmlFilter | Utf16 | None = None
        self._watch: _EncodingWatch | None = None

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything so far that was not kept."""
        return self._html.verdicts if self._html else []

    def feed(self, data: bytes) -> bytes:
        """Return the filtered form of what these bytes complete."""
        scan = self._scan
        if scan is None:
            self._head += data
            if undecided(self._head):
                return b""
            data = self._head
            scan = self._begin()
        if self._watch is not None:
            self._watch.see(data)
        return scan.feed(data)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield the same: one chunk in, one chunk out."""
        if out := self.feed(data):
            yield out

    def whole(self, document: bytes) -> bytes:
        """Return a complete document filtered, in place of `feed` and `close`."""
        self._head = document
        scan = self._begin()
        if self._watch is not None:
            self._watch.see(document, final=True)
        return scan.whole(document) if isinstance(scan, HtmlFilter) else scan.feed(document) + scan.close()

    def close(self) -> bytes:
        """Return what was left."""
        out, rest = b"", b""
        scan = self._scan
        if scan is None:
            rest = self._head
            scan = self._begin()
        if self._watch is not None:
            self._watch.see(rest, final=True)
        if rest:
            out = scan.feed(rest)
        return out + scan.close()

    def _begin(self) -> HtmlFilter | Utf16:
        name = named(self._head, self._content_type)
        self._head = b""
        if name is None:
            self._watch = _EncodingWatch(xml=self._xml)
        else:
            readable(name)
        unicode = name == "utf-8" or name in UTF16
        inject = self._inject if unicode or self._inject is None else AsciiInjector(self._inject)
        self._html = HtmlFilter(self._judge, inject=inject, xml=self._xml)
        self._scan = Utf16(self._html, name) if name is not None and name in UTF16 else self._html
        return self._scan


class RulesText:
    """A file of speculation rules, judged whole: what it prefetches, no fence would stop.

    A file that may load what is refused becomes one without rules.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._text = b""
        self.verdicts: list[Verdict] = []

    def feed(self, data: bytes) -> bytes:
        """Return nothing: rules are judged when complete."""
        self._text += data
        if len(self._text) > MAX_RULES:
            raise Unreadable("a file of speculation rules is too long to be judged")
        return b""

    def close(self) -> bytes:
        """Return the rules, or none."""
        refused: list[Verdict] = []

        def refuses(address: str) -> bool:
            verdict = judged(self._judge, address.encode("utf-8", "replace"), "script")
            if not verdict.keeps:
                refused.append(verdict)
            return not verdict.keeps

        if not speculates_off_site(self._text, refuses):
            return self._text
        self.verdicts += refused[:1] or [Verdict(Does.HOLD, note="speculation rules for other sites")]
        return b"{}"
