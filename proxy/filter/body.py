"""The bytes of an answer on their way: passed as they are, or read, judged and written.

A document goes decode -> charset -> HtmlFilter -> encode, piece by piece. Whatever cannot
be read raises Unreadable, before the first byte or in the middle (threats T48).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Protocol

from proxy.errors import Unreadable
from proxy.filter.ascii import AsciiInjector
from proxy.filter.charset import UTF16, named, readable, undecided
from proxy.filter.codings import encoder
from proxy.filter.decoding import Cap, decoder
from proxy.filter.document import SNIFF, Sort
from proxy.filter.html import HtmlFilter
from proxy.filter.injection import Injector
from proxy.filter.matching import Judge
from proxy.filter.prescan import PRESCAN, declared_html, declared_xml
from proxy.filter.utf16 import Utf16
from proxy.filter.verdict import Verdict

_ESCAPE = re.compile(rb"\x1b[$(]")


class BodyFilter(Protocol):
    """What a body passes through. After close nothing is fed."""

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything so far that was not kept."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave for the visitor now."""
        ...

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the same in pieces of bounded size: write each before asking for the next."""
        ...

    def close(self) -> bytes:
        """Return the rest; Unreadable where the body was cut before its end."""
        ...


class Verbatim:
    """Passes every byte as it came."""

    verdicts: list[Verdict] = []  # noqa: RUF012  # nothing is ever judged

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes."""
        return chunk

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the bytes."""
        yield chunk

    def close(self) -> bytes:
        """Return nothing: all has passed."""
        return b""


class Observed:
    """Passes every byte as it came, and judges a copy: what `mode: observe` reports.

    A copy that cannot be read ends the judging, never the page.
    """

    def __init__(self, judged: BodyFilter) -> None:
        self._judged = judged
        self.unreadable: str | None = None

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything so far that would not have been kept."""
        return self._judged.verdicts

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes."""
        self._try(lambda: all(True for _ in self._judged.pieces(chunk)))
        return chunk

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the bytes."""
        yield self.feed(chunk)

    def close(self) -> bytes:
        """Return nothing: all has passed."""
        self._try(self._judged.close)
        return b""

    def _try(self, step: Callable[[], object]) -> None:
        if self.unreadable is None:
            try:
                step()
            except Unreadable as error:
                self.unreadable = str(error)


class _Undeclared:
    """Watches a document whose encoding neither mark nor header names.

    Its first 1024 bytes may declare one we cannot scan. Where they declare none, browsers
    take a page with ISO-2022-JP's escape sequences for that, in which our tags may be text
    and its text may be tags: refused. From a first escape on, nothing passes undecided.
    """

    def __init__(self, *, xml: bool) -> None:
        self._xml = xml
        self._first: bytes | None = b""
        self._held = b""
        self._guarded = not xml
        self._last = b""

    def feed(self, data: bytes, *, final: bool = False) -> bytes:
        """Return what may be scanned now."""
        if self._first is not None:
            self._first += data
            if len(self._first) < PRESCAN and not final:
                if self._held or b"\x1b" in data:
                    self._held += data
                    return b""
                return data
            self._decide(self._first)
        data, self._held = self._held + data, b""
        if self._guarded and data:
            if _ESCAPE.search(self._last + data):
                raise Unreadable("a page without a declared encoding holds ISO-2022-JP escapes")
            self._last = data[-1:]
        return data

    def _decide(self, first: bytes) -> None:
        self._first = None
        declared = declared_xml(first) if self._xml else declared_html(first)
        if declared:
            readable(declared)
            self._guarded = False


class _Page:
    """Hands a document to the scanner in a form it reads, once the first bytes tell which."""

    def __init__(
        self, judge: Judge, inject: Injector | None, content_type: bytes | None, *, xml: bool
    ) -> None:
        self._judge, self._inject, self._xml = judge, inject, xml
        self._content_type = content_type
        self._head = b""
        self._html: HtmlFilter | None = None
        self._scan: HtmlFilter | Utf16 | None = None
        self._watch: _Undeclared | None = None

    @property
    def verdicts(self) -> list[Verdict]:
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
            data = self._watch.feed(data)
        return scan.feed(data)

    def close(self) -> bytes:
        """Return what was left."""
        out, rest = b"", b""
        scan = self._scan
        if scan is None:
            rest = self._head
            scan = self._begin()
        if self._watch is not None:
            rest = self._watch.feed(rest, final=True)
        if rest:
            out = scan.feed(rest)
        return out + scan.close()

    def _begin(self) -> HtmlFilter | Utf16:
        name = named(self._head, self._content_type)
        self._head = b""
        if name is None:
            self._watch = _Undeclared(xml=self._xml)
        else:
            readable(name)
        unicode = name == "utf-8" or name in UTF16
        inject = self._inject if unicode or self._inject is None else AsciiInjector(self._inject)
        self._html = HtmlFilter(self._judge, inject=inject, xml=self._xml)
        self._scan = Utf16(self._html, name) if name is not None and name in UTF16 else self._html
        return self._scan


class DocumentFilter:
    """A document on its way: decoded, read in its encoding, judged, encoded."""

    def __init__(
        self, page: _Page, content_encoding: bytes, answer_coding: bytes | None, cap: Cap | None
    ) -> None:
        self._decoder = decoder(content_encoding, cap)
        self._page = page
        self._encoder = encoder(answer_coding)

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything so far that was not kept."""
        return self._page.verdicts

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave for the visitor now."""
        return b"".join(self.pieces(chunk))

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the same in pieces of bounded size; the last makes all that was read visible."""
        fed = False
        for piece in self._decoder.feed(chunk):
            out = self._page.feed(piece)
            if out:
                fed = True
                ready = self._encoder.add(out)
                if ready:
                    yield ready
        if fed:
            yield self._encoder.flush()

    def close(self) -> bytes:
        """Return the rest; Unreadable where the body was cut before its end."""
        self._decoder.close()
        return self._encoder.add(self._page.close()) + self._encoder.close()


def document_filter(
    *,
    sort: Sort,
    content_type: bytes | None,
    content_encoding: bytes,
    answer_coding: bytes | None,
    judge: Judge,
    inject: Injector | None,
    cap: Cap | None = None,
) -> BodyFilter:
    """Return what an answer of that sort passes through.

    `content_type` is its value (several lines joined by commas), `content_encoding` the
    server's, `answer_coding` what it is sent in (None: plain). Unreadable: the coding is
    not one we read, or the document is of a kind that is refused.
    """
    match sort:
        case Sort.REFUSED:
            raise Unreadable("a document in a form that cannot be read")
        case Sort.HTML | Sort.XML:
            page = _Page(judge, inject, content_type, xml=sort is Sort.XML)
            return DocumentFilter(page, content_encoding, answer_coding, cap)
        case _:
            return Verbatim()


def first_bytes(raw: bytes, content_encoding: bytes) -> bytes:
    """Return the decoded beginning of a body, as far as these bytes tell, for `sort_of`."""
    seen = b""
    for piece in decoder(content_encoding).feed(raw):
        seen += piece
        if len(seen) >= SNIFF:
            break
    return seen[:SNIFF]
