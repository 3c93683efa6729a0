"""Which cookies, keys and databases an inline script would write, as far as their names are written out.

For people who write rules, not for pages: no verdict depends on it. What a script computes is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from typing import Final, NamedTuple

from proxy.filter.syntax.script_calls import Token, calls, tokens_of

MOST: Final = 50
"""Names that are read in one script."""

_COOKIE: Final = frozenset({"document.cookie", "window.document.cookie", "self.document.cookie"})
_STORES: Final = ("localStorage.setItem", "sessionStorage.setItem", "indexedDB.open")
_OPENS: Final = frozenset("([{")
_CLOSES: Final = frozenset(")]}")


class WriteKind(Enum):
    """What is written; the values are the kinds of subjects in `tests:` of rules.yaml."""

    COOKIE = "script_cookie"
    KEY = "storage"


class Write(NamedTuple):
    """One name that a script writes; of a cookie all that is written out, as a Set-Cookie line."""

    kind: WriteKind
    line: str

    @property
    def name(self) -> str:
        """The name alone."""
        return self.line.partition("=")[0].strip() if self.kind is WriteKind.COOKIE else self.line


def writes(text: str) -> list[Write]:
    """Return what a script writes under names that are literals, each once."""
    found: list[Write] = []
    if "cookie" in text:
        found += [Write(WriteKind.COOKIE, line) for line in _cookies(list(tokens_of(text)))]
    if "torage" in text or "indexedDB" in text:
        found += [Write(WriteKind.KEY, call.first) for call in calls(text, _STORES) if call.first]
    first: dict[tuple[WriteKind, str], Write] = {}
    for one in found:
        first.setdefault((one.kind, one.name), one)
    return list(first.values())[:MOST]


def _cookies(tokens: list[Token]) -> Iterator[str]:
    """Yield what is assigned to document.cookie where that begins with a literal that has a name."""
    for at, (target, sign) in enumerate(pairwise(tokens)):
        if target.literal or target.text not in _COOKIE or sign != Token("="):
            continue
        line = "".join(_literals(tokens, at + 2))
        begins = tokens[at + 2 : at + 3]
        if (
            begins
            and begins[0].literal
            and begins[0].text.partition("=")[0].strip()
            and "=" in begins[0].text
        ):
            yield line


def _literals(tokens: list[Token], at: int) -> Iterator[str]:
    """Yield the literals of a sum that begins there; what is computed between them is left out."""
    while at < len(tokens):
        if tokens[at].literal:
            yield tokens[at].text
        at = _behind(tokens, at)
        if at >= len(tokens) or tokens[at] != Token("+"):
            return
        at += 1


def _behind(tokens: list[Token], at: int) -> int:
    """Return where the operand ends that begins there: a word or literal, and brackets right behind it."""
    depth = 0
    if tokens[at].literal or tokens[at].text not in _OPENS:
        at += 1
    while at < len(tokens):
        sign = "" if tokens[at].literal else tokens[at].text
        depth += (sign in _OPENS) - (sign in _CLOSES)
        if depth < 0 or (not depth and sign not in _CLOSES and not sign.startswith(".")):
            return at
        at += 1
    return at
