"""Processing instructions, and doctypes that define entities: only XML documents have them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from proxy.errors import Unreadable
from proxy.filter.size_limits import MAX_TAG
from proxy.filter.syntax.attributes import attribute_value, values
from proxy.filter.syntax.tokens import INSTRUCTION
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.document_context import DocumentContext
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
class Declaration:
    """One instruction or doctype: where it ends (-1: incomplete) and what is written for it."""

    end: int
    out: bytes = b""
    doctype: bool = False
    root: str = ""
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
        return Declaration(end, raw)
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
    return Declaration(match.end(), match[0], True, match[1].decode("utf-8", "replace").lower())
