"""What a browser would make of a response: a document to be read, or bytes to pass on.

The MIME type is what any browser may settle on (Fetch "extract a MIME type", and the
sloppier readings of the same lines); where there is none, the first bytes tell (WHATWG
MIME Sniffing 7.1). In doubt it is a document (threats T5, T7, T8).
"""

from __future__ import annotations

import re
from enum import Enum

from proxy.filter.headers.fields import Headers, cut_at_commas, list_of, value_of, values_of

SNIFF = 1445
"""As many first bytes as a browser looks at."""


class BodyKind(Enum):
    """What is done with a response's body."""

    HTML = "html"  # read and rewritten
    XML = "xml"  # XHTML, SVG, XML shown as a page: read and rewritten by XML's rules
    FEED = "feed"  # XML that is no page: passes with its cache headers, under a fence
    CODE = "code"  # called a document, fetched as script, style or image: passes, is not kept for navigations
    DATA = "data"  # JSON called HTML, fetched by a script: passes under the fence, not kept for navigations
    RULES = "rules"  # speculation rules: read whole, as what they load no fence stops
    MAIL = "mail"  # opened by a link: saved as a file, never shown
    OTHER = "other"  # passes
    REFUSED = "refused"  # a document in a form that cannot be read


_INERT = frozenset(
    b"audio audioworklet font image json manifest paintworklet report script serviceworker"
    b" sharedworker style track video webidentity worker".split()
)
_OPENED = frozenset({b"document", b"iframe", b"frame"})
"""Destinations where browsers save what is sent as an attachment."""

_UNKNOWN = frozenset(
    # the last is what Firefox calls a type it does not know: it sniffs what a server calls so (seen)
    {b"*/*", b"unknown/unknown", b"application/unknown", b"", b"application/x-unknown-content-type"}
)
_PAGES = (b"text/html", b"application/xhtml+xml")
_BLANK = b"\t\n\v\f\r "  # before markup; Chromium takes the vertical tab for a blank too (seen)
_FEEDS = frozenset({b"application/rss+xml", b"application/atom+xml", b"application/rdf+xml"})
_STYLESHEETS = frozenset({b"text/xsl", b"application/xslt+xml"})
_SEALED = frozenset({b"application/signed-exchange", b"application/webbundle"})
_ARCHIVES = frozenset({b"multipart/related", b"multipart/mixed", b"application/x-mimearchive"})
_FEED_ROOTS = frozenset({b"rss", b"feed", b"rdf", b"urlset", b"sitemapindex", b"opml"})

_ESSENCE = re.compile(rb"[ \t\r\n]*([^\s;,(/]+/[^\s;,(/]+)")
_MARKUP = re.compile(rb"[\t\n\v\f\r ]*+(?:\xef\xbb\xbf)?[\t\n\v\f\r ]*+<(?:[A-Za-z/!]|\?)")
_LATE = re.compile(rb"<!doctype[\t\n\f\r ]+html|<html[\t\n\f\r />]", re.IGNORECASE)
_XML = re.compile(rb"[\t\n\v\f\r ]*+(?:\xef\xbb\xbf)?[\t\n\v\f\r ]*+<\?xml", re.IGNORECASE)
_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?(?:[^?]|\?(?!>))*+\?>|<!--(?:[^-]|-(?!->))*+-->|<![A-Za-z][^>\[]*+(?:\[[^\]]*+\])?\s*+>)*+"
)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)[\s/>]")


def media_type_of(content_types: list[bytes]) -> bytes | None:
    """Return the lower-case type/subtype that counts, or None where no line has one.

    The last one that can be read, over all lines and commas; `*/*` never counts. Browsers
    differ on text after the type (`text/html charset=utf-8`): here it still is that type.
    """
    essence = None
    for line in content_types:
        for _, part in cut_at_commas(line):
            found = _ESSENCE.match(part)
            if found and found[1] != b"*/*":
                essence = found[1].lower()
    return essence


def body_kind(
    content_types: list[bytes],
    *,
    nosniff: bool,
    dest: bytes | None,
    first: bytes | None,
    disposition: bytes | None,
    more: bool = False,
    fetched: bool = False,
) -> BodyKind | None:
    """Return how the body of a response is filtered, or None to sniff its first bytes.

    `dest` is Sec-Fetch-Dest (None: absent, so it may be a page), `first` the decoded
    beginning of the body (up to SNIFF bytes), `more` that more of it may follow:
    then None means that these bytes do not decide. `fetched`: a script asked, and no page is opened.
    """
    if is_attachment(disposition):
        return BodyKind.OTHER
    essence = media_type_of(content_types) or b""
    if essence == b"text/html":
        if dest in _INERT:
            return BodyKind.CODE
        return _data_or_html(first, more=more) if fetched else BodyKind.HTML
    if essence == b"application/speculationrules+json":
        return BodyKind.RULES
    if essence.startswith(b"message/") and dest in _OPENED:
        return BodyKind.MAIL
    if essence in _SEALED or essence.startswith((b"multipart/", b"message/")) or essence in _ARCHIVES:
        return _sealed_kind(essence, dest)
    if essence in _UNKNOWN:
        return _sniffed_kind(nosniff=nosniff, dest=dest, first=first, more=more)
    if is_xml(essence):
        return _xml_kind(essence, dest, first, more=more)
    return BodyKind.OTHER


def _data_or_html(first: bytes | None, *, more: bool) -> BodyKind | None:
    """Many servers call JSON text/html: what a script gets is data where it begins as JSON does."""
    if first is None:
        return None
    begins = first[:SNIFF].lstrip(b"\xef\xbb\xbf" + _BLANK)[:1]
    if not begins and more and len(first) < SNIFF:
        return None
    return BodyKind.DATA if begins in (b"{", b"[") else BodyKind.HTML


def names_document(first: bytes) -> bool:
    """True when these first bytes hold a doctype or an <html>: a page, whatever stands before it."""
    return _LATE.search(first) is not None


def forbids_sniffing(options: list[bytes]) -> bool:
    """True when X-Content-Type-Options says nosniff: by its first value, as browsers read it."""
    words = list_of(options)
    return bool(words) and words[0].lower() == b"nosniff"


def is_attachment(disposition: bytes | None) -> bool:
    """True when the response is saved to disk: nothing in it runs."""
    return disposition is not None and disposition.split(b";")[0].strip(b" \t").lower() == b"attachment"


def is_xml(essence: bytes) -> bool:
    """True for an XML MIME type."""
    return essence.endswith((b"+xml", b"/xml")) or essence in _STYLESHEETS


def is_document(dest: bytes | None) -> bool | None:
    """True for a document by Sec-Fetch-Dest, False for others, None without the header."""
    if dest is None:
        return None
    return dest not in _INERT and dest not in (b"empty", b"xslt")  # a value yet unknown may be a page


def may_return_page(headers: Headers) -> bool:
    """True when the browser means to show the response as a page.

    By Sec-Fetch-Dest; a service worker passes a navigation on as `empty` with its mode.
    Where a browser sends neither (older ones, plain http), by what it accepts.
    """
    dest = value_of(headers, b"sec-fetch-dest")
    page = is_document(dest)
    if page is None:
        accepted = b",".join(values_of(headers, b"accept")).lower()
        return any(kind in accepted for kind in _PAGES)
    return page or (dest == b"empty" and value_of(headers, b"sec-fetch-mode") == b"navigate")


def _sealed_kind(essence: bytes, dest: bytes | None) -> BodyKind:
    """Parts and packages that hold pages: refused where a browser would open them as one.

    Where no destination is said, only what today's browsers still open: archives are what
    programs exchange (SOAP attachments, mail).
    """
    page = is_document(dest)
    if page is None:
        page = essence not in _ARCHIVES and not essence.startswith(b"message/")
        page = page and (essence in _SEALED or essence == b"multipart/x-mixed-replace")
    elif dest == b"empty":
        page = essence in _SEALED
    return BodyKind.REFUSED if page else BodyKind.OTHER


def _sniffed_kind(*, nosniff: bool, dest: bytes | None, first: bytes | None, more: bool) -> BodyKind | None:
    """A response without a type: markup at its start makes it a page, unless sniffing is forbidden."""
    if nosniff or dest in _INERT:
        return BodyKind.OTHER
    if first is None:
        return None
    seen = first[:SNIFF]
    if more and len(seen) < SNIFF and len(seen.lstrip(b"\xef\xbb\xbf" + _BLANK)) < len(b"<?xml"):
        return None
    if _XML.match(seen):
        return _xml_kind(b"text/xml", dest, seen, more=more)
    return BodyKind.HTML if _MARKUP.match(seen) else BodyKind.OTHER


def _xml_kind(essence: bytes, dest: bytes | None, first: bytes | None, *, more: bool) -> BodyKind | None:
    """XML is a page by its destination; scripts fetch it as it is, and feeds are nobody's page."""
    if dest in _INERT:
        return BodyKind.FEED if essence == b"image/svg+xml" else BodyKind.CODE
    if essence in _FEEDS:
        return BodyKind.FEED
    if essence == b"application/xhtml+xml":
        return BodyKind.XML
    if dest == b"empty":
        return BodyKind.FEED
    if essence == b"image/svg+xml" or essence in _STYLESHEETS or dest == b"xslt":
        return BodyKind.XML
    if first is None:
        return None
    return _kind_by_root(first[:SNIFF], more=more)


def _kind_by_root(seen: bytes, *, more: bool) -> BodyKind | None:
    """Feeds and sitemaps are told by their first element."""
    prolog = _PROLOG.match(seen)
    root = _ROOT.match(seen, prolog.end() if prolog else 0)
    if root is None:
        return None if more and len(seen) < SNIFF else BodyKind.XML
    return BodyKind.FEED if root[1].lower() in _FEED_ROOTS else BodyKind.XML
