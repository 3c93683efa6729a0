"""Markup that cannot forget to escape: whatever is not Markup already becomes text.

Everything made here is well-formed XML, so the same bytes serve HTML and XHTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import escape as _escape
from pathlib import Path
from string import Template

_TEMPLATES = Path(__file__).resolve().parent / "templates"

# What XML 1.0 cannot hold at all (2.2 Char), not even as a reference.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def escape(value: object) -> Markup:
    """Return the value as it may stand in text and in quoted attributes."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    if text.isalnum() or not text:
        return Markup(text)
    if not text.isprintable():
        text = _NOT_XML.sub("\ufffd", text)
    return Markup(_escape(text, quote=True))


def fill(name: str, /, **values: object) -> Markup:
    """Return the template of that name with every slot filled; a slot left over is a mistake."""
    filled = {key: escape(value) for key, value in values.items()}
    return Markup(_template(name).substitute(filled))


def say(sentence: str, /, **values: object) -> Markup:
    """Return a sentence with its {words} filled in; words it does not know are left out.

    Sentences come from the language files, which people edit: only names in braces mean
    anything there, and nothing in them is markup.
    """
    parts = re.split(r"\{([a-z_]+)\}", sentence)
    return joined(
        escape(part) if i % 2 == 0 else escape(values.get(part, "")) for i, part in enumerate(parts)
    )


def joined(parts: Iterable[Markup], between: str = "") -> Markup:
    """Return the parts as one."""
    return Markup(escape(between).join(parts))


def when(condition: object, markup: Markup) -> Markup:
    """Return the markup if the condition holds, else nothing."""
    return markup if condition else Markup()


def external(address: str) -> str | None:
    """Return an address that a link may lead to, or None: no script, no data."""
    return address if re.match(r"https?://[^\s/]", address, re.IGNORECASE) else None


def ascii_bytes(markup: str) -> bytes:
    """Return bytes that mean the same in every encoding a page may have."""
    return markup.encode("ascii", "xmlcharrefreplace")


@cache
def _template(name: str) -> Template:
    text = (_TEMPLATES / f"{name}.html").read_text(encoding="utf-8")
    return Template("".join(line.strip() for line in text.splitlines()))
