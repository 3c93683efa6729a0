"""The encoding a page declares in its own first bytes (WHATWG HTML 13.2.3.2)."""

from __future__ import annotations

import re
from functools import lru_cache

from proxy.filter.body.charset_labels import encoding_of

PRESCAN = 1024
"""As many bytes as browsers look at before they begin to parse."""

_SPACE = b"\t\n\f\r "
_META = re.compile(rb"<meta[\t\n\f\r /]", re.IGNORECASE)
_TAG = re.compile(rb"</?[A-Za-z][^\t\n\f\r >]*")
_NAME = re.compile(rb"[^=\t\n\f\r />][^=\t\n\f\r />]*|=[^=\t\n\f\r />]*")
_UNQUOTED = re.compile(rb"[^\t\n\f\r >]*")
_SKIP = re.compile(rb"[\t\n\f\r /]*")
_BLANK = re.compile(rb"[\t\n\f\r ]*")
_CHARSET = re.compile(rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*", re.IGNORECASE)
_TEXTS = re.compile(rb"<(script|style|title)(?:[\t\n\f\r /][^<>]*)?>[^<]*</\1[\t\n\f\r ]*>", re.IGNORECASE)
_DOUBTFUL = re.compile(
    rb"<(?:script|style|title|textarea|noscript|template|iframe|noembed|noframes|xmp|plaintext|body|frameset"
    rb"|svg|math|select|!\[|\?|/head)|--!>",
    re.IGNORECASE,
)
_COMMON_START = re.compile(  # how most pages begin; what is in quotes here ends where it seems to
    rb"[\t\n\f\r ]*+(?:<!doctype[^<>]*+>)?+[\t\n\f\r ]*+"
    rb"(?:<html(?:[\t\n\f\r ]++[a-z:-]++=\"[^\"<>]*+\")*+>)?+[\t\n\f\r ]*+(?:<head>)?+[\t\n\f\r ]*+"
    rb"(<meta charset=(?:\"([\w-]++)\"[ /]*+|([\w-]++)) *+>)",
    re.IGNORECASE,
)
_SAME = {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}
_CONTENT_VALUE = re.compile(rb"[^\t\n\f\r ;]*")
_XML_ENCODING = re.compile(rb"encoding[\x00-\x20]*=[\x00-\x20]*(?:\"([^\"]*)\"|'([^']*)')")


def declared_html(first: bytes) -> str | None:
    """Return the encoding that a page's first 1024 bytes declare, or None.

    UTF-16 in a <meta> means UTF-8, x-user-defined windows-1252: the tag was readable.
    """
    first = first[:PRESCAN]
    if first.startswith(b"<\0?\0x\0"):
        return "utf-16le"
    if first.startswith(b"\0<\0?\0x"):
        return "utf-16be"
    found = _in_metas(first)
    return declared_xml(first) if found is None else found[0]


def declared_plainly(first: bytes) -> str | None:
    """Return the encoding a <meta> among the first 1024 bytes declares, where no browser can doubt it.

    Some look for it with their parser and not byte by byte: what stands before it must be the same to both.
    """
    first = first[:PRESCAN]
    found = None if first.startswith(b"<?") else _in_metas(first)
    if found is None:
        return None
    encoding, at = found
    return None if _is_doubtful(first[:at]) else encoding


@lru_cache(maxsize=128)
def _is_doubtful(before: bytes) -> bool:
    """True where something stands there that browsers may read in other ways than we do."""
    return _DOUBTFUL.search(_TEXTS.sub(b"", before)) is not None


def declared_xml(first: bytes) -> str | None:
    """Return the encoding named by an XML declaration at the very start, or None."""
    if not first.startswith(b"<?xml"):
        return None
    end = first.find(b">")
    found = _XML_ENCODING.search(first, 0, end) if end >= 0 else None
    encoding = encoding_of(found[1] or found[2] or b"") if found else None
    return "utf-8" if encoding in ("utf-16le", "utf-16be") else encoding


def _in_metas(first: bytes) -> tuple[str, int] | None:
    """Return the first encoding that a <meta> names, and where that tag begins."""
    common = _COMMON_START.match(first)
    if common is not None and (encoding := encoding_of(common[2] or common[3])):
        return _SAME.get(encoding, encoding), common.start(1)
    return _first_meta(first)


@lru_cache(maxsize=128)
def _first_meta(first: bytes) -> tuple[str, int] | None:
    """Return the same for a page that begins in another way; asked twice for each."""
    at = first.find(b"<")
    while at >= 0:
        if _META.match(first, at):
            began = at
            encoding, at = _meta(first, began + 5)
            if encoding:
                return encoding, began
        else:
            at = _past(first, at)
        at = first.find(b"<", at) if at >= 0 else -1
    return None


def _past(first: bytes, at: int) -> int:
    """Return where the markup that begins here ends, -1 where it does not."""
    if first.startswith(b"<!--", at):
        end = first.find(b"-->", at + 2)  # as `<!-->` is one whole comment
        return end + 2 if end >= 0 else -1
    tag = _TAG.match(first, at)
    if tag:
        name, at = b"-", tag.end()
        while name:
            name, _, at = _attribute(first, at)
        return at
    if first[at + 1 : at + 2] in (b"!", b"/", b"?"):
        return first.find(b">", at)
    return at + 1


def _meta(first: bytes, at: int) -> tuple[str | None, int]:
    """Return what the <meta> whose attributes begin here declares, and where it ends."""
    seen: set[bytes] = set()
    pragma, needs_pragma, charset = False, None, None
    while True:
        name, value, at = _attribute(first, at)
        if not name:
            break
        if name in seen:
            continue
        seen.add(name)
        if name == b"http-equiv":
            pragma = value == b"content-type"
        elif name == b"content" and b"charset" not in seen:
            found = _from_content(value)
            if found:
                charset, needs_pragma = found, True
        elif name == b"charset":
            charset, needs_pragma = encoding_of(value), False
    if at >= len(first) or needs_pragma is None or (needs_pragma and not pragma):
        return None, at  # an unfinished tag declares nothing
    return (_SAME.get(charset, charset) if charset else None), at


def _attribute(first: bytes, at: int) -> tuple[bytes, bytes, int]:
    """Return the next attribute, lower-case, and where it ends; an empty name at the tag's end."""
    skip = _SKIP.match(first, at)
    at = skip.end() if skip else at
    name = _NAME.match(first, at)
    if name is None or first[at : at + 1] == b">":
        return b"", b"", at
    at = name.end()
    blank = _BLANK.match(first, at)
    after = blank.end() if blank else at
    if first[after : after + 1] != b"=":
        return name.group().lower(), b"", at
    blank = _BLANK.match(first, after + 1)
    at = blank.end() if blank else after + 1
    quote = first[at : at + 1]
    if quote in (b'"', b"'"):
        end = first.find(quote, at + 1)
        if end < 0:
            return b"", b"", len(first)
        return name.group().lower(), first[at + 1 : end].lower(), end + 1
    value = _UNQUOTED.match(first, at)
    end = value.end() if value else at
    return name.group().lower(), first[at:end].lower(), end


def _from_content(content: bytes) -> str | None:
    """Return the encoding named in a <meta http-equiv> content (WHATWG HTML 2.4.4)."""
    found = _CHARSET.search(content)
    if found is None:
        return None
    at = found.end()
    quote = content[at : at + 1]
    if quote in (b'"', b"'"):
        end = content.find(quote, at + 1)
        return encoding_of(content[at + 1 : end]) if end >= 0 else None
    value = _CONTENT_VALUE.match(content, at)
    return encoding_of(value.group()) if value else None
