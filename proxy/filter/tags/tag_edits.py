"""The edits that make a start tag inert or redirect it; other bytes stay unchanged.

The first attribute of a name wins in HTML, so what makes a tag inert is inserted right
behind its name. In XML names are unique: there a value is replaced instead.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from proxy.filter.syntax.attributes import Attribute, attributes_of, escaped, name_end, name_spans
from proxy.filter.verdict import Verdict

MARK: Final = "data-consent"
"""Attribute that names the missing purposes; also the prefix of renamed attributes."""


class Edits:
    """Changes to one start tag, applied all at once."""

    def __init__(self, raw: bytes, *, xml: bool) -> None:
        self.raw = raw
        self.xml = xml
        self._at = name_end(raw)
        self._edits: dict[tuple[int, int], bytes] = {}
        self._inserted = b""

    def __bool__(self) -> bool:
        return bool(self._edits or self._inserted)

    def rename(self, names: Collection[str]) -> None:
        """Rename every attribute of these names, duplicates too, so that browsers ignore it."""
        if not names:
            return
        for span in name_spans(self.raw, names, self._at):
            kept = self.raw[span[0] : span[1]]
            self._edits[span] = MARK.encode() + b"-" + (kept.replace(b":", b"-") if self.xml else kept)

    def first(self, name: str) -> Attribute | None:
        """Return the first attribute of that name: the one that counts."""
        return next((a for a in attributes_of(self.raw) if a.name == name), None)

    def insert(self, name: str, value: str | None) -> None:
        """Insert an attribute that wins over any other of its name."""
        if self.xml and (first := self.first(name)) is not None:
            self.set(first, value or name)
            return
        text = b" " + name.encode()
        if value is not None or self.xml:
            text += b'="' + escaped(name if value is None else value) + b'"'
        self._inserted += text

    def insert_raw(self, text: bytes) -> None:
        """Insert bytes right behind the tag's name."""
        self._inserted += text

    def set(self, attribute: Attribute, value: str) -> None:
        """Replace the value of one attribute."""
        text = escaped(value).replace(b"'", b"&#39;")
        if attribute.value_start < 0:
            self._edits[attribute.name_end, attribute.name_end] = b'="' + text + b'"'
        else:
            whole = text if attribute.quoted else b'"' + text + b'"'
            self._edits[attribute.value_start, attribute.value_end] = whole

    def result(self) -> bytes:
        """Return the tag with every change made."""
        at = self._at
        if not self._edits:
            return self.raw[:at] + self._inserted + self.raw[at:]
        parts = [self.raw[:at], self._inserted]
        for (start, end), text in sorted(self._edits.items()):
            parts += (self.raw[at:start], text)
            at = end
        parts.append(self.raw[at:])
        return b"".join(parts)


def mark_value(verdict: Verdict) -> str:
    """Return the value of the mark: the missing purposes."""
    return " ".join(verdict.needs) or "undeclared"


_INERT_TYPE: Final = b' type="text/plain"'
_MARKS: Final[dict[tuple[str, ...], bytes]] = {}


def _mark(verdict: Verdict) -> bytes:
    """Return the mark as bytes, cached for each combination of purposes."""
    mark = _MARKS.get(verdict.needs)
    if mark is None:
        mark = _MARKS[verdict.needs] = b" " + MARK.encode() + b'="' + escaped(mark_value(verdict)) + b'"'
    return mark


def hold_script(edits: Edits, verdict: Verdict, lazy: Collection[str]) -> None:
    """Make a script inert: no browser runs `text/plain`, no lazy loader finds its address.

    Chromium's preload scanner asks for a script by the last of several types, and for one of
    SVG by its href whatever its type (seen): both are renamed.
    """
    if not edits.xml:
        edits.insert_raw(_INERT_TYPE + _mark(verdict))
        lower = edits.raw.lower()
        if lazy or b"type" in lower or b"href" in lower:
            edits.rename({*lazy, "type", "href", "xlink:href"})
        return
    previous = edits.first("type")
    edits.insert("type", "text/plain")
    if previous is not None and edits.first(MARK + "-type") is None:
        edits.insert(MARK + "-type", previous.value)
    edits.insert(MARK, mark_value(verdict))
    edits.rename(lazy)


def hold_in_place(raw: bytes, verdict: Verdict, name_ends: int, at: int, *, script: bool) -> bytes:
    """Return a held HTML tag, the attribute at `at` renamed (-1: none)."""
    mark = _INERT_TYPE + _mark(verdict) if script else _mark(verdict)
    if at < 0:
        return raw[:name_ends] + mark + raw[name_ends:]
    return raw[:name_ends] + mark + raw[name_ends:at] + MARK.encode() + b"-" + raw[at:]


def hold(edits: Edits, verdict: Verdict, names: Collection[str]) -> None:
    """Make any other element inert: what it would load or run is renamed."""
    if edits.xml:
        edits.insert(MARK, mark_value(verdict))
    else:
        edits.insert_raw(_mark(verdict))
    edits.rename(names)


def hide(edits: Edits) -> None:
    """Hide the empty element that a placeholder replaces."""
    edits.insert("hidden", None)


def relink(edits: Edits, link: str) -> None:
    """Make a link that ran the provider's code lead to the provider's page."""
    edits.rename({"href", "target", "rel"} if edits.xml else ())
    for name, value in (("href", link), ("target", "_blank"), ("rel", "noopener noreferrer")):
        if edits.xml and edits.first(name) is not None:
            edits.insert_raw(b" " + name.encode() + b'="' + escaped(value) + b'"')
        else:
            edits.insert(name, value)


def reopen(edits: Edits, link: str) -> None:
    """Make a button that ran the provider's code open the provider's page."""
    if not edits.xml:  # in XML the renamed handler already has that name
        edits.insert("onclick", f"open({json.dumps(link)},'_blank','noopener');return false")
