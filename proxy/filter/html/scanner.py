"""HtmlFilter: streams a page and makes inert what may not run or load.

Tags are judged as they complete; bytes that are not changed leave as they came, as soon
as that is known. The output does not depend on how the stream is cut. Raw text that is complete in
its chunk and unchanged is skipped; the careful path (stream.py) decides the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from proxy.filter.cache import Cache
from proxy.filter.html.stream import UNKNOWN
from proxy.filter.html.text_consumers import Consumer, NestedText
from proxy.filter.html.xml_stream import XmlStream
from proxy.filter.rules.judge import ContentModel, Judge, JudgedTag, TagFacts
from proxy.filter.size_limits import MAX_INLINE_SCRIPT, MAX_TAG
from proxy.filter.syntax import tokens
from proxy.filter.syntax.foreign_content import FOREIGN_BREAKOUT, Foreign
from proxy.filter.tags.injection import Injection, Injector, PageMetadata, Phase
from proxy.filter.tags.long_tag import LongTag, is_too_long
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.tags.start_tag import judge_inline_script
from proxy.filter.tags.xml_injection import XmlInjection
from proxy.filter.verdict import Verdict

__all__ = ["HtmlFilter", "Injector", "PageMetadata", "TagFacts"]

_BOM: Final = b"\xef\xbb\xbf"
_STAYS: Final = frozenset(
    {b"meta", b"link", b"script", b"style", b"base", b"noscript", b"title", b"noframes"}
)
_START: Final = Phase.START
_HEAD: Final = Phase.HEAD
_ROOTS: Final = frozenset({b"svg", b"math"})
_PLAIN: Final = Foreign()  # of every document until its first svg or math; it stays empty


class HtmlFilter(XmlStream):
    """Filters one HTML or XML document: feed it, close it, concatenate what it returns.

    `verdicts` lists everything that was not kept. With `xml` the document is read and
    written by XML's rules.
    """

    def __init__(self, judge: Judge, *, inject: Injector | None = None, xml: bool = False) -> None:
        super().__init__(
            judge,
            DocumentContext(judge, xml=xml, inject=inject, nested=_nested),
            (XmlInjection if xml else Injection)(inject, PageMetadata(), xml=xml),
            HtmlFilter._xml if xml else HtmlFilter._every_tag,
        )
        self._foreign = _PLAIN
        self._begun = False  # a byte order mark is one at the very start of a page, and text anywhere else

    # states

    def _content(self, data: bytes, at: int) -> int:
        """Read head or body outside foreign content, stopping only at what rules can touch."""
        in_head = self._injection.phase is _HEAD
        step = self._step(in_head=in_head)
        known = self._tags.get
        pieces = self._out.pieces
        start = at
        while True:
            match = step(data, at)
            assert match is not None  # every part of the pattern is optional
            raw, at = match[1], match.end()
            if raw is None:
                self._out.emit(data[start:at])
                return self._text_or_wait(data, at) if in_head else self._wait(data, at)
            if raw[1] == 0x2F or (in_head and match[2].lower() not in _STAYS):
                if len(raw) > MAX_TAG:
                    return self._read_carefully(data, start, at - len(raw))
                slash, name = (match[2] if in_head else b"/body").rpartition(b"/")[1:]
                start = self._tag(raw, slash, name.lower(), data, (start, at))
                if self._run is not HtmlFilter._content:
                    self._out.emit(data[start:at])
                    return at
                in_head = self._injection.phase is _HEAD
                step, known = self._step(in_head=in_head), self._tags.get
                continue
            judged = known(raw, UNKNOWN)
            if judged is UNKNOWN:
                if len(raw) > MAX_TAG and is_too_long(raw):
                    return self._read_carefully(data, start, at - len(raw))
                judged = self._judged(raw)
            if judged is None:
                continue
            after = skipped_to(self._context, judged, raw, data, at)
            if after > 0:  # the common case: nothing to do up to there
                at = after
                continue
            if judged.out is not None and is_rewrite(judged, raw, data, at):
                pieces.append(data[start : at - len(raw)])
                pieces += self._record(judged)
                start = at
                continue
            start = self._act(judged, raw, data, (start, at))
            if self._run is not HtmlFilter._content:
                self._out.emit(data[start:at])
                return at
            step, known = self._step(in_head=in_head), self._tags.get  # it may have been a base

    def _step(self, *, in_head: bool) -> Callable[[bytes, int], re.Match[bytes] | None]:
        rules = self._judge.rules
        steps = rules.based_steps if self._context.base else rules.steps
        return steps.head.match if in_head else steps.body.match

    def _read_carefully(self, data: bytes, start: int, at: int) -> int:
        """Read on carefully, tag by tag, from the tag that begins at `at`."""
        self._out.emit(data[start:at])
        self._run = HtmlFilter._every_tag
        return at

    def _every_tag(self, data: bytes, at: int) -> int:
        """Read the part before the head, or foreign content: every tag counts."""
        start = at
        if not self._begun:
            mark = data[at : at + 3]
            if len(mark) < 3 and _BOM.startswith(mark):
                return self._wait(data, at)
            self._begun, at = True, at + 3 * (mark == _BOM)
            self._injection.is_empty = False
        while self._run is HtmlFilter._every_tag:
            pattern = self._pattern()
            match = pattern.match(data, at)
            assert match is not None  # every part of the pattern is optional
            raw, at = match[1], match.end()
            if raw is not None and len(raw) > MAX_TAG and is_too_long(raw):
                self._out.emit(data[start : at - len(raw)])
                return self._begin_long(raw, at - len(raw))
            if raw is not None:
                start = self._tag(raw, match[2], match[3].lower(), data, (start, at))
                continue
            self._out.emit(data[start:at])
            if pattern is not tokens.BEFORE_HEAD:
                return self._wait(data, at)
            if match[4] is None:
                return self._text_or_wait(data, at)
            self._injection.doctype()
            start = at
        self._out.emit(data[start:at])
        return at

    def _pattern(self) -> re.Pattern[bytes]:
        if self._foreign.levels and self._foreign.is_foreign:
            return tokens.FOREIGN
        injection = self._injection
        waits = injection.is_before_body and not injection.in_template and not self._foreign.levels
        return tokens.BEFORE_HEAD if waits else tokens.EVERY

    def _text_or_wait(self, data: bytes, at: int) -> int:
        """Start the body at text before it; wait for the rest of any other incomplete markup."""
        head = data[at : at + 2]
        if head[:1] == b"<":
            is_text = len(head) == 2 and not (head[1:].isalpha() or head[1:] in b"/!?")
        else:
            is_text = bool(head)
        if not is_text:
            return self._wait(data, at)
        if self._injection.phase is _START and not self._injection.is_document:  # its first tag decides
            start, at = at, data.find(b"<", at + 1)
            at = len(data) if at < 0 else at
            self._out.emit(data[start:at])
            return at
        self._out.emit(self._injection.text())
        self._choose_state()
        return at

    def _tag(self, raw: bytes, slash: bytes, name: bytes, data: bytes, span: tuple[int, int]) -> int:
        """Judge a tag where every tag counts; return where what is not emitted starts."""
        start = self._end_tag(raw, name, data, span) if slash else self._start_tag(raw, name, data, span)
        self._choose_state()
        return start

    def _end_tag(self, raw: bytes, name: bytes, data: bytes, span: tuple[int, int]) -> int:
        if self._foreign.levels:
            self._foreign.end(name)
            return span[0]
        before = self._injection.end(name)
        if not before and name != b"body":
            return span[0]
        tag_at = span[1] - len(raw)
        self._out.emit(data[span[0] : tag_at])
        self._out.emit(before)
        if name == b"body":
            self._out.body_ends(self._injection)
        return tag_at

    def _start_tag(self, raw: bytes, name: bytes, data: bytes, span: tuple[int, int]) -> int:
        start, at = span
        inside = bool(self._foreign.levels)
        foreign = inside and self._foreign.is_foreign
        is_html = self._foreign.start(name, raw) if inside else name not in _ROOTS
        judged = self._tags.get(raw, UNKNOWN)
        if judged is UNKNOWN:
            judged = self._judged(raw)
        behind = b""
        if not inside:
            before, behind = self._injection.start(name, judged.values if judged else {})
            if before:
                self._out.emit(data[start : at - len(raw)])
                self._out.emit(before)
                start = at - len(raw)
        if judged is not None:
            if judged.removes and foreign and is_html:
                self._out.emit(data[start : at - len(raw)] + FOREIGN_BREAKOUT)
                start = at - len(raw)
            start = self._act(judged, raw, data, (start, at), foreign=not is_html)
        if behind:
            self._out.emit(data[start:at])
            self._out.emit(behind)
            start = at
        return start

    def _choose_state(self) -> None:
        """Choose the state in which the stream is read from here on."""
        injection = self._injection
        if self._context.xml:
            self._data = HtmlFilter._xml
        elif self._foreign.levels or injection.phase < _HEAD or injection.in_template:
            self._data = HtmlFilter._every_tag
        else:
            self._data = HtmlFilter._content
        if self._run is HtmlFilter._every_tag or self._run is HtmlFilter._content:
            self._run = self._data

    def _in_foreign(self) -> bool:
        return self._foreign.is_foreign

    def _enter_foreign(self, name: bytes, raw: bytes) -> None:
        if not self._foreign.levels:
            self._foreign = Foreign()
            self._foreign.start(name, raw)
            self._choose_state()

    def _after_long(self, long: LongTag) -> None:
        if long.name[:1] == b"/":
            if self._foreign.levels:
                self._foreign.end(long.name[1:])
            self._choose_state()
            return
        raw = b"<" + long.name + (b"/>" if long.closed else b">")
        is_html = self._foreign.start(long.name, raw) if self._foreign.levels else long.name not in _ROOTS
        judged = JudgedTag(long.name.decode("latin-1"), long.content_model)
        if judged.content_model is ContentModel.FOREIGN:
            self._enter_foreign(long.name, raw)
        elif judged.content_model is not ContentModel.NOTHING and not (long.closed and not is_html):
            self._read_text(judged, raw, foreign=not is_html)
        self._choose_state()

    # nested documents

    def _noscript(self) -> Consumer:
        return NestedText(self.noscript_filter())

    def noscript_filter(self) -> HtmlFilter:
        """Return a filter for the text of a noscript: markup for browsers without scripts."""
        inner = HtmlFilter(self._judge)
        inner._context = self._context.copy()
        inner._tags = self._tags
        inner._injection = Injection(self._injection.inject, self.page, nested=True)
        inner._injection.bars_placeholders = self._injection.is_before_body
        inner._injection.phase = Phase.FRAGMENT
        inner._in_noscript = True
        inner._data = inner._run = HtmlFilter._content
        inner.verdicts = self.verdicts
        return inner

    def nest(self, context: DocumentContext, depth: int) -> None:
        """Make this the filter of a document inside an attribute of another one."""
        is_xml = self._context.xml
        self._context = context.copy()
        self._context.depth, self._context.xml, self._context.is_based = depth, is_xml, False
        self._injection = type(self._injection)(context.inject, self.page, nested=True)
        if context.base:
            self._tags = Cache(limit=1_000_000, longest=3_000)


def _nested(context: DocumentContext, inside: bytes, xml: bool) -> tuple[bytes, list[Verdict]]:
    """Return a document inside an attribute, filtered, and what was refused in it."""
    inner = HtmlFilter(context.judge, xml=xml)
    inner.nest(context, context.depth + 1)
    return inner.feed(inside) + inner.close(), inner.verdicts


_SCRIPT_END: Final = re.compile(rb"</[sS][cC][rR][iI][pP][tT](?=[ \t\n\f\r/>])")
_STYLE_END: Final = re.compile(rb"</[sS][tT][yY][lL][eE](?=[ \t\n\f\r/>])")


# A global is ten times faster than the look-up of an enum member.
_NOTHING: Final = ContentModel.NOTHING
_SCRIPT: Final = ContentModel.SCRIPT
_INLINE: Final = ContentModel.INLINE
_STYLE: Final = ContentModel.STYLE
_RAW: Final = ContentModel.RAW_TEXT


def is_rewrite(judged: JudgedTag, raw: bytes, data: bytes, at: int) -> bool:
    """True when only the tag itself is rewritten: no text behind it has to be read."""
    content_model = judged.content_model
    if judged.removes or judged.is_refused_frame:
        return False
    if content_model is _NOTHING:
        return judged.only_rewritten
    if content_model is _SCRIPT:
        return data.startswith(b"</script>", at)
    return content_model is _RAW and _is_empty_frame(raw, data, at)


def _is_empty_frame(raw: bytes, data: bytes, at: int) -> bool:
    return data.startswith(b"</iframe>", at) and raw[:7].lower() == b"<iframe"  # and not the text of a title


def skipped_to(context: DocumentContext, judged: JudgedTag, raw: bytes, data: bytes, at: int) -> int:
    """Return where the text of an element ends that passes unchanged, or 0."""
    if judged.out is not None or judged.inner:
        return 0
    content_model = judged.content_model
    if content_model is _SCRIPT:
        return at if data.startswith(b"</script>", at) else max(0, script_end(data, at))
    if content_model is _INLINE:
        end = script_end(data, at)
        if end < 0 or end - at > MAX_INLINE_SCRIPT:
            return 0
        return end if judge_inline_script(context, raw, judged.values, data[at:end]) is None else 0
    if content_model is _STYLE:
        return _filtered(context, data, at)
    return at if content_model is _RAW and _is_empty_frame(raw, data, at) else 0


def script_end(data: bytes, at: int) -> int:
    """Return where a script ends that has no `<!--` in it, or -1."""
    match = _SCRIPT_END.search(data, at)
    if match is None or data.find(b"<!--", at, match.start()) >= 0:
        return -1
    return match.start()


def _filtered(context: DocumentContext, data: bytes, at: int) -> int:
    match = _STYLE_END.search(data, at)
    if match is None or match.start() - at > MAX_INLINE_SCRIPT or context.base:
        return 0
    text = data[at : match.start()]
    passes = context.judge.styles.get(text)
    if passes is None:
        refused: list[Verdict] = []
        context.without_refused(text.decode("latin-1"), refused)
        passes = not refused
        context.judge.styles.store_repeated(text, passes)
    return match.start() if passes else 0
