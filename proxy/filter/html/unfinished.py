"""What has begun but not ended: comments, doctypes, CDATA sections, tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from proxy.filter.syntax.tokens import REST
from proxy.filter.tags.document_context import Reader
from proxy.filter.tags.start_tag import judged as judge_tag

END_TAG = re.compile(rb"</[a-zA-Z:_]" + rb"[^ \t\n\f\r/>]*+" + REST)
_TEXTS = (b'">', b"'>", b">")


class Opened(Enum):
    """What kind of construct begins at a `<`."""

    UNKNOWN = 0  # too short to say, or nothing
    TAG = 1
    PASSES = 2  # a comment or the like
    DOCTYPE = 3


@dataclass(frozen=True, slots=True)
class Until:
    """How a construct that passes ends."""

    end: re.Pattern[bytes]
    begins: int  # bytes of its beginning that cannot be part of its end
    tail: int  # bytes of the end that may stand at the end of a piece


COMMENT = Until(re.compile(rb"--!?>"), 4, 3)
_XML_COMMENT = Until(re.compile(rb"-->"), 4, 2)
_BOGUS = Until(re.compile(rb">"), 2, 0)
_CDATA = Until(re.compile(rb"\]\]>"), 9, 2)
_DOCTYPE = b"<!doctype"


def opened(head: bytes, *, xml: bool, foreign: bool) -> tuple[Opened, Until | None]:
    """Return what begins with these (up to nine) bytes of an incomplete construct."""
    second = head[1:2]
    if second.isalpha() or (second == b"/" and head[2:3].isalpha()) or (xml and second not in b"!?"):
        return Opened.TAG, None
    if second == b"?":
        return Opened.PASSES, _BOGUS
    if second == b"/":
        return (Opened.PASSES, _BOGUS) if len(head) > 2 else (Opened.UNKNOWN, None)
    if second == b"!":
        return _declared(head, xml=xml, cdata=foreign or xml)
    return Opened.UNKNOWN, None


def _declared(head: bytes, *, xml: bool, cdata: bool) -> tuple[Opened, Until | None]:
    if head.startswith(b"<!--"):
        if not xml and len(head) < 6 and head in (b"<!--", b"<!---"):
            return Opened.UNKNOWN, None
        return Opened.PASSES, _XML_COMMENT if xml else COMMENT
    if b"<!--".startswith(head) or (cdata and b"<![CDATA[".startswith(head) and len(head) < 9):
        return Opened.UNKNOWN, None
    if cdata and head == b"<![CDATA[":
        return Opened.PASSES, _CDATA
    lower = head.lower()
    if lower == _DOCTYPE:
        return Opened.DOCTYPE, _BOGUS
    if _DOCTYPE.startswith(lower):
        return Opened.UNKNOWN, None
    return Opened.PASSES, _BOGUS


def dangling(reader: Reader, rest: bytes) -> bytes:
    """Return the incomplete end of a noscript's text.

    Where scripts are off, a tag that begins there goes on behind the noscript: if it could
    become one that is refused, its `<` is written as text.
    """
    if not rest.startswith(b"<") or not rest[1:2].isalpha():
        return rest
    for end in _TEXTS:
        if END_TAG.match(b"</" + rest[1:] + end) is None:
            continue
        judged = judge_tag(reader, rest + end)
        if judged is not None and judged.out is not None:
            return b"&lt;" + rest[1:]
    return rest
