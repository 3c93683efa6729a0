"""Validators that know for whom a page was written, and the questions browsers ask with them.

A document's ETag carries the variant (what was granted, which rules): `W/"~VARIANT-ETAG"`.
A browser that comes back with it after either changed gets the page anew, never a 304
(threats T10). Last-Modified cannot carry one: it travels in an ETag of ours.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from proxy.filter.headers.content_kind import is_document
from proxy.filter.headers.fields import Headers, list_of, value_of, values_of, without

_ETAG = re.compile(rb'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_BARE = re.compile(rb"[\x21\x23-\x2b\x2d-\x7e]+")  # servers that forget the quotes
_TAGGED = re.compile(rb'(?:W/)?"~([0-9A-Za-z.]*)([-+=@])([\x21\x23-\x7e\x80-\xff]*)"')
_VARIANT = re.compile(rb"[0-9A-Za-z.]+")
_PAGES = (b"text/html", b"application/xhtml+xml")
_IF_NONE_MATCH, _IF_MODIFIED_SINCE = b"if-none-match", b"if-modified-since"
_IF_MATCH, _IF_UNMODIFIED_SINCE = b"if-match", b"if-unmodified-since"


class Conditionals(NamedTuple):
    """A request's headers for the server; `ours`: a 304 to it speaks of a document of this variant."""

    headers: Headers
    ours: bool


def tagged(etag: bytes | None, modified: bytes | None, variant: bytes) -> bytes | None:
    """Return the ETag of a document in this variant, made of its ETag or else its Last-Modified."""
    if not _VARIANT.fullmatch(variant):
        raise ValueError(f"a variant is letters, digits and dots, not {variant!r}")
    if etag is not None:
        etag = etag.strip()
        if found := _ETAG.fullmatch(etag):
            return b'W/"~%b%b%b"' % (variant, b"+" if found[1] else b"-", found[2])
        return b'W/"~%b=%b"' % (variant, etag) if _BARE.fullmatch(etag) else None
    if modified is None:
        return None
    stamp = modified.strip().replace(b" ", b"_")
    return b'W/"~%b@%b"' % (variant, stamp) if _BARE.fullmatch(stamp.replace(b",", b"")) else None


def _original(kind: bytes, opaque: bytes) -> bytes:
    """Return the server's own ETag, or its Last-Modified, out of one of ours."""
    match kind:
        case b"+":
            return b'W/"' + opaque + b'"'
        case b"-":
            return b'"' + opaque + b'"'
        case b"@":
            return opaque.replace(b"_", b" ")
        case _:
            return opaque


def translate_conditionals(headers: Headers, variant: bytes) -> Conditionals:
    """Return the headers with validators as the server knows them.

    One of this variant is turned back; one of another variant goes. One that is none of
    ours goes where a page is asked: it may be of a copy from before this proxy stood here.
    """
    lines = values_of(headers, _IF_NONE_MATCH)
    if not lines and value_of(headers, _IF_MODIFIED_SINCE) is None:
        return Conditionals(headers, ours=False)
    asked = list_of(lines)
    page = may_return_page(headers)
    mine = [found for found in map(_TAGGED.fullmatch, asked) if found]
    if not mine and not page:
        return Conditionals(headers, ours=False)
    current = [(found[2], _original(found[2], found[3])) for found in mine if found[1] == variant]
    etags = [value for kind, value in current if kind != b"@"]
    since = [value for kind, value in current if kind == b"@"]
    if not page:
        etags += [etag for etag in asked if not _TAGGED.fullmatch(etag)]
    out = without(headers, (_IF_NONE_MATCH, _IF_MODIFIED_SINCE))
    if etags:
        out.append((b"If-None-Match", b", ".join(etags)))
    elif since:
        out.append((b"If-Modified-Since", since[0]))
    return Conditionals(out, ours=bool(current))


def translate_preconditions(headers: Headers) -> Headers:
    """Return the headers with If-Match as the server knows it, whatever variant its tags are of.

    It speaks of what the server keeps, not of the page that a visitor got. A tag that stands for a
    date becomes If-Unmodified-Since; a part of one of our documents (If-Range) cannot be asked for.
    """
    part = value_of(headers, b"if-range")
    if part is not None and _TAGGED.fullmatch(part.strip()):
        headers = without(headers, (b"range", b"if-range"))
    asked = list_of(values_of(headers, _IF_MATCH))
    found = [_TAGGED.fullmatch(etag) for etag in asked]
    if not any(found):
        return headers
    known = [
        (tag[2], _original(tag[2], tag[3])) if tag else (b"", etag)
        for etag, tag in zip(asked, found, strict=True)
    ]
    etags = [value for kind, value in known if kind != b"@"]
    out = without(headers, (_IF_MATCH,))
    if etags:
        return [*out, (b"If-Match", b", ".join(etags))]
    return [*without(out, (_IF_UNMODIFIED_SINCE,)), (b"If-Unmodified-Since", known[0][1])]


def may_return_page(headers: Headers) -> bool:
    """True when the browser means to show the answer as a page.

    By Sec-Fetch-Dest; a service worker passes a navigation on as `empty` with its mode.
    Where a browser sends neither (older ones, plain http), by what it accepts.
    """
    dest = value_of(headers, b"sec-fetch-dest")
    page = is_document(dest)
    if page is None:
        accepted = b",".join(values_of(headers, b"accept")).lower()
        return any(kind in accepted for kind in _PAGES)
    return page or (dest == b"empty" and value_of(headers, b"sec-fetch-mode") == b"navigate")


def without_range(headers: Headers) -> Headers:
    """Return the headers without Range and If-Range where a page may be the answer (T9).

    Chromium goes on with a download that broke off under `empty` and `navigate`: that one stays a
    part, and a part of a page that comes all the same is fetched again, whole.
    """
    if value_of(headers, b"sec-fetch-dest") == b"empty":
        return headers
    return without(headers, (b"range", b"if-range")) if may_return_page(headers) else headers
