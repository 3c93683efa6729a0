"""Body filters: what a response body passes through, chunk by chunk.

A document is decoded, transcoded, filtered and encoded again; other bodies pass unchanged.
What cannot be read raises Unreadable, before the first byte or later (threats T48).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.errors import Unreadable
from proxy.filter.body.charset import PageText, Readable, RulesText
from proxy.filter.body.decoding import Cap, decoder
from proxy.filter.body.encoding import Encoder, encoder, smallest
from proxy.filter.cache import PageCache
from proxy.filter.headers.content_kind import SNIFF, BodyKind
from proxy.filter.rules.judge import Judge
from proxy.filter.tags.injection import Asking, Injector
from proxy.filter.verdict import Verdict


class BodyFilter(Protocol):
    """Filters one body; nothing is fed after close."""

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """The verdicts so far on everything that was not kept."""
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
        """Return a complete body filtered, in place of `feed` and `close`."""
        ...


class Verbatim:
    """Passes every byte unchanged."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []  # nothing is ever judged

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
"""It has no state, so one serves all."""


class Dropped(Verbatim):
    """Drops every byte: of a body that no browser reads."""

    def feed(self, chunk: bytes) -> bytes:  # noqa: ARG002
        """Return nothing."""
        return b""

    def pieces(self, chunk: bytes) -> Iterator[bytes]:  # noqa: ARG002
        """Yield nothing."""
        return iter(())

    def whole(self, body: bytes) -> bytes:  # noqa: ARG002
        """Return nothing."""
        return b""


DROPPED = Dropped()


class ObservedBody:
    """Judges a copy of a body, for the reports of `mode: observe`; what leaves is `shown`'s, or unchanged.

    A copy that cannot be read ends the judging, never the page.
    """

    def __init__(self, judged: BodyFilter, shown: BodyFilter = VERBATIM) -> None:
        self._judged = judged
        self._shown = shown
        self.unreadable: str | None = None

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """Everything so far that would not have been kept."""
        return self._judged.verdicts

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave for the visitor now."""
        return b"".join(self.pieces(chunk))

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the same in pieces."""
        self._try(lambda: all(True for _ in self._judged.pieces(chunk)))
        yield from self._shown.pieces(chunk)

    def close(self) -> bytes:
        """Return the rest."""
        self._try(self._judged.close)
        return self._shown.close()

    def whole(self, body: bytes) -> bytes:
        """Return a complete body."""
        self._try(lambda: self._judged.whole(body))
        return self._shown.whole(body)

    def _try(self, step: Callable[[], object]) -> None:
        if self.unreadable is None:
            try:
                step()
            except Unreadable as error:
                self.unreadable = str(error)


@dataclass(frozen=True, slots=True)
class PageCacheKey:
    """The page cache, and the key of one document in it.

    `name` is all that a filtered page depends on beside its bytes and codings: site, grants,
    rules, and everything that determines what is injected.
    """

    cache: PageCache
    name: Hashable


class DocumentFilter:
    """A document: decoded, filtered in its character encoding, encoded again."""

    def __init__(
        self, read: Readable, content_encoding: bytes, response_coding: bytes | None, cap: Cap | None
    ) -> None:
        self._decoder = decoder(content_encoding, cap)
        self._read = read
        self._coding = response_coding
        self._encoder: Encoder | None = None

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts so far on everything that was not kept."""
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
        """Return the rest.

        A coded body that was cut stays so: what it holds leaves, the end of the coding does not, and a
        browser shows it as it shows what the server sent. Sent plain it would look whole: Unreadable.
        """
        whole = self._decoder.close()
        if not whole and self._coding is None:
            raise Unreadable("a coded body ended early")
        write = self._writer()
        return write.add(self._read.close()) + (write.close() if whole else write.flush())

    def whole(self, body: bytes) -> bytes:
        """Return a complete document filtered; nothing is flushed before its end."""
        write = self._writer()
        out = [write.add(self._read.feed(piece)) for piece in self._decoder.feed(body)]
        return b"".join(out) + self.close()

    def _writer(self) -> Encoder:
        if self._encoder is None:
            self._encoder = encoder(self._coding)
        return self._encoder


class CachedDocument:
    """A document that may be in the page cache: then it is not filtered again.

    `make` returns the filter for a document that is not cached, and may raise Unreadable; `asking`
    is told of a cached page in which language it asks, as the injector tells it of others.
    """

    __slots__ = ("_asking", "_cache", "_coding", "_known", "_make", "_name", "_stream")

    def __init__(
        self,
        make: Callable[[], BodyFilter],
        cache: PageCache,
        name: Hashable,
        coding: bytes | None,
        asking: Asking,
    ) -> None:
        self._make = make
        self._asking = asking
        self._coding = coding
        self._cache = cache
        self._name = name
        self._known: Sequence[Verdict] = ()
        self._stream: BodyFilter | None = None

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """The verdicts so far on everything that was not kept."""
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
        """Return the filtered document, from the cache where it is known."""
        found = self._cache.get(self._name, body)
        if found is not None:
            out, self._known, self._asking.language = found
            return out
        stream = self._made()
        out = stream.whole(body)
        self._cache.keep(self._name, body, (out, tuple(stream.verdicts), self._asking.language), self._coding)
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
    response_coding: bytes | None,
    judge: Judge,
    inject: Injector | None,
    cap: Cap | None = None,
) -> BodyFilter:
    """Return the body filter for a response of that kind.

    `content_type` is its value (several lines joined by commas), `content_encoding` the
    server's, `response_coding` what it is sent in (None: plain). Unreadable: the coding is
    not one we read, or the document is of a kind that is refused.
    """
    read: PageText | RulesText
    match sort:
        case BodyKind.REFUSED:
            raise Unreadable("a document in a form that cannot be read")
        case BodyKind.HTML | BodyKind.XML:
            read = PageText(judge, inject, content_type, xml=sort is BodyKind.XML)
            if not content_encoding and response_coding is None:
                return read
        case BodyKind.RULES:
            read = RulesText(judge)
        case _:
            return Verbatim()
    return DocumentFilter(read, content_encoding, response_coding, cap)


def cached_filter(
    cache_key: PageCacheKey,
    *,
    sort: BodyKind,
    content_type: bytes | None,
    content_encoding: bytes,
    response_coding: bytes | None,
    judge: Judge,
    inject: Callable[[], Injector | None],
    asking: Asking,
) -> BodyFilter:
    """Return the same for a cacheable document; `inject` is called only on a cache miss."""

    def make() -> BodyFilter:
        return document_filter(
            sort=sort,
            content_type=content_type,
            content_encoding=content_encoding,
            response_coding=response_coding,
            judge=judge,
            inject=inject(),
        )

    name = (cache_key.name, sort.value, content_type, content_encoding, response_coding)
    return CachedDocument(make, cache_key.cache, name, response_coding, asking)


def smaller(coding: bytes, coded: bytes) -> bytes:
    """Return the same content in the same coding at its highest level; what is cut stays as it is."""
    reader = decoder(coding)
    content = b"".join(reader.feed(coded))
    return smallest(coding, content) if reader.close() else coded


def first_bytes(raw: bytes, content_encoding: bytes) -> bytes:
    """Return the decoded beginning of a body, for `body_kind`."""
    if not content_encoding:
        return raw[:SNIFF]
    seen = b""
    for piece in decoder(content_encoding).feed(raw):
        seen += piece
        if len(seen) >= SNIFF:
            break
    return seen[:SNIFF]
