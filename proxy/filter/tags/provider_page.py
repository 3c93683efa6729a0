"""The link a placeholder offers in place of a held element: a page of the provider's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from proxy.filter.rules.judge import Judge
from proxy.filter.rules.rule_matcher import Matcher
from proxy.filter.syntax.fetching_attributes import WIDGET_ATTRIBUTES
from proxy.filter.syntax.urls import url_of

_LINK = re.compile(r"(?:https?:)?//[^\s'\"<>\\)]+")

_END = re.compile(r"[/?&#]")

_CODE = (".js", ".css")
"""Ends of addresses that are no pages."""

_LINK_BYTES = re.compile(rb"(?:https?:)?//[^\s'\"<>\\)]+")


def link_of(name: str, values: Mapping[str, str], matcher: Matcher | None, address: str | None) -> str | None:
    """Return the page that the rule or the tag names, or None."""
    if matcher is not None and matcher.rule.link:
        return _filled(matcher, address)
    texts = [address or ""]
    if name != "script":
        texts += [v for n, v in values.items() if n in WIDGET_ATTRIBUTES or n.startswith("on")]
    for text in texts:
        match = _LINK.search(text)
        if match is not None:
            return match[0] if match[0].startswith("http") else "https:" + match[0]
    return None


def _filled(matcher: Matcher, address: str | None) -> str | None:
    """Return the rule's page, its `*` filled from the path that matched."""
    link = matcher.rule.link
    if link is None or "*" not in link:
        return link
    url = url_of(address or "")
    for before in (glob.parts[0] for glob in matcher.paths if len(glob.parts) > 1):
        if url is not None and url.path.startswith(before):
            return link.replace("*", _END.split(url.path[len(before) :], maxsplit=1)[0])
    return link.partition("*")[0]


def link_in(judge: Judge, matcher: Matcher, body: bytes) -> tuple[str | None, str]:
    """Return the page and host of the provider that an inline script mentions."""
    match = _LINK_BYTES.search(body)
    link = match[0].decode("utf-8", "replace") if match else ""
    url = url_of(link)
    if url is None:
        return None, ""
    provider = matcher.rule.provider
    named = any(m.rule.provider == provider for m in judge.rules.for_host(url.host))
    if not named:
        return None, ""
    return None if url.path.endswith(_CODE) else link, url.host
