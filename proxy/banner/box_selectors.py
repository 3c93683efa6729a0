"""Which elements that come into a page later may want an offer, as CSS selectors.

They only narrow: whether such an element gets an offer, and which, its rule says when the
browser asks (own/embed_views.py), with the element's own attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.filter.syntax.fetching_attributes import LOADING_ATTRIBUTES, WIDGET_ATTRIBUTES
from proxy.filter.tags.tag_edits import MARK
from proxy.policy.actions import Action
from proxy.policy.model import NECESSARY, OWN, Policy, TagRule

_HELD = f"[{MARK}][hidden]"
_WORD = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


def box_selector(policy: Policy) -> str:
    """Return the selector of every element that a rule replaces; frames are found where they are refused.

    Held ones, too: their attributes are renamed. Pages are searched for it whenever they change.
    """
    found = [part for rule in _replacing(policy) for part in _of_rule(rule)]
    held = (re.sub(r"\[(?!class|id)", f"[{MARK}-", part) for part in found)
    return ",".join(dict.fromkeys([*found, *held, _HELD]))


def loader_selector(policy: Policy) -> str:
    """Return the selector of held scripts after which such elements may come."""
    needs = dict.fromkeys(
        " ".join(p for p in rule.purposes if p != NECESSARY and policy.needs_consent(p))
        for rule in _replacing(policy)
    )
    return ",".join(f"script[{MARK}={_text(need)}]" for need in needs)


def _replacing(policy: Policy) -> list[TagRule]:
    return [
        rule
        for provider in policy.providers
        if provider.enabled
        for rule in provider.tags
        if rule.do in (Action.REPLACE, Action.RELAY) and not rule.text
    ]


def _of_rule(rule: TagRule) -> Iterator[str]:
    conditions = [
        *(_named("class", "~=", glob) for glob in rule.classes),
        *(_named("id", "=", glob) for glob in rule.ids),
        *(f"[{name}]" for name, _ in rule.attributes if not name.startswith("on")),
    ]
    elements = rule.elements or ("",)
    if not (conditions or rule.classes or rule.ids or rule.attributes):
        elements = tuple(name for name in elements if name not in LOADING_ATTRIBUTES)
        hosts = [host for host in rule.hosts if host != OWN]
        conditions = [_widgets(host) for host in hosts] if hosts else [""] * bool(rule.elements)
    yield from (element + condition for condition in conditions for element in elements)


def _widgets(host: str) -> str:
    """Return how a box is found whose attributes name a page of that host."""
    return f":is({','.join(_named(name, '*=', host) for name in sorted(WIDGET_ATTRIBUTES))})"


def _named(name: str, equals: str, glob: str) -> str:
    """Return how an element of that name is found; a pattern by its longest part."""
    part = max(glob.split("*"), key=len)
    if name == "class" and part == glob and _WORD.fullmatch(part):
        return f".{part}"  # browsers find it three times as fast
    return f"[{name}{equals if part == glob else '*='}{_text(part)}]"


def _text(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "") + "'"
