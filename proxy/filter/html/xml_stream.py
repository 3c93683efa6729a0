"""XML documents: every tag counts, attribute names are unique, nothing is raw text.

With their doctypes and processing instructions, by the grammar of XML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from proxy.errors import Unreadable
from proxy.filter.html.stream import UNKNOWN, ElementStream
from proxy.filter.size_limits import MAX_TAG
from proxy.filter.syntax import tokens
from proxy.filter.syntax.attributes import attribute_value, values
from proxy.filter.syntax.tokens import INSTRUCTION
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.long_tag import is_too_long
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.tags.xml_injection import XmlInjection
from proxy.filter.verdict import Verdict

_INSTRUCTION: Final = re.compile(rb"<" + INSTRUCTION)
_QUOTED = rb"\"[^\"]*+\"|'[^']*+'"
_INNER = (
    rb"(?:<!--[^-]*+(?:-(?!->)[^-]*+)*+-->|<\?[^?]*+(?:\?(?!>)[^?]*+)*+\?>|"
    + _QUOTED
    + rb"|[^\]\"'<]++|<(?!!--|\?))*+"
)
_DOCTYPE: Final = re.compile(
    rb"<!DOCTYPE[ \t\r\n]++([^ \t\r\n>\[]++)(?:"
    + _QUOTED
    + rb"|[^>\[\"'])*+(?:\[("
    + _INNER
    + rb")\][ \t\r\n]*+)?>"
)
_ENTITY: Final = re.compile(rb"<!ENTITY\s+([^\s%\"']+)\s+(?:\"([^\"]*)\"|'([^']*)')\s*>")
_DANGEROUS: Final = re.compile(rb"<!ATTLIST|<!ENTITY\s+%|%[A-Za-z_]|<!ENTITY\s+\S+\s+(?:SYSTEM|PUBLIC)")
_MARKUP: Final = re.compile(rb"[<&]")


@dataclass(slots=True)
class Declaration:
    """One instruction or doctype: where it ends (-1: incomplete) and what is written for it."""

    end: int
    out: bytes = b""
    transforms: bool = False  # names a style sheet of XSLT
    verdicts: list[Verdict] = field(default_factory=list)


def declaration(context: DocumentContext, data: bytes, at: int) -> Declaration | None:
    """Return the instruction or doctype that begins at `at`, or None."""
    if data.startswith(b"<?", at):
        match = _INSTRUCTION.match(data, at)
        return _incomplete(data, at) if match is None else _instruction(context, match[0], match.end())
    head = data[at : at + 9]
    if head == b"<!DOCTYPE":
        match = _DOCTYPE.match(data, at)
        return _incomplete(data, at) if match is None else _doctype(context, match)
    if len(head) > 2 and len(head) < 9 and b"<!DOCTYPE".startswith(head):
        return _incomplete(data, at)
    return None


def _incomplete(data: bytes, at: int) -> Declaration:
    if len(data) - at > MAX_TAG:
        raise Unreadable("a doctype or instruction of more than 64 kB in an XML document")
    return Declaration(-1)


def _instruction(context: DocumentContext, raw: bytes, end: int) -> Declaration:
    """Judge the style sheet of an instruction like that of a <link>."""
    name = b"<?xml-stylesheet"
    if not raw.startswith(name):
        return Declaration(end, raw)
    given = values(b"<x" + raw[len(name) : -2] + b">")
    url = url_of(given.get("href", ""), context.base)
    verdict = context.judge.judge_url(url, "link", {"rel": "stylesheet"}) if url else None
    if verdict is None or verdict.keeps:
        return Declaration(end, raw, transforms=given.get("type", "text/css") != "text/css")
    return Declaration(end, b"<?held-" + raw[2:], verdicts=[verdict])


def _doctype(context: DocumentContext, match: re.Match[bytes]) -> Declaration:
    """Record the entities; raise where the doctype could hide markup."""
    inside = match[2] or b""
    if _DANGEROUS.search(inside):
        raise Unreadable("an XML document whose doctype defines default attributes or fetches entities")
    for entity in _ENTITY.finditer(inside):
        value = entity[2] if entity[2] is not None else entity[3]
        if _MARKUP.search(value):
            raise Unreadable("an XML document whose doctype defines entities with markup")
        name = entity[1].decode("utf-8", "surrogateescape")
        context.entities.setdefault(name, attribute_value(value))
    return Declaration(match.end(), match[0])


class XmlStream(ElementStream):
    """The part of the filter for XHTML, SVG and other XML that browsers render."""

    def _xml(self, data: bytes, at: int) -> int:
        """Read an XML document: every tag counts, and nothing is raw text."""
        start = at
        while self._run is XmlStream._xml:
            match = tokens.XML.match(data, at)
            assert match is not None  # every part of the pattern is optional
            raw, at = match[1], match.end()
            if raw is None:
                self._out.emit(data[start:at])
                return self._prolog(data, at)
            if is_too_long(raw):
                self._out.emit(data[start : at - len(raw)])
                return self._begin_long(raw, at - len(raw))
            name = match[3].rpartition(b":")[2].lower()
            start = self._xml_tag(raw, match[2], name, data, (start, at))
        self._out.emit(data[start:at])
        return at

    def _xml_tag(self, raw: bytes, slash: bytes, name: bytes, data: bytes, span: tuple[int, int]) -> int:
        start, at = span
        judged = None
        behind = b""
        if slash:
            before = self._injection.end(name) if name != b"html" else b""
            if name == b"body":
                self._out.emit(data[start : at - len(raw)])
                start = at - len(raw)
                self._out.body_ends(self._injection)
        else:
            judged = self._tags.get(raw, UNKNOWN)
            if judged is UNKNOWN:
                judged = self._judged(raw)
            before, behind = self._places.around(raw, name, judged.values if judged else {})
        if before:
            self._out.emit(data[start : at - len(raw)])
            self._out.emit(before)
            start = at - len(raw)
        if judged is not None:
            start = self._act(judged, raw, data, (start, at), foreign=True)
        if behind:
            self._out.emit(data[start:at])
            self._out.emit(behind)
            start = at
        return start

    @property
    def _places(self) -> XmlInjection:
        assert isinstance(self._injection, XmlInjection)  # made with the stream
        return self._injection

    def _begin_long(self, raw: bytes, at: int) -> int:
        if self._context.xml:
            self._out.emit(self._places.before_long())
        return super()._begin_long(raw, at)

    def _prolog(self, data: bytes, at: int) -> int:
        """Read a doctype or processing instruction of an XML document."""
        found = declaration(self._context, data, at)
        if found is None:
            return self._wait(data, at)
        if found.transforms:
            self._places.transformed()
        self.verdicts += found.verdicts
        if found.end < 0:
            self._pending = data[at:]
            return -1
        self._out.emit(found.out)
        return found.end
