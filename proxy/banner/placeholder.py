"""The placeholder that replaces a refused embed, of its size; its wording is in languages/*.yaml.

It names the provider, what they would receive, and the visitor's choices. It consists of
inline elements and has no form, since it may be inside a paragraph or a form. Its links
work without script; offers.js adds "Show it once" and "Always". A relayed form is in it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from proxy.banner.markup import Markup, ascii_bytes, escape, external, fill, joined, when
from proxy.banner.pages.embed_page import frame_markup
from proxy.banner.words import Words
from proxy.filter.cache import Cache
from proxy.filter.patterns import HostGlob
from proxy.filter.rules.judge import Judge, PlaceholderPosition, TagFacts
from proxy.filter.syntax.fetching_attributes import LOADING_ATTRIBUTES, QUOTATIONS, VOID
from proxy.filter.tags.embeds import Embed, EmbedKind, Embeds, Offer
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.tags.start_tag import judge_tag
from proxy.filter.verdict import Verdict
from proxy.policy.actions import Action
from proxy.policy.model import OWN, Policy, Provider
from proxy.policy.scope import Scope

LOW = 90
NARROW = 160
"""Pixels below which no card fits: a button is shown that opens it."""

BUTTON = "display:flex!important;min-height:24px!important;padding:0 8px!important;font-size:.875em!important"
OPEN = (
    "width:min(440px,calc(100% - 32px))!important;padding:20px!important;border-radius:12px!important;"
    "border:1px solid var(--cc-line)!important;background:var(--cc-bg)!important;color:inherit!important"
)
"""Styles of that button and of the card it opens. Not in the style sheet: few pages have one."""

_INLINE = (
    "display:inline-block!important;margin:0!important;padding:0!important;border:0!important;"
    "background:none!important;vertical-align:middle!important"
)

_PIXELS = re.compile(r"\s*([0-9]{1,4})(?:px)?\s*", re.ASCII)
_STYLED = re.compile(r"(?:^|;)\s*(?:min-)?(width|height)\s*:\s*([0-9]{1,4})px", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"\s*([0-9]{1,3}(?:\.[0-9]{1,2})?%)\s*", re.ASCII)
_STYLED_PART = re.compile(
    r"(?:^|;)\s*(?:min-)?height\s*:\s*([0-9]{1,3}(?:\.[0-9]{1,2})?(?:%|rem|[sdl]?v(?:h|w|min|max)))\s*(?:;|!|$)",
    re.ASCII | re.IGNORECASE,
)
_RATIO = re.compile(r"(?:^|;)\s*aspect-ratio\s*:\s*([0-9.]{1,6}(?:\s*/\s*[0-9.]{1,6})?)\s*(?:;|$)", re.ASCII)
_WHOLE = "position:absolute!important;inset:0!important;margin:0!important;overflow:auto!important"
_FILLS = re.compile(r"(?:^|;)\s*position\s*:\s*absolute\s*(?:;|$)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PlaceholderSize:
    """The style of a placeholder; `small`: no card fits; `none`: nothing does."""

    style: str = ""
    small: bool = False
    none: bool = False


ANY_SIZE = PlaceholderSize()


def size_of(facts: TagFacts) -> PlaceholderSize:
    """Return the size of what a tag would have shown."""
    values = facts.values
    known, style = _known(values), values.get("style", "")
    if facts.element not in LOADING_ATTRIBUTES and facts.element not in VOID:
        # It is inside an element that kept its size, or beside one that stays.
        inside = known and facts.element not in QUOTATIONS
        return PlaceholderSize("min-height:100%!important;margin:0!important") if inside else ANY_SIZE
    if any(size < 2 for size in known.values()):
        return PlaceholderSize(none=True)
    if _FILLS.search(style):
        return PlaceholderSize(_WHOLE)
    if known.get("height", LOW) < LOW or known.get("width", NARROW) < NARROW:
        return PlaceholderSize(_least(known), small=True)
    if "height" in known:
        parts = [f"min-height:{known['height']}px!important"]
    elif (ratio := _RATIO.search(style)) is not None:
        parts = [f"aspect-ratio:{ratio[1]}!important"]
    else:
        parts = _part_of(values)
    if known.get("width", 0) >= 240:
        parts.append(f"max-width:{known['width']}px!important")
    return PlaceholderSize(";".join(parts))


def _part_of(values: Mapping[str, str]) -> list[str]:
    """Return the least height of a card instead of what is so high of its box, or of the window."""
    part = _STYLED_PART.search(values.get("style", "")) or _PART.fullmatch(values.get("height", ""))
    if part is None:
        return []
    whole = ["margin:0!important"] if part[1].endswith("%") else []  # with a margin it outgrew its box
    return [f"min-height:{part[1].lower()}!important", *whole]


def _least(known: Mapping[str, int]) -> str:
    known = {name: min(size, NARROW) for name, size in known.items()}
    return ";".join([_INLINE, *(f"min-{name}:{size}px!important" for name, size in sorted(known.items()))])


def _known(values: Mapping[str, str]) -> dict[str, int]:
    """Return width and height in pixels, as attributes or style say."""
    found = {
        name: int(match[1])
        for name in ("width", "height")
        if (match := _PIXELS.fullmatch(values.get(name, "")))
    }
    return found | {name.lower(): int(size) for name, size in _STYLED.findall(values.get("style", ""))}


RELAYED_HEIGHT = 420
"""Pixels of a relayed form until it says how high it is."""

_PAGE = re.compile(r"https://([a-z0-9.-]+)(?::443)?(?:[/?#][^\x00-\x1f]*)?", re.IGNORECASE)
"""An address of a page, without credentials, as every browser reads it."""

_VOWELS = frozenset("AEIOUÉ")


MAX_CACHED = 512
"""Placeholders cached by the tag they replace."""

MAX_CACHED_ADDRESSES = 2048
"""Longest addresses, in characters, with which a placeholder is cached."""

MAX_CACHED_SCRIPT = 4096
"""Longest inline script, in characters, whose placeholder is cached."""


@dataclass(frozen=True, slots=True)
class PlaceholderPlace:
    """What a page lets a placeholder do.

    `offers`: run the injected script; `sized`: carry a style attribute; `once`: show the embed
    itself in a frame; `relays`: contain a relayed form.
    """

    offers: bool = True
    sized: bool = True
    once: bool = True
    relays: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything the bytes of a placeholder depend on."""

    provider: str | None
    needs: tuple[str, ...]
    link: str | None
    offer: Offer
    size: PlaceholderSize
    relays: bool
    offers: bool
    once: bool


class Placeholders:
    """Makes the placeholders of one policy; equal embeds get equal bytes, which are cached."""

    def __init__(self, policy: Policy, scope: Scope, path: str) -> None:
        self._policy = policy
        self._scope = scope
        self._path = path
        self._embeds = Embeds(policy)
        self._known = lru_cache(maxsize=512)(self._make)
        self._cache: Cache[tuple[object, ...], tuple[bytes, Verdict, TagFacts]] = Cache(
            MAX_CACHED, longest=MAX_CACHED_SCRIPT
        )

    def of(
        self, verdict: Verdict, facts: TagFacts, words: Words, place: PlaceholderPlace | None = None
    ) -> bytes:
        """Return the placeholder for the element of that verdict."""
        if facts.with_ == "nothing":
            return b""
        place = place or PlaceholderPlace()
        # repeated tags have identical verdict and facts; both are kept, so their id() stays unique
        key = (id(verdict), id(facts), words.code, place)
        cached = self._cache.get(key)
        if cached is not None:
            return cached[0]
        made = self._all(verdict, facts, words, place)
        self._cache.store(key, (made, verdict, facts), len(facts.text))
        return made

    def _all(self, verdict: Verdict, facts: TagFacts, words: Words, place: PlaceholderPlace) -> bytes:
        size = size_of(facts)
        if size.none:
            return b""
        size = size if place.sized else ANY_SIZE
        offers = self._embeds.offers(verdict.provider, facts)
        made = (self._made(self._wanted(verdict, facts, offer, size, place), words) for offer in offers)
        return b"".join(made)

    def of_tag(self, judge: Judge, tag: str, words: Words, place: PlaceholderPlace) -> bytes:
        """Return what stands in place of an element that came later, by the start tag it has."""
        judged = judge_tag(DocumentContext(judge), tag.encode())
        if judged is None or judged.facts is None or judged.verdict is None:
            return b""
        if judged.position is PlaceholderPosition.NOWHERE:
            return b""
        return self._all(judged.verdict, judged.facts, words, place)

    def one(
        self, embed: Embed, missing: tuple[str, ...], words: Words, place: PlaceholderPlace | None = None
    ) -> bytes:
        """Return the placeholder for an embed that a script of the site wanted to show."""
        place = place or PlaceholderPlace()
        provider = self._policy.provider(embed.provider)
        relays = provider is not None and any(rule.do is Action.RELAY for rule in provider.tags)
        relays = relays and place.relays
        wanted = Wanted(
            embed.provider, missing, embed.page, Offer(embed), ANY_SIZE, relays, offers=True, once=place.once
        )
        return self._made(wanted, words)

    @staticmethod
    def _wanted(
        verdict: Verdict, facts: TagFacts, offer: Offer, size: PlaceholderSize, place: PlaceholderPlace
    ) -> Wanted:
        page = offer.embed.page if offer.embed is not None else None
        link = page if page and facts.element == "script" else facts.link or page
        shown = offer if place.offers else Offer()
        relays = facts.relays and place.relays
        return Wanted(verdict.provider, verdict.needs, link, shown, size, relays, place.offers, place.once)

    def _make(self, wanted: Wanted, words: Words) -> bytes:
        provider = self._policy.provider(wanted.provider) if wanted.provider else None
        if provider is None or not provider.enabled:  # a disabled provider cannot be agreed to
            link = external(wanted.link or "")
            return ascii_bytes(_plain(link)) if link else b""
        target, size = wanted.offer.target, wanted.size
        title, relayed = titled(provider.name, words), self._is_relayed(wanted, provider)
        slots = {
            "lang": words.code,
            "dir": words.direction,
            "title": title,
            "card": self._card(wanted, provider, title, words),
        }
        at = when(target, Markup(f' data-cc-at="{escape(target)}"'))
        style = when(size.style and not relayed, Markup(f' style="{escape(size.style)}"'))
        more = Markup(at + style)
        if relayed or not size.small:
            return ascii_bytes(fill("placeholder", **slots, more=more))
        slots |= {"name": provider.name, "button": BUTTON, "open": OPEN}
        id_ = f"cc-{zlib.crc32(repr(wanted).encode()):08x}"
        return ascii_bytes(fill("placeholder_small", **slots, more=more, id=id_))

    def _made(self, wanted: Wanted, words: Words) -> bytes:
        """Return the placeholder, cached unless it names long addresses: anybody may ask for an offer."""
        is_long = len(wanted.link or "") + len(str(wanted.offer)) > MAX_CACHED_ADDRESSES
        return self._make(wanted, words) if is_long else self._known(wanted, words)

    @staticmethod
    def _is_relayed(wanted: Wanted, provider: Provider) -> bool:
        embed, relay = wanted.offer.embed, provider.relay
        return wanted.relays and embed is not None and relay is not None and embed.is_relayed(relay)

    def _card(self, wanted: Wanted, provider: Provider, title: str, words: Words) -> Markup:
        """Return the card: the provider, what they would receive, and the choices."""
        asked = [purpose for purpose in wanted.needs if purpose in self._scope.purposes]
        labels = words.listed(words.purpose(purpose, "label") for purpose in asked)
        relayed, embed = self._is_relayed(wanted, provider), wanted.offer.embed
        others = words.listed(self._other_providers(asked, provider))
        covered = words.say("placeholder.covers", purposes=labels, providers=others)
        return fill(
            "placeholder_card",
            title=title,
            frame=self._frame(embed, title, words) if relayed and embed else "",
            text=self._text(provider, asked, words, relayed=relayed),
            covers=when(others, Markup(f"<i>{covered}</i>")),
            choices=joined(self._choices(wanted, provider, asked, words)),
        )

    def _choices(self, wanted: Wanted, provider: Provider, asked: list[str], words: Words) -> list[Markup]:
        """Return the choices: show it once, as a button, where that can be; open it; always allow it."""
        offer, link = wanted.offer, external(wanted.link or "") or ""
        choices = []
        if asked and self._shows_once(wanted, provider):
            shown = str(offer.embed) if offer.embed is not None else EmbedKind.QUOTE.value
            choices.append(_once(provider.id, shown, words.say("placeholder.once")))
        if is_page_of(provider, link):
            choices.append(_way(link, words.say("placeholder.open", provider=provider.name)))
        if not asked:
            return choices
        labels = words.listed(words.purpose(purpose, "label") for purpose in asked)
        text = words.say("placeholder.always", purposes=labels)
        return [*choices, self._always(provider, asked, text, offers=wanted.offers)]

    def _shows_once(self, wanted: Wanted, provider: Provider) -> bool:
        shows = wanted.once and (wanted.offer.embed is not None or wanted.offer.quoted)
        return shows and not self._is_relayed(wanted, provider)

    def _text(self, provider: Provider, asked: list[str], words: Words, *, relayed: bool) -> Markup:
        """Return the sentence on who would receive what."""
        if relayed:
            return words.say("placeholder.relayed", provider=provider.name)
        stores = any(row.purpose in asked for row in provider.cookies)
        labels = words.listed(words.purpose(purpose, "label") for purpose in asked)
        key = "placeholder.text" if stores else "placeholder.text_no_cookie"
        return words.say(key, provider=provider.name, purposes=labels)

    def _frame(self, embed: Embed, title: str, words: Words) -> Markup:
        slots = {"provider": embed.provider, "embed": str(embed), "language": words.code}
        return frame_markup(f"{self._path}form?{urlencode(slots)}", title, RELAYED_HEIGHT)

    def _other_providers(self, asked: list[str], provider: Provider) -> list[str]:
        """Return the other providers that agreeing to these purposes allows."""
        ids = {pair.provider for pair in self._scope.pairs if pair.purpose in asked}
        return [p.name for p in self._policy.providers if p.id in ids and p is not provider]

    def _always(self, provider: Provider, asked: list[str], text: Markup, *, offers: bool) -> Markup:
        """Return the link to agree in the panel, with script in one click."""
        address = escape(f"{self._path}#cc-p-{asked[0]}")
        if not offers:  # in a framed page: the panel must not be framed
            return _way(address, text)
        return Markup(
            f'<a href="{address}" data-cc-always="{escape(" ".join(asked))}"'
            f' data-cc-provider="{escape(provider.id)}">{text}</a>'
        )


def is_page_of(provider: Provider, address: str) -> bool:
    """True for an https address on a host that the provider's rules name: what "Open NAME" may lead to."""
    found = _PAGE.fullmatch(address)
    if found is None:
        return False
    host = found[1].lower()
    return any(HostGlob.of(named).matches(host) for named in _hosts(provider))


def _hosts(provider: Provider) -> Iterator[str]:
    """Give the hosts that a provider's rules name, those of the pages that their author links among them."""
    for rule in provider.tags:
        yield from (host for host in rule.hosts if host != OWN)
        page = _PAGE.match(rule.link) if rule.link else None
        if page is not None:
            yield page[1]


def titled(name: str, words: Words) -> Markup:
    """Return the name of a placeholder; some languages contract the word before a vowel."""
    key = "placeholder.title_elided" if name[:1].upper() in _VOWELS else "placeholder.title"
    return words.say(key, provider=name)


def _once(provider: str, shown: str, text: Markup) -> Markup:
    return Markup(
        f'<button class="s" type="button" data-cc-once="{escape(shown)}"'
        f' data-cc-provider="{escape(provider)}">{text}</button>'
    )


def _way(address: str, text: Markup) -> Markup:
    """Return a link that tells the provider nothing of this page."""
    return Markup(f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{text}</a>')


def _plain(address: str) -> Markup:
    return Markup(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(address)}</a>'
    )
