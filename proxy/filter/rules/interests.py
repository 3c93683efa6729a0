"""Which elements, attributes, ids and classes the rules mention, and patterns for all others.

The scanner stops at what is mentioned, and skips the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy.filter.syntax.tokens import exact_word


@dataclass(slots=True)
class Interests:
    """What the rules of a policy mention, beyond what is judged on every page."""

    elements: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)  # literals, or globs
    classes: set[str] = field(default_factory=set)


def _stems(words: Iterable[str]) -> tuple[list[str], list[str]] | None:
    """Return (literals, beginnings) of literals and globs, or None if a glob begins with `*`."""
    literals = [word for word in words if "*" not in word]
    beginnings = [word.partition("*")[0] for word in words if "*" in word]
    return None if "" in beginnings else (literals, beginnings)


def _forbidden(words: Iterable[str], end: bytes) -> bytes | None:
    """Return a negative look-ahead for these words; None if one begins with `*`."""
    stems = _stems(words)
    if stems is None:
        return None
    literals, beginnings = stems
    forms = [exact_word(literals) + end] * bool(literals) + [exact_word(beginnings)] * bool(beginnings)
    return rb"(?!" + rb"|".join(forms) + rb")" if forms else rb""


def class_values(classes: Iterable[str]) -> tuple[bytes, bytes] | None:
    """Return patterns for a value of `class` that has none of these words."""
    found = []
    for quote in (rb"\"", rb"'"):
        forbidden = _forbidden(classes, rb"[ \t\n\f\r" + quote + rb"]")
        if forbidden is None:
            return None
        if not forbidden:
            found.append(rb"[^" + quote + rb"]*+")
            continue
        word = forbidden + rb"[^ \t\n\f\r&" + quote + rb"]*+"
        found.append(word + rb"(?:[ \t\n\f\r]++" + word + rb")*+")
    return found[0], found[1]


def id_values(ids: Iterable[str]) -> tuple[bytes, bytes] | None:
    """Return patterns for the value of `id` that is none of these."""
    found = []
    for quote in (rb"\"", rb"'"):
        forbidden = _forbidden(ids, quote)
        if forbidden is None:
            return None
        found.append(forbidden + rb"[^&" + quote + rb"]*+")
    return found[0], found[1]
