"""The bytes of an answer on their way: passed as they are, or read, judged and written.

A document goes decode -> charset -> HtmlFilter -> encode, piece by piece. Whatever cannot
be read raises Unreadable, before the first byte or in the middle (threats T48).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.errors import Unreadable
from proxy.filter.body.decoding import Cap, decoder
from proxy.filter.body.document_text import PageText, Readable, RulesText
from proxy.filter.body.encoding import Encoder, encoder
from proxy.filter.body.page_cache import PageCache
from proxy.filter.headers.content_kind import SNIFF, BodyKind
from proxy.filter.rules.judge import Judge
from proxy.filter.tags.injection import Injector
from proxy.filter.verdict import Verdict


class BodyFilter(Protocol):
    """What a body passes through. After close nothing is fed."""

    @property
    def verdicts(self) -> Sequence[Verdict]:
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

    def whole(self, body: bytes) -> bytes:
        """Return what becomes of a body that is here as a whole: instead of feed and close."""
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

    def whole(self, body: bytes) -> bytes:
        """Return the bytes."""
        return body


VERBATIM = Verbatim()
"""It knows nothing of what passes: one will do for all."""


class Observed:
    """Passes every byte as it came, and judges a copy: what `mode: observe` reports.

    A copy that cannot be read ends the judging, never the page.
    """

    def __init__(self, judged: BodyFilter) -> None:
        self._judged = judged
        self.unreadable: str | None = None

    @property
    def verdicts(self) -> Sequence[Verdict]:
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

    def whole(self, body: bytes) -> bytes:
        """Return the bytes."""
        return self.feed(body) + self.close()

    def _try(self, step: Callable[[], object]) -> None:
        if self.unreadable is None:
            try:
                step()
            except Unreadable as error:
                self.unreadable = str(error)


@dataclass(frozen=True, slots=True)
class Recall:
    """Where whole documents are remembered, and the name of this one.

    `name` says all that a page is made of beside its bytes and its codings: site, grants,
    rules, and everything on which the injected words depend.
    """

    cache: PageCache
    name: Hashable


class DocumentFilter:
    """A document on its way: decoded, read in its encoding, judged, encoded."""

    def __init__(
        self, read: Readable, content_encoding: bytes, answer_coding: bytes | None, cap: Cap | None
    ) -> None:
        self._decoder = decoder(content_encoding, cap)
        self._read = read
        self._coding = answer_coding
        self._encoder: Encoder | None = None

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything so far that was not kept."""
        return self._read.verdicts

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave for the visitor now."""
        return b"".join(self.pieces(chunk))

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the same in pieces of bounded size; the last makes all that was read visible."""
        write = self._writer()
        fed = False
        for piece in self._decoder.feed(chunk):
            out = self._read.feed(piece)
            if out:
                fed = True
                ready = write.add(out)
                if ready:
                    yield ready
        if fed:
            yield write.flush()

    def close(self) -> bytes:
        """Return the rest; Unreadable where the body was cut before its end."""
        self._decoder.close()
        write = self._writer()
        return write.add(self._read.close()) + write.close()

    def whole(self, body: bytes) -> bytes:
        """Return what becomes of a document that is here as a whole: nothing is flushed before its end."""
        write = self._writer()
        out = [write.add(self._read.feed(piece)) for piece in self._decoder.feed(body)]
        return b"".join(out) + self.close()

    def _writer(self) -> Encoder:
        if self._encoder is None:
            self._encoder = encoder(self._coding)
        return self._encoder


class RememberedDocument:
    """A document that may have been seen before: whole, it is neither decoded, read nor coded again.

    `make` gives what it passes through where it is not remembered, and may raise Unreadable.
    """

    __slots__ = ("_cache", "_known", "_make", "_name", "_stream")

    def __init__(self, make: Callable[[], BodyFilter], cache: PageCache, name: Hashable) -> None:
        self._make = make
        self._cache = cache
        self._name = name
        self._known: Sequence[Verdict] = ()
        self._stream: BodyFilter | None = None

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """Everything so far that was not kept."""
        return self._known if self._stream is None else self._stream.verdicts

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave for the visitor now."""
        return self._made().feed(chunk)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the same in pieces of bounded size."""
        return self._made().pieces(chunk)

    def close(self) -> bytes:
        """Return the rest; Unreadable where the body was cut before its end."""
        return self._made().close()

    def whole(self, body: bytes) -> bytes:
        """Return what becomes of this document, from memory where it was seen before."""
        found = self._cache.get(self._name, body)
        if found is not None:
            out, self._known = found
            return out
        stream = self._made()
        out = stream.whole(body)
        self._cache.keep(self._name, body, (out, tuple(stream.verdicts)))
        return out

    def _made(self) -> BodyFilter:
        if self._stream is None:
            self._stream = self._make()
        return self._stream


def document_filter(
    *,
    sort: BodyKind,
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
    read: PageText | RulesText
    match sort:
        case BodyKind.REFUSED:
            raise Unreadable("a document in a form that cannot be read")
        case BodyKind.HTML | BodyKind.XML:
            read = PageText(judge, inject, content_type, xml=sort is BodyKind.XML)
            if not content_encoding and answer_coding is None:
                return read
        case BodyKind.RULES:
            read = RulesText(judge)
        case _:
            return Verbatim()
    return DocumentFilter(read, content_encoding, answer_coding, cap)


def remembering_filter(
    recall: Recall,
    *,
    sort: BodyKind,
    content_type: bytes | None,
    content_encoding: bytes,
    answer_coding: bytes | None,
    judge: Judge,
    inject: Callable[[], Injector | None],
) -> BodyFilter:
    """Return the same for a document that may be remembered; `inject` is called only where it is not."""

    def make() -> BodyFilter:
        return document_filter(
            sort=sort,
            content_type=content_type,
            content_encoding=content_encoding,
            answer_coding=answer_coding,
            judge=judge,
            inject=inject(),
        )

    name = (recall.name, sort.value, content_type, content_encoding, answer_coding)
    return RememberedDocument(make, recall.cache, name)


def first_bytes(raw: bytes, content_encoding: bytes) -> bytes:
    """Return the decoded beginning of a body, as far as these bytes tell, for `sort_of`."""
    if not content_encoding:
        return raw[:SNIFF]
    seen = b""
    for piece in decoder(content_encoding).feed(raw):
        seen += piece
        if len(seen) >= SNIFF:
            break
    return seen[:SNIFF]
