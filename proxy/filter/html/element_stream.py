"""Applies judged tags, and reads the text behind them by its content model."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.filter.cache import Cache
from proxy.filter.html import incomplete_markup
from proxy.filter.html.stream import State, Stream
from proxy.filter.html.text_consumers import (
    UNJUDGED,
    Consumer,
    InlineScript,
    JsonBlock,
    StyleSheet,
    UnjudgedText,
)
from proxy.filter.rules.judge import Judge
from proxy.filter.rules.judged_tag import ContentModel, JudgedTag, PlaceholderPosition
from proxy.filter.syntax.text_ends import Finder, RawEnd, ScriptEnd, SectionEnd
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.document_context import DocumentContext
from proxy.filter.tags.injection import Injection
from proxy.filter.tags.start_tag import judge_tag
from proxy.filter.verdict import Verdict

_CODE = frozenset({ContentModel.INLINE, ContentModel.MAP, ContentModel.SPECULATION})
UNKNOWN = JudgedTag("?")
"""Default of a cache look-up: the tag was not judged yet."""

_PLAIN_END = RawEnd(b"title")


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
        nests = judged is not None and judged.name == "iframe" and b"srcdoc" in raw.lower()
        if not nests and not self._context.entities:  # what a srcdoc is depends on how deep it stands
            self._tags.store_repeated(raw, judged)
        return judged

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
        if judged.content_model in _CODE:
            if empty:
                return start
            self._out.emit(data[start : at - len(raw)])
            self._read_text(judged, raw, foreign=foreign)
            return at
        if judged.out is not None or judged.inner:
            before, out = self._record(judged)
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
        if sections and content_model not in _CODE and content_model is not ContentModel.STYLE:
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
