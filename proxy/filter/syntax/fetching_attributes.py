"""Which attributes of which elements make a browser, or a lazy loader, fetch or run something.

An attribute to hold is added here: to its element in LOADING_ATTRIBUTES, or to LAZY_ATTRIBUTES.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LAZY_ATTRIBUTES: Final = _words(
    """
    data-src data-lazy-src data-rocket-src data-litespeed-src data-cmplz-src data-cfsrc data-original
    data-lazy data-pmdelayedscript data-suppressedsrc data-cookieblock-src data-ezsrc data-cookieconsent-src
    data-perfmatters-src data-wpr-src data-flying-press-src data-lazyload data-bg data-background-image
    """
)
"""Attributes from which lazy loaders copy an address later."""

LAZY_SRCSETS = _words(
    "data-srcset data-lazy-srcset data-rocket-srcset data-litespeed-srcset data-ezsrcset data-bgset"
)

LOADING_ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    name: _words(names)
    for name, names in {
        "script": "src href xlink:href",
        "iframe": "src",
        "frame": "src",
        "embed": "src code",
        "portal": "src",
        "fencedframe": "src",
        "applet": "code archive codebase object",
        "object": "data codebase classid archive",
        "img": "src lowsrc dynsrc",
        "image": "src href xlink:href",
        "input": "src",
        "source": "src",
        "video": "src poster",
        "audio": "src",
        "track": "src",
        "bgsound": "src",
        "link": "href",
        "use": "href xlink:href",
        "feimage": "href xlink:href",
        "html": "manifest",
        "amp-pixel": "src",
        "amp-iframe": "src",
        "amp-img": "src",
        "amp-analytics": "config",
    }.items()
}
"""Per element the attributes that hold one address each."""

QUOTATIONS: Final = frozenset({"blockquote"})
"""Elements whose text is the site's own: it stays, and a placeholder is put before it."""

SRCSETS: Final = frozenset({"srcset", "imagesrcset"}) | LAZY_SRCSETS
"""Attributes that hold a list of image candidates."""

ANY_ELEMENT = frozenset({"background", "ping"})
"""Attributes that fetch on any element."""

NAVIGATING_ELEMENTS: Final = frozenset({"form", "button"})
"""Elements whose address the visitor is sent to: judged only for rules that name them."""

NAVIGATING_ATTRIBUTES = frozenset({"action", "formaction"})

WIDGET_ATTRIBUTES: Final = frozenset({"data-url", "data-src", "data-href"})
"""Attributes in which the container of a widget names the page it will show."""

FETCHING_LINKS: Final = _words(
    """
    preload preconnect dns-prefetch modulepreload stylesheet icon shortcut apple-touch-icon
    apple-touch-icon-precomposed apple-touch-startup-image mask-icon fluid-icon prefetch prerender
    manifest import subresource compression-dictionary
    """
)
"""`rel` words that make a browser fetch or connect; canonical, alternate and the like do not."""

WARNING_LINKS: Final = frozenset({"preload", "modulepreload"})
"""`rel` words about which Chromium writes a line into the console where the address is missing."""

ALWAYS_READ: Final = (frozenset(LOADING_ATTRIBUTES) - {"input", "use"}) | _words(
    "base meta head body style svg math noscript frameset"
)
"""Elements the scanner always stops at; at an input only where it has an address."""

RAW_TEXT: Final = _words("script style title textarea xmp iframe noembed noframes noscript plaintext")
"""Elements whose content is text to the HTML parser (noscript: where scripts run)."""

VOID: Final = _words(
    """
    area base basefont bgsound br col embed frame hr image img input keygen link meta param source
    track wbr
    """
)

HEAD_CONTENT = _words(
    "base basefont bgsound link meta noframes noscript script style template title head html"
)
"""Start tags after which the parser is still in the head."""


class ValueKind(IntEnum):
    """What the value of an attribute is."""

    ADDRESS = 1  # fetched by the browser or a lazy loader
    SET = 2  # candidates, fetched
    LIST = 3  # addresses between spaces, fetched
    NAMED = 4  # an address that only a provider's script reads
    NAMED_SET = 5


def _generic() -> dict[str, ValueKind]:
    found = dict.fromkeys(WIDGET_ATTRIBUTES | LAZY_ATTRIBUTES, ValueKind.NAMED)
    found |= dict.fromkeys(SRCSETS, ValueKind.NAMED_SET)
    return found | {"background": ValueKind.ADDRESS, "ping": ValueKind.LIST}


def _of_element(name: str) -> dict[str, ValueKind]:
    found = _generic() | dict.fromkeys(LAZY_ATTRIBUTES | LOADING_ATTRIBUTES[name], ValueKind.ADDRESS)
    return found | dict.fromkeys(SRCSETS, ValueKind.SET)


_GENERIC: Final = _generic()
_KINDS: Final = {name: _of_element(name) for name in LOADING_ATTRIBUTES}
_NOT_FETCHING: Final = {name: kind for name, kind in _GENERIC.items() if name not in SRCSETS}
_NAVIGATING: Final = _GENERIC | dict.fromkeys(NAVIGATING_ATTRIBUTES, ValueKind.NAMED)


def address_attributes(name: str) -> Mapping[str, ValueKind]:
    """Return the attributes of that element that hold an address, each with its kind."""
    return _KINDS.get(name, _GENERIC)


def navigating_attributes() -> Mapping[str, ValueKind]:
    """Return the same for a form or button that a rule names."""
    return _NAVIGATING


def unfetched_attributes() -> Mapping[str, ValueKind]:
    """Return the same for a link that fetches nothing, or an input that is no image."""
    return _NOT_FETCHING
