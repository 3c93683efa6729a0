"""What a response tells caches: ETag, Cache-Control and Vary; and the conditional requests that come back.

A document is private to one visitor. Its ETag carries the variant (what was granted, which rules):
`W/"~VARIANT-ETAG"`. A browser that comes back with it after either changed gets the page anew, never
a 304 (threats T10). Last-Modified cannot carry one: it travels in an ETag of ours.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from proxy.filter.cache import lru_cache_of_short
from proxy.filter.headers.content_kind import may_return_page
from proxy.filter.headers.fields import Headers, list_of, value_of, values_of, without

_ETAG = re.compile(rb'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_BARE = re.compile(rb"[\x21\x23-\x2b\x2d-\x7e]+")  # servers that forget the quotes
_TAGGED = re.compile(rb'(?:W/)?"~([0-9A-Za-z.]*)([-+=@])([\x21\x23-\x7e\x80-\xff]*)"')
_VARIANT = re.compile(rb"[0-9A-Za-z.]+")
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


def without_range(headers: Headers) -> Headers:
    """Return the headers without Range and If-Range where a page may be the response (T9).

    Chromium goes on with a download that broke off under `empty` and `navigate`: that one stays a
    part, and a part of a page that comes all the same is fetched again, whole.
    """
    if value_of(headers, b"sec-fetch-dest") == b"empty":
        return headers
    return without(headers, (b"range", b"if-range")) if may_return_page(headers) else headers


_DIGESTS = frozenset(
    b"digest content-digest repr-digest unencoded-digest content-md5 want-digest want-content-digest"
    b" want-repr-digest want-unencoded-digest".split()
)
_SHARED_CACHES = frozenset(
    b"expires pragma age surrogate-control edge-control x-accel-expires cdn-cache-control".split()
)
_TARGETED = b"-cdn-cache-control"  # RFC 9213
_OF_THE_BODY = frozenset(
    b"content-length content-encoding accept-ranges content-range last-modified etag".split()
)
_NOT_OF_A_REWRITTEN_BODY = _DIGESTS | _SHARED_CACHES | _OF_THE_BODY
_BY_VISITOR = (b"Cookie", b"Accept-Encoding")
_BY_BOTH = (b"Vary", b", ".join(_BY_VISITOR))
_STAYING = (b"no-store", b"no-transform")


def document_headers(headers: Headers, *, variant: bytes, coding: bytes | None) -> Headers:
    """Return the headers of a document that is rewritten (or would be: HEAD, 304) for one visitor.

    `coding` is the one it is sent in. The document is private and always revalidated, its
    validators carry the variant, and fields about the server's bytes are removed.
    """
    out: Headers = []
    etag = modified = None
    caching = varying = False
    for pair in headers:
        lower = pair[0].lower()
        if lower in _NOT_OF_A_REWRITTEN_BODY or lower.endswith(_TARGETED):
            if lower == b"etag" and etag is None:
                etag = pair[1]
            elif lower == b"last-modified" and modified is None:
                modified = pair[1]
            continue
        caching |= lower == b"cache-control"
        varying |= lower == b"vary"
        out.append(pair)
    # most sites send neither: nothing to merge
    out = _private(out) if caching else [*out, (b"Cache-Control", b"private, no-cache")]
    out = _varying(out, _BY_VISITOR) if varying else [*out, _BY_BOTH]
    if coding:
        out.append((b"Content-Encoding", coding))
    if validator := tagged(etag, modified, variant):
        out.append((b"ETag", validator))
    return out


def private(headers: Headers) -> Headers:
    """Return the headers of a page that no shared cache may keep: other visitors get another one."""
    kept = _private([pair for pair in headers if not _for_shared_caches(pair[0].lower())])
    if all(name.lower() != b"cache-control" for name, _ in kept):
        kept.append((b"Cache-Control", b"private, no-cache"))
    return _varying(kept, _BY_VISITOR)


def code_headers(headers: Headers) -> Headers:
    """Return the headers of an HTML response that was fetched as script, style or image.

    Its bytes pass unread, so a navigation must not be served from the browser's cache.
    """
    shared = [pair for pair in headers if not _for_shared_caches(pair[0].lower())]
    return _varying(_private(shared), (b"Sec-Fetch-Dest",))


def depending(headers: Headers, name: bytes) -> Headers:
    """Return the headers of a response that says it depends on our field of that name: it is one visitor's.

    Caches see the visitor's Cookie, never that field.
    """
    shared = [pair for pair in headers if not _for_shared_caches(pair[0].lower())]
    words = list_of([value for field, value in shared if field.lower() == b"vary"])
    kept = [word for word in words if word.lower() != name.lower()]
    shared = [pair for pair in shared if pair[0].lower() != b"vary"]
    return _private(_varying([*shared, (b"Vary", b", ".join(kept))] if kept else shared, (b"Cookie",)))


def saved(headers: Headers) -> Headers:
    """Return the headers of a response that is to be saved as a file; a name that it has is kept."""
    named = next((value for name, value in headers if name.lower() == b"content-disposition"), b"")
    disposition = (b"Content-Disposition", b"attachment" + b"".join(named.partition(b";")[1:]))
    return [*without(headers, (b"content-disposition",)), disposition]


def _for_shared_caches(name: bytes) -> bool:
    return name in _SHARED_CACHES or name.endswith(_TARGETED)


def _private(headers: Headers) -> Headers:
    current = [value for name, value in headers if name.lower() == b"cache-control"]
    said = b",".join(current).lower()
    words = [part.lower() for part in list_of(current)] if any(word in said for word in _STAYING) else []
    value = b", ".join([b"private", b"no-cache", *(word for word in _STAYING if word in words)])
    return _set_field(headers, b"Cache-Control", b"cache-control", value)


def _varying(headers: Headers, names: tuple[bytes, ...]) -> Headers:
    whole = _vary(tuple([value for name, value in headers if name.lower() == b"vary"]), names)
    return headers if whole is None else _set_field(headers, b"Vary", b"vary", whole)


@lru_cache_of_short(64, 512)  # sites have few
def _vary(current: tuple[bytes, ...], names: tuple[bytes, ...]) -> bytes | None:
    """Return these values of Vary with the names that are missing, None where none is."""
    words = [part.lower() for part in list_of(list(current))]
    missing = [name for name in names if name.lower() not in words]
    if not missing or b"*" in words:
        return None
    return b", ".join([part for part in current if part.strip()] + missing)


def _set_field(headers: Headers, name: bytes, lower: bytes, value: bytes) -> Headers:
    """Return the headers with that field once, where it first stood, else at the end."""
    at = next((at for at, pair in enumerate(headers) if pair[0].lower() == lower), None)
    if at is None:
        return [*headers, (name, value)]
    rest = [pair for pair in headers[at + 1 :] if pair[0].lower() != lower]
    return [*headers[:at], (headers[at][0], value), *rest]
