"""HtmlFilter: a page streams through it, and what may not run leaves it inert.

Tags are judged as they complete; everything untouched leaves byte for byte, as early as
it is known to be untouched. However the stream is cut, the output is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from proxy.filter import markup, tokens, xmlforms
from proxy.filter.actions import Follow, Judged, TagFacts, Where
from proxy.filter.foreign import Foreign
from proxy.filter.injection import Injection, Injector, PageSeen, Phase
from proxy.filter.longtags import LongTag, is_too_long
from proxy.filter.matching import Judge
from proxy.filter.memo import Memo
from proxy.filter.output import Output
from proxy.filter.tags import Reader
from proxy.filter.text_ends import Finder, RawEnd, ScriptEnd, SectionEnd
from proxy.filter.texts import Consumer, Inline, Map, Skip, Style
from proxy.filter.urls import url_of
from proxy.filter.verdict import Verdict
from proxy.filter.waiting import Waiting

__all__ = ["HtmlFilter", "Injector", "PageSeen", "TagFacts"]

_BOM = b"\xef\xbb\xbf"
_UNKNOWN = Judged("?")  # what a memo answers that has not seen a tag
State = Callable[["HtmlFilter", bytes, int], int]


class HtmlFilter:
    """Filters one HTML or XML document: feed it, close it, concatenate what it returns.

    `verdicts` lists everything that was not kept. With `xml` the document is read and
    written by XML's rules.
    """

    def __init__(self, judge: Judge, *, inject: Injector | None = None, xml: bool = False) -> None:
        self.verdicts: list[Verdict] = []
        self.page = PageSeen()
        self._judge = judge
        self._reader = Reader(judge, xml=xml, inject=inject, nested=_nested)
        self._tags: Memo[Judged | None] = judge.xml_tags if xml else judge.tags
        self._injection = Injection(inject, self.page)
        self._foreign = Foreign()
        self._out = Output()
        self._pending = b""
        self._waiting = Waiting()
        self._in_noscript = False
        self._finder: Finder | None = None
        self._consumer: Consumer = Skip()
        self._long: LongTag | None = None
        self._until = markup.COMMENT
        self._data: State = HtmlFilter._xml if xml else HtmlFilter._every
        self._run: State = self._data

    def within(self, reader: Reader, depth: int) -> None:
        """Make this the filter of a document inside another one's attribute."""
        self._reader = replace(reader, depth=depth, xml=self._reader.xml, is_based=False)
        self._injection = Injection(reader.inject, self.page, nested=True)
        if reader.base:
            self._tags = Memo(limit=1_000_000, longest=3_000)

    def inside(self) -> HtmlFilter:
        """Return a filter for the text of a noscript: markup for those who run no scripts."""
        inner = HtmlFilter(self._judge)
        inner._reader = replace(self._reader)
        inner._tags = self._tags
        inner._injection = Injection(self._injection.inject, self.page, nested=True)
        inner._injection.is_quiet = self._injection.is_before_body
        inner._injection.phase = Phase.FRAGMENT
        inner._in_noscript = True
        inner._data = inner._run = HtmlFilter._plain
        inner.verdicts = self.verdicts
        return inner

    # The stream

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave now."""
        if self._waiting:
            if not self._waiting.ready(chunk):
                return b""
            chunk = self._waiting.take()
        elif self._pending:
            chunk = self._pending + chunk
            self._pending = b""
        at = 0
        while at >= 0:
            at = self._run(self, chunk, at)
        return self._out.flush(self._injection)

    def close(self) -> bytes:
        """Return the rest: the document is complete."""
        rest = self._waiting.take() + self._pending
        self._pending = b""
        if self._run is HtmlFilter._text:
            self._out.emit(self._consumer.feed(rest))
            self._out.emit(self._consumer.end())
            rest = b""
        elif self._long is not None:
            rest = self._long.close(rest)
        elif self._run is HtmlFilter._drop_end:
            rest = b""
        elif self._in_noscript:
            rest = markup.dangling(self._reader, rest)
        if not self._reader.xml:
            self._out.emit(self._injection.finish())
        self._out.end(self._injection, at_end=not self._reader.xml)
        self._out.emit(rest)
        return self._out.flush(self._injection)

    # Markup

    def _plain(self, data: bytes, at: int) -> int:
        """HTML in the body, outside foreign content: only what rules can touch is stopped at."""
        step = self._judge.rules.step.match
        known = self._tags.get
        start = at
        while True:
            match = step(data, at)
            assert match is not None  # every part of the pattern is optional
            raw, at = match[1], match.end()
            if raw is None:
                self._out.emit(data[start:at])
                return self._stuck(data, at)
            judged = known(raw, _UNKNOWN)
            if judged is _UNKNOWN:
                if raw[1] == 0x2F:
                    self._out.emit(data[start : at - len(raw)])
                    self._out.body_ends(self._injection)
                    start = at - len(raw)
                    continue
                if is_too_long(raw):
                    self._out.emit(data[start : at - len(raw)])
                    return self._begin_long(raw, at - len(raw))
                judged = self._judged(raw)
            if judged is None:
                continue
            if judged.out is None and judged.follow is Follow.SCRIPT and data.startswith(b"</script>", at):
                at += 9
                continue
            start = self._act(judged, raw, data, start, at)
            if self._run is not HtmlFilter._plain:
                self._out.emit(data[start:at])
                return at

    def _every(self, data: bytes, at: int) -> int:
        """HTML before the body, and foreign content: every tag counts."""
        start = at
        if self._injection.phase is Phase.START and data.startswith(_BOM, at):
            at += 3
        while self._run is HtmlFilter._every:
            pattern = self._pattern()
            match = pattern.match(data, at)
            assert match is not None  # every part of the pattern is optional
            raw, at = match[1], match.end()
            if raw is not None and is_too_long(raw):
                self._out.emit(data[start : at - len(raw)])
                return self._begin_long(raw, at - len(raw))
            if raw is not None:
                start = self._tag(raw, match[2], match[3].lower(), data, start, at)
                continue
            self._out.emit(data[start:at])
            start = at
            if pattern is not tokens.HEAD:
                return self._stuck(data, at)
            if match[4] is not None:
                self._injection.doctype()
            elif self._is_text(data, at):
                self._out.emit(self._injection.text())
                self._settle()
            else:
                return self._stuck(data, at)
        self._out.emit(data[start:at])
        return at

    def _pattern(self) -> re.Pattern[bytes]:
        if self._foreign.is_foreign:
            return tokens.FOREIGN
        return tokens.HEAD if self._injection.waits and not self._foreign else tokens.EVERY

    def _is_text(self, data: bytes, at: int) -> bool:
        """True when what stands here is text, not the beginning of markup that is incomplete."""
        head = data[at : at + 2]
        if head[:1] == b"<":
            return len(head) == 2 and not (head[1:].isalpha() or head[1:] in b"/!?")
        if self._injection.phase is Phase.START and _BOM.startswith(data[at:][:3]):
            return False
        return bool(head)

    def _tag(self, raw: bytes, slash: bytes, name: bytes, data: bytes, start: int, at: int) -> int:
        """Note and judge a tag where every tag counts; return where what is not emitted starts."""
        tag_at = at - len(raw)
        if slash:
            if self._foreign:
                self._foreign.end(name)
            else:
                before = self._injection.end(name)
                if before or name == b"body":
                    self._out.emit(data[start:tag_at])
                    self._out.emit(before)
                    start = tag_at
                if name == b"body":
                    self._out.body_ends(self._injection)
            self._settle()
            return start
        is_html = self._foreign.start(name, raw) if self._foreign else name not in (b"svg", b"math")
        judged = self._tags.get(raw, _UNKNOWN)
        if judged is _UNKNOWN:
            judged = self._judged(raw)
        behind = b""
        if is_html or not self._foreign:
            before, behind = self._injection.start(name, judged.values if judged else {})
            if before:
                self._out.emit(data[start:tag_at])
                self._out.emit(before)
                start = tag_at
        if judged is not None:
            start = self._act(judged, raw, data, start, at, foreign=not is_html)
        if behind:
            self._out.emit(data[start:at])
            self._out.emit(behind)
            start = at
        self._settle()
        return start

    def _settle(self) -> None:
        """Read on by the rules of where the stream is now."""
        if self._reader.xml:
            self._data = HtmlFilter._xml
        elif self._foreign or self._injection.is_before_body:
            self._data = HtmlFilter._every
        else:
            self._data = HtmlFilter._plain
        if self._run in (HtmlFilter._every, HtmlFilter._plain):
            self._run = self._data

    def _judged(self, raw: bytes) -> Judged | None:
        judged = self._reader.judged(raw)
        if not self._reader.entities and b"srcdoc" not in raw.lower():
            self._tags.keep(raw, judged)
        return judged

    def _act(
        self, judged: Judged, raw: bytes, data: bytes, start: int, at: int, *, foreign: bool = False
    ) -> int:
        """Do what was judged; return where what is not emitted starts."""
        tag_at = at - len(raw)
        if judged.name == "base":
            self._based(judged.values)
        elif judged.name == "meta":
            self.page.meta(judged.values)
        follow = judged.follow
        if follow in (Follow.INLINE, Follow.MAP, Follow.SPECULATION):
            if not (foreign and raw.endswith(b"/>")):
                self._out.emit(data[start:tag_at])
                self._read_text(judged, raw, foreign=foreign)
                return at
            return start
        if judged.out is not None or judged.also:
            self._out.emit(data[start:tag_at])
            self._out.emit(b"".join(self._note(judged)) or (raw if judged.out is None else b""))
            start = at
        if follow is not Follow.NOTHING and not (foreign and raw.endswith(b"/>")):
            if follow is Follow.FOREIGN:
                if not self._foreign:
                    self._foreign.start(judged.name.encode(), raw)
                    self._settle()
            else:
                self._read_text(judged, raw, foreign=foreign)
        return start

    def _note(self, judged: Judged) -> tuple[bytes, bytes]:
        """Record what was refused; return what stands before the tag and in its place."""
        self.verdicts += judged.also
        if judged.verdict is not None:
            self.verdicts.append(judged.verdict)
        instead = b""
        if judged.facts is not None and judged.where is not Where.NOWHERE and judged.verdict is not None:
            instead = self._injection.placeholder(judged.verdict, judged.facts)
        out = judged.out or b""
        return (instead, out) if judged.where is Where.BEFORE else (b"", out + instead)

    def _based(self, values: dict[str, str]) -> None:
        """The first <base href> moves every relative address of the page."""
        if "href" not in values or self._reader.is_based:
            return
        self._reader.is_based = True
        url = url_of(values["href"])
        if url is not None and not self._judge.rules.owns(url.host):
            self._reader.base = url.host
            self._tags = Memo(limit=1_000_000, longest=3_000)

    # Text that is not markup

    def _read_text(self, judged: Judged, raw: bytes, *, foreign: bool) -> None:
        """Begin the text of a script, style, noscript or other raw element."""
        name = judged.name.encode()
        follow = judged.follow
        sections = foreign or self._reader.xml
        if sections and follow not in (
            Follow.SCRIPT,
            Follow.INLINE,
            Follow.MAP,
            Follow.SPECULATION,
            Follow.STYLE,
        ):
            return
        if follow is Follow.NOSCRIPT and self._in_noscript:
            return
        self._run = HtmlFilter._text
        if follow is Follow.PLAINTEXT:
            self._run = HtmlFilter._rest
        elif sections:
            self._finder = SectionEnd(name)
        else:
            self._finder = ScriptEnd() if name == b"script" else RawEnd(name)
        if follow is Follow.INLINE:
            self._consumer = Inline(self._reader, raw, judged, self._note)
        elif follow in (Follow.MAP, Follow.SPECULATION):
            self._consumer = Map(self._reader, raw, judged, self._note)
        elif follow is Follow.STYLE:
            self._consumer = Style(self._reader, raw, judged, self._note)
        elif follow is Follow.NOSCRIPT:
            self._consumer = _Noscript(self)
        else:
            self._consumer = Skip(removed=judged.removes)

    def _text(self, data: bytes, at: int) -> int:
        finder = self._finder
        assert finder is not None  # set with the state
        end = finder.find(data, at)
        if end < 0:
            self._out.emit(self._consumer.feed(data[at : finder.at]))
            self._pending = data[finder.at :]
            return -1
        self._out.emit(self._consumer.feed(data[at:end]))
        if isinstance(finder, SectionEnd) and finder.by_tag and isinstance(self._consumer, Inline):
            self._out.emit(self._consumer.broken())
        else:
            self._out.emit(self._consumer.end())
        self._run = HtmlFilter._drop_end if self._consumer.removed else self._data
        self._consumer = Skip()
        return end

    def _rest(self, data: bytes, at: int) -> int:
        """Text to the end of the document."""
        self._out.emit(data[at:])
        return -1

    def _drop_end(self, data: bytes, at: int) -> int:
        """The end tag of an element that was taken out goes with it."""
        match = markup.END_TAG.match(data, at)
        if match is None:
            self._pending = data[at:]
            return -1
        self._run = self._data
        return match.end()

    # Markup that is not complete

    def _stuck(self, data: bytes, at: int) -> int:
        """Decide how to wait for the rest of what begins at `at`."""
        kind, until = markup.opened(data[at : at + 9], xml=self._reader.xml, foreign=self._foreign.is_foreign)
        if kind is markup.Opened.UNKNOWN:
            self._pending = data[at:]
            return -1
        if kind is markup.Opened.TAG:
            if is_too_long(data, at):
                return self._begin_long(data[at : at + 64], at)
            self._waiting.begin(data[at:])
            return -1
        assert until is not None  # the other kinds say where they end
        if kind is markup.Opened.DOCTYPE:
            self._injection.doctype()
        self._until = until
        self._out.emit(data[at : at + until.begins])
        self._run = HtmlFilter._pass
        return at + until.begins

    def _pass(self, data: bytes, at: int) -> int:
        """Inside a comment or the like: everything passes up to its end."""
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
        self._long = LongTag(self._reader, raw, self._note)
        self._run = HtmlFilter._in_long
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

    def _after_long(self, long: LongTag) -> None:
        """Go on behind an over-long tag as behind any other."""
        if long.name[:1] == b"/":
            if self._foreign:
                self._foreign.end(long.name[1:])
            return
        raw = b"<" + long.name + (b"/>" if long.closed else b">")
        is_html = self._foreign.start(long.name, raw) if self._foreign else True
        judged = Judged(long.name.decode("latin-1"), long.follow)
        if judged.follow is Follow.FOREIGN:
            if is_html:
                self._foreign.start(long.name, raw)
        elif judged.follow is not Follow.NOTHING and not (long.closed and not is_html):
            self._read_text(judged, raw, foreign=not is_html)
        self._settle()

    def _xml(self, data: bytes, at: int) -> int:
        """An XML document: every tag counts, and nothing is raw text."""
        start = at
        while self._run is HtmlFilter._xml:
            match = tokens.XML.match(data, at)
            assert match is not None  # every part of the pattern is optional
            raw, at = match[1], match.end()
            if raw is None:
                self._out.emit(data[start:at])
                return self._prolog(data, at)
            if is_too_long(raw):
                self._out.emit(data[start : at - len(raw)])
                return self._begin_long(raw, at - len(raw))
            start = self._xml_tag(raw, match[2], match[3].rpartition(b":")[2].lower(), data, start, at)
        self._out.emit(data[start:at])
        return at

    def _xml_tag(self, raw: bytes, slash: bytes, name: bytes, data: bytes, start: int, at: int) -> int:
        tag_at = at - len(raw)
        judged = None
        behind = b""
        if slash:
            before = self._injection.end(name) if name != b"html" else b""
            if name == b"body":
                self._out.emit(data[start:tag_at])
                start = tag_at
                self._out.body_ends(self._injection)
        else:
            judged = self._tags.get(raw, _UNKNOWN)
            if judged is _UNKNOWN:
                judged = self._judged(raw)
            before, behind = self._injection.start(name, judged.values if judged else {})
        if before:
            self._out.emit(data[start:tag_at])
            self._out.emit(before)
            start = tag_at
        if judged is not None:
            start = self._act(judged, raw, data, start, at, foreign=True)
        if behind:
            self._out.emit(data[start:at])
            self._out.emit(behind)
            start = at
        return start

    def _prolog(self, data: bytes, at: int) -> int:
        """A doctype or processing instruction of an XML document."""
        found = xmlforms.special(self._reader, data, at)
        if found is None:
            return self._stuck(data, at)
        if found.doctype:
            self._injection.doctype_of(found.root)
        self.verdicts += found.verdicts
        if found.end < 0:
            self._pending = data[at:]
            return -1
        self._out.emit(found.out)
        return found.end


class _Noscript:
    """The text of a noscript, read as those read it who run no scripts."""

    def __init__(self, outer: HtmlFilter) -> None:
        self.removed = False
        self._inner = outer.inside()

    def feed(self, text: bytes) -> bytes:
        """Return what may leave of it."""
        return self._inner.feed(text)

    def end(self) -> bytes:
        """Return the rest."""
        return self._inner.close()


def _nested(reader: Reader, inside: bytes, xml: bool) -> tuple[bytes, list[Verdict]]:
    """Return a document inside an attribute filtered, and what was refused in it."""
    inner = HtmlFilter(reader.judge, xml=xml)
    inner.within(reader, reader.depth + 1)
    return inner.feed(inside) + inner.close(), inner.verdicts
