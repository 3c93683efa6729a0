"""What a placeholder can show once: a page or a form of the provider's, and nothing else.

An Embed is read twice: from the tag on the site's page, and from what a browser sends
back. Both ways it must be an address that a rule of that provider replaces, or a form with
ids of letters, digits and dashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from proxy.filter.actions import TagFacts
from proxy.filter.patterns import Glob
from proxy.policy.hosts import covers
from proxy.policy.model import NECESSARY, OWN, Action, Policy, Provider, TagRule

LONGEST = 2000
"""Characters of an address; a longer one is not offered."""

_ADDRESS = re.compile(
    r"https://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::443)?((?:[/?][!#-&(-;=?-\[\]_a-z~]*)?)", re.ASCII
)
_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_REGION = re.compile(r"[a-z]{2}[0-9]{1,2}", re.ASCII)
_GIVEN = re.compile(
    r"\b(portalId|formId|region)[\"']?\s*:\s*[\"']?([A-Za-z0-9-]{1,64})(?=[\"'\s,}])", re.ASCII
)
_PAGES = ("src", "data", "data-src", "data-lazy-src", "data-url", "data-href")
_CREATE = "hbspt.forms.create"


class Kind(Enum):
    """What is shown; the values are the first word of an embed as text."""

    FRAME = "frame"  # a page of the provider's
    FORM = "form"  # HubSpot's form, made by hbspt.forms.create
    NEW_FORM = "new-form"  # HubSpot's form of the newer kind: a box that its script fills
    OPEN_FORM = "open-form"  # the same with plain markup, which HubSpot calls the developer embed


BOXES = {Kind.NEW_FORM: "hs-form-frame", Kind.OPEN_FORM: "hs-form-html"}
"""The class of the box that HubSpot's script looks for."""


@dataclass(frozen=True, slots=True)
class Embed:
    """One thing that can be shown: `words` are its address, or region, portal and form."""

    provider: str
    needs: tuple[str, ...]  # the purposes its rule asks for
    kind: Kind
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.kind.value, *self.words))

    @property
    def is_form(self) -> bool:
        """True where the provider's script has to run to show it."""
        return self.kind is not Kind.FRAME

    @property
    def address(self) -> str:
        """The page to frame, or the script that shows the form."""
        if self.kind is Kind.FRAME:
            return self.words[0]
        region, portal, _ = self.words
        host = "js.hsforms.net" if region == "na1" else f"js-{region}.hsforms.net"
        names = {Kind.FORM: "v2", Kind.NEW_FORM: portal, Kind.OPEN_FORM: f"developer/{portal}"}
        return f"https://{host}/forms/embed/{names[self.kind]}.js"

    @property
    def host(self) -> str:
        """The host of that address."""
        return self.address.split("/")[2].partition(":")[0]


class Embeds:
    """What can be shown under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def of(self, provider: str | None, facts: TagFacts) -> Embed | None:
        """Return what a replaced tag would have shown, where it can be shown by itself."""
        found = self._policy.provider(provider) if provider else None
        if found is None:
            return None
        if form := _form_words(facts):
            return self._form(found, *form)
        return next(
            (embed for page in _pages(facts) if (embed := self._frame(found, page)) is not None), None
        )

    def at(self, address: str) -> Embed | None:
        """Return the embed of an address that a script framed, whoever's it is."""
        found = (self._frame(provider, address) for provider in self._policy.providers if provider.enabled)
        return next((embed for embed in found if embed is not None), None)

    def read(self, provider: str, text: str) -> Embed | None:
        """Return the embed that a browser sent as text, or None for anything we would not offer."""
        found = self._policy.provider(provider)
        kind, *words = text.split(" ")
        if found is None or not words:
            return None
        if kind == Kind.FRAME.value and len(words) == 1:
            return self._frame(found, words[0])
        if kind in (Kind.FORM.value, *(box.value for box in BOXES)) and len(words) == 3:
            return self._form(found, Kind(kind), (words[0], words[1], words[2]))
        return None

    def _frame(self, provider: Provider, address: str) -> Embed | None:
        address = "https:" + address if address.startswith("//") else address
        match = _ADDRESS.fullmatch(address) if len(address) <= LONGEST else None
        if match is None:
            return None
        for rule in provider.tags:
            if _replaces_frames(rule) and _means(rule, match[1]) and _reaches(rule, match[2] or "/"):
                return Embed(provider.id, self._needs(rule), Kind.FRAME, (address,))
        return None

    def _form(self, provider: Provider, kind: Kind, words: tuple[str, str, str]) -> Embed | None:
        region, *ids = words
        if not (_REGION.fullmatch(region) and all(_ID.fullmatch(id_) for id_ in ids)):
            return None
        embed = Embed(provider.id, (), kind, words)
        rule = next((rule for rule in provider.tags if _means(rule, embed.host)), None)
        return Embed(provider.id, self._needs(rule), kind, words) if rule is not None else None

    def _needs(self, rule: TagRule) -> tuple[str, ...]:
        return tuple(p for p in rule.purposes if p != NECESSARY and self._policy.needs_consent(p))


def _replaces_frames(rule: TagRule) -> bool:
    """True for a rule that replaces a frame for its address alone."""
    by_element = rule.ids or rule.classes or rule.attributes or rule.text
    frames = not rule.elements or "iframe" in rule.elements
    return rule.do in (Action.REPLACE, Action.RELAY) and frames and not by_element


def _means(rule: TagRule, host: str) -> bool:
    return any(pattern != OWN and covers(pattern, host) for pattern in rule.hosts)


def _reaches(rule: TagRule, path: str) -> bool:
    if not rule.paths:
        return True
    climbs = ".." in path or "%2e" in path.lower()  # a browser would ask for another path
    return not climbs and any(Glob.of(glob).matches(path) for glob in rule.paths)


def _pages(facts: TagFacts) -> list[str]:
    """Return the addresses a tag names that may be pages, the most telling first."""
    if facts.element == "script":
        return [facts.link] if facts.link and facts.text else []
    named = [facts.values[name] for name in _PAGES if facts.values.get(name)]
    return [*named, *([facts.link] if facts.link else [])]


def _form_words(facts: TagFacts) -> tuple[Kind, tuple[str, str, str]] | None:
    """Return which form of HubSpot's a tag stands for."""
    if facts.element == "script":
        if facts.text.count(_CREATE) != 1:
            return None
        given = dict(_GIVEN.findall(facts.text))
        default = "" if "region" in facts.text else "na1"
        return Kind.FORM, (given.get("region", default), given.get("portalId", ""), given.get("formId", ""))
    values = facts.values
    classes = values.get("class", "").split()
    kind = next((kind for kind, box in BOXES.items() if box in classes), None)
    if kind is None:
        return None
    region = values.get("data-region", "na1")
    return kind, (region, values.get("data-portal-id", ""), values.get("data-form-id", ""))
