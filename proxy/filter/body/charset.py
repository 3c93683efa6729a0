r"""Which encoding a browser will read a document in, as far as the filter must know.

Byte order mark before Content-Type before the page's own declaration before
windows-1252 (UTF-8 for XML). The scanner reads any encoding in which the bytes of ASCII
mean ASCII; UTF-16 is read by way of utf16.py; the rest is refused (threats T4).

In gbk, gb18030, big5, shift_jis, euc-jp and euc-kr the second byte of a character may be
an ASCII letter, digit or one of @ [ \ ] ^ _ ` { | } ~ , never one of < > " ' & = / - ! or
white space, and a first byte before one of those stands alone: tags, attributes and
quotes are where the bytes say. A host with such letters before an `@` is the fence's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from proxy.errors import Unreadable
from proxy.filter.body.prescan import PRESCAN, declared_html, declared_plainly, declared_xml, encoding_of
from proxy.filter.body.utf16 import Utf16
from proxy.filter.cache import lru_cache_of_short
from proxy.filter.headers.fields import cut_at_commas
from proxy.filter.headers.link_header import judged
from proxy.filter.html.ascii_injector import AsciiInjector
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge
from proxy.filter.syntax.json_blocks import speculates_off_site
from proxy.filter.tags.injection import Injector
from proxy.filter.verdict import Does, Verdict

UTF16 = frozenset({"utf-16le", "utf-16be"})
REFUSED = frozenset({"iso-2022-jp", "replacement"})

_TELLING = 6
"""Bytes of the longest of what tells UTF-16 apart."""
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
_BARE = (b"<\0?\0x\0", b"\0<\0?\0x")
_BARE_HTML = re.compile(rb"[ \t]*text/html[ \t;]*", re.IGNORECASE)
_PARAMETER = re.compile(rb';[\t\n\r ]*([^;="\t\n\r ]+)=(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)


def charset_of(first: bytes, content_type: bytes | None, *, xml: bool = False) -> str:
    """Return the encoding of a document that begins like this; Unreadable where we cannot scan it."""
    known = named(first, content_type)
    if known is not None:
        return readable(known)
    declared = declared_xml(first) if xml else declared_html(first)
    return readable(declared or ("utf-8" if xml else "windows-1252"))


def readable(encoding: str) -> str:
    """Return that encoding, or raise Unreadable where ASCII bytes do not mean ASCII in it."""
    if encoding in REFUSED:
        raise Unreadable(f"a document in {encoding} cannot be read")
    return encoding


def named(first: bytes, content_type: bytes | None) -> str | None:
    """Return what mark or header name, so that no browser thinks otherwise, or None.

    UTF-16 with neither is told by an XML declaration written in it.
    """
    if not first[:1].isascii():
        for mark, name in _MARKS:
            if first.startswith(mark):
                return name
    encoding = _encoding_in(content_type) if content_type else None
    if encoding is None and first.startswith(_BARE):
        return "utf-16le" if first[:1] == b"<" else "utf-16be"
    return encoding


def typed(content_type: bytes, first: bytes) -> bytes:
    """Return a page's Content-Type with the encoding that its own first bytes declare.

    What we put before that declaration pushes it away from where browsers look for it first. Only where
    none could disagree: a mark or a charset that is there already outranks it, what is late or doubtful
    is left to them, and a page that says nothing is not made to say something.
    """
    if not names_html_only(content_type) or named(first, None) is not None:
        return content_type
    encoding = declared_plainly(first)
    if encoding is None or encoding in REFUSED:
        return content_type
    return b"text/html; charset=" + encoding.encode("ascii")


def names_html_only(content_type: bytes) -> bool:
    """True when a Content-Type is `text/html` and says no more."""
    return content_type == b"text/html" or _BARE_HTML.fullmatch(content_type) is not None


def undecided(first: bytes) -> bool:
    """True while so few bytes are here that they may still turn out to be UTF-16."""
    if len(first) >= _TELLING:
        return False
    marks = (*(mark for mark, _ in _MARKS), *_BARE)
    return any(len(first) < len(mark) and mark.startswith(first) for mark in marks)


@lru_cache_of_short(128, 256)
def _encoding_in(content_type: bytes) -> str | None:
    """Return the encoding that a Content-Type names, or None where it names none that browsers know."""
    label = charset_parameter(content_type)
    return encoding_of(label) if label is not None else None


def charset_parameter(content_type: bytes) -> bytes | None:
    """Return the charset of the Content-Type that counts (Fetch "extract a MIME type"), or None.

    Of several types in one value the last counts; it keeps an earlier charset while the
    type stays the same.
    """
    essence, charset = b"", None
    for _, part in cut_at_commas(content_type):
        name = part.split(b";")[0].strip(b"\t\n\r ").lower()
        if b"/" not in name or name == b"*/*":
            continue
        said = next(
            (
                re.sub(rb"\\(.)", rb"\1", m[2]) if m[2] is not None else m[3].strip(b"\t\n\r ")
                for m in _PARAMETER.finditer(part)
                if m[1].lower() == b"charset"
            ),
            None,
        )
        if name != essence or said is not None:
            charset = said
        essence = name
    return charset


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
