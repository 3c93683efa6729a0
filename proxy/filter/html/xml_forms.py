"""What only XML documents have: instructions, and doctypes that define entities."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from proxy.errors import Unreadable
from proxy.filter.size_limits import MAX_TAG
from proxy.filter.syntax.attributes import attribute_value, values
from proxy.filter.syntax.tokens import INSTRUCTION
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.document_context import Reader
from proxy.filter.verdict import Verdict

_INSTRUCTION = re.compile(rb"<" + INSTRUCTION)
_QUOTED = rb"\"[^\"]*+\"|'[^']*+'"
_INNER = (
    rb"(?:<!--[^-]*+(?:-(?!->)[^-]*+)*+-->|<\?[^?]*+(?:\?(?!>)[^?]*+)*+\?>|" + _QUOTED + rb"|[^\]\"'<]++|<)*+"
)
_DOCTYPE = re.compile(
    rb"<!DOCTYPE[ \t\r\n]++([^ \t\r\n>\[]++)(?:"
    + _QUOTED
    + rb"|[^>\[\"'])*+(?:\[("
    + _INNER
    + rb")\][ \t\r\n]*+)?>"
)
_ENTITY = re.compile(rb"<!ENTITY\s+([^\s%\"']+)\s+(?:\"([^\"]*)\"|'([^']*)')\s*>")
_DANGEROUS = re.compile(rb"<!ATTLIST|<!ENTITY\s+%|%[A-Za-z_]|<!ENTITY\s+\S+\s+(?:SYSTEM|PUBLIC)")
_MARKUP = re.compile(rb"[<&]")


@dataclass(slots=True)
class Special:
    """One instruction or doctype: where it ends (-1: not here yet) and what stands for it."""

    end: int
    out: bytes = b""
    doctype: bool = False
    root: str = ""
    verdicts: list[Verdict] = field(default_factory=list)


def special(reader: Reader, data: bytes, at: int) -> Special | None:
    """Return what stands at `at` if it is an instruction or a doctype, else None."""
    if data.startswith(b"<?", at):
        match = _INSTRUCTION.match(data, at)
        return _waits(data, at) if match is None else _instruction(reader, match[0], match.end())
    head = data[at : at + 9]
    if head == b"<!DOCTYPE":
        match = _DOCTYPE.match(data, at)
        return _waits(data, at) if match is None else _doctype(reader, match)
    if len(head) > 2 and len(head) < 9 and b"<!DOCTYPE".startswith(head):
        return _waits(data, at)
    return None


def _waits(data: bytes, at: int) -> Special:
    if len(data) - at > MAX_TAG:
        raise Unreadable("a doctype or instruction of more than 64 kB in an XML document")
    return Special(-1)


def _instruction(reader: Reader, raw: bytes, end: int) -> Special:
    """A style sheet named by an instruction is judged like one named by a link."""
    name = b"<?xml-stylesheet"
    if not raw.startswith(name):
        return Special(end, raw)
    given = values(b"<x" + raw[len(name) : -2] + b">")
    url = url_of(given.get("href", ""), reader.base)
    verdict = reader.judge.judge_url(url, "link", {"rel": "stylesheet"}) if url else None
    if verdict is None or verdict.keeps:
        return Special(end, raw)
    return Special(end, b"<?held-" + raw[2:], verdicts=[verdict])


def _doctype(reader: Reader, match: re.Match[bytes]) -> Special:
    """Entities are remembered; what could hide markup makes the document unreadable."""
    inside = match[2] or b""
    if _DANGEROUS.search(inside):
        raise Unreadable("an XML document whose doctype defines default attributes or fetches entities")
    for entity in _ENTITY.finditer(inside):
        value = entity[2] if entity[2] is not None else entity[3]
        if _MARKUP.search(value):
            raise Unreadable("an XML document whose doctype defines entities with markup")
        name = entity[1].decode("utf-8", "surrogateescape")
        reader.entities.setdefault(name, attribute_value(value))
    return Special(match.end(), match[0], True, match[1].decode("utf-8", "replace").lower())
