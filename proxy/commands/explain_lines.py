"""On which lines of a page something stands: a tag by its position, a script by its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape

LINES_SHOWN = 5

_ATTRIBUTES = r"(?:[^>\"']++|\"[^\"]*+\"|'[^']*+'|[\"'])*+"
_PIECES = re.compile(
    rf"<!--.*?(?:-->|\Z)"
    rf"|<(?P<name>script|style|textarea|title|xmp)\b{_ATTRIBUTES}>(?P<text>.*?)(?=</(?P=name)|\Z)"
    rf"|<(?P<tag>[a-z][^\s/>]*+){_ATTRIBUTES}>",
    re.DOTALL | re.IGNORECASE,
)


def tag_lines(text: str, tags: Iterable[tuple[str, str]]) -> list[int]:
    """Return the lines on which tags begin that load from a host: pairs of element and host.

    A host that stands in no such tag (an inline script names it, or a header) has the lines of its text.
    """
    if _is_one_line(text):
        return []
    wanted = {(element.lower(), host) for element, host in tags if host}
    at_tags = list(_tags(text, {host for _, host in wanted}))
    found: set[int] = set()
    for element, host in wanted:
        places = [at for at, name, hosts in at_tags if host in hosts and name == element]
        places = places or [at for at, name, hosts in at_tags if host in hosts and name != "a"]
        found.update(places or _places(text, host))
    return _numbers(text, found)


def text_lines(text: str, word: str) -> list[int]:
    """Return the lines of a page on which this text begins; none for a page of one line."""
    return [] if _is_one_line(text) else _numbers(text, set(_places(text, word)))


def as_words(numbers: list[int]) -> str:
    """Return ` lines 3, 4`, with a blank before it; empty where there are none."""
    if not numbers:
        return ""
    shown = ", ".join(map(str, numbers[:LINES_SHOWN])) + (", ..." if len(numbers) > LINES_SHOWN else "")
    return f" line{'s' * (len(numbers) > 1)} {shown}"


def _tags(text: str, hosts: set[str]) -> Iterator[tuple[int, str, set[str]]]:
    """Yield the place and the name of each tag that has one of these hosts in an address, with those."""
    for match in _PIECES.finditer(text):
        name = (match["tag"] or match["name"] or "").lower()
        raw = match[0] if match["tag"] or name == "style" else match[0].removesuffix(match["text"] or "")
        plain = unescape(raw).lower()
        named = {host for host in hosts if host in plain and _in_address(host).search(plain)}
        if name and named:
            yield match.start(), name, named


def _in_address(host: str) -> re.Pattern[str]:
    return re.compile(rf"//{re.escape(host)}(?![\w.-])")


def _is_one_line(text: str) -> bool:
    return "\n" not in text.strip()


def _numbers(text: str, places: Iterable[int]) -> list[int]:
    return sorted({text.count("\n", 0, at) + 1 for at in places})


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while word and at >= 0:
        yield at
        at = text.find(word, at + len(word))
