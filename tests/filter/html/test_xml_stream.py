"""XHTML and SVG documents stay well-formed, and nothing in them runs that may not."""

from xml.etree import ElementTree

import pytest

from proxy.errors import Unreadable
from tests.filter.pages import Marks, filtered, passed

XHTML = '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'


class Well(Marks):
    """Marks that are well-formed."""

    def head(self, page) -> bytes:
        return b"<script>1</script>"

    def body(self, page) -> bytes:
        return b"<div/>"

    def foot(self, page) -> bytes:
        return b"<p/>"

    def root(self) -> bytes:
        return b"<!--root-->"

    def placeholder(self, verdict, facts) -> bytes:
        return b"<i/>"


@pytest.mark.parametrize(
    ("page", "held"),
    [
        (
            XHTML + '<head/><body><script type="text/javascript" src="//stats.example/s"/></body></html>',
            b'<script data-consent-type="text/javascript" data-consent="performance" type="text/plain" src=',
        ),
        (
            XHTML + '<body><script src="//stats.example/s"></script></body></html>',
            b'type="text/plain" data-consent="performance" src=',
        ),
        (
            XHTML + "<body><script>//<![CDATA[\nStatsQueue </script>//]]></script></body></html>",
            b'<script type="text/plain"',
        ),
        (
            XHTML
            + '<body><img src="//stats.example/s"/><p class="booking-widget" data-consent="x"/></body></html>',
            b"data-consent-src=",
        ),
        (XHTML + '<body><iframe src="https://booking.example/" hidden="x"/></body></html>', b"<i/><iframe"),
        (
            XHTML + "<body><a href='/' target='x' onclick='Booking.popup()'>b</a></body></html>",
            b'href="https://booking.example/now"',
        ),
        (
            '<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:body><h:script src="//stats.example/s"/></h:body></h:html>',
            b'<h:script type="text/plain"',
        ),
        (SVG + '<script xlink:href="//stats.example/s"/></svg>', b'type="text/plain"'),
        (SVG + '<image xlink:href="//stats.example/s"/></svg>', b'data-consent-xlink-href="'),
        (SVG + "<style>@import '//stats.example/c';</style></svg>", b"about:invalid"),
        (SVG + "<style><![CDATA[ a { fill: url(//stats.example/c) } ]]></style></svg>", b"about:invalid"),
        (
            '<!DOCTYPE svg [<!ENTITY e "//stats.example/">]>' + SVG + '<image href="&e;s"/></svg>',
            b"data-consent-href=",
        ),
        ('<?xml-stylesheet href="//stats.example/c"?>' + SVG + "</svg>", b"<?held-xml-stylesheet"),
    ],
)
def test_a_refused_element_is_inert_and_the_document_well_formed(page, held):
    out = filtered(page, xml=True, inject=Well())

    assert held in out
    assert ElementTree.fromstring(out) is not None
    assert filtered(page, xml=True, inject=Well(), size=1) == out
    once = filtered(page, xml=True)
    assert filtered(once, xml=True) == once


@pytest.mark.parametrize(
    "page",
    [
        XHTML
        + "<head><title>t</title></head><body><p>a &lt; b</p><!-- --!> --><![CDATA[<img src='//stats.example/'/>]]></body></html>",
        SVG + "<path d='M0 0'/><a href='//stats.example/'/></svg>",
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x/d.dtd" [ <!ENTITY ns "http://ns.example/"> ]>'
        + SVG
        + "</svg>",
        "<feed>not a page</feed>",
        "<a",
        "<!DOCTYPE",
        "<?x",
    ],
)
def test_everything_else_passes_byte_for_byte(page):
    assert filtered(page, xml=True) == page.encode()
    assert filtered(page, xml=True, size=1) == page.encode()


def test_our_parts_find_their_place():
    page = XHTML + "<head><title>t</title></head><body class='b'><p/></body></html>"

    out, run = passed(page, xml=True, inject=Marks())
    assert (
        out
        == (
            XHTML + "<head>[head]<title>t</title></head><body class='b'>[body]<p/>[foot]</body></html>"
        ).encode()
    )
    assert run.page.lang == "fr"
    assert filtered(SVG + "</svg>", xml=True, inject=Marks()) == (SVG + "</svg>").encode()


H = 'xmlns:h="http://www.w3.org/1999/xhtml"'


@pytest.mark.parametrize(
    "page",
    [
        SVG + "|<script>1</script></svg>",
        "<?xml version='1.0'?><!-- c --><!DOCTYPE html>" + SVG + "|<path/></svg>",
        '<?xml-stylesheet href="/own.css"?><s:svg xmlns:s="http://www.w3.org/2000/svg">|<s:script>1</s:script></s:svg>',
        f"<x {H} a='/'>|<h:script>1</h:script></x>",
        f"<x><y/>|<y {H}><h:script>1</h:script></y></x>",
        "<x><y>text</y>|<script>1</script></x>",
        '<!DOCTYPE x [<!ENTITY e "http://www.w3.org/1999/xhtml">]><x><y/>|<z xmlns="&e;"/></x>',
        f"<style {H}>|<h:script>1</h:script></style>",
        "<x><y/>|<y a='" + "x" * 70_000 + "' onload='1'/></x>",
        "<!DOCTYPE x><body>|<script/></body>",
    ],
)
def test_a_document_that_is_no_xhtml_has_the_guard_before_anything_that_may_run(page):
    raw, once = page.replace("|", ""), page.replace("|", "[root]").encode()

    assert filtered(raw, xml=True, inject=Marks(always=True)) == once
    assert filtered(raw, xml=True, inject=Marks(always=True), size=1) == once
    assert filtered(raw, xml=True, inject=Marks()) == raw.encode(), "what a script fetches stays as it is"
    well = filtered(raw, xml=True, inject=Well(always=True))
    assert ElementTree.fromstring(well) is not None


@pytest.mark.parametrize(
    "page",
    [
        "<catalog xmlns='urn:x'><item a='1'/></catalog>",
        SVG.replace(">", "/>"),
        '<?xml-stylesheet type="text/xsl" href="/own.xsl"?><x><y/></x>',
        f'<?xml-stylesheet type="text/xsl" href="/own.xsl"?><x {H}><y/></x>',
        f'<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" {H}><xsl:import href="/a"/></xsl:stylesheet>',
    ],
)
def test_data_and_style_sheets_are_shown_as_they_came(page):
    assert filtered(page, xml=True, inject=Marks(always=True)) == page.encode()


@pytest.mark.parametrize(
    "page",
    [
        "<script xmlns='http://www.w3.org/1999/xhtml'>1</script>",
        "<svg xmlns='http://www.w3.org/2000/svg' onload='1'/>",
        "<svg xmlns='http://www.w3.org/2000/svg' a='" + "x" * 70_000 + "'><path/></svg>",
    ],
)
def test_a_document_in_which_the_guard_has_no_place_is_unreadable(page):
    with pytest.raises(Unreadable):
        filtered(page, xml=True, inject=Marks(always=True))


@pytest.mark.parametrize("doctype", ["", "<!DOCTYPE x>", "<!DOCTYPE html>"])
def test_a_root_named_html_is_a_page_and_its_script_one_of_xhtml(doctype):
    """Whatever its doctype says, and whatever namespace its elements are in."""

    class Script(Marks):
        def head(self, page) -> bytes:
            return b'<script a="">1</script>'

    page = f"{doctype}<html><head/></html>"
    ours = '<script xmlns="http://www.w3.org/1999/xhtml" a="">1</script>'

    assert filtered(page, xml=True, inject=Script()) == f"{doctype}<html><head/>{ours}</html>".encode()


@pytest.mark.parametrize(
    "inside",
    [
        '<!ENTITY e "&#60;script/>">',
        '<!ENTITY e "<script/>">',
        '<!ATTLIST script src CDATA "//stats.example/">',
        '<!ENTITY % p "x">%p;',
        '<!ENTITY e SYSTEM "x">',
    ],
)
def test_a_doctype_that_could_hide_markup_is_unreadable(inside):
    with pytest.raises(Unreadable):
        filtered(f"<!DOCTYPE svg [{inside}]>{SVG}</svg>", xml=True)


@pytest.mark.parametrize("opened", ["<!--", "<?x", '"', "'"])
def test_what_is_never_closed_in_a_doctype_hides_its_end(opened):
    """As for XML parsers; to go on behind the bracket would also try each of a thousand comments to the end."""
    rest = f"]>{SVG}</svg>"

    assert filtered(f"<!DOCTYPE svg [{opened} {rest}", xml=True) == f"<!DOCTYPE svg [{opened} {rest}".encode()
    with pytest.raises(Unreadable):
        filtered(f"<!DOCTYPE svg [{opened} {rest}" + " " * 70_000, xml=True)
