"""The fast path through HTML: patterns that skip to the next tag a rule may touch.

Compiled once per policy: the words of its rules are part of the pattern, factored by
first letter.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from proxy.filter.rules.interests import Interests, class_values, id_values
from proxy.filter.rules.scan.allowed_addresses import AllowedAddresses
from proxy.filter.rules.scan.common_tags import ADDRESSES, CommonTags
from proxy.filter.syntax import fetching_attributes
from proxy.filter.syntax.tokens import (
    BOGUS,
    COMMENT,
    NAME,
    REST,
    TEXT,
    VALUE,
    any_word,
    other_than,
    spaced_step,
    step,
)

_EQUALS: Final = rb"[ \t\n\f\r]*+=[ \t\n\f\r]*+"


@dataclass(frozen=True, slots=True)
class Steps:
    """The patterns for HTML outside foreign content."""

    body: re.Pattern[bytes]
    head: re.Pattern[bytes]


def body_step(interests: Interests, allowed: AllowedAddresses | None = None) -> re.Pattern[bytes]:
    """Return the step for the body; it captures the tag it stops at."""
    visited = fetching_attributes.ALWAYS_READ | fetching_attributes.RAW_TEXT | interests.elements
    name = other_than(visited, end=_END, more=rb"[^ \t\n\f\r/>]", first=rb"[a-zA-Z]")
    attributes = _ignored_attributes(interests)
    start = name + attributes + rb">"
    body = any_word(["body"]) + _END
    end = rb"/(?!" + body + rb")[a-zA-Z](?:[a-zA-Z0-9]*+>|[^ \t\n\f\r/>]*+" + REST + rb")"
    common = CommonTags(interests, allowed)
    ignored = [
        rb"/[ac-z][a-z0-9]*+>",
        end,
        common.start(visited),
        *common.loading(),
        COMMENT,
        BOGUS,
        start,
        _IGNORED_TITLE,
        TEXT,
    ]
    if interests.elements.isdisjoint({"svg", *_SHAPES}):
        ignored.insert(-2, _drawing(attributes))
    return step(
        ignored,
        rb"(<(?:" + NAME + REST + rb"|/" + any_word(["body"]) + REST + rb"))",
    )


def head_step(interests: Interests, allowed: AllowedAddresses | None = None) -> re.Pattern[bytes]:
    """Return the step for the head: stops at what can load, ends the head, or is text."""
    ignored = [*CommonTags(interests, allowed).loading(only={"link", "script", "meta"}), COMMENT]
    if "meta" not in interests.elements:
        attributes = _ignored_attributes(interests, also={"http-equiv"})
        ignored.append(any_word(["meta"]) + rb"(?=[ \t\n\f\r/>])" + attributes + rb">")
    ignored += [_IGNORED_END, BOGUS, _IGNORED_TITLE, rb"/>"]
    return spaced_step(ignored, rb"(<(/?" + NAME + rb")" + REST + rb")")


_END: Final = rb"[ \t\n\f\r/>]"
_STRUCTURAL = any_word(["body", "html", "br", "template"]) + _END
_IGNORED_END: Final = rb"/(?!" + _STRUCTURAL + rb")[a-zA-Z][^ \t\n\f\r/>]*+" + REST
_TITLE = any_word(["title"])
_IGNORED_TITLE: Final = _TITLE + rb">[^<]*+</" + _TITLE + rb">"
_SHAPES: Final = frozenset(
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
    inner = rb"(?:[^<]*+<(?:" + shape + rb"|" + end + rb"|" + _IGNORED_TITLE + rb"))*+[^<]*+"
    begin = rb"(?=[ \t\n\f\r>])" + attributes.replace(rb"[ \t\n\f\r/]++", rb"[ \t\n\f\r]++", 1) + rb">"
    return svg + begin + inner + rb"</" + svg + rb">"


def _ignored_attributes(interests: Interests, also: Collection[str] = ()) -> bytes:
    """Return a pattern for attributes that no rule can touch and that are not in `also`."""
    special = {"class", "id", "style"}
    names = ADDRESSES | interests.attributes | special | frozenset(also)
    ignored = other_than(names, end=rb"[ \t\n\f\r/>=]", more=rb"[^ \t\n\f\r/>=]", first=rb"[^ \t\n\f\r/>]")
    parts = [rb"[ \t\n\f\r/]++"]
    for word, value in (
        ("class", class_values(interests.classes)),
        ("id", id_values(interests.ids)),
        ("style", (rb"[^\"(&\\]*+", rb"[^'(&\\]*+")),
    ):
        if value is not None and word not in interests.attributes:
            double, single = value
            parts.append(any_word([word]) + rb"=(?:\"" + double + rb"\"|'" + single + rb"')")
    parts.append(ignored + rb"(?:=\"[^\"]*+\"|" + _EQUALS + VALUE + rb"|(?!" + _EQUALS + rb"))")
    return rb"(?:" + rb"|".join(parts) + rb")*+"
