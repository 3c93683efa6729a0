"""The fast step through ordinary HTML: compiled once per rule set.

It swallows every tag that no rule of this set can touch: the words the rules speak of
stand in the pattern itself, factored by first letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy.filter import elements
from proxy.filter.tokens import BOGUS, COMMENT, NAME, REST, TEXT, VALUE, any_word, other_than, step

_EQUALS = rb"[ \t\n\f\r]*+=[ \t\n\f\r]*+"
_ADDRESSES = elements.LAZY | elements.SETS | elements.ANYWHERE | elements.CONTAINER | {"src", "xlink:href"}


@dataclass(slots=True)
class Interests:
    """What the rules of one set can be about, beyond what every page is looked at for."""

    elements: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)  # literals, or globs
    classes: set[str] = field(default_factory=set)


def plain_step(interests: Interests) -> re.Pattern[bytes]:
    """Return the step for HTML outside foreign content; it captures the tag it stops at."""
    visited = elements.VISITED | elements.RAW | interests.elements
    name = other_than(visited, end=rb"[ \t\n\f\r/>]", more=rb"[^ \t\n\f\r/>]", first=rb"[a-zA-Z]")
    attributes = _boring_attributes(interests)
    start = name + attributes + rb">"
    body = any_word(["body"]) + rb"[ \t\n\f\r/>]"
    end = rb"/(?!" + body + rb")[a-zA-Z](?:[a-zA-Z0-9]*+>|[^ \t\n\f\r/>]*+" + REST + rb")"
    dull = [end, start, COMMENT, BOGUS, _DULL_TITLE, TEXT]
    if interests.elements.isdisjoint({"svg", *_SHAPES}):
        dull.insert(3, _drawing(attributes))
    return step(
        dull,
        rb"(<(?:" + NAME + REST + rb"|/" + any_word(["body"]) + REST + rb"))",
    )


_TITLE = any_word(["title"])
_DULL_TITLE = _TITLE + rb">[^<]*+</" + _TITLE + rb">"
_SHAPES = frozenset(
    """
    path g circle rect line polyline polygon ellipse defs symbol clippath mask lineargradient
    radialgradient stop text tspan
    """.split()  # noqa: SIM905 - easier to read than a list of quoted words
)


def _drawing(attributes: bytes) -> bytes:
    """Return a pattern for a whole svg of plain shapes, in which nothing can load or run."""
    svg = any_word(["svg"])
    shape = any_word(_SHAPES) + rb"(?=[ \t\n\f\r/>])" + attributes + rb">"
    end = rb"/" + any_word(_SHAPES) + rb">"
    inner = rb"(?:[^<]*+<(?:" + shape + rb"|" + end + rb"|" + _DULL_TITLE + rb"))*+[^<]*+"
    begin = rb"(?=[ \t\n\f\r>])" + attributes.replace(rb"[ \t\n\f\r/]++", rb"[ \t\n\f\r]++", 1) + rb">"
    return svg + begin + inner + rb"</" + svg + rb">"


def _boring_attributes(interests: Interests) -> bytes:
    """Return a pattern for attributes that nothing of this set can touch."""
    special = {"class", "id", "style"}
    names = _ADDRESSES | interests.attributes | special
    dull = other_than(names, end=rb"[ \t\n\f\r/>=]", more=rb"[^ \t\n\f\r/>=]", first=rb"[^ \t\n\f\r/>]")
    parts = [rb"[ \t\n\f\r/]++"]
    for word, value in (
        ("class", _words(interests.classes)),
        ("id", _whole(interests.ids)),
        ("style", (rb"[^\"(&\\]*+", rb"[^'(&\\]*+")),
    ):
        if value is not None and word not in interests.attributes:
            double, single = value
            parts.append(any_word([word]) + rb"=(?:\"" + double + rb"\"|'" + single + rb"')")
    parts.append(dull + rb"(?:=\"[^\"]*+\"|" + _EQUALS + VALUE + rb"|(?!" + _EQUALS + rb"))")
    return rb"(?:" + rb"|".join(parts) + rb")*+"


def _stems(words: Iterable[str]) -> tuple[list[str], list[str]] | None:
    """Return (literals, beginnings) of literals and globs, or None if a glob begins with `*`."""
    literals = [word for word in words if "*" not in word]
    beginnings = [word.partition("*")[0] for word in words if "*" in word]
    return None if "" in beginnings else (literals, beginnings)


def _forbidden(words: Iterable[str], end: bytes) -> bytes | None:
    stems = _stems(words)
    if stems is None:
        return None
    literals, beginnings = stems
    forms = [re.escape(word.encode()) + end for word in literals] + [
        re.escape(w.encode()) for w in beginnings
    ]
    return rb"(?!" + rb"|".join(forms) + rb")" if forms else rb""


def _words(classes: Iterable[str]) -> tuple[bytes, bytes] | None:
    """Return patterns for the value of `class` in which none of these words stands."""
    found = []
    for quote in (rb"\"", rb"'"):
        forbidden = _forbidden(classes, rb"[ \t\n\f\r" + quote + rb"]")
        if forbidden is None:
            return None
        if not forbidden:
            found.append(rb"[^" + quote + rb"]*+")
            continue
        heads = b"".join(sorted({re.escape(word[0].encode()) for word in classes}))
        other = rb"[^ \t\n\f\r&" + quote
        word = rb"(?:" + other + heads + rb"]|" + forbidden + rb"[" + heads + rb"])" + other + rb"]*+"
        found.append(rb"(?:[ \t\n\f\r]*+" + word + rb")*+[ \t\n\f\r]*+")
    return found[0], found[1]


def _whole(ids: Iterable[str]) -> tuple[bytes, bytes] | None:
    """Return patterns for the value of `id` that is none of these."""
    found = []
    for quote in (rb"\"", rb"'"):
        forbidden = _forbidden(ids, quote)
        if forbidden is None:
            return None
        found.append(forbidden + rb"[^&" + quote + rb"]*+")
    return found[0], found[1]
