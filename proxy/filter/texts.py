"""What is done with the text of scripts, styles and noscript, piece by piece.

A consumer gets the text behind a start tag as it arrives and returns what may leave.
What has to be judged is held, up to a cap that counts bytes, not pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.filter import css
from proxy.filter.actions import Edits, Follow, Judged, hold_script
from proxy.filter.attributes import attributes_of
from proxy.filter.blocks import calmed_map, speculates_abroad
from proxy.filter.tags import Reader, judged_inline, style_refuses
from proxy.filter.urls import url_of
from proxy.filter.verdict import Does, Verdict

LONGEST_SCRIPT = 256 * 1024
"""Bytes of an inline script that are held to be judged before its start tag leaves."""

Note = Callable[[Judged], tuple[bytes, bytes]]
"""Records a judged tag and returns what stands before and in place of it."""


class Consumer(Protocol):
    """Receives the text of one element."""

    removed: bool

    def feed(self, text: bytes) -> bytes:
        """Return what may leave now."""
        ...

    def end(self) -> bytes:
        """Return the rest: the text is complete."""
        ...


class Skip:
    """Text that passes as it is, or that goes with its element."""

    def __init__(self, *, removed: bool = False) -> None:
        self.removed = removed

    def feed(self, text: bytes) -> bytes:
        """Return the text."""
        return b"" if self.removed else text

    def end(self) -> bytes:
        """Return nothing: nothing was held."""
        return b""


class Held:
    """Collects a text that has to be seen before its start tag may leave."""

    def __init__(self, reader: Reader, raw: bytes, judged: Judged, note: Note) -> None:
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

    def _held(self, judged: Judged) -> bytes:
        before, tag = self._note(judged)
        self.removed = judged.removes
        return before + tag


class Inline(Held):
    """An inline script, judged by its text.

    One longer than the cap is judged on its first bytes; if it may start, the rest is read
    on while it passes, and from the word on that would have held it nothing passes.
    """

    _late: LateReading | None = None
    _passing: Skip | None = None

    def feed(self, text: bytes) -> bytes:
        """Keep the text, up to the cap."""
        if self._passing is not None:
            return self._passing.feed(text)
        if self._late is not None:
            return self._late.feed(text)
        super().feed(text)
        return self._over() if self._size > LONGEST_SCRIPT else b""

    def _over(self) -> bytes:
        text = self._text()
        self._parts.clear()
        judged = judged_inline(self._reader, self._raw, self._judged.values, text[:LONGEST_SCRIPT])
        if judged is not None:
            out = self._held(judged)
            self._passing = Skip(removed=judged.removes)
            return out + self._passing.feed(text)
        self._late = LateReading(self._reader, self._judged, self._note)
        return self._raw + self._late.begin(text[:LONGEST_SCRIPT]) + self._late.feed(text[LONGEST_SCRIPT:])

    def broken(self) -> bytes:
        """Return the script held where markup stands in its text, if its text matters at all."""
        if self._late is not None or self._passing is not None or not self._reader.judge.rules.texts:
            return self.end()
        verdict = Verdict(Does.HOLD, note="a script with markup in its text")
        return self._held(held_block(self._reader, self._raw, verdict)) + self._text()

    def end(self) -> bytes:
        """Return the script, held or as it was."""
        if self._passing is not None:
            return b""
        if self._late is not None:
            return self._late.end()
        text = self._text()
        judged = judged_inline(self._reader, self._raw, self._judged.values, text)
        if judged is None:
            return self._raw + text
        out = self._held(judged)
        return out if self.removed else out + text


class LateReading:
    """The rest of an over-long script: passes until the rules' words say it must not.

    What was cut off matches no rule; in practice it is no longer a program either, and a
    browser runs nothing of a script that does not parse.
    """

    def __init__(self, reader: Reader, judged: Judged, note: Note) -> None:
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
        self._seen = set(self._judge.rules.read(text))
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
        found = [(text.find(w) + len(w), w) for w in self._words.words if w not in self._seen and w in text]
        for end, word in sorted(found):
            self._seen.add(word)
            matcher = self._judge.match_text(frozenset(self._seen), "script", self._values)
            if matcher is not None and not (verdict := self._judge.verdict_of(matcher)).keeps:
                self._note(Judged("script", Follow.SCRIPT, None, verdict))
                self._cut = True
                return text[: end - len(word)]
        return self._pass(text)

    def end(self) -> bytes:
        """Return what was still kept back."""
        return b"" if self._cut else self._tail


class Map(Held):
    """An import map or speculation rules: judged whole."""

    def end(self) -> bytes:
        """Return the block without what is refused."""
        text = self._text()
        refused: list[Verdict] = []

        def refuses(address: str) -> bool:
            return isinstance(address, str) and script_refuses(self._reader, address, refused)

        if self._judged.follow is Follow.MAP:
            calm = calmed_map(text, refuses)
            for verdict in refused:
                self._note(Judged("script", Follow.NOTHING, None, verdict))
            return self._raw + calm
        if not speculates_abroad(text, refuses):
            return self._raw + text
        verdict = refused[0] if refused else Verdict(Does.HOLD, note="speculation rules for other sites")
        return self._held(held_block(self._reader, self._raw, verdict)) + text


def held_block(reader: Reader, raw: bytes, verdict: Verdict) -> Judged:
    """Return a block of rules made inert."""
    edits = Edits(raw, attributes_of(raw), xml=reader.xml)
    hold_script(edits, verdict, ())
    return Judged("script", Follow.SCRIPT, edits.result(), verdict)


def script_refuses(reader: Reader, address: str, refused: list[Verdict]) -> bool:
    """True when code from this address may not be asked for; the verdict is noted."""
    url = url_of(address, reader.base)
    verdict = reader.judge.judge_url(url, "script") if url else None
    if verdict is None or verdict.keeps:
        return False
    refused.append(verdict)
    return True


class Style(Held):
    """A style sheet: refused addresses in it are made invalid; over-long ones piece by piece."""

    _open = ""

    def feed(self, text: bytes) -> bytes:
        """Return the pieces that are complete."""
        super().feed(text)
        if self._size <= LONGEST_SCRIPT:
            return b""
        text = self._text()
        out = []
        while len(text) > LONGEST_SCRIPT:
            first = text[:LONGEST_SCRIPT].decode("latin-1")
            cut, opened = (
                css.piece(first) if not self._open or self._closes(first) else (len(first), self._open)
            )
            out.append(self._calm(first[:cut]))
            self._open = opened
            text = text[cut:]
        self._parts, self._size = [text], len(text)
        return b"".join(out)

    def _closes(self, text: str) -> bool:
        return self._open in text

    def _calm(self, text: str) -> bytes:
        passed = ""
        if self._open:
            end = text.find(self._open)
            end = len(text) if end < 0 else end + len(self._open)
            passed, text = text[:end], text[end:]
        refused: list[Verdict] = []
        calm = css.calmed(text, lambda address: style_refuses(self._reader, address, refused))
        for verdict in refused:
            self._note(Judged("style", Follow.NOTHING, None, verdict))
        return (passed + calm).encode("latin-1")

    def end(self) -> bytes:
        """Return the rest of the style sheet."""
        return self._calm(self._text().decode("latin-1"))
