"""Patterns for tags in common spelling that load one absolute address.

Element and host decide about most of them (`judge_by_host` of tags/start_tag.py).
"""

from __future__ import annotations

import re

from proxy.filter.rules.interests import Interests
from proxy.filter.rules.scan.common_tags import CLOSE, CODE_TYPES, GAP, CommonTags
from proxy.filter.syntax.fetching_attributes import LOADING_ATTRIBUTES

_LOADS = {"img": "src", "source": "src", "iframe": "src", "script": "src", "link": "href"}
_LOADING = {"srcdoc"} | {attribute for name in _LOADS for attribute in LOADING_ATTRIBUTES[name]}
_HOST = rb"(?:https?:)?//(?P<host%s>[a-z0-9-]+(?:\.[a-z0-9-]+)++)(?=[/?#%q])"
_PLAIN = rb"[^%q&\\\t\n\r]"  # browsers read the others as a slash or drop them: a rule's word may hide there
_REST = (
    _PLAIN
    + rb"{0,10000}+(?:&(?:amp;|#0?38;|[a-zA-Z][a-zA-Z0-9]*+=|(?![a-zA-Z#]))"
    + _PLAIN
    + rb"{0,500}+){0,100}+"
)
_TYPE_ATTRIBUTES = {
    "script": ("type", rb"(?P<type%s>type)=(?:\"" + CODE_TYPES + rb"\"|'" + CODE_TYPES + rb"')"),
    "link": ("rel", rb"rel=(?:\"(?P<rel%s>[^\"&]*+)\"|'(?P<rel_%s>[^'&]*+)')"),
}
"""Attributes that decide what the tag is, captured before the address (1) or after it (2)."""


def host_tag_patterns(interests: Interests) -> dict[bytes, re.Pattern[bytes]]:
    """Return the patterns by the first two letters of a tag.

    They capture where the address attribute begins, its host, and _TYPE_ATTRIBUTES.
    """
    found = {}
    common = CommonTags(interests, None)
    for name, address_name in _LOADS.items():
        extra, form = _TYPE_ATTRIBUTES.get(name, ("", b""))
        if name in interests.elements or not interests.attributes.isdisjoint({address_name, extra}):
            continue
        before, behind = (
            common.loop(_LOADING | {extra} - {""}, [form.replace(b"%s", side)] if extra else [])
            for side in (b"1", b"2")
        )
        value = rb"(?:\"" + _address(rb"\"", b"1") + rb"\"|'" + _address(rb"'", b"2") + rb"')"
        address = rb"(?P<asks>" + address_name.encode() + rb")=" + value
        found[name[:2].encode()] = re.compile(
            rb"<" + name.encode() + before + GAP + address + behind + CLOSE + rb"\Z"
        )
    return found


def _address(quote: bytes, side: bytes) -> bytes:
    return (_HOST + _REST).replace(b"%q", quote).replace(b"%s", side)
