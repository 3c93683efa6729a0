r"""Which encoding a browser will read a document in, as far as the filter must know.

Byte order mark before Content-Type before the page's own declaration before
windows-1252 (UTF-8 for XML). The scanner reads any encoding in which the bytes of ASCII
mean ASCII; UTF-16 is read by way of utf16.py; the rest is refused (threats T4).

In gbk, gb18030, big5, shift_jis, euc-jp and euc-kr the second byte of a character may be
an ASCII letter, digit or one of @ [ \ ] ^ _ ` { | } ~ , never one of < > " ' & = / - ! or
white space, and a first byte before one of those stands alone: tags, attributes and
quotes are where the bytes say. A host with such letters before an `@` is the fence's to judge.
"""

from __future__ import annotations

import re

from proxy.errors import Unreadable
from proxy.filter.body.charset_labels import encoding_of
from proxy.filter.body.prescan import declared_html, declared_plainly, declared_xml
from proxy.filter.cache import lru_cache_of_short
from proxy.filter.headers.fields import cut_at_commas

UTF16 = frozenset({"utf-16le", "utf-16be"})
REFUSED = frozenset({"iso-2022-jp", "replacement"})

_TELLING = 6
"""Bytes of the longest of what tells UTF-16 apart."""
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
_BARE = (b"<\0?\0x\0", b"\0<\0?\0x")
_BARE_HTML = re.compile(rb"[ \t]*text/html[ \t;]*", re.IGNORECASE)
_PARAMETER = re.compile(rb';[\t\n\r ]*([^;="\t\n\r ]+)=(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)


def charset_of(first: bytes, content_type: bytes | None, *, xml: bool = False) -> str:
    """Return the encoding of a document that begins like this; Unreadable where we cannot scan it."""
    known = named(first, content_type)
    if known is not None:
        return readable(known)
    declared = declared_xml(first) if xml else declared_html(first)
    return readable(declared or ("utf-8" if xml else "windows-1252"))


def readable(encoding: str) -> str:
    """Return that encoding, or raise Unreadable where ASCII bytes do not mean ASCII in it."""
    if encoding in REFUSED:
        raise Unreadable(f"a document in {encoding} cannot be read")
    return encoding


def named(first: bytes, content_type: bytes | None) -> str | None:
    """Return what mark or header name, so that no browser thinks otherwise, or None.

    UTF-16 with neither is told by an XML declaration written in it.
    """
    if not first[:1].isascii():
        for mark, name in _MARKS:
            if first.startswith(mark):
                return name
    label = charset_parameter(content_type) if content_type else None
    encoding = encoding_of(label) if label is not None else None
    if encoding is None and first.startswith(_BARE):
        return "utf-16le" if first[:1] == b"<" else "utf-16be"
    return encoding


def typed(content_type: bytes, first: bytes) -> bytes:
    """Return a page's Content-Type with the encoding that its own first bytes declare.

    What we put before that declaration pushes it away from where browsers look for it first. Only where
    none could disagree: a mark or a charset that is there already outranks it, what is late or doubtful
    is left to them, and a page that says nothing is not made to say something.
    """
    if not names_html_only(content_type) or named(first, None) is not None:
        return content_type
    encoding = declared_plainly(first)
    if encoding is None or encoding in REFUSED:
        return content_type
    return b"text/html; charset=" + encoding.encode("ascii")


def names_html_only(content_type: bytes) -> bool:
    """True when a Content-Type is `text/html` and says no more."""
    return content_type == b"text/html" or _BARE_HTML.fullmatch(content_type) is not None


def undecided(first: bytes) -> bool:
    """True while so few bytes are here that they may still turn out to be UTF-16."""
    if len(first) >= _TELLING:
        return False
    marks = (*(mark for mark, _ in _MARKS), *_BARE)
    return any(len(first) < len(mark) and mark.startswith(first) for mark in marks)


@lru_cache_of_short(128, 256)
def charset_parameter(content_type: bytes) -> bytes | None:
    """Return the charset of the Content-Type that counts (Fetch "extract a MIME type"), or None.

    Of several types in one value the last counts; it keeps an earlier charset while the
    type stays the same.
    """
    essence, charset = b"", None
    for _, part in cut_at_commas(content_type):
        name = part.split(b";")[0].strip(b"\t\n\r ").lower()
        if b"/" not in name or name == b"*/*":
            continue
        said = next(
            (
                re.sub(rb"\\(.)", rb"\1", m[2]) if m[2] is not None else m[3].strip(b"\t\n\r ")
                for m in _PARAMETER.finditer(part)
                if m[1].lower() == b"charset"
            ),
            None,
        )
        if name != essence or said is not None:
            charset = said
        essence = name
    return charset
