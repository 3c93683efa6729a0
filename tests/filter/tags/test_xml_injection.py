"""Where the guard goes in an XML document: into the root or before what first could run code, once."""

import pytest

from proxy.errors import Unreadable
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.tags.xml_injection import XmlInjection
from tests.filter.pages import Marks

XHTML = b'xmlns="http://www.w3.org/1999/xhtml"'
SVG = b'xmlns="http://www.w3.org/2000/svg"'
PLAIN = (b"", b"")


def injection(*, always: bool = True, inject=Marks) -> XmlInjection:
    return XmlInjection(inject(always=always), PageMetadata())


def test_a_root_named_html_is_a_page_and_gets_a_head_and_a_body():
    page = injection()

    assert page.around(b"<html " + XHTML + b">", b"html", {}) == PLAIN
    assert page.around(b"<head>", b"head", {}) == (b"", b"[head]")
    assert page.around(b"<svg " + SVG + b">", b"svg", {})[1] == b"[body]" or page.has_body


def test_the_script_of_the_head_names_its_namespace_whatever_the_roots():
    class Script(Marks):
        def head(self, page) -> bytes:
            return b"<script async=''>1</script>"

    page = injection(inject=Script)
    page.around(b"<html>", b"html", {})

    assert page.around(b"<head>", b"head", {})[1] == b'<script xmlns="http://www.w3.org/1999/xhtml" async=\'\'>1</script>'  # fmt: skip


def test_a_root_that_browsers_run_gets_the_guard_first_inside():
    svg = injection()

    assert svg.around(b"<svg " + SVG + b">", b"svg", {}) == (b"", b"[root]")
    assert svg.around(b"<script>", b"script", {}) == PLAIN


@pytest.mark.parametrize("raw", [b"<feed>", b'<feed xmlns="http://www.w3.org/2005/Atom">', b'<svg title="http://www.w3.org/2000/svg">'])  # fmt: skip
def test_other_xml_stays_as_it_came(raw):
    assert injection().around(raw, b"feed", {}) == PLAIN


@pytest.mark.parametrize(
    ("raw", "name"),
    [(b"<x:a xmlns:x='http://www.w3.org/1999/xhtml'>", b"a"), (b"<m xmlns='http://www.w3.org/1998/Math/MathML'>", b"m"), (b"<m xmlns='&ns;'>", b"m"), (b"<script>", b"script"), (b"<style>", b"style")],
)  # fmt: skip
def test_in_other_xml_the_guard_goes_before_the_first_element_that_could_run(raw, name):
    feed = injection()
    feed.around(b"<feed>", b"feed", {})

    assert feed.around(b"<entry>", b"entry", {}) == PLAIN
    assert feed.around(raw, name, {}) == (b"[root]", b"")
    assert feed.around(raw, name, {}) == PLAIN


def test_what_is_fetched_by_a_script_gets_nothing():
    svg = injection(always=False)

    assert svg.around(b"<svg " + SVG + b">", b"svg", {}) == PLAIN


def test_a_document_that_is_nothing_but_a_script_is_refused():
    with pytest.raises(Unreadable):
        injection().around(b"<script " + SVG + b">", b"script", {})
    with pytest.raises(Unreadable):
        injection().around(b"<svg " + SVG + b' onload="x"/>', b"svg", {})

    assert injection().around(b"<svg " + SVG + b"/>", b"svg", {}) == PLAIN


@pytest.mark.parametrize("name", [b"stylesheet", b"transform"])
def test_a_style_sheet_of_xslt_gets_nothing_before_its_imports(name):
    assert injection().around(b"<xsl:x " + XHTML + b">", name, {}) == PLAIN


def test_what_a_style_sheet_turns_into_something_else_gets_nothing():
    feed = injection()
    feed.transformed()

    assert feed.around(b"<svg " + SVG + b">", b"svg", {}) == PLAIN


def test_a_style_sheet_inside_the_root_changes_nothing():
    feed = injection()
    feed.around(b"<feed>", b"feed", {})
    feed.transformed()

    assert feed.around(b"<svg " + SVG + b">", b"svg", {}) == (b"[root]", b"")


def test_a_tag_too_long_to_be_read_gets_the_guard_before_it_and_is_refused_as_a_root():
    feed = injection()
    feed.around(b"<feed>", b"feed", {})

    assert (feed.before_long(), feed.before_long()) == (b"[root]", b"")
    with pytest.raises(Unreadable):
        injection().before_long()
    assert injection(always=False).before_long() == b""


def test_a_doctype_decides_nothing():
    page = injection()
    page.doctype()

    assert page.around(b"<svg " + SVG + b">", b"svg", {}) == (b"", b"[root]")
