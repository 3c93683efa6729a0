"""The bytes of an answer on their way: passed as they are, or read, judged and written.

A document goes decode -> charset -> HtmlFilter -> encode, piece by piece. Whatever cannot
be read raises Unreadable, before the first byte or in the middle (threats T48).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from proxy.errors import Unreadable
from proxy.filter.codings import encoder
from proxy.filter.decoding import Cap, decoder
from proxy.filter.document import SNIFF, Sort
from proxy.filter.injection import Injector
from proxy.filter.matching import Judge
from proxy.filter.pages import Filtered, PageMemo
from proxy.filter.reading import PageText, Read, RulesText
from proxy.filter.verdict import Verdict


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


class DocumentFilter:
    """A document on its way: decoded, read in its encoding, judged, encoded."""

    def __init__(
        self, read: Read, content_encoding: bytes, answer_coding: bytes | None, cap: Cap | None
    ) -> None:
        self._decoder = decoder(content_encoding, cap)
        self._read = read
        self._encoder = encoder(answer_coding)

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything so far that was not kept."""
        return self._read.verdicts

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave for the visitor now."""
        return b"".join(self.pieces(chunk))

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the same in pieces of bounded size; the last makes all that was read visible."""
        fed = False
        for piece in self._decoder.feed(chunk):
            out = self._read.feed(piece)
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
        return self._encoder.add(self._read.close()) + self._encoder.close()


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
            page = PageText(judge, inject, content_type, xml=sort is Sort.XML)
            return DocumentFilter(page, content_encoding, answer_coding, cap)
        case Sort.RULES:
            return DocumentFilter(RulesText(judge), content_encoding, answer_coding, cap)
        case _:
            return Verbatim()


def remembered_document(
    memo: PageMemo,
    body: bytes,
    *,
    tag: bytes,
    sort: Sort,
    content_type: bytes | None,
    content_encoding: bytes,
    answer_coding: bytes | None,
    judge: Judge,
    inject: Injector | None,
) -> Filtered:
    """Return a document that is here as a whole, as it leaves, and what was not kept in it.

    From memory where it was seen before: neither decoded, scanned nor encoded again. `tag`
    names all that the page is made of beside its bytes: site, grants, rules, what is injected.
    """
    kind = sort.value.encode()
    key = b"\0".join((tag, kind, content_type or b"", content_encoding, answer_coding or b""))
    digest = memo.digest(body, key)
    found = memo.get(digest)
    if found is None:
        stream = document_filter(
            sort=sort,
            content_type=content_type,
            content_encoding=content_encoding,
            answer_coding=answer_coding,
            judge=judge,
            inject=inject,
        )
        found = stream.feed(body) + stream.close(), tuple(stream.verdicts)
        memo.keep(digest, found[0], stream.verdicts)
    return found


def first_bytes(raw: bytes, content_encoding: bytes) -> bytes:
    """Return the decoded beginning of a body, as far as these bytes tell, for `sort_of`."""
    seen = b""
    for piece in decoder(content_encoding).feed(raw):
        seen += piece
        if len(seen) >= SNIFF:
            break
    return seen[:SNIFF]
