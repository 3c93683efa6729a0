"""What a rule author reads when a file is no YAML, or YAML that is refused: the way out."""

from __future__ import annotations

import re

NO_KEY_HERE = "mapping values are not allowed here"
_WORD = re.compile(r"(\s*- +)([\w.-]+) *")
_KEY = re.compile(r"(\s*(?:- +)?)([\w.-]+): *(\S?)")
_BARE = re.compile(r"(\s*)([\w.-]+) *(?:#.*)?")
_NO_COLON = re.compile(r"(\s*(?:- +)?)([a-z_]+)(?: +|:)([^\s:#].*)")

BEGUN_EARLIER = (
    "while scanning an alias",
    "while scanning an anchor",
    "while scanning a quoted scalar",
    "while scanning a simple key",
)
"""Where PyYAML points behind the word that is meant: the place is the word's beginning."""


def alias(name: str) -> str:
    """Return what to do about `*name`."""
    return f"text that begins with '*' needs quotes: \"*{name}\" (YAML aliases are refused)"


def anchor(name: str) -> str:
    """Return what to do about `&name`."""
    return f"'&{name}' is a YAML anchor, which is refused: write the value out wherever it is used"


def tag(name: str) -> str:
    """Return what to do about `!name`."""
    name = name.replace("tag:yaml.org,2002:", "!!")
    return f"the YAML tag '{name}' is refused: everything here is text; quote what begins with '!'"


def syntax(context: str, problem: str, rest: str) -> str:
    """Return the way out of a syntax error; `rest` is the line from its place on."""
    if "cannot start any token" in problem:
        if rest.startswith("\t"):
            return "a tab stands here; YAML is indented with spaces"
        return _quote(rest)
    if problem == NO_KEY_HERE:
        return (
            "a ':' is not expected here: put quotes around text that holds ': ', "
            "and indent keys like their neighbours"
        )
    match context:
        case "while scanning an alias" | "while scanning an anchor":
            return _quote(rest)
        case "while scanning a quoted scalar":
            return "the quotes that open here never close"
        case "while parsing a flow mapping":
            return "a ',' between two entries or the closing '}' is missing before this"
        case "while parsing a flow sequence":
            return "a ',' between two entries or the closing ']' is missing before this"
        case "while scanning a simple key":
            return "a key needs ': ' (colon and space) after it"
        case "while parsing a block collection" | "while parsing a block mapping":
            return "this does not fit the lines above: check the indentation and the '-'"
        case _:
            return f"is no YAML: {context}: {problem}" if context else f"is no YAML: {problem}"


def quotes_too_far(quote: str, rest: str, line: int) -> str:
    """Return the way out where a quoted text ends directly before more text: the next quote closed it."""
    within = "''" if quote == "'" else f"\\{quote}"
    word = rest.split(maxsplit=1)[0].rstrip("'\",]}") or rest[0]
    return (
        f"the quotes that open here close before '{word}' in line {line}: the closing quote is"
        f" missing, or one within the text is not written {within}"
    )


def without_colon(lines: list[str], at: int) -> tuple[int, int, str] | None:
    """Return line, column and way out where the line above begins with a key that no ': ' follows."""
    above = next((n for n in range(at - 1, -1, -1) if lines[n].strip()), None)
    here = _KEY.match(lines[at]) if at < len(lines) else None
    if above is None or here is None or (bare := _NO_COLON.match(lines[above])) is None:
        return None
    if len(bare[1]) != len(here[1]):
        return None
    value = bare[3].partition(" #")[0].strip()
    text = f"a key needs ': ' (colon and space) after it: '{bare[2]}: {value}'"
    return above + 1, len(bare[1]) + 1, text


def without_dash(lines: list[str], at: int) -> tuple[int, int, str] | None:
    """Return line, column and way out where the entry above, one of a list, has no '- ' before it."""
    above = next((n for n in range(at - 1, -1, -1) if lines[n].strip()), None)
    here = _KEY.match(lines[at]) if at < len(lines) else None
    if above is None or here is None or "-" not in here[1] or (bare := _BARE.fullmatch(lines[above])) is None:
        return None
    if len(bare[1]) != here[1].index("-"):
        return None
    text = f"an entry of a list needs '- ' before it, like the line below: '- {bare[2]}'"
    return above + 1, len(bare[1]) + 1, text


def deeper(lines: list[str], at: int) -> tuple[int, str] | None:
    """Return column and way out where a key is indented deeper than the line above, which has a value."""
    here = _KEY.match(lines[at]) if at < len(lines) else None
    above = next(
        (line for line in reversed(lines[:at]) if line.strip() and not line.lstrip().startswith("#")), ""
    )
    key, word = _KEY.match(above), _WORD.fullmatch(above)
    if here is not None and word is not None and len(here[1]) > len(word[1]):
        return len(
            here[1]
        ) + 1, f"'{here[2]}' belongs to '{word[2]}' above, which needs a ':' for it: '{word[2]}:'"
    if here is None or key is None or not key[3] or len(here[1]) <= len(key[1]):
        return None
    text = (
        f"'{here[2]}' is indented deeper than '{key[2]}' above, which has a value already:"
        f" begin it in column {len(key[1]) + 1}"
    )
    return len(here[1]) + 1, text


def _quote(rest: str) -> str:
    """Return the sentence that asks for quotes, with the word as it should be written."""
    word = rest
    for end in (",", "}", "]", " #"):
        word = word.partition(end)[0]
    if rest.startswith("*."):
        bare = word.strip().removeprefix("*.")
        return f"text that begins with '*' needs quotes; a host is '{bare}' and means its subdomains too"
    return f"text that begins with '{rest[:1]}' needs quotes: \"{word.strip()}\""
