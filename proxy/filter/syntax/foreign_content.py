"""Where SVG and MathML begin and end inside HTML, and where HTML stands inside them.

A simulation of the tree builder, as far as it decides how the next bytes are read
(HTML 13.2.6.5 and the integration points). Every step costs a bounded amount of work.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from proxy.errors import Unreadable
from proxy.filter.syntax.fetching_attributes import VOID

_BREAKOUT: Final = frozenset(
    b"b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing"
    b" menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var".split()
)
_MAX_DEPTH: Final = 10_000
"""Open elements tracked inside svg or math; browsers stop nesting at 512."""

_VOID: Final = frozenset(name.encode() for name in VOID)
_CLOSES_P: Final = frozenset(
    b"address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure"
    b" footer form h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p plaintext pre search"
    b" section summary table ul xmp".split()
)
_SVG_POINTS: Final = frozenset({b"foreignobject", b"desc", b"title"})
_MATH_POINTS: Final = frozenset({b"mi", b"mo", b"mn", b"ms", b"mtext"})


class ForeignKind(Enum):
    """By which rules a level is parsed."""

    SVG = 0
    MATH = 1
    HTML = 2  # inside an integration point
    MATH_TEXT = 3  # inside mi, mo, mn, ms, mtext
    ANNOTATION = 4  # inside annotation-xml of another encoding


FOREIGN_BREAKOUT: Final = b"<span hidden></span>"
"""Replaces a removed tag that ended svg or math, so that what follows is parsed as before."""


class Level:
    """A run of open elements under the same rules."""

    __slots__ = ("counts", "kind", "names")

    def __init__(self, kind: ForeignKind) -> None:
        self.kind = kind
        self.names: list[bytes] = []
        self.counts: dict[bytes, int] = {}

    def push(self, name: bytes) -> None:
        """Open an element."""
        self.names.append(name)
        self.counts[name] = self.counts.get(name, 0) + 1

    def pop_to(self, name: bytes) -> None:
        """Close open elements up to the innermost of that name."""
        while True:
            last = self.names.pop()
            self.counts[last] -= 1
            if last == name:
                return


class Foreign:
    """The open elements from the outermost svg or math inwards; empty in plain HTML."""

    def __init__(self) -> None:
        self.levels: list[Level] = []
        self._starts = 0

    @property
    def is_foreign(self) -> bool:
        """True where markup is read by the rules of foreign content."""
        return bool(self.levels) and self.levels[-1].kind in (ForeignKind.SVG, ForeignKind.MATH)

    def start(self, name: bytes, raw: bytes) -> bool:
        """Process a start tag; True when it makes an HTML element, False for a foreign one."""
        closed = raw.endswith(b"/>")
        if not self.levels:
            self._starts = 0
            return self._root(name, closed)
        self._starts += 1
        if self._starts % _MAX_DEPTH == 0 and sum(len(level.names) + 1 for level in self.levels) > _MAX_DEPTH:
            raise Unreadable("svg or math nested too deep to be followed")
        kind = self.levels[-1].kind
        if kind is ForeignKind.MATH_TEXT and name in (b"mglyph", b"malignmark"):
            kind = ForeignKind.MATH
            self._open(ForeignKind.MATH)
        if kind is ForeignKind.ANNOTATION:
            if name == b"svg":
                return self._root(name, closed)
            kind = ForeignKind.MATH
            self._open(ForeignKind.MATH)
        if kind in (ForeignKind.HTML, ForeignKind.MATH_TEXT):
            if name in (b"svg", b"math"):
                return self._root(name, closed)
            if name in _CLOSES_P and self.levels[-1].counts.get(b"p"):
                self.levels[-1].pop_to(b"p")
            if name not in _VOID:
                self.levels[-1].push(name)
            return True
        if name in _BREAKOUT or (name == b"font" and _sized(raw)):
            self._break_out()
            if self.levels and name not in _VOID:
                self.levels[-1].push(name)
            return True
        self._element(name, raw, closed)
        return False

    def _open(self, kind: ForeignKind) -> None:
        self.levels.append(Level(kind))

    def _root(self, name: bytes, closed: bool) -> bool:
        if name not in (b"svg", b"math"):
            return True
        if not closed:
            self._open(ForeignKind.SVG if name == b"svg" else ForeignKind.MATH)
            self.levels[-1].push(name)
        return False

    def _element(self, name: bytes, raw: bytes, closed: bool) -> None:
        if closed:
            if not self.levels[-1].names:
                self.levels.pop()
            return
        level = self.levels[-1]
        level.push(name)
        if level.kind is ForeignKind.SVG:
            if name in _SVG_POINTS:
                self._open(ForeignKind.HTML)
        elif name in _MATH_POINTS:
            self._open(ForeignKind.MATH_TEXT)
        elif name == b"annotation-xml":
            lower = raw.lower()
            html = b"text/html" in lower or b"application/xhtml+xml" in lower
            self._open(ForeignKind.HTML if html else ForeignKind.ANNOTATION)

    def _break_out(self) -> None:
        while self.levels and self.levels[-1].kind in (
            ForeignKind.SVG,
            ForeignKind.MATH,
            ForeignKind.ANNOTATION,
        ):
            self.levels.pop()

    def end(self, name: bytes) -> None:
        """Process an end tag."""
        if name in (b"p", b"br") and self.levels[-1].kind in (
            ForeignKind.SVG,
            ForeignKind.MATH,
            ForeignKind.ANNOTATION,
        ):
            self._break_out()
            return
        for depth in range(len(self.levels) - 1, max(len(self.levels) - 4, -1), -1):
            level = self.levels[depth]
            if level.counts.get(name):
                del self.levels[depth + 1 :]
                level.pop_to(name)
                if not level.names and level.kind in (ForeignKind.SVG, ForeignKind.MATH):
                    self.levels.pop()
                return
            if level.kind in (ForeignKind.HTML, ForeignKind.MATH_TEXT) and level.names:
                return  # an open HTML element is in between


def _sized(raw: bytes) -> bool:
    lower = raw.lower()
    return b"color" in lower or b"face" in lower or b"size" in lower
