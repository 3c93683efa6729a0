"""What is done with the text of scripts and styles, piece by piece.

A consumer gets the text behind a start tag as it arrives and returns what may leave.
What has to be judged is held, up to a cap that counts bytes, not pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.filter.rules.judged_tag import Follow, JudgedTag
from proxy.filter.size_limits import MAX_INLINE_SCRIPT
from proxy.filter.syntax import css
from proxy.filter.syntax.json_blocks import speculates_off_site, without_refused_modules
from proxy.filter.tags.document_context import Reader
from proxy.filter.tags.start_tag import judged_inline
from proxy.filter.tags.tag_edits import Edits, hold_script
from proxy.filter.verdict import Does, Verdict

Note = Callable[[JudgedTag], tuple[bytes, bytes]]
"""Records a judged tag and returns what stands before and in place of it."""


class Consumer(Protocol):
    """Receives the text of one element."""

    removed: bool

    def feed(self, text: bytes) -> bytes:
        """Return what may leave now."""
        ...

    def end(self, *, by_tag: bool = False) -> bytes:
        """Return the rest: the text is complete (`by_tag`: markup other than its end tag follows)."""
        ...


class Skip:
    """Text that passes as it is, or that goes with its element."""

    def __init__(self, *, removed: bool = False) -> None:
        self.removed = removed

    def feed(self, text: bytes) -> bytes:
        """Return the text."""
        return b"" if self.removed else text

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - nothing was held
        """Return nothing: nothing was held."""
        return b""


SKIP = Skip()


class Held:
    """Collects a text that has to be seen before its start tag may leave."""

    def __init__(self, reader: Reader, raw: bytes, judged: JudgedTag, note: Note) -> None:
        self.removed = False
        self._reader = reader
        self._raw = raw
        self._judged = judged
        self._note = note
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, text: bytes) -> bytes:
        """Keep the text."""
        self._parts.append(text)
        self._size += len(text)
        return b""

    def _text(self) -> bytes:
        return b"".join(self._parts)

    def _held(self, judged: JudgedTag) -> bytes:
        before, tag = self._note(judged)
        self.removed = judged.removes
        return before + tag

    def _held_block(self, verdict: Verdict) -> bytes:
        """Return the start tag made inert."""
        edits = Edits(self._raw, xml=self._reader.xml)
        hold_script(edits, verdict, ())
        return self._held(JudgedTag("script", Follow.SCRIPT, edits.result(), verdict))


class Inline(Held):
    """An inline script, judged by its text.

    One longer than the cap is judged on its first bytes; if it may start, the rest is read
    on while it passes, and from the word on that would have held it nothing passes.
    """

    _rest: Consumer | None = None

    def feed(self, text: bytes) -> bytes:
        """Keep the text, up to the cap."""
        if self._rest is not None:
            return self._rest.feed(text)
        super().feed(text)
        return self._over() if self._size > MAX_INLINE_SCRIPT else b""

    def _over(self) -> bytes:
        text = self._text()
        self._parts.clear()
        first = text[:MAX_INLINE_SCRIPT]
        judged = judged_inline(self._reader, self._raw, self._judged.values, first)
        if judged is not None:
            out = self._held(judged)
            self._rest = Skip(removed=judged.removes)
            return out + self._rest.feed(text)
        late = LateReading(self._reader, self._judged, self._note)
        self._rest = late
        return self._raw + late.begin(first) + late.feed(text[MAX_INLINE_SCRIPT:])

    def end(self, *, by_tag: bool = False) -> bytes:
        """Return the script, held or as it was."""
        if self._rest is not None:
            return self._rest.end()
        text = self._text()
        judged = judged_inline(self._reader, self._raw, self._judged.values, text)
        if judged is not None:
            out = self._held(judged)
            return out if self.removed else out + text
        if by_tag and self._reader.judge.minds_text:
            verdict = Verdict(Does.HOLD, note="a script with markup in its text")
            return self._held_block(verdict) + text
        return self._raw + text


class LateReading:
    """The rest of an over-long script: passes until the rules' words say it must not.

    What was cut off matches no rule; in practice it is no longer a program either, and a
    browser runs nothing of a script that does not parse.
    """

    removed = False

    def __init__(self, reader: Reader, judged: JudgedTag, note: Note) -> None:
        self._judge = reader.judge
        self._values = judged.values
        self._note = note
        self._words = reader.judge.rules.words
        self._keep = max(0, self._words.longest - 1)
        self._seen: set[bytes] = set()
        self._tail = b""
        self._cut = False

    def begin(self, text: bytes) -> bytes:
        """Take what was judged already."""
        self._seen = set(self._words.within(text))
        return self._pass(text)

    def _pass(self, text: bytes) -> bytes:
        leaves = max(0, len(text) - self._keep)
        self._tail = text[leaves:]
        return text[:leaves]

    def feed(self, text: bytes) -> bytes:
        """Return what may leave: all but what a word could still begin in."""
        if self._cut:
            return b""
        text = self._tail + text
        fresh = self._words.within(text) - self._seen
        for end, word in sorted((text.find(word) + len(word), word) for word in fresh):
            self._seen.add(word)
            matcher = self._judge.match_text(frozenset(self._seen), "script", self._values)
            if matcher is not None and not (verdict := self._judge.verdict_of(matcher)).keeps:
                self._note(JudgedTag("script", Follow.SCRIPT, None, verdict))
                self._cut = True
                return text[: end - len(word)]
        return self._pass(text)

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return what was still kept back."""
        return b"" if self._cut else self._tail


class Block(Held):
    """An import map or speculation rules: judged whole, and inert where too long to be held."""

    _over = False

    def feed(self, text: bytes) -> bytes:
        """Keep the text, up to the cap."""
        if self._over:
            return text
        super().feed(text)
        if self._size <= MAX_INLINE_SCRIPT:
            return b""
        self._over = True
        verdict = Verdict(Does.HOLD, note=f"{self._judged.values.get('type', '')} too long to be read")
        return self._held_block(verdict) + self._text()

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the block without what is refused."""
        if self._over:
            return b""
        text = self._text()
        refused: list[Verdict] = []

        def refuses(address: str) -> bool:
            return self._reader.refuses(address, "script", refused)

        if self._judged.follow is Follow.MAP:
            filtered = without_refused_modules(text, refuses)
            for verdict in refused:
                self._note(JudgedTag("script", Follow.NOTHING, None, verdict))
            return self._raw + filtered
        if not speculates_off_site(text, refuses):
            return self._raw + text
        verdict = refused[0] if refused else Verdict(Does.HOLD, note="speculation rules for other sites")
        return self._held_block(verdict) + text


class Style(Held):
    """A style sheet: refused addresses in it are made invalid; over-long ones piece by piece."""

    _open = ""

    def feed(self, text: bytes) -> bytes:
        """Return the pieces that are complete."""
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
        filtered = self._reader.without_refused(text, refused)
        for verdict in refused:
            self._note(JudgedTag("style", Follow.NOTHING, None, verdict))
        return (passed + filtered).encode("latin-1")

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the rest of the style sheet."""
        return self._filtered(self._text().decode("latin-1"))


class Within:
    """The text of a noscript, read as those read it who run no scripts: by a filter of its own."""

    def __init__(self, inner: Inner) -> None:
        self.removed = False
        self._inner = inner

    def feed(self, text: bytes) -> bytes:
        """Return what may leave of it."""
        return self._inner.feed(text)

    def end(self, *, by_tag: bool = False) -> bytes:  # noqa: ARG002 - what follows changes nothing
        """Return the rest."""
        return self._inner.close()


class Inner(Protocol):
    """A filter for what is within."""

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave."""

    def close(self) -> bytes:
        """Return the rest."""
