"""Which attributes of which elements make a browser, or a lazy loader, fetch or run something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LAZY = _words(
    """
    data-src data-lazy-src data-rocket-src data-litespeed-src data-cmplz-src data-cfsrc data-original
    data-lazy data-pmdelayedscript data-suppressedsrc data-cookieblock-src data-ezsrc data-cookieconsent-src
    data-perfmatters-src data-wpr-src data-flying-press-src data-lazyload data-bg data-background-image
    """
)
"""Attributes from which lazy loaders copy an address later."""

LAZY_SETS = _words(
    "data-srcset data-lazy-srcset data-rocket-srcset data-litespeed-srcset data-ezsrcset data-bgset"
)

LOADS: dict[str, frozenset[str]] = {
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

SAYS = frozenset({"blockquote"})
"""Elements whose text the site says itself: it stays, and a placeholder stands before it."""

SETS = frozenset({"srcset", "imagesrcset"}) | LAZY_SETS
"""Attributes that hold a list of candidates."""

ANYWHERE = frozenset({"background", "ping"})
"""Attributes that fetch on whatever element they stand."""

NAVIGATING = frozenset({"form", "button"})
"""Elements whose address is where the visitor goes: judged only for rules that name them."""

NAVIGATES = frozenset({"action", "formaction"})

CONTAINER = frozenset({"data-url", "data-src", "data-href"})
"""Where a widget's container names the page it will show."""

FETCHING_LINKS = _words(
    """
    preload preconnect dns-prefetch modulepreload stylesheet icon shortcut apple-touch-icon
    apple-touch-icon-precomposed apple-touch-startup-image mask-icon fluid-icon prefetch prerender
    manifest import subresource compression-dictionary
    """
)
"""`rel` words that make a browser ask the other host; canonical, alternate and the like do not."""

VISITED = (frozenset(LOADS) - {"input", "use"}) | _words(
    "base meta head body style svg math noscript frameset"
)
"""Elements the scanner stops at whatever their attributes are; at an input only where it has an address."""

RAW = _words("script style title textarea xmp iframe noembed noframes noscript plaintext")
"""Elements whose content is text to the HTML parser (noscript: where scripts run)."""

VOID = _words(
    """
    area base basefont bgsound br col embed frame hr image img input keygen link meta param source
    track wbr
    """
)

HEAD_CONTENT = _words(
    "base basefont bgsound link meta noframes noscript script style template title head html"
)
"""Start tags after which the parser is still in the head."""


class Holds(IntEnum):
    """What an attribute holds."""

    ADDRESS = 1  # fetched by the browser, or by a loader
    SET = 2  # candidates, fetched
    LIST = 3  # addresses between spaces, fetched
    NAMED = 4  # an address only a provider's own code looks at
    NAMED_SET = 5


def _generic() -> dict[str, Holds]:
    found = dict.fromkeys(CONTAINER | LAZY, Holds.NAMED)
    found |= dict.fromkeys(SETS, Holds.NAMED_SET)
    return found | {"background": Holds.ADDRESS, "ping": Holds.LIST}


def _of_element(name: str) -> dict[str, Holds]:
    found = _generic() | dict.fromkeys(LAZY | LOADS[name], Holds.ADDRESS)
    return found | dict.fromkeys(SETS, Holds.SET)


_GENERIC = _generic()
_KINDS = {name: _of_element(name) for name in LOADS}
_NOT_FETCHING = {name: holds for name, holds in _GENERIC.items() if name not in SETS}
_NAVIGATING = _GENERIC | dict.fromkeys(NAVIGATES, Holds.NAMED)


def addresses_of(name: str) -> Mapping[str, Holds]:
    """Return which attributes of that element hold an address, and how."""
    return _KINDS.get(name, _GENERIC)


def addresses_of_navigating() -> Mapping[str, Holds]:
    """Return the same for a form or button that a rule names."""
    return _NAVIGATING


def addresses_not_fetched() -> Mapping[str, Holds]:
    """Return the same for a link that fetches nothing, or an input that is no image."""
    return _NOT_FETCHING


_INERT = re.compile(
    r"[a-z]++/(?:[a-z0-9.-]++\+)?+json|text/(?:html|template|x-template|x-jquery-tmpl|ng-template|markdown"
    r"|x-handlebars(?:-template)?+|x-mustache|x-underscore|x-magento-template|x-magento-init|x-component"
    r"|x-tmpl|x-tmpl-mustache|x-kendo-template|vnd\.[a-z.-]++|xml|css|csv)"
    r"|math/[a-z =]++|x-shader/.++",
    re.DOTALL,
)
_RUNS = frozenset({"", "module", "text/javascript", "application/javascript"})


def is_inert(type_: str) -> bool:
    """True when no browser and no known lazy loader runs a script of this type."""
    return type_ not in _RUNS and _INERT.fullmatch(type_.partition(";")[0].rstrip()) is not None


def script_type(values: Mapping[str, str]) -> str:
    """Return the type by which a browser decides what a script is, lower-case."""
    return values.get("type", "").strip().lower()
