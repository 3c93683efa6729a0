"""Raw text: where that of a script, style, title or noscript ends, and what leaves of it.

A finder keeps its position between chunks, so that no byte is searched more than twice however the
stream is cut. `find` returns where the end tag begins, or -1; then `at` is the position from which the
next chunk has to be joined on. A consumer gets the text behind a start tag as it arrives and returns what
may leave. Text that has to be judged is buffered, up to the caps of filter/size_limits.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from proxy.filter.rules.judge import ContentModel, JudgedTag
from proxy.filter.size_limits import MAX_INLINE_SCRIPT
from proxy.filter.syntax import css
from proxy.filter.syntax.json_blocks import speculates_off_site, without_refused_modules
from proxy.filter.syntax.tokens import any_word
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.tags.start_tag import judge_inline_script
from proxy.filter.tags.tag_edits import Edits, hold_script
from proxy.filter.verdict import Does, Verdict

_END: Final = rb"(?=[ \t\n\f\r/>])"
_PREFIX: Final = rb"(?:[^<>/ \t\n\f\r:]{1,64}+:)?+"


class Finder(Protocol):
    """Finds where raw text ends."""

    at: int
    by_tag: bool  # the text ended at another tag than its own end tag

    def find(self, text: bytes, at: int) -> int:
        """Return where in `text`, from `at` on, the end tag begins, or -1."""
        ...


class RawEnd:
    """The end of title, textarea, style, xmp, iframe, noembed, noframes, noscript."""

    _patterns: ClassVar[dict[bytes, re.Pattern[bytes]]] = {}  # filled once per name

    by_tag = False

    def __init__(self, name: bytes) -> None:
        self.at = 0
        self._keep = len(name) + 2
        if name not in self._patterns:
            self._patterns[name] = re.compile(rb"</" + any_word([name.decode()]) + _END)
        self._search = self._patterns[name].search

    def find(self, text: bytes, at: int) -> int:
        """Return where the end tag begins, or -1."""
        match = self._search(text, at)
        if match is not None:
            return match.start()
        self.at = max(at, len(text) - self._keep)
        return -1


_SCRIPT = any_word(["script"])
_STATES: Final = (
    re.compile(rb"<(?:/" + _SCRIPT + _END + rb"|!--)"),  # script data
    re.compile(rb"-->|</?" + _SCRIPT + _END),  # escaped
    re.compile(rb"-->|</" + _SCRIPT + _END),  # double escaped
)


class ScriptEnd:
    """The end of a script: `<!--` and `<script` inside it change the state (HTML 13.2.5.15 to 33)."""

    by_tag = False

    def __init__(self) -> None:
        self.at = 0
        self._state = 0

    def find(self, text: bytes, at: int) -> int:
        """Return where the end tag begins, or -1."""
        while (match := _STATES[self._state].search(text, at)) is not None:
            found = match[0]
            at = match.end()
            if found == b"-->":
                self._state = 0
            elif found == b"<!--":
                self._state = 1
                at -= 2  # in `<!-->` the dashes of the beginning are those of the end
            elif found[1] != 0x2F:
                self._state = 2
            elif self._state == 2:
                self._state = 1
            else:
                return match.start()
        self.at = max(at, len(text) - 8)
        return -1


class SectionEnd:
    """The end of a script's or style's text where its content is markup: foreign content and XML.

    Comments and CDATA sections belong to it; any tag ends it. `by_tag` is True when that
    was another tag than its own end tag.
    """

    _patterns: ClassVar[dict[bytes, re.Pattern[bytes]]] = {}  # filled once per name

    def __init__(self, name: bytes) -> None:
        self.at = 0
        self.by_tag = False
        self._inside = b""
        if name not in self._patterns:
            own = rb"(?P<own>/" + _PREFIX + any_word([name.decode()]) + _END + rb")"
            other = rb"(?P<other>/?[^!?<>/ \t\n\f\r][^<>/ \t\n\f\r]{0,80}+)"
            self._patterns[name] = re.compile(rb"<(?:!--|!\[CDATA\[|" + own + rb"|" + other + rb")")
        self._search = self._patterns[name].search

    def find(self, text: bytes, at: int) -> int:
        """Return where the first tag begins, or -1."""
        while True:
            if self._inside:
                end = text.find(self._inside, at)
                if end < 0:
                    self.at = max(at, len(text) - 2)
                    return -1
                at = end + 3
                self._inside = b""
            match = self._search(text, at)
            if match is None:
                self.at = max(at, len(text) - 8)
                return -1
            if match.lastgroup is not None:
                if match.end() == len(text) and match.end() - match.start() < 80:
                    self.at = match.start()
                    return -1
                self.by_tag = match.lastgroup == "other"
                return match.start()
            at = match.end()
            self._inside = b"-->" if match[0] == b"<!--" else b"]]>"


Record = Callable[[JudgedTag], tuple[bytes, bytes]]
"""Records a judged tag; returns what goes before it and in its place."""


class Consumer(Protocol):
    """Receives the text of one element."""

    removed: bool

    def feed(self, text: bytes) -> bytes:
        """Return the text that may leave now."""
        ...

    def end(self, *, by_tag: bool = False) -> bytes:
        """Return the rest: the text is complete (`by_tag`: markup other than its end tag follows)."""
        ...


class UnjudgedText:
    """Text that is not judged: it passes unchanged, or is removed with its element."""

    def __init__(self, *, removed: bool = False) -> None:
        self.removed = removed

    def feed(self, text: bytes) -> bytes:
        """Return the text."""
        return b"" if self.removed else text

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - nothing was held
        """Return nothing: nothing was held."""
        return b""


UNJUDGED: Final = UnjudgedText()


FRAME_STAND_IN: Final = b"noembed"
"""The element that a refused iframe of HTML is written as (docs/decisions/0066-refused-frames.md).

Parsers treat both alike - raw text, allowed wherever an iframe is - and this one makes no browsing context.
"""


def without_context(frame: bytes) -> bytes:
    """Return the start tag of an iframe as that of its stand-in."""
    return b"<" + FRAME_STAND_IN + frame[len(b"<iframe") :]


class RefusedFrameText:
    """The text of a refused iframe, written inside its stand-in: it can end nothing and begin nothing.

    Browsers show it as little as that of an iframe.
    """

    removed = True  # the end tag is dropped: the stand-in's is written here

    def feed(self, text: bytes) -> bytes:
        """Return the text without markup."""
        return text.replace(b"<", b"&lt;")

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the stand-in's end tag."""
        return b"</" + FRAME_STAND_IN + b">"


REFUSED_FRAME_TEXT: Final = RefusedFrameText()


class BufferedText:
    """Buffers a text that is judged before its start tag may leave."""

    def __init__(self, context: DocumentContext, raw: bytes, judged: JudgedTag, record: Record) -> None:
        self.removed = False
        self._context = context
        self._raw = raw
        self._judged = judged
        self._record = record
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, text: bytes) -> bytes:
        """Buffer the text."""
        self._parts.append(text)
        self._size += len(text)
        return b""

    def _text(self) -> bytes:
        return b"".join(self._parts)

    def _held(self, judged: JudgedTag) -> bytes:
        before, tag = self._record(judged)
        self.removed = judged.removes
        return before + tag

    def _held_block(self, verdict: Verdict) -> bytes:
        """Return the start tag made inert."""
        edits = Edits(self._raw, xml=self._context.xml)
        hold_script(edits, verdict, ())
        return self._held(JudgedTag("script", ContentModel.SCRIPT, edits.result(), verdict))


class InlineScript(BufferedText):
    """An inline script, judged by its text.

    One longer than the cap is judged by its beginning; if it may run, the rest is read
    while it passes, and cut at the first word that a rule would have held it for.
    """

    def __init__(self, context: DocumentContext, raw: bytes, judged: JudgedTag, record: Record) -> None:
        super().__init__(context, raw, judged, record)
        self._rest: Consumer | None = None

    def feed(self, text: bytes) -> bytes:
        """Buffer the text, up to the cap."""
        if self._rest is not None:
            return self._rest.feed(text)
        super().feed(text)
        return self._beyond_cap() if self._size > MAX_INLINE_SCRIPT else b""

    def _beyond_cap(self) -> bytes:
        text = self._text()
        self._parts.clear()
        first = text[:MAX_INLINE_SCRIPT]
        judged = judge_inline_script(self._context, self._raw, self._judged.values, first)
        if judged is not None:
            out = self._held(judged)
            self._rest = UnjudgedText(removed=judged.removes)
            return out + self._rest.feed(text)
        late = TextBeyondCap(self._context, self._judged, self._record)
        self._rest = late
        return self._raw + late.begin(first) + late.feed(text[MAX_INLINE_SCRIPT:])

    def end(self, *, by_tag: bool = False) -> bytes:
        """Return the script, held or as it was."""
        if self._rest is not None:
            return self._rest.end()
        text = self._text()
        judged = judge_inline_script(self._context, self._raw, self._judged.values, text)
        if judged is not None:
            out = self._held(judged)
            return out if self.removed else out + text
        if by_tag and self._context.judge.refuses_text:
            verdict = Verdict(Does.HOLD, note="a script with markup in its text")
            return self._held_block(verdict) + text
        return self._raw + text


class TextBeyondCap:
    """The rest of a script over the cap: without a fence it passes up to the first word that a rule holds.

    What is left matches no rule; as a rule it no longer parses either, and a browser runs
    nothing of a script that does not parse.
    """

    removed = False

    def __init__(self, context: DocumentContext, judged: JudgedTag, record: Record) -> None:
        self._judge = context.judge
        self._values = judged.values
        self._record = record
        self._words = context.judge.rules.words
        self._keep = max(0, self._words.longest - 1)
        self._seen: set[bytes] = set()
        self._tail = b""
        self._cut = False

    def begin(self, text: bytes) -> bytes:
        """Start with the text that was judged already."""
        if self._judge.rules.holds_undeclared:
            return text
        self._seen = set(self._words.within(text))
        return self._pass(text)

    def _pass(self, text: bytes) -> bytes:
        leaves = max(0, len(text) - self._keep)
        self._tail = text[leaves:]
        return text[:leaves]

    def feed(self, text: bytes) -> bytes:
        """Return all but the last bytes, in which a word could still begin."""
        if self._cut:
            return b""
        if self._judge.rules.holds_undeclared:  # no snippet is as long: the site's own code, and fenced
            return text
        text = self._tail + text
        fresh = self._words.within(text) - self._seen
        for end, word in sorted((text.find(word) + len(word), word) for word in fresh):
            self._seen.add(word)
            matcher = self._judge.match_text(frozenset(self._seen), "script", self._values)
            if matcher is not None and not (verdict := self._judge.verdict_of(matcher)).keeps:
                self._record(JudgedTag("script", ContentModel.SCRIPT, None, verdict))
                self._cut = True
                return text[: end - len(word)]
        return self._pass(text)

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the bytes that were held back."""
        return b"" if self._cut else self._tail


class JsonBlock(BufferedText):
    """An import map or speculation rules: judged whole, made inert over the cap."""

    _is_too_long = False

    def feed(self, text: bytes) -> bytes:
        """Buffer the text, up to the cap."""
        if self._is_too_long:
            return text
        super().feed(text)
        if self._size <= MAX_INLINE_SCRIPT:
            return b""
        self._is_too_long = True
        verdict = Verdict(Does.HOLD, note=f"{self._judged.values.get('type', '')} too long to be read")
        return self._held_block(verdict) + self._text()

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the block without what is refused."""
        if self._is_too_long:
            return b""
        text = self._text()
        refused: list[Verdict] = []

        def refuses(address: str) -> bool:
            return self._context.refuses(address, "script", refused)

        if self._judged.content_model is ContentModel.MAP:
            filtered = without_refused_modules(text, refuses)
            for verdict in refused:
                self._record(JudgedTag("script", ContentModel.NOTHING, None, verdict))
            return self._raw + filtered
        if not speculates_off_site(text, refuses):
            return self._raw + text
        verdict = refused[0] if refused else Verdict(Does.HOLD, note="speculation rules for other sites")
        return self._held_block(verdict) + text


class StyleSheet(BufferedText):
    """A style sheet: refused addresses in it are made invalid, in parts where it is long."""

    _open = ""

    def feed(self, text: bytes) -> bytes:
        """Return the rules that are complete."""
        super().feed(text)
        if self._size <= MAX_INLINE_SCRIPT:
            return b""
        text = self._text()
        out = []
        while len(text) > MAX_INLINE_SCRIPT:
            first = text[:MAX_INLINE_SCRIPT].decode("latin-1")
            begin = first.find(self._open) + len(self._open)
            cut, opened = len(first), self._open
            if not self._open or begin >= len(self._open):
                cut, opened = css.cut_point(first[begin:])
                cut += begin
            out.append(self._filtered(first[:cut]))
            self._open = opened
            text = text[cut:]
        self._parts, self._size = [text], len(text)
        return b"".join(out)

    def _filtered(self, text: str) -> bytes:
        passed = ""
        if self._open:
            end = text.find(self._open)
            end = len(text) if end < 0 else end + len(self._open)
            passed, text = text[:end], text[end:]
        refused: list[Verdict] = []
        filtered = self._context.without_refused(text, refused)
        for verdict in refused:
            self._record(JudgedTag("style", ContentModel.NOTHING, None, verdict))
        return (passed + filtered).encode("latin-1")

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the rest of the style sheet."""
        return self._filtered(self._text().decode("latin-1"))


class NestedText:
    """The text of a noscript, parsed as without scripts, by a filter of its own."""

    def __init__(self, inner: NestedFilter) -> None:
        self.removed = False
        self._inner = inner

    def feed(self, text: bytes) -> bytes:
        """Return the filtered text that may leave."""
        return self._inner.feed(text)

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the rest."""
        return self._inner.close()


class NestedFilter(Protocol):
    """A filter for a nested document."""

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave."""

    def close(self) -> bytes:
        """Return the rest."""
