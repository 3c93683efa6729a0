"""Patterns for tags in common spelling that load one absolute address.

Element and host decide about most of them (`judge_by_host` of tags/start_tag.py).
"""

from __future__ import annotations

import re
from typing import Final

from proxy.filter.rules.interests import Interests
from proxy.filter.rules.scan.common_tags import CLOSE, CODE_TYPES, GAP, CommonTags
from proxy.filter.syntax.fetching_attributes import LOADING_ATTRIBUTES

_LOADS: Final = {"img": "src", "source": "src", "iframe": "src", "script": "src", "link": "href"}
_LOADING: Final = {"srcdoc"} | {attribute for name in _LOADS for attribute in LOADING_ATTRIBUTES[name]}
_PLAIN = rb"[^\"'&\\\t\n\r]"  # browsers read the others as a slash or drop them: a rule's word may hide there
_ADDRESS: Final = (
    rb"(?P<quote>[\"'])(?:https?:)?//(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)++)(?=[/?#\"'])"
    + _PLAIN
    + rb"{0,10000}+(?:&(?:amp;|#0?38;|[a-zA-Z][a-zA-Z0-9]*+=|(?![a-zA-Z#]))"
    + _PLAIN
    + rb"{0,500}+){0,100}+(?P=quote)"
)
_TYPE_ATTRIBUTES: Final = {
    "script": ("type", rb"(?P<type%s>type)=(?:\"" + CODE_TYPES + rb"\"|'" + CODE_TYPES + rb"')"),
    "link": ("rel", rb"rel=(?P<quote%s>[\"'])(?P<rel%s>[^\"'&]*+)(?P=quote%s)"),
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
        address = rb"(?P<asks>" + address_name.encode() + rb")=" + _ADDRESS
        found[name[:2].encode()] = re.compile(
            rb"<" + name.encode() + before + GAP + address + behind + CLOSE + rb"\Z"
        )
    return found
