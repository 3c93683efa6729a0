"""Which attributes of which elements make a browser, or a lazy loader, fetch or run something."""

from __future__ import annotations

import re

LAZY = frozenset(
    "data-src data-lazy-src data-rocket-src data-litespeed-src data-cmplz-src data-cfsrc data-original"
    " data-lazy data-pmdelayedscript data-suppressedsrc data-cookieblock-src data-ezsrc data-cookieconsent-src"
    " data-perfmatters-src data-wpr-src data-flying-press-src data-lazyload data-bg data-background-image".split()
)
"""Attributes from which lazy loaders copy an address later."""

LAZY_SETS = frozenset(
    "data-srcset data-lazy-srcset data-rocket-srcset data-litespeed-srcset data-ezsrcset data-bgset".split()
)

_LOADS = {
    "script": "src href xlink:href",
    "iframe": "src",
    "frame": "src",
    "embed": "src code",
    "portal": "src",
    "fencedframe": "src",
    "applet": "code archive codebase object",
    "object": "data codebase classid archive",
    "img": "src lowsrc dynsrc longdesc-src",
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
}
LOADS: dict[str, frozenset[str]] = {name: frozenset(names.split()) for name, names in _LOADS.items()}
"""Per element the attributes that hold one address each."""

SETS = frozenset({"srcset", "imagesrcset"}) | LAZY_SETS
"""Attributes that hold a list of candidates."""

ANYWHERE = frozenset({"background", "ping"})
"""Attributes that fetch on whatever element they stand."""

NAVIGATING = frozenset({"form", "button"})
"""Elements whose address is where the visitor goes: judged only for rules that name them."""

NAVIGATES = frozenset({"action", "formaction"})

CONTAINER = frozenset({"data-url", "data-src", "data-href"})
"""Where a widget's container names the page it will show."""

FETCHING_LINKS = frozenset(
    "preload preconnect dns-prefetch modulepreload stylesheet icon shortcut apple-touch-icon"
    " apple-touch-icon-precomposed apple-touch-startup-image mask-icon fluid-icon prefetch prerender"
    " manifest import subresource compression-dictionary".split()
)
"""`rel` words that make a browser ask the other host; canonical, alternate and the like do not."""

VISITED = frozenset(LOADS) | frozenset("base meta html head body style svg math noscript".split())
"""Elements the scanner stops at whatever their attributes are."""

RAW = frozenset("script style title textarea xmp iframe noembed noframes noscript plaintext".split())
"""Elements whose content is text to the HTML parser (noscript: where scripts run)."""

VOID = frozenset(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr".split()
)

HEAD_CONTENT = frozenset(
    "base basefont bgsound link meta noframes noscript script style template title head html".split()
)
"""Start tags after which the parser is still in the head."""

_INERT = re.compile(
    r"(?:[a-z]+/(?:[a-z0-9.-]+\+)?json|text/(?:html|template|x-template|x-jquery-tmpl|ng-template|markdown"
    r"|x-handlebars(?:-template)?|x-mustache|x-underscore|x-magento-template|x-magento-init|x-component"
    r"|x-tmpl|x-tmpl-mustache|x-kendo-template|vnd\.[a-z.-]+|xml|css|csv)|math/[a-z; =]+|x-shader/.+)\s*(?:;.*)?$",
    re.DOTALL,
)
_RUNS = frozenset({"", "module", "text/javascript", "application/javascript"})


def is_inert(type_: str) -> bool:
    """True when no browser and no known lazy loader runs a script of this type."""
    return type_ not in _RUNS and _INERT.match(type_) is not None


def script_type(attributes: dict[str, str]) -> str:
    """Return the type by which a browser decides what a script is, lower-case."""
    return attributes.get("type", "").strip().lower()


def loads(name: str) -> frozenset[str]:
    """Return the attributes of that element that hold an address it fetches."""
    return LOADS.get(name, frozenset())
