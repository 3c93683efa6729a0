"""A stream of elements: tags are judged, and the text behind them read as what it is."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.filter.cache import Cache
from proxy.filter.html import unfinished
from proxy.filter.html.stream import State, Stream
from proxy.filter.html.text_consumers import SKIP, Block, Consumer, Inline, Skip, Style
from proxy.filter.rules.judge import Judge
from proxy.filter.rules.judged_tag import Follow, JudgedTag, Where
from proxy.filter.syntax.text_ends import Finder, RawEnd, ScriptEnd, SectionEnd
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.document_context import Reader
from proxy.filter.tags.injection import Injection
from proxy.filter.tags.start_tag import judged as judge_tag
from proxy.filter.verdict import Verdict

_CODE = frozenset({Follow.INLINE, Follow.MAP, Follow.SPECULATION})
UNKNOWN = JudgedTag("?")
"""What a memo answers that has not seen a tag."""

_PLAIN_END = RawEnd(b"title")


class ElementStream(Stream):
    """The part of a filter that knows what a judged tag means for what follows it."""

    def __init__(self, judge: Judge, reader: Reader, injection: Injection, state: State) -> None:
        super().__init__(reader, injection, state)
        self.verdicts: list[Verdict] = []
        self.page = injection.page
        self._judge = judge
        self._tags: Cache[JudgedTag | None] = judge.xml_tags if reader.xml else judge.tags
        self._in_noscript = False
        self._finder: Finder = _PLAIN_END
        self._consumer: Consumer = SKIP

    def _ended(self, rest: bytes) -> bytes:
        if self._run is ElementStream._text:
            self._out.emit(self._consumer.feed(rest))
            self._out.emit(self._consumer.end())
            self._consumer = SKIP
            return b""
        if self._run is ElementStream._drop_end:
            return b""
        return unfinished.dangling(self._reader, rest) if self._in_noscript else rest

    def _judged(self, raw: bytes) -> JudgedTag | None:
        """Judge a tag that the memo does not know."""
        judged = judge_tag(self._reader, raw)
        nests = judged is not None and judged.name == "iframe" and b"srcdoc" in raw.lower()
        if not nests and not self._reader.entities:  # what a srcdoc is depends on how deep it stands
            self._tags.keep_known(raw, judged)
        return judged

    def _note(self, judged: JudgedTag) -> tuple[bytes, bytes]:
        self.verdicts += judged.also
        if judged.verdict is not None:
            self.verdicts.append(judged.verdict)
        instead = b""
        if judged.facts is not None and judged.where is not Where.NOWHERE and judged.verdict is not None:
            instead = self._injection.placeholder(judged.verdict, judged.facts)
        out = judged.out or b""
        return (instead, out) if judged.where is Where.BEFORE else (b"", out + instead)

    def _act(
        self, judged: JudgedTag, raw: bytes, data: bytes, span: tuple[int, int], *, foreign: bool = False
    ) -> int:
        """Do what was judged of the tag that ends the span; return where what is not emitted starts."""
        start, at = span
        if judged.name == "base":
            self._based(judged.values)
        elif judged.name == "meta":
            self.page.meta(judged.values)
        empty = foreign and raw.endswith(b"/>")
        if judged.follow in _CODE:
            if empty:
                return start
            self._out.emit(data[start : at - len(raw)])
            self._read_text(judged, raw, foreign=foreign)
            return at
        if judged.out is not None or judged.also:
            before, out = self._note(judged)
            self._out.emit(data[start : at - len(raw)])
            self._out.emit(before)
            self._out.emit(raw if judged.out is None else out)
            start = at
        if judged.follow is Follow.FOREIGN:
            self._enter_foreign(judged.name.encode(), raw)
        elif judged.follow is not Follow.NOTHING and not empty:
            self._read_text(judged, raw, foreign=foreign)
        return start

    def _enter_foreign(self, name: bytes, raw: bytes) -> None:
        """An svg or math begins."""

    def _based(self, values: Mapping[str, str]) -> None:
        """A <base href> on another host moves every relative address behind it.

        Browsers heed the first of the page, but none in a template, in svg or in math: one on the site's own
        hosts, which changes nothing here, does not hide a later one.
        """
        if "href" not in values or self._reader.base:
            return
        if not self._reader.is_based:
            self._reader.is_based = True
            self.page.base(values["href"])
        url = url_of(values["href"])
        if url is not None and not self._judge.rules.owns(url.host):
            self._reader.base = url.host
            self._tags = Cache(limit=1_000_000, longest=3_000)

    def _noscript(self) -> Consumer:
        """Return what reads the text of a noscript."""
        return SKIP

    def _read_text(self, judged: JudgedTag, raw: bytes, *, foreign: bool) -> None:
        """Begin the text of a script, style, noscript or other raw element."""
        name = judged.name.encode()
        follow = judged.follow
        sections = foreign or self._reader.xml
        if sections and follow not in _CODE and follow is not Follow.STYLE:
            return  # its content is markup
        if follow is Follow.NOSCRIPT and self._in_noscript:
            return
        if follow is Follow.PLAINTEXT:
            self._run = ElementStream._rest
            return
        self._run = ElementStream._text
        if sections:
            self._finder = SectionEnd(name)
        else:
            self._finder = ScriptEnd() if name == b"script" else RawEnd(name)
        self._consumer = self._reads(judged, raw)

    def _reads(self, judged: JudgedTag, raw: bytes) -> Consumer:
        match judged.follow:
            case Follow.INLINE:
                return Inline(self._reader, raw, judged, self._note)
            case Follow.MAP | Follow.SPECULATION:
                return Block(self._reader, raw, judged, self._note)
            case Follow.STYLE:
                return Style(self._reader, raw, judged, self._note)
            case Follow.NOSCRIPT:
                return self._noscript()
            case _:
                return Skip(removed=True) if judged.removes else SKIP

    def _text(self, data: bytes, at: int) -> int:
        """Inside text that is not markup."""
        end = self._finder.find(data, at)
        if end < 0:
            self._out.emit(self._consumer.feed(data[at : self._finder.at]))
            self._pending = data[self._finder.at :]
            return -1
        self._out.emit(self._consumer.feed(data[at:end]))
        self._out.emit(self._consumer.end(by_tag=self._finder.by_tag))
        self._run = ElementStream._drop_end if self._consumer.removed else self._data
        self._consumer = SKIP
        return end

    def _rest(self, data: bytes, at: int) -> int:
        """Text to the end of the document."""
        self._out.emit(data[at:])
        return -1

    def _drop_end(self, data: bytes, at: int) -> int:
        """The end tag of an element that was taken out goes with it."""
        match = unfinished.END_TAG.match(data, at)
        if match is None:
            self._pending = data[at:]
            return -1
        self._run = self._data
        return match.end()
