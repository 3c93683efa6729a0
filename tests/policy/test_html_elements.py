"""The list of HTML's elements, against a parser that knows them."""

from html5lib.constants import namespaces, scopingElements, specialElements

from proxy.policy.html_elements import ELEMENTS


def test_every_element_that_html_parsers_treat_specially_is_known():
    obsolete = {
        "applet",
        "basefont",
        "bgsound",
        "center",
        "command",
        "dir",
        "frame",
        "frameset",
        "isindex",
        "keygen",
        "listing",
        "marquee",
        "noembed",
        "noframes",
        "plaintext",
        "xmp",
        "image",
        "menuitem",
        "nobr",
    }
    special = {name for space, name in specialElements | scopingElements if space == namespaces["html"]}

    assert special - obsolete <= ELEMENTS


def test_what_can_fetch_is_known():
    assert {
        "script",
        "iframe",
        "img",
        "image",
        "link",
        "object",
        "embed",
        "video",
        "audio",
        "source",
        "track",
        "portal",
        "use",
    } <= ELEMENTS
