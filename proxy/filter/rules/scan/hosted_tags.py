"""Tags in the usual spelling with one address, and that on a host it names, as patterns.

What becomes of most of them is decided by the name of the tag and by that host.
"""

from __future__ import annotations

import re

from proxy.filter.rules.interests import Interests
from proxy.filter.rules.scan.usual_tags import CLOSE, CODE_TYPES, GAP, Usual
from proxy.filter.syntax.fetching_attributes import LOADING_ATTRIBUTES

_LOADS = {"img": "src", "source": "src", "iframe": "src", "script": "src", "link": "href"}
_ASKING = {"srcdoc"} | {attribute for name in _LOADS for attribute in LOADING_ATTRIBUTES[name]}
_HOST = rb"(?:https?:)?//(?P<host%s>[a-z0-9-]+(?:\.[a-z0-9-]+)++)(?=[/?#%q])"
_PLAIN = (
    rb"[^%q&\\\t\n\r]"  # the others browsers read as a slash or not at all: words of rules may hide in them
)
_REST = (
    _PLAIN
    + rb"{0,10000}+(?:&(?:amp;|#0?38;|[a-zA-Z][a-zA-Z0-9]*+=|(?![a-zA-Z#]))"
    + _PLAIN
    + rb"{0,500}+){0,100}+"
)
_TOLD = {
    "script": ("type", rb"(?P<type%s>type)=(?:\"" + CODE_TYPES + rb"\"|'" + CODE_TYPES + rb"')"),
    "link": ("rel", rb"rel=(?:\"(?P<rel%s>[^\"&]*+)\"|'(?P<rel_%s>[^'&]*+)')"),
}
"""Attributes that decide what such a tag is, captured ahead of the address (1) or behind it (2)."""


def hosted(interests: Interests) -> dict[bytes, re.Pattern[bytes]]:
    """Return the patterns by the two letters a tag begins with.

    They capture where the attribute with the address stands, its host, and what `_TOLD` says.
    """
    found = {}
    usual = Usual(interests, None)
    for name, asks in _LOADS.items():
        told, form = _TOLD.get(name, ("", b""))
        if name in interests.elements or not interests.attributes.isdisjoint({asks, told}):
            continue
        before, behind = (
            usual.loop(_ASKING | {told} - {""}, [form.replace(b"%s", side)] if told else [])
            for side in (b"1", b"2")
        )
        value = rb"(?:\"" + _address(rb"\"", b"1") + rb"\"|'" + _address(rb"'", b"2") + rb"')"
        address = rb"(?P<asks>" + asks.encode() + rb")=" + value
        found[name[:2].encode()] = re.compile(
            rb"<" + name.encode() + before + GAP + address + behind + CLOSE + rb"\Z"
        )
    return found


def _address(quote: bytes, side: bytes) -> bytes:
    return (_HOST + _REST).replace(b"%q", quote).replace(b"%s", side)
