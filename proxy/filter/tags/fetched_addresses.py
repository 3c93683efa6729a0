"""Which addresses the tags of some markup make a browser fetch from other hosts, and which rule keeps each.

For people who write rules, not for pages: the markup of a test is small, and read once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from proxy.filter.rules.judge import Judge
from proxy.filter.syntax.attributes import is_inert, script_type, values_of
from proxy.filter.syntax.fetching_attributes import ValueKind
from proxy.filter.syntax.urls import Url, url_of
from proxy.filter.tags.refusal import address_attributes_of, addresses
from proxy.filter.tags.tag_edits import MARK
from proxy.problems import Place

_TEXT: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|(<(?P<name>script|style|textarea|title|xmp)\b[^>]*+>)(.*?)(?=</(?P=name)|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_TAG: Final = re.compile(r"<([a-zA-Z][^\s/>]*+)(?:[^>\"']++|\"[^\"]*+\"|'[^']*+'|[\"'])*+>")
_HINTS: Final = frozenset({"preconnect", "dns-prefetch"})
"""`rel` words that connect without a fetch: no policy stops them, the filter alone does."""


class FetchedAddress(NamedTuple):
    """An address that is fetched, and the rule that keeps it, if one speaks of it."""

    url: Url
    kept: Place | None


def fetched_addresses(markup: str, judge: Judge) -> Iterator[FetchedAddress]:
    """Yield what markup fetches from other hosts after it went through the filter.

    A relative address is the site's own, also under a `<base>`: which hosts it has the config knows.
    """
    for match in _TAG.finditer(_TEXT.sub(r"\1", markup)):
        name = match[1].lower()
        values = values_of(match[0], 1 + len(name))
        if MARK not in values and not _is_silent(name, values):
            yield from _of_tag(name, values, judge)


def _is_silent(name: str, values: Mapping[str, str]) -> bool:
    """True for a script that nobody runs, and for a hint that no policy stops."""
    if name == "script":
        return is_inert(script_type(values))
    return name == "link" and not _HINTS.isdisjoint(values.get("rel", "").lower().split())


def _of_tag(name: str, values: Mapping[str, str], judge: Judge) -> Iterator[FetchedAddress]:
    held = address_attributes_of(judge, name, values)
    others = [*judge.rules.for_element(name, values), *judge.rules.hostless]
    by_element = (m for m in others if not m.by_address and m.matches_tag(name, values))
    about = next(by_element, None)
    for attribute in values.keys() & held.keys():
        kind = held[attribute]
        for address in addresses(attribute, values[attribute], kind):
            url = url_of(address)
            if url is None or not url.host:
                continue
            matcher = judge.match_url(url, name, values, others)
            if matcher is None and kind >= ValueKind.NAMED:
                continue  # the site's own scripts read it: nothing is known of it
            rule = matcher or about
            yield FetchedAddress(url, rule.rule.place if rule else None)
