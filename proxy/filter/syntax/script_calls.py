"""Which literal arguments an inline script passes to a provider's function.

Only placeholders use it, to offer what the call would have shown; no verdict depends on
it. What a script computes is not known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

SPREAD: Final = "."

MAX_CALLS: Final = 20
"""How many calls are read in one script."""

_TOKEN: Final = re.compile(
    r"""
      (?P<note> //[^\n]*+ )
    | (?P<opener> ["'`] | /\* )
    | (?P<word> [\w$]++ (?: \s*+ \??+ \. \s*+ [A-Za-z_$][\w$]*+ )*+ )
    | (?P<mark> \S )
    """,
    re.VERBOSE | re.ASCII,
)
_REST: Final = {
    '"': re.compile(r'(?P<text>(?:[^"\\\n]++|\\.)*+)(?P<closer>")?+', re.DOTALL),
    "'": re.compile(r"(?P<text>(?:[^'\\\n]++|\\.)*+)(?P<closer>')?+", re.DOTALL),
    "`": re.compile(r"(?P<text>[^`\\$]*+)(?P<closer>`)?+"),
    "/*": re.compile(r"(?P<text>(?:[^*]++|\*(?!/))*+)(?P<closer>\*/)?+"),
}
"""What follows an opener. Possessive, so that each reads its text once (CWE-1333)."""

_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_BLANK: Final = re.compile(r"[\s?]+")
_OPENS: Final = frozenset("([{")
_CLOSES: Final = frozenset(")]}")
_BY_ID: Final = ("document.getElementById", "#")
_BY_SELECTOR: Final = (("document.querySelector", ""), ("document.querySelectorAll", ""))


@dataclass(frozen=True, slots=True)
class Token:
    """One word, sign or string of a script; `literal` for strings and numbers."""

    text: str
    literal: bool = False


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call: the function, its first argument if that is a string, and its first object's members.

    `given` holds the literal ones; `named` the names of all, and SPREAD where there may be
    more.
    """

    name: str
    first: str
    literals: Mapping[str, str]
    named: frozenset[str]


def calls(text: str, names: Collection[str]) -> list[ScriptCall]:
    """Return every call of a function of these names, in the order of the text."""
    tokens = list(tokens_of(text))
    places = (
        (name, at + 1)
        for at, token in enumerate(tokens[:-1])
        for name in names
        if token.text in (name, f"window.{name}") and not token.literal and tokens[at + 1] == Token("(")
    )
    return [_call(name, _inside(tokens, at)) for name, at in islice(places, MAX_CALLS)]


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the words, signs and literals of a script, without its comments."""
    at = 0
    unclosed = dict.fromkeys(_REST, 0)  # up to where no such opener has a closer: none is sought twice
    while found := _TOKEN.search(text, at):
        at = found.end()
        if word := found["word"]:
            word = _BLANK.sub("", word)
            yield Token(word, literal=word.isdigit())
        elif mark := found["mark"]:
            yield Token(mark)
        elif opener := found["opener"]:
            rest = None if at <= unclosed[opener] else _REST[opener].match(text, at)
            if rest and rest["closer"]:
                at = rest.end()
                if opener != "/*":
                    yield Token(_ESCAPE.sub(r"\1", rest["text"]), literal=True)
            else:  # not a literal: a quote of a pattern, say; what follows is read like the rest
                unclosed[opener] = rest.end() if rest else unclosed[opener]
                at = found.start() + 1
                yield Token(opener[0])


def _inside(tokens: list[Token], at: int) -> list[Token]:
    """Return the tokens between the bracket at `at` and the one that closes it."""
    depth = 0
    for end in range(at, len(tokens)):
        sign = "" if tokens[end].literal else tokens[end].text
        depth += (sign in _OPENS) - (sign in _CLOSES)
        if not depth:
            return tokens[at + 1 : end]
    return tokens[at + 1 :]


def _call(name: str, arguments: list[Token]) -> ScriptCall:
    parts = _parts(arguments)
    first = _value(parts[0]) if parts else None
    members = next((part for part in parts if len(part) > 1 and part[0] == Token("{")), [])
    literals, named = {}, set()
    for member in _parts(members[1:-1]):
        named.add(member[0].text)
        value = _value(member[2:]) if len(member) > 2 and member[1] == Token(":") else None
        if value is not None:
            literals[member[0].text] = value
    return ScriptCall(name, first or "", literals, frozenset(named))


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """Cut at the commas outside all brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        sign = "" if token.literal else token.text
        depth += (sign in _OPENS) - (sign in _CLOSES)
        if sign == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _value(tokens: list[Token]) -> str | None:
    """Return a string or number; for an element looked up in the page, its selector; else None."""
    if len(tokens) == 1 and tokens[0].literal:
        return tokens[0].text
    if len(tokens) == 4 and tokens[2].literal and (tokens[1].text, tokens[3].text) == ("(", ")"):
        for name, mark in (_BY_ID, *_BY_SELECTOR):
            if tokens[0].text in (name, f"window.{name}"):
                return mark + tokens[2].text
    return None
