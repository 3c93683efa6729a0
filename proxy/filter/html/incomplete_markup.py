"""Markup that began and did not end in this chunk: comments, doctypes, CDATA, tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from proxy.filter.syntax.tokens import REST, XML_NAME_START
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.tags.start_tag import judge_tag

END_TAG: Final = re.compile(rb"</[a-zA-Z:_]" + rb"[^ \t\n\f\r/>]*+" + REST)
_TEXTS: Final = (b'">', b"'>", b">")


class Construct(Enum):
    """What kind of markup begins at a `<`."""

    UNKNOWN = 0  # too short to tell, or no markup
    TAG = 1
    PASSES = 2  # a comment, CDATA section or processing instruction
    DOCTYPE = 3


@dataclass(frozen=True, slots=True)
class MarkupEnd:
    """How markup that passes unread ends."""

    end: re.Pattern[bytes]
    begins: int  # bytes of its beginning that cannot be part of its end
    tail: int  # bytes of the end that may be the last of a chunk


COMMENT: Final = MarkupEnd(re.compile(rb"--!?>"), 4, 3)
_XML_COMMENT: Final = MarkupEnd(re.compile(rb"-->"), 4, 2)
_BOGUS: Final = MarkupEnd(re.compile(rb">"), 2, 0)
_CDATA: Final = MarkupEnd(re.compile(rb"\]\]>"), 9, 2)
_ALONE: Final = MarkupEnd(re.compile(b""), 1, 0)
_XML_NAME: Final = re.compile(rb"</?" + XML_NAME_START)
_DOCTYPE: Final = b"<!doctype"


def construct_at(head: bytes, *, xml: bool, foreign: bool) -> tuple[Construct, MarkupEnd | None]:
    """Return what begins with these first bytes (up to nine), and how it ends."""
    second = head[1:2]
    if second.isalpha() or (second == b"/" and head[2:3].isalpha()):
        return Construct.TAG, None
    if xml and second not in b"!?":
        return _in_xml(head)
    if second == b"?":
        return Construct.PASSES, _BOGUS
    if second == b"/":
        return (Construct.PASSES, _BOGUS) if len(head) > 2 else (Construct.UNKNOWN, None)
    if second == b"!":
        return _declared(head, xml=xml, cdata=foreign or xml)
    return Construct.UNKNOWN, None


def _in_xml(head: bytes) -> tuple[Construct, MarkupEnd | None]:
    """Tell a tag of any name from a `<` that begins none, where browsers stop reading."""
    if _XML_NAME.match(head):
        return Construct.TAG, None
    return (Construct.UNKNOWN, None) if head == b"</" else (Construct.PASSES, _ALONE)


def _declared(head: bytes, *, xml: bool, cdata: bool) -> tuple[Construct, MarkupEnd | None]:
    if head.startswith(b"<!--"):
        if not xml and len(head) < 6 and head in (b"<!--", b"<!---"):
            return Construct.UNKNOWN, None
        return Construct.PASSES, _XML_COMMENT if xml else COMMENT
    if b"<!--".startswith(head) or (cdata and b"<![CDATA[".startswith(head) and len(head) < 9):
        return Construct.UNKNOWN, None
    if cdata and head == b"<![CDATA[":
        return Construct.PASSES, _CDATA
    lower = head.lower()
    if lower == _DOCTYPE:
        return Construct.DOCTYPE, _BOGUS
    if _DOCTYPE.startswith(lower):
        return Construct.UNKNOWN, None
    return Construct.PASSES, _BOGUS


def unfinished_noscript(context: DocumentContext, rest: bytes) -> bytes:
    """Return the incomplete last markup of a noscript, made harmless.

    Without scripts, a tag that begins there continues behind the noscript: if it could
    become one that is refused, its `<` is escaped.
    """
    if not rest.startswith(b"<") or not rest[1:2].isalpha():
        return rest
    for end in _TEXTS:
        if END_TAG.match(b"</" + rest[1:] + end) is None:
            continue
        judged = judge_tag(context, rest + end)
        if judged is not None and judged.out is not None:
            return rest.replace(b"<", b"&lt;")  # what stands inside that tag would be the next to begin
    return rest
