"""What is done to a start tag: every edit keeps the bytes around it.

The first attribute of a name wins in HTML, so what makes a tag inert is inserted right
behind its name. In XML names are unique: there a value is replaced instead.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from proxy.filter.syntax.attributes import Attribute, attributes_of, escaped, name_end, name_spans
from proxy.filter.verdict import Verdict

MARK = "data-consent"
"""Names the purposes a held element waits for; also the prefix of renamed attributes."""


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
        """Take every attribute of these names, doubles too, out of the browser's sight."""
        if not names:
            return
        for span in name_spans(self.raw, names, self._at):
            kept = self.raw[span[0] : span[1]]
            self._edits[span] = MARK.encode() + b"-" + (kept.replace(b":", b"-") if self.xml else kept)

    def first(self, name: str) -> Attribute | None:
        """Return the attribute of that name that counts."""
        return next((a for a in attributes_of(self.raw) if a.name == name), None)

    def insert(self, name: str, value: str | None) -> None:
        """Give the tag an attribute that wins over any other of its name."""
        if self.xml and (first := self.first(name)) is not None:
            self.set(first, value or name)
            return
        text = b" " + name.encode()
        if value is not None or self.xml:
            text += b'="' + escaped(name if value is None else value) + b'"'
        self._inserted += text

    def put(self, text: bytes) -> None:
        """Put this right behind the tag's name."""
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


def marked(verdict: Verdict) -> str:
    """Return what a held element is marked with: the purposes it waits for."""
    return " ".join(verdict.needs) or "undeclared"


_INERT_TYPE = b' type="text/plain"'
_MARKS: dict[tuple[str, ...], bytes] = {}


def _mark(verdict: Verdict) -> bytes:
    """Return the mark as bytes; there are as many as combinations of purposes."""
    mark = _MARKS.get(verdict.needs)
    if mark is None:
        mark = _MARKS[verdict.needs] = b" " + MARK.encode() + b'="' + escaped(marked(verdict)) + b'"'
    return mark


def hold_script(edits: Edits, verdict: Verdict, lazy: Collection[str]) -> None:
    """Make a script inert: no browser runs `text/plain`, no lazy loader finds its address.

    Chromium's preload scanner asks for a script by the last of several types, and for one of
    SVG by its href whatever its type (seen): both are renamed.
    """
    if not edits.xml:
        edits.put(_INERT_TYPE + _mark(verdict))
        edits.rename({*lazy, "type", "href", "xlink:href"})
        return
    previous = edits.first("type")
    edits.insert("type", "text/plain")
    if previous is not None and edits.first(MARK + "-type") is None:
        edits.insert(MARK + "-type", previous.value)
    edits.insert(MARK, marked(verdict))
    edits.rename(lazy)


def held_at_once(raw: bytes, verdict: Verdict, name_ends: int, at: int, *, script: bool) -> bytes:
    """Return an HTML tag held in which one attribute is to be renamed: it begins at `at`; -1 for none."""
    mark = _INERT_TYPE + _mark(verdict) if script else _mark(verdict)
    if at < 0:
        return raw[:name_ends] + mark + raw[name_ends:]
    return raw[:name_ends] + mark + raw[name_ends:at] + MARK.encode() + b"-" + raw[at:]


def hold(edits: Edits, verdict: Verdict, names: Collection[str]) -> None:
    """Make any other element inert: what it would load or run is renamed."""
    if edits.xml:
        edits.insert(MARK, marked(verdict))
    else:
        edits.put(_mark(verdict))
    edits.rename(names)


def hide(edits: Edits) -> None:
    """Keep an empty box from the page where a placeholder stands for it."""
    edits.insert("hidden", None)


def relink(edits: Edits, link: str) -> None:
    """Let a link that ran the provider's code lead to the provider's page instead."""
    edits.rename({"href", "target", "rel"} if edits.xml else ())
    for name, value in (("href", link), ("target", "_blank"), ("rel", "noopener noreferrer")):
        if edits.xml and edits.first(name) is not None:
            edits.put(b" " + name.encode() + b'="' + escaped(value) + b'"')
        else:
            edits.insert(name, value)


def reopen(edits: Edits, link: str) -> None:
    """Let a button that ran the provider's code open the provider's page instead."""
    if not edits.xml:  # there the handler that was held has the only place of that name
        edits.insert("onclick", f"open({json.dumps(link)},'_blank','noopener');return false")
