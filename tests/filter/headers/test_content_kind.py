"""What counts as a document: by type, by sniffing, by who asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.content_kind import (
    SNIFF,
    BodyKind,
    body_kind,
    forbids_sniffing,
    is_document,
    may_return_page,
    media_type_of,
)

HTML, XML, FEED, CODE, OTHER, REFUSED = (
    BodyKind.HTML,
    BodyKind.XML,
    BodyKind.FEED,
    BodyKind.CODE,
    BodyKind.OTHER,
    BodyKind.REFUSED,
)


def sort(
    *types: bytes,
    dest: bytes | None = b"document",
    first: bytes | None = None,
    nosniff: bool = False,
    disposition: bytes | None = None,
    more: bool = False,
) -> BodyKind | None:
    return body_kind(list(types), nosniff=nosniff, dest=dest, first=first, disposition=disposition, more=more)


@pytest.mark.parametrize(
    ("types", "essence"),
    [
        ([], None),
        ([b""], None),
        ([b"text/html"], b"text/html"),
        ([b"TEXT/HTML;charset=utf-8"], b"text/html"),
        ([b" text/html \t; x=y"], b"text/html"),
        ([b"text/html, text/plain"], b"text/plain"),
        ([b"text/plain, text/html"], b"text/html"),
        ([b"text/plain", b"text/html"], b"text/html"),
        ([b"text/html", b"*/*"], b"text/html"),
        ([b"text/html", b"nonsense"], b"text/html"),
        ([b"text/html", b""], b"text/html"),
        ([b'text/plain; x="a, text/html"'], b"text/plain"),
        ([b"text/html charset=utf-8"], b"text/html"),
        ([b"text/html(comment)"], b"text/html"),
        ([b"html"], None),
        ([b"*/*"], None),
    ],
)
def test_of_several_types_the_last_that_can_be_read_counts(types: list[bytes], essence: bytes | None) -> None:
    assert media_type_of(types) == essence


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (b"text/html", HTML),
        (b"application/xhtml+xml", XML),
        (b"image/svg+xml", XML),
        (b"application/mathml+xml", None),
        (b"text/xsl", XML),
        (b"application/json", OTHER),
        (b"application/ld+json", OTHER),
        (b"text/plain", OTHER),
        (b"text/css", OTHER),
        (b"text/event-stream", OTHER),
        (b"image/png", OTHER),
        (b"application/octet-stream", OTHER),
        (b"application/pdf", OTHER),
        (b"application/speculationrules+json", BodyKind.RULES),
        (b"application/rss+xml", FEED),
        (b"application/atom+xml; charset=utf-8", FEED),
        (b"multipart/x-mixed-replace; boundary=x", REFUSED),
        (b"multipart/related; boundary=x", REFUSED),
        (b"message/rfc822", BodyKind.MAIL),
        (b"message/global", BodyKind.MAIL),
        (b"application/zip", OTHER),
        (b"application/x-tar", OTHER),
        (b"application/signed-exchange;v=b3", REFUSED),
    ],
)
def test_a_type_says_what_it_is_to_a_visitor_who_opens_it(type_: bytes, expected: BodyKind | None) -> None:
    assert sort(type_) is expected


@pytest.mark.parametrize(
    "dest", [b"document", b"iframe", b"frame", b"object", b"embed", b"fencedframe", b"portal", None]
)
def test_html_is_a_document_wherever_it_is_shown(dest: bytes | None) -> None:
    """A destination yet unknown, and none at all, may be a page."""
    assert sort(b"text/html", dest=dest) is HTML
    assert sort(b"image/svg+xml", dest=dest) is XML
    assert is_document(dest) is (None if dest is None else True)


def test_html_that_a_script_fetched_is_read_too() -> None:
    assert sort(b"text/html", dest=b"empty") is HTML


@pytest.mark.parametrize(
    "dest", [b"script", b"style", b"image", b"worker", b"serviceworker", b"font", b"video"]
)
def test_what_is_called_html_and_fetched_as_code_passes(dest: bytes) -> None:
    """A script that some server calls text/html must not be rewritten as a page."""
    assert sort(b"text/html", dest=dest) is CODE
    assert sort(b"application/xhtml+xml", dest=dest) is CODE
    assert sort(dest=dest, first=b"<html>") is OTHER


def test_an_svg_image_keeps_its_caches_and_gets_the_fence() -> None:
    assert sort(b"image/svg+xml", dest=b"image") is FEED
    assert sort(b"image/svg+xml", dest=b"empty") is FEED


@pytest.mark.parametrize("dest", [b"document", b"empty", b"script", None])
@pytest.mark.parametrize("type_", [b"text/html", b"image/svg+xml", b"multipart/x-mixed-replace", b""])
@pytest.mark.parametrize("disposition", [b"attachment", b' ATTACHMENT ; filename="a.html"'])
def test_an_attachment_is_never_touched(dest: bytes | None, type_: bytes, disposition: bytes) -> None:
    assert sort(type_, dest=dest, disposition=disposition) is OTHER


@pytest.mark.parametrize(
    "disposition",
    [
        b"inline",
        b"inline; filename=attachment",
        b"",
        b"attachment2",
        b"x; attachment",
        b"attachment\x0b",  # Chromium shows it as a page
    ],
)
def test_what_is_not_said_to_be_an_attachment_is_none(disposition: bytes) -> None:
    assert sort(b"text/html", disposition=disposition) is HTML


SNIFFED = [
    (b"<!DOCTYPE html><p>", HTML),
    (b" \n\t<HtMl>", HTML),
    (b"\x0b<html>", HTML),  # Chromium shows it as a page
    (b"\xef\xbb\xbf<html>", HTML),
    (b"<script>alert(1)</script>", HTML),
    (b"<!-- c -->", HTML),
    (b"<p", HTML),
    (b"<custom-element>", HTML),
    (b"</p>", HTML),
    (b"<?php", HTML),
    (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", XML),
    (b"<?xml version='1.0'?><rss>", FEED),
    (b"plain text <b>not at the start</b>", OTHER),
    (b"< html", OTHER),
    (b"<3", OTHER),
    (b"\x89PNG\r\n", OTHER),
    (b"%PDF-1.7", OTHER),
    (b"{}", OTHER),
    (b"", OTHER),
    (b"\xff\xfe<\0h\0", OTHER),
]


@pytest.mark.parametrize(
    "types",
    [
        [],
        [b""],
        [b"*/*"],
        [b"unknown/unknown"],
        [b"application/unknown"],
        [b"application/x-unknown-content-type"],  # Firefox sniffs it
        [b"html"],
    ],
)
@pytest.mark.parametrize(("first", "expected"), SNIFFED)
def test_without_a_type_the_first_bytes_tell(types: list[bytes], first: bytes, expected: BodyKind) -> None:
    assert sort(*types) is None
    assert sort(*types, first=first) is expected
    assert sort(*types, first=first, dest=None) is expected


def test_nosniff_means_that_no_browser_sniffs_either() -> None:
    assert sort(first=b"<html>", nosniff=True) is OTHER
    assert sort(nosniff=True) is OTHER


@pytest.mark.parametrize(
    "type_", [b"text/plain", b"text/plain; charset=ISO-8859-1", b"text/plain; charset=UTF-8"]
)
@pytest.mark.parametrize("first", [None, b"<html>", b"\0\1<html>"])
def test_text_plain_never_becomes_html(type_: bytes, first: bytes | None) -> None:
    """Browsers may find it binary, but nothing they would run (MIME Sniffing 7.2)."""
    assert sort(type_, first=first) is OTHER


def test_so_far_the_bytes_may_tell_nothing() -> None:
    assert sort(first=b" \n", more=True) is None
    assert sort(first=b" \n <?x", more=True) is None
    assert sort(first=b" " * SNIFF, more=True) is OTHER
    assert sort(first=b"<html", more=True) is HTML
    assert sort(b"text/xml", first=b"<?xml version='1.0'", more=True) is None


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (b"<?xml version='1.0'?><?xml-stylesheet href='a.xsl'?><!-- a > b --><urlset xmlns='x'>", FEED),
        (b"<sitemapindex>", FEED),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<rss version='2.0'>", FEED),
        (b"<atom:feed xmlns:atom='x'>", FEED),
        (b"<rdf:RDF>", FEED),
        (b"<!DOCTYPE rss PUBLIC 'x' [<!ENTITY a '>'>]><rss>", FEED),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'>", XML),
        (b"<feedback>", XML),
        (b"<note><rss/></note>", XML),
        (b"<!-- <rss> --><page>", XML),
        (b"not xml at all", XML),
        (b"<\0r\0s\0s\0>\0", XML),
        (b"", XML),
    ],
)
@pytest.mark.parametrize("type_", [b"text/xml", b"application/xml", b"application/vnd.x+xml"])
def test_feeds_and_sitemaps_are_told_by_their_first_element(
    type_: bytes, first: bytes, expected: BodyKind
) -> None:
    assert sort(type_) is None
    assert sort(type_, first=first) is expected
    assert sort(type_, first=first, dest=None) is expected


def test_xml_that_a_script_fetches_passes() -> None:
    assert sort(b"text/xml", dest=b"empty") is FEED


def test_a_stylesheet_that_makes_a_page_is_read() -> None:
    assert sort(b"application/xml", dest=b"xslt") is XML


@pytest.mark.parametrize(
    ("type_", "dest", "expected"),
    [
        (b"multipart/x-mixed-replace", b"image", OTHER),
        (b"multipart/x-mixed-replace", b"iframe", REFUSED),
        (b"multipart/x-mixed-replace", None, REFUSED),
        (b"multipart/form-data", None, OTHER),
        (b"multipart/form-data", b"empty", OTHER),
        (b"multipart/byteranges; boundary=x", None, OTHER),
        (b"multipart/related", None, OTHER),
        (b"message/rfc822", None, OTHER),
        (b"message/rfc822", b"object", REFUSED),
        (b"application/signed-exchange", None, REFUSED),
        (b"application/signed-exchange", b"empty", REFUSED),
        (b"application/signed-exchange", b"image", OTHER),
    ],
)
def test_what_holds_pages_in_parts_is_refused_where_it_would_be_opened(
    type_: bytes, dest: bytes | None, expected: BodyKind
) -> None:
    assert sort(type_, dest=dest) is expected


@pytest.mark.parametrize(
    ("options", "forbidden"),
    [
        ([], False),
        ([b"nosniff"], True),
        ([b"NoSniff, x"], True),
        ([b"x, nosniff"], False),
        ([b"nosniffing"], False),
        ([b"", b"nosniff"], True),
    ],
)
def test_sniffing_is_forbidden_by_the_first_word(options: list[bytes], forbidden: bool) -> None:
    assert forbids_sniffing(options) is forbidden


@given(
    st.lists(st.binary(max_size=40), max_size=3),
    st.booleans(),
    st.none() | st.binary(max_size=12),
    st.none() | st.binary(max_size=60),
    st.none() | st.binary(max_size=20),
)
def test_nothing_raises_and_what_has_bytes_is_decided(types, nosniff, dest, first, disposition) -> None:
    found = body_kind(types, nosniff=nosniff, dest=dest, first=first, disposition=disposition)

    assert found is not None or first is None


@pytest.mark.parametrize("piece", [b"<!---", b"<?x", b"<!DOCTYPE [", b" \n", b"<!x [ ]", b"<a:"])
def test_hostile_beginnings_are_looked_at_in_time(piece: bytes) -> None:
    """One look at a prolog of any shape ends."""
    assert sort(b"text/xml", first=(piece * SNIFF)[:SNIFF]) in (XML, FEED)


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        ([(b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Mode", b"navigate")], True),
        ([(b"sec-fetch-dest", b"iframe")], True),
        ([(b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"navigate")], True),
        ([(b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"cors")], False),
        ([(b"Sec-Fetch-Dest", b"image"), (b"Accept", b"image/avif,*/*")], False),
        ([(b"Sec-Fetch-Dest", b"image"), (b"Accept", b"text/html")], False),
        ([(b"Accept", b"text/html,application/xhtml+xml,*/*;q=0.8")], True),
        ([(b"Accept", b"application/xhtml+xml")], True),
        ([(b"Accept", b"image/*"), (b"Accept", b"TEXT/HTML")], True),
        ([(b"Accept", b"*/*")], False),
        ([], False),
    ],
)
def test_a_page_is_asked_for_by_destination_or_by_what_is_accepted(
    headers: list[tuple[bytes, bytes]], page: bool
) -> None:
    assert may_return_page(headers) is page
