"""Our own small scripts made small: no comments, no spare blanks, short names for local variables.

Not a general minifier. It asks of a script: a semicolon behind every statement, no
template strings, and no local name that is also a global one it uses.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import count, product
from string import ascii_letters

TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*)
      |(?P<text>"(?:\\.|[^"\\\n])*")
      |(?P<word>[A-Za-z_$][\w$]*)
      |(?P<number>\.?\d[\w.]*)
      |(?P<mark>=>|\+\+|--|\.\.\.|[^\s"'`])""",
    re.VERBOSE,
)
PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
KEYWORDS = frozenset(
    """break case catch const continue delete do else finally for function if in instanceof let new of
    return switch this throw try typeof var void while null true false undefined arguments""".split()  # noqa: SIM905
)


def squeeze(source: str) -> str:
    """Return the same program in fewer bytes."""
    tokens = _tokens(source)
    short = _short_names(tokens)
    words = [
        short.get(text, text) if kind == "word" and _is_variable(tokens, i) else text
        for i, (kind, text) in enumerate(tokens)
    ]
    out: list[str] = []
    for word in words:
        if word == "}" and out and out[-1] == ";":
            out.pop()
        elif out and _would_merge(out[-1], word):
            out.append(" ")
        out.append(word)
    return "".join(out)


def _tokens(source: str) -> list[tuple[str, str]]:
    """Return (kind, text) of everything but blanks and comments."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(source):
        match = TOKEN.match(source, at)
        if match is None:
            raise ValueError(f"cannot read {source[at : at + 20]!r}")
        kind = match.lastgroup or "blank"
        if match.group() == "/" and _begins_pattern(found) and (pattern := PATTERN.match(source, at)):
            match, kind = pattern, "pattern"
        at = match.end()
        if kind != "blank":
            found.append((kind, match.group()))
    return found


def _begins_pattern(before: list[tuple[str, str]]) -> bool:
    """True where a slash begins a pattern: it divides only behind a value."""
    kind, text = before[-1] if before else ("mark", "")
    return text == "return" or (kind == "mark" and text not in (")", "]"))


def _is_variable(tokens: list[tuple[str, str]], i: int) -> bool:
    """True for a name that is neither a property nor a key."""
    before = tokens[i - 1][1] if i else ""
    after = tokens[i + 1][1] if i + 1 < len(tokens) else ""
    return before != "." and not (after == ":" and before in ("{", ","))


def _short_names(tokens: list[tuple[str, str]]) -> dict[str, str]:
    """Return the short name of each local one, the shortest for the most used."""
    local = set(_declared(tokens))
    uses = Counter(
        text for i, (kind, text) in enumerate(tokens) if kind == "word" and _is_variable(tokens, i)
    )
    taken = set(uses) - local
    names = ("".join(letters) for size in count(1) for letters in product(ascii_letters, repeat=size))
    free = (name for name in names if name not in taken and name not in KEYWORDS)
    return {name: next(free) for name in sorted(local, key=lambda name: (-uses[name], name))}


def _declared(tokens: list[tuple[str, str]]) -> list[str]:
    """Return the names of functions, parameters and variables."""
    names: list[str] = []
    for i, (kind, text) in enumerate(tokens):
        if text == "=>":
            names += _parameters(tokens, _opening(tokens, i - 1))
        elif kind == "word" and text in ("function", "catch"):
            names += _parameters(tokens, i + 1)
        elif kind == "word" and text in ("var", "let", "const"):
            names += _variables(tokens, i + 1)
    return names


def _opening(tokens: list[tuple[str, str]], i: int) -> int:
    """Return where the parameters before an arrow begin."""
    while tokens[i][0] != "word" and tokens[i][1] != "(":
        i -= 1
        while tokens[i][0] == "word" or tokens[i][1] in (",", "..."):
            i -= 1
    return i


def _parameters(tokens: list[tuple[str, str]], i: int) -> list[str]:
    names = []
    while tokens[i][1] not in (")", "=>"):
        if tokens[i][0] == "word":
            names.append(tokens[i][1])
        i += 1
    return names


def _variables(tokens: list[tuple[str, str]], i: int) -> list[str]:
    names, depth, expected = [], 0, True
    while depth > 0 or tokens[i][1] not in (";", "in"):
        kind, text = tokens[i]
        if kind == "mark":
            depth += (text in "([{") - (text in ")]}")
        if expected and kind == "word":
            names.append(text)
        expected = depth == 0 and text == ","
        i += 1
    return names


def _would_merge(left: str, right: str) -> bool:
    """True where two neighbours would read as one."""
    edge = re.compile(r"[\w$]")
    return bool(edge.match(left[-1]) and edge.match(right[0])) or (left[-1] in "+-" and left[-1] == right[0])
