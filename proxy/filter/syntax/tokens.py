"""The grammar of WHATWG's HTML tokeniser as byte patterns that cannot backtrack.

Every quantifier is possessive: a byte is read a bounded number of times. A step pattern
skips text and markup that no rule can touch, and stops at the first tag to be judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_lowercase
from typing import Final

NAME: Final = rb"[a-zA-Z][^ \t\n\f\r/>]*+"
VALUE: Final = rb"(?:\"[^\"]*+\"|'[^']*+'|(?=>)|[^ \t\n\f\r>\"'][^ \t\n\f\r>]*+)"
ATTRIBUTE = (
    rb"[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+" + VALUE + rb"|(?![ \t\n\f\r]*+=))"
)
REST: Final = rb"(?: [a-zA-Z-]++=\"[^\"]*+\"|[ \t\n\f\r/]++|" + ATTRIBUTE + rb")*+>"
"""From the end of a tag's name to its `>`, quoted values respected."""

COMMENT: Final = rb"!--(?:-?>|(?!-?>)[^-]*+(?:-(?!-!?>)[^-]*+)*+--!?>)"
XML_COMMENT = rb"!--[^-]*+(?:-(?!->)[^-]*+)*+-->"
BOGUS: Final = rb"(?:!(?!--)|\?|/(?![a-zA-Z>]))[^>]*+>"
FOREIGN_BOGUS = rb"(?:!(?!--|\[CDATA\[)|\?|/(?![a-zA-Z>]))[^>]*+>"
CDATA = rb"!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>"
INSTRUCTION = rb"\?[^?]*+(?:\?(?!>)[^?]*+)*+\?>"
TEXT: Final = rb"(?=[^a-zA-Z/!?])|/>"
"""`<` that begins nothing, and `</>`, which is nothing."""


def any_word(words: Iterable[str]) -> bytes:
    """Return a pattern for one of these words, factored by letter, any case."""
    return _trie(sorted({word.lower() for word in words}))


def _letter(letter: str) -> bytes:
    if letter.isalpha() and letter.isascii():
        return f"[{letter}{letter.upper()}]".encode()
    return re.escape(letter.encode("utf-8"))


def shared_beginning(words: Iterable[str]) -> str:
    """Return what all words begin with: the patterns below go one level deeper a branch, not a letter."""
    several = list(words)
    first, last = min(several, default=""), max(several, default="")
    size = 0
    while size < len(first) and first[size] == last[size]:
        size += 1
    return first[:size]


def _trie(words: list[str]) -> bytes:
    """Return a pattern for sorted words; a shared beginning is written once."""
    if words == [""]:
        return b""
    if shared := shared_beginning(words):
        return b"".join(map(_letter, shared)) + _trie([word[len(shared) :] for word in words])
    optional = "" in words
    heads: dict[str, list[str]] = {}
    for word in words:
        if word:
            heads.setdefault(word[0], []).append(word[1:])
    branches = [_letter(head) + _trie(sorted(tails)) for head, tails in sorted(heads.items())]
    joined = branches[0] if len(branches) == 1 and not optional else b"(?:" + b"|".join(branches) + b")"
    return joined + b"?" if optional else joined


def exact_word(words: Iterable[str]) -> bytes:
    """Return a pattern for one of these words as they are spelled, factored by letter."""
    return _exact(sorted(set(words)))


def _exact(words: list[str]) -> bytes:
    """Return a pattern for sorted words; a shared beginning is written once."""
    if shared := shared_beginning(words):
        return re.escape(shared.encode()) + _exact([word[len(shared) :] for word in words])
    heads: dict[str, list[str]] = {}
    for word in words:
        if word:
            heads.setdefault(word[0], []).append(word[1:])
    branches = [re.escape(head.encode()) + _exact(tails) for head, tails in sorted(heads.items())]
    if "" in words:
        branches.append(b"")
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


def other_than(
    words: Iterable[str], *, end: bytes, more: bytes, first: bytes, prefixes: bool = False
) -> bytes:
    """Return a pattern for any word but these, decided on its first letter where possible.

    `first` is the set of first bytes of a word, `more` of those that follow, `end` what
    ends one; with `prefixes` every word that begins like one of these is excluded too.
    """
    by_letter: dict[str, list[str]] = {}
    for word in sorted({word.lower() for word in words}):
        by_letter.setdefault(word[0], []).append(word[1:])
    lookahead = b"" if prefixes else end
    branches = [_class_without(first, by_letter) + more + b"*+"]
    branches += [
        _letter(letter) + b"(?!" + _grouped(tails) + lookahead + b")" + more + b"*+"
        for letter, tails in by_letter.items()
    ]
    return b"(?:" + b"|".join(branches) + b")"


def lower_case_but(words: Iterable[str], *, end: bytes, more: bytes) -> bytes:
    """Return a pattern for any word but these, all lower case, decided by the first letter.

    `more` is the set of bytes behind the first, `end` what ends one of the words.
    """
    by_letter: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        by_letter.setdefault(word[0], []).append(word[1:])
    others = "".join(letter for letter in ascii_lowercase if letter not in by_letter)
    branches = [b"[" + others.encode() + b"]" + more + b"*+"] if others else []
    branches += [
        letter.encode() + b"(?!" + _exact(sorted(tails)) + end + b")" + more + b"*+"
        for letter, tails in by_letter.items()
        if letter in ascii_lowercase
    ]
    return b"(?:" + b"|".join(branches) + b")"


def _class_without(first: bytes, letters: Iterable[str]) -> bytes:
    """Return a byte class less these letters, written out: engines reject in one step."""
    out = {ord(form) for letter in letters for form in (letter, letter.upper())}
    one = re.compile(first)
    left = [byte for byte in range(256) if byte not in out and one.match(bytes([byte]))]
    return b"[" + b"".join(b"\\x%02x" % byte for byte in left) + b"]"


def _grouped(tails: list[str]) -> bytes:
    return b"(?:" + _trie(sorted(tails)) + b")"


def step(ignored_markup: Iterable[bytes], captured: bytes) -> re.Pattern[bytes]:
    """Return a pattern: text and ignored markup, then at most one captured tag."""
    markup = b"|".join(ignored_markup)
    return re.compile(rb"[^<]*+(?:<(?:" + markup + rb")[^<]*+)*+(?:" + captured + rb")?")


ANY_TAG = rb"(<(/?)(" + NAME + rb")" + REST + rb")"
"""Captures the tag, its slash, and its name."""

EVERY: Final = step((COMMENT, BOGUS, TEXT), ANY_TAG)
"""Stops at every tag: in heads, and in HTML inside foreign content."""

FOREIGN: Final = step((COMMENT, FOREIGN_BOGUS, CDATA, TEXT), ANY_TAG)
"""Stops at every tag of SVG and MathML; their CDATA sections are text."""

XML_NAME_START: Final = rb"[^ \t\n\f\r/>!?<&\"'=]"
XML_NAME = XML_NAME_START + rb"[^ \t\n\f\r/>]*+"
XML: Final = step((XML_COMMENT, CDATA), rb"(<(/?)(" + XML_NAME + rb")" + REST + rb")")
"""Stops at every tag, doctype and processing instruction of an XML document."""

_DOCTYPE_NAME = rb"![dD][oO][cC][tT][yY][pP][eE]"
_DOCTYPE = _DOCTYPE_NAME + rb"[^>]*+>"
_SPACE: Final = rb"[ \t\n\f\r]*+"


def spaced_step(ignored_markup: Iterable[bytes], captured: bytes) -> re.Pattern[bytes]:
    """Return a step that stops at text other than white space."""
    markup = rb"<(?:" + b"|".join(ignored_markup) + rb")"
    return re.compile(_SPACE + rb"(?:" + markup + _SPACE + rb")*+(?:" + captured + rb")?")


_NO_DOCTYPE = rb"(?!" + _DOCTYPE_NAME + rb")" + BOGUS
BEFORE_HEAD: Final = spaced_step((COMMENT, _NO_DOCTYPE, rb"/>"), ANY_TAG + rb"|(<" + _DOCTYPE + rb")")
"""Until the head begins: stops at every tag and doctype, and at text that is not white space."""
