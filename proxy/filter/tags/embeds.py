"""Embeds: the page, form or post of a provider that a placeholder offers once, and the page it links to.

An Embed is parsed from the tag on the site's page and from what a browser sends back.
Either way it must be an address that a rule of that provider replaces, a form whose ids
are letters, digits and dashes, or a post on the hosts of its network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from proxy.filter.patterns import Glob, Matcher
from proxy.filter.rules.judge import Judge, TagFacts
from proxy.filter.syntax.fetching_attributes import WIDGET_ATTRIBUTES
from proxy.filter.syntax.script_calls import SPREAD, ScriptCall, calls
from proxy.filter.syntax.urls import url_of
from proxy.policy.actions import Action
from proxy.policy.hosts import covers
from proxy.policy.model import NECESSARY, OWN, Policy, Provider, RelayRule, TagRule

_LINK: Final = re.compile(r"(?:https?:)?//[^\s'\"<>\\)]+")

_END: Final = re.compile(r"[/?&#]")

_CODE: Final = (".js", ".css")
"""Ends of addresses that are no pages."""

# Begins with what the search can look for; a scheme stands before it.
_LINK_BYTES: Final = re.compile(rb"//[^\s'\"<>\\)]+")


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
    if match is None:
        return None, ""
    at = match.start()
    scheme = (
        b"https:" if body.endswith(b"https:", 0, at) else b"http:" if body.endswith(b"http:", 0, at) else b""
    )
    link = (scheme + match[0]).decode("utf-8", "replace")
    url = url_of(link)
    if url is None:
        return None, ""
    provider = matcher.rule.provider
    named = any(m.rule.provider == provider for m in judge.rules.for_host(url.host))
    if not named:
        return None, ""
    return None if url.path.endswith(_CODE) else link, url.host


MAX_ADDRESS: Final = 2000
"""Longest address, in characters, that is offered."""

_ADDRESS: Final = re.compile(
    r"https://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::443)?((?:[/?][!#-&(-;=?-\[\]_a-z~]*)?)", re.ASCII
)
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_REGION: Final = re.compile(r"[a-z]{2}[0-9]{1,2}", re.ASCII)
_PAGES: Final = ("src", "data", "data-src", "data-lazy-src", "data-url", "data-href")
_FORMS: Final = "hbspt.forms.create"
_MEETINGS: Final = "hbspt.meetings.create"
_WIDGETS: Final = ("Calendly.initInlineWidget", "Calendly.initBadgeWidget")
_TARGETS: Final = ("target", "parentElement")


class EmbedKind(Enum):
    """What an embed shows; the values are the first word of its text form."""

    FRAME = "frame"  # a page of the provider's
    FORM = "form"  # HubSpot's form, made by hbspt.forms.create
    NEW_FORM = "new-form"  # HubSpot's newer form: an element that its script fills
    OPEN_FORM = "open-form"  # the same with plain markup, which HubSpot calls the developer embed
    QUOTE = "quote"  # a quoted post that the network's script turns into a card


BOXES: Final = {EmbedKind.NEW_FORM: "hs-form-frame", EmbedKind.OPEN_FORM: "hs-form-html"}
"""The class of the element that HubSpot's script fills."""

FORMS: Final = frozenset({EmbedKind.FORM, *BOXES})
_FORM_WORDS: Final = frozenset(kind.value for kind in FORMS)


@dataclass(frozen=True, slots=True)
class Network:
    """A social network: the class its script looks for, and the hosts of its posts."""

    box: str
    script: str
    hosts: frozenset[str]
    permalink: str | None = None  # attribute that names the post; None: the last link does


NETWORKS: Final = (
    Network(
        "twitter-tweet",
        "https://platform.twitter.com/widgets.js",
        frozenset({"twitter.com", "www.twitter.com", "mobile.twitter.com", "x.com", "www.x.com"}),
    ),
    Network(
        "instagram-media",
        "https://www.instagram.com/embed.js",
        frozenset({"instagram.com", "www.instagram.com"}),
        "data-instgrm-permalink",
    ),
)


@dataclass(frozen=True, slots=True)
class Embed:
    """One thing that can be shown; `words` are its address, or region, portal and form."""

    provider: str
    needs: tuple[str, ...]  # the purposes its rule asks for
    kind: EmbedKind
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.kind.value, *self.words))

    @property
    def is_form(self) -> bool:
        """True for a form, shown by the provider's script."""
        return self.kind in FORMS

    def is_relayed(self, rule: RelayRule) -> bool:
        """True for a form whose script that relay may fetch."""
        return self.is_form and self.host in rule.hosts

    @property
    def page(self) -> str | None:
        """The provider's page to open instead; None for a form."""
        return None if self.is_form else self.words[0]

    @property
    def network(self) -> Network | None:
        """The network of a post."""
        return _network(self.words[0]) if self.kind is EmbedKind.QUOTE else None

    @property
    def address(self) -> str:
        """The page to frame, or the script that shows the form or the post."""
        if self.kind is EmbedKind.FRAME:
            return self.words[0]
        if (network := self.network) is not None:
            return network.script
        region, portal, _ = self.words
        host = "js.hsforms.net" if region == "na1" else f"js-{region}.hsforms.net"
        names = {EmbedKind.FORM: "v2", EmbedKind.NEW_FORM: portal, EmbedKind.OPEN_FORM: f"developer/{portal}"}
        return f"https://{host}/forms/embed/{names[self.kind]}.js"

    @property
    def host(self) -> str:
        """The host of that address."""
        return self.address.split("/")[2].partition(":")[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """One placeholder: what it can show, if known, and where it goes.

    `target` selects the element that the page's script would have filled; `quoted`: the
    last link of the quotation names the post.
    """

    embed: Embed | None = None
    target: str = ""
    quoted: bool = False


class Embeds:
    """Parses and checks embeds under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def offers(self, provider: str | None, facts: TagFacts) -> tuple[Offer, ...]:
        """Return the placeholders of a replaced tag, in order; none where another tag has it."""
        found = self._policy.provider(provider) if provider else None
        if found is None:
            return (Offer(),)
        if facts.element == "script":
            return self._of_script(found, facts)
        network = next((n for n in NETWORKS if n.box in _classes(facts)), None)
        if network is not None:
            return (self._of_post(found, network, facts),)
        if _waits_for_script(facts):
            return ()
        if form := _form_words(facts):
            return (Offer(self._form(found, *form)),)
        frames = (self._frame(found, page) for page in _pages(facts))
        return (Offer(next((embed for embed in frames if embed is not None), None)),)

    def _of_script(self, provider: Provider, facts: TagFacts) -> tuple[Offer, ...]:
        """Return what each call in a script would have shown, in order."""
        made = calls(facts.text, (_FORMS, _MEETINGS, *_WIDGETS))
        if not made:
            return (Offer(self._frame(provider, facts.link) if facts.link and facts.text else None),)
        offers = []
        for call in made:
            target = next((call.literals[name] for name in _TARGETS if name in call.literals), call.first)
            if call.name == _FORMS:
                offers.append(Offer(self._form(provider, EmbedKind.FORM, _ids(call)), target))
                continue
            page = call.literals.get("url", "") or (facts.link if len(made) == 1 else None) or ""
            if page or call.name != _MEETINGS:
                offers.append(Offer(self._frame(provider, page), target))
            # A call without an address fills elements that name it, and have their own offer.
        return tuple(offers)

    def _of_post(self, provider: Provider, network: Network, facts: TagFacts) -> Offer:
        if network.permalink is None:
            return Offer(quoted=True)
        return Offer(self._quote(provider, facts.values.get(network.permalink, "")))

    def of_address(self, address: str) -> Embed | None:
        """Return the embed of an address that a script framed, of any provider."""
        return self.of_any_provider(f"{EmbedKind.FRAME.value} {address}")

    def of_any_provider(self, text: str) -> Embed | None:
        """Return the embed of a text that a script sent, of any provider."""
        ids = (provider.id for provider in self._policy.providers if provider.enabled)
        return next((embed for id_ in ids if (embed := self.read(id_, text)) is not None), None)

    def read(self, provider: str, text: str) -> Embed | None:
        """Return the embed that a browser sent as text, or None if it is never offered."""
        found = self._policy.provider(provider)
        kind, *words = text.split(" ")
        if found is None or not found.enabled or not words:
            return None
        if kind == EmbedKind.FRAME.value and len(words) == 1:
            return self._frame(found, words[0])
        if kind == EmbedKind.QUOTE.value and len(words) == 1:
            return self._quote(found, words[0])
        if kind in _FORM_WORDS and len(words) == 3:
            return self._form(found, EmbedKind(kind), (words[0], words[1], words[2]))
        return None

    def _frame(self, provider: Provider, address: str) -> Embed | None:
        address = "https:" + address if address.startswith("//") else address
        match = _ADDRESS.fullmatch(address) if len(address) <= MAX_ADDRESS else None
        if match is None:
            return None
        for rule in provider.tags:
            if _replaces_frames(rule) and _means(rule, match[1]) and _reaches(rule, match[2] or "/"):
                return Embed(provider.id, self._needs(rule), EmbedKind.FRAME, (address,))
        return None

    def _form(self, provider: Provider, kind: EmbedKind, words: tuple[str, str, str]) -> Embed | None:
        region, *ids = words
        if not (_REGION.fullmatch(region) and all(_ID.fullmatch(id_) for id_ in ids)):
            return None
        return self._by_script(provider, kind, words)

    def _quote(self, provider: Provider, address: str) -> Embed | None:
        network = _network(address)
        if network is None or not any(_replaces(rule, network.box) for rule in provider.tags):
            return None
        return self._by_script(provider, EmbedKind.QUOTE, (address,))

    def _by_script(self, provider: Provider, kind: EmbedKind, words: tuple[str, ...]) -> Embed | None:
        """Return what a provider's script shows, if a rule of theirs has its host."""
        host = Embed(provider.id, (), kind, words).host
        rule = next((rule for rule in provider.tags if _means(rule, host)), None)
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


def _replaces(rule: TagRule, box: str) -> bool:
    return rule.do is Action.REPLACE and any(Glob.of(glob).matches(box) for glob in rule.classes)


def _network(address: str) -> Network | None:
    """Return the network of the post at that address."""
    match = _ADDRESS.fullmatch(address) if len(address) <= MAX_ADDRESS else None
    return next((n for n in NETWORKS if match and match[1] in n.hosts), None)


def _pages(facts: TagFacts) -> list[str]:
    """Return the addresses of a tag that may be pages, the likeliest first."""
    named = [facts.values[name] for name in _PAGES if facts.values.get(name)]
    return [*named, *([facts.link] if facts.link else [])]


def _classes(facts: TagFacts) -> list[str]:
    return facts.values.get("class", "").split()


def _waits_for_script(facts: TagFacts) -> bool:
    """True for a Calendly element that a call of the page's own script fills."""
    return facts.values.get("data-auto-load") == "false" and not facts.values.get("data-url")


def _ids(call: ScriptCall) -> tuple[str, str, str]:
    """Return region, portal and form of a call."""
    default = "na1" if call.named.isdisjoint({"region", SPREAD}) else ""
    literals = call.literals
    return literals.get("region", default), literals.get("portalId", ""), literals.get("formId", "")


def _form_words(facts: TagFacts) -> tuple[EmbedKind, tuple[str, str, str]] | None:
    """Return the kind and ids of a newer HubSpot form."""
    values, classes = facts.values, _classes(facts)
    kind = next((kind for kind, box in BOXES.items() if box in classes), None)
    if kind is None:
        return None
    region = values.get("data-region", "na1")
    return kind, (region, values.get("data-portal-id", ""), values.get("data-form-id", ""))
