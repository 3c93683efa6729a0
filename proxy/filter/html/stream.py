"""The stream that the filter is: chunks in, bytes out, tags applied, texts read by their content model.

Complete markup leaves at once, incomplete markup waits; what leaves is held back behind a `</body>` until
that is known to be the last. `xml_stream` and `scanner` add how markup is found.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from proxy.filter.cache import TOO_LARGE, Cache
from proxy.filter.html import incomplete_markup
from proxy.filter.html.text_consumers import (
    REFUSED_FRAME_TEXT,
    UNJUDGED,
    Consumer,
    Finder,
    InlineScript,
    JsonBlock,
    RawEnd,
    ScriptEnd,
    SectionEnd,
    StyleSheet,
    UnjudgedText,
    without_context,
)
from proxy.filter.rules.judge import ContentModel, Judge, JudgedTag, PlaceholderPosition
from proxy.filter.size_limits import MAX_TAG, MAX_TAIL
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.injection import Injection
from proxy.filter.tags.long_tag import LongTag, cap_of, is_too_long
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.tags.start_tag import judge_tag
from proxy.filter.verdict import Verdict

_FREE_TRIES: Final = 4  # joins before it waits for a quarter more, so that one-byte pieces cost linear time


class TagBuffer:
    """Collects pieces until the tag may be complete, or is longer than its cap."""

    __slots__ = ("_cap", "_closes", "_pieces", "_retry_at", "_size", "_tries")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._tries = 0
        self._retry_at = 0
        self._closes = False
        self._cap = MAX_TAG

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def begin(self, piece: bytes, cap: int) -> None:
        """Buffer what begins here; the same tag begun again counts as a useless join."""
        self._tries = self._tries + 1 if len(piece) == self._size else 0
        self._pieces.append(piece)
        self._cap = cap
        self._size = len(piece)
        self._closes = False
        self._retry_at = 0 if self._tries < _FREE_TRIES else self._size + self._size // 4

    def ready(self, piece: bytes) -> bool:
        """Add a piece; True when the joined whole is worth reading."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._closes = self._closes or b">" in piece
        return self._size > self._cap or (self._closes and self._size >= self._retry_at)

    def take(self) -> bytes:
        """Return everything buffered, and forget it."""
        joined = b"".join(self._pieces)
        self._pieces.clear()
        return joined


class Output:
    """Collects output; inserts the page's foot before the last `</body>`."""

    __slots__ = ("_foot_at", "_foot_placed", "pieces")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._foot_at: int | None = None
        self._foot_placed = False

    def emit(self, text: bytes) -> None:
        """Append output."""
        if text:
            self.pieces.append(text)

    def body_ends(self, injection: Injection) -> None:
        """Mark a `</body>` that follows: the foot goes here unless another comes."""
        if self._foot_placed or not injection.has_foot:
            return
        if self._tail() > MAX_TAIL:
            self._place(injection)
        else:
            self._foot_at = len(self.pieces)

    def _tail(self) -> int:
        return 0 if self._foot_at is None else sum(map(len, self.pieces[self._foot_at :]))

    def _place(self, injection: Injection) -> None:
        if self._foot_at is not None:
            self.pieces.insert(self._foot_at, injection.foot())
            self._foot_at = None
            self._foot_placed = True

    def flush(self, injection: Injection) -> bytes:
        """Return the output that need not wait."""
        pieces = self.pieces
        if self._foot_at is not None and self._tail() > MAX_TAIL:
            self._place(injection)
        if self._foot_at is None:
            joined = b"".join(pieces)
            pieces.clear()
            return joined
        joined = b"".join(pieces[: self._foot_at])
        del pieces[: self._foot_at]
        if len(pieces) > 64:
            pieces[:] = [b"".join(pieces)]
        self._foot_at = 0
        return joined

    def end(self, injection: Injection, *, at_end: bool) -> None:
        """Insert the foot at the end of the page, if no `</body>` placed it before."""
        if not self._foot_placed and self._foot_at is None and at_end and injection.has_foot:
            self._foot_at = len(self.pieces)
        self._place(injection)


State = Callable[[Any, bytes, int], int]
"""Reads data from a position; returns where the next state continues, or -1 for more data."""


class Stream(ABC):
    """The base of the filter: buffers incomplete markup, runs one state after another."""

    def __init__(self, context: DocumentContext, injection: Injection, state: State) -> None:
        self._context = context
        self._injection = injection
        self._out = Output()
        self._pending = b""
        self._incomplete = TagBuffer()
        self._long: LongTag | None = None
        self._until = incomplete_markup.COMMENT
        self._data = state  # how markup is read here
        self._run = state

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave now."""
        if self._incomplete:
            if not self._incomplete.ready(chunk):
                return b""
            chunk = self._incomplete.take()
        elif self._pending:
            chunk = self._pending + chunk
            self._pending = b""
        self._read(chunk)
        return self._out.flush(self._injection)

    def whole(self, document: bytes) -> bytes:
        """Return a complete document filtered, in place of `feed` and `close`."""
        self._read(document)
        return self.close()

    def _read(self, data: bytes) -> None:
        at = 0
        while at >= 0:
            at = self._run(self, data, at)

    def close(self) -> bytes:
        """Return the rest: the document is complete."""
        if self._incomplete:  # the tag may have become complete since the last join
            self._read(self._incomplete.take())
        rest = self._incomplete.take() + self._pending
        self._pending = b""
        rest = self._ended(rest)
        at_end = not self._context.xml
        if at_end:
            self._out.emit(self._injection.finish())
        self._out.end(self._injection, at_end=at_end)
        self._out.emit(rest)
        return self._out.flush(self._injection)

    def _in_foreign(self) -> bool:
        """True where CDATA sections are text."""
        return False

    def _ended(self, rest: bytes) -> bytes:
        """Return what is written of markup that never ended."""
        return rest

    @abstractmethod
    def _record(self, judged: JudgedTag) -> tuple[bytes, bytes]:
        """Record the verdicts; return what goes before the tag and in its place."""

    @abstractmethod
    def _after_long(self, long: LongTag) -> None:
        """Continue behind a tag over the size cap."""

    def _wait(self, data: bytes, at: int) -> int:
        """Choose how to wait for the rest of the markup that begins at `at`."""
        if at == len(data):
            return -1
        kind, until = incomplete_markup.construct_at(
            data[at : at + 9], xml=self._context.xml, foreign=self._in_foreign()
        )
        if kind is incomplete_markup.Construct.UNKNOWN:
            self._pending = data[at:]
            return -1
        if kind is incomplete_markup.Construct.TAG:
            if is_too_long(data, at):
                return self._begin_long(data[at:], at)
            self._incomplete.begin(data[at:], cap_of(data, at))
            return -1
        assert until is not None  # the other kinds say where they end
        if kind is incomplete_markup.Construct.DOCTYPE:
            self._injection.doctype()
        self._until = until
        self._out.emit(data[at : at + until.begins])
        self._run = Stream._pass
        return at + until.begins

    def _pass(self, data: bytes, at: int) -> int:
        """Inside a comment, doctype or CDATA section: everything passes up to its end."""
        match = self._until.end.search(data, at)
        if match is None:
            keep = max(at, len(data) - self._until.tail)
            self._out.emit(data[at:keep])
            self._pending = data[keep:]
            return -1
        self._out.emit(data[at : match.end()])
        self._run = self._data
        return match.end()

    def _begin_long(self, raw: bytes, at: int) -> int:
        self._long = LongTag(self._context, raw, self._record)
        self._run = Stream._in_long
        return at

    def _in_long(self, data: bytes, at: int) -> int:
        assert self._long is not None  # set with the state
        out, used = self._long.feed(data[at:])
        self._out.emit(out)
        if not self._long.done:
            self._pending = data[at + used :]
            return -1
        long, self._long = self._long, None
        self._run = self._data
        self._after_long(long)
        return at + used


_INLINE: Final = ContentModel.INLINE
_MAP: Final = ContentModel.MAP
_SPECULATION: Final = ContentModel.SPECULATION


def _is_code(model: ContentModel) -> bool:
    """True for the text of a script that is judged by it (a set of them would ask Python for each hash)."""
    return model is _INLINE or model is _MAP or model is _SPECULATION


UNKNOWN: Final = JudgedTag("?")
"""Default of a cache look-up: the tag was not judged yet."""

_EMBEDDING: Final = (b"<iframe", b"<frame", b"<object", b"<embed", b"<portal", b"<fencedframe")
"""Tags that may carry a document in an address (data:)."""

_PLAIN_END: Final = RawEnd(b"title")


class ElementStream(Stream):
    """The part of the filter that knows elements: their text, <base>, placeholders."""

    def __init__(self, judge: Judge, context: DocumentContext, injection: Injection, state: State) -> None:
        super().__init__(context, injection, state)
        self.verdicts: list[Verdict] = []
        self.page = injection.page
        self._judge = judge
        self._tags: Cache[bytes, JudgedTag | None] = judge.xml_tags if context.xml else judge.tags
        self._in_noscript = False
        self._finder: Finder = _PLAIN_END
        self._consumer: Consumer = UNJUDGED

    def _ended(self, rest: bytes) -> bytes:
        if self._run is ElementStream._text:
            self._out.emit(self._consumer.feed(rest))
            self._out.emit(self._consumer.end())
            self._consumer = UNJUDGED
            return b""
        if self._run is ElementStream._drop_end:
            return b""
        return incomplete_markup.unfinished_noscript(self._context, rest) if self._in_noscript else rest

    def _judged(self, raw: bytes) -> JudgedTag | None:
        """Judge a tag that is not in the cache, and store it where that is sound."""
        judged = judge_tag(self._context, raw)
        sound = not self._context.entities and not self._nests(judged, raw)
        self._tags.store_repeated(raw, judged, None if sound else TOO_LARGE)
        return judged

    def _nests(self, judged: JudgedTag | None, raw: bytes) -> bool:
        """True for a tag with a document inside, whose verdict depends on how deep it stands itself."""
        if judged is not None and judged.name == "iframe" and b"srcdoc" in raw.lower():
            return True
        return self._context.depth > 0 and (self._context.xml or raw.lower().startswith(_EMBEDDING))

    def _record(self, judged: JudgedTag) -> tuple[bytes, bytes]:
        self.verdicts += judged.inner
        if judged.verdict is not None:
            self.verdicts.append(judged.verdict)
        instead = b""
        if (
            judged.facts is not None
            and judged.position is not PlaceholderPosition.NOWHERE
            and judged.verdict is not None
        ):
            instead = self._injection.placeholder(judged.verdict, judged.facts)
        out = judged.out or b""
        return (instead, out) if judged.position is PlaceholderPosition.BEFORE else (b"", out + instead)

    def _act(
        self, judged: JudgedTag, raw: bytes, data: bytes, span: tuple[int, int], *, foreign: bool = False
    ) -> int:
        """Apply the tag's verdict; return where what is not emitted starts."""
        start, at = span
        if judged.name == "base":
            self._on_base(judged.values)
        elif judged.name == "meta":
            self.page.meta(judged.values)
        empty = foreign and raw.endswith(b"/>")
        if _is_code(judged.content_model):
            if empty:
                return start
            self._out.emit(data[start : at - len(raw)])
            self._read_text(judged, raw, foreign=foreign)
            return at
        if judged.out is not None or judged.inner:
            before, out = self._record(judged)
            if judged.is_refused_frame and not foreign:  # elsewhere an iframe is an element like any other
                out = without_context(out)
            self._out.emit(data[start : at - len(raw)])
            self._out.emit(before)
            self._out.emit(raw if judged.out is None else out)
            start = at
        if judged.content_model is ContentModel.FOREIGN:
            self._enter_foreign(judged.name.encode(), raw)
        elif judged.content_model is not ContentModel.NOTHING and not empty:
            self._read_text(judged, raw, foreign=foreign)
        return start

    def _enter_foreign(self, name: bytes, raw: bytes) -> None:
        """Switch to foreign content: an svg or math begins."""

    def _on_base(self, values: Mapping[str, str]) -> None:
        """Resolve relative addresses against a <base href> on another host.

        Browsers heed the first of the page, but none in a template, in svg or in math: one on the site's own
        hosts, which changes nothing here, does not hide a later one.
        """
        if "href" not in values or self._context.base:
            return
        if not self._context.is_based:
            self._context.is_based = True
            self.page.base(values["href"])
        url = url_of(values["href"])
        if url is not None and not self._judge.rules.owns(url.host):
            self._context.base = url.host
            self._tags = Cache(limit=1_000_000, longest=3_000)

    def _noscript(self) -> Consumer:
        """Return the consumer for the text of a noscript."""
        return UNJUDGED

    def _read_text(self, judged: JudgedTag, raw: bytes, *, foreign: bool) -> None:
        """Begin the text of a script, style, noscript or other raw element."""
        name = judged.name.encode()
        content_model = judged.content_model
        sections = foreign or self._context.xml
        if sections and not _is_code(content_model) and content_model is not ContentModel.STYLE:
            return  # its content is markup
        if content_model is ContentModel.NOSCRIPT and self._in_noscript:
            return
        if content_model is ContentModel.PLAINTEXT:
            self._run = ElementStream._rest
            return
        self._run = ElementStream._text
        if sections:
            self._finder = SectionEnd(name)
        else:
            self._finder = ScriptEnd() if name == b"script" else RawEnd(name)
        self._consumer = self._consumer_for(judged, raw)

    def _consumer_for(self, judged: JudgedTag, raw: bytes) -> Consumer:
        match judged.content_model:
            case ContentModel.INLINE:
                return InlineScript(self._context, raw, judged, self._record)
            case ContentModel.MAP | ContentModel.SPECULATION:
                return JsonBlock(self._context, raw, judged, self._record)
            case ContentModel.STYLE:
                return StyleSheet(self._context, raw, judged, self._record)
            case ContentModel.NOSCRIPT:
                return self._noscript()
            case _ if judged.is_refused_frame:
                return REFUSED_FRAME_TEXT
            case _:
                return UnjudgedText(removed=True) if judged.removes else UNJUDGED

    def _text(self, data: bytes, at: int) -> int:
        """Read raw text up to its end tag."""
        end = self._finder.find(data, at)
        if end < 0:
            self._out.emit(self._consumer.feed(data[at : self._finder.at]))
            self._pending = data[self._finder.at :]
            return -1
        self._out.emit(self._consumer.feed(data[at:end]))
        self._out.emit(self._consumer.end(by_tag=self._finder.by_tag))
        self._run = ElementStream._drop_end if self._consumer.removed else self._data
        self._consumer = UNJUDGED
        return end

    def _rest(self, data: bytes, at: int) -> int:
        """Read plaintext: everything up to the end of the document."""
        self._out.emit(data[at:])
        return -1

    def _drop_end(self, data: bytes, at: int) -> int:
        """Drop the end tag of a removed element."""
        match = incomplete_markup.END_TAG.match(data, at)
        if match is None:
            self._pending = data[at:]
            return -1
        self._run = self._data
        return match.end()
