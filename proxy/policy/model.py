"""The policy as frozen dataclasses: the nouns of rules.yaml, without behaviour of their own.

Every rule knows its Place, so that every verdict can name the line that made it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from proxy.policy.actions import Action
from proxy.policy.stand_ins import StandIn
from proxy.problems import Place

NECESSARY = "necessary"
"""Id of the purpose that needs no consent and has no switch."""

OWN = "self"
"""Written in `from:`, stands for the site's own hosts."""

DAY = 86_400


class Basis(Enum):
    """Legal basis of a purpose (GDPR art. 6), in the policy's words."""

    LEGITIMATE_INTEREST = "legitimate interest"
    CONSENT = "consent"
    EXEMPT = "exempt"  # audience measurement under the CNIL's conditions: on, with a switch to object


class Undeclared(Enum):
    """What happens to what no rule declares."""

    PRESUME = "presume"  # cookies: necessary until somebody has looked, within limits
    DROP = "drop"
    HOLD = "hold"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a cookie may live: `text` as published, `seconds` None for a session.

    A month counts 30 days from the nearest whole year of 365 days (6 months = 180 days,
    11 months = 335, 13 months = 395), never longer than the calendar's own.
    """

    text: str
    seconds: int | None

    @property
    def slides(self) -> bool:
        """Inactivity by nature: lives of a day or less start anew at each renewal."""
        return self.seconds is not None and self.seconds <= DAY


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why something is stored or loaded. Its label and sentence are in banner/languages."""

    id: str
    basis: Basis
    place: Place
    was: tuple[str, ...] = ()  # ids it had before: who answered then is not asked again
    signals: tuple[str, ...] = ()  # what providers are told by it: signals.py


@dataclass(frozen=True, slots=True)
class CookieRule:
    """One row of the cookie table. `names` are literals or globs with `*`, case-sensitive.

    A domain with a leading dot covers that domain and its subdomains; without, that host.
    """

    provider: str
    names: tuple[str, ...]
    domains: tuple[str, ...]
    purpose: str
    lasts: Duration
    why: str
    place: Place
    note: str | None = None  # what the published table adds to the category in brackets
    unpublished: str | None = None  # why this row is not in the published table (yet)
    by_scripts: bool = False  # of a platform: its scripts write it, too


@dataclass(frozen=True, slots=True)
class InlineText:
    """Literal words in an inline script: every one of `all`, and one of `any` if there are."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagRule:
    """An element that may run only for its purposes. Conditions given are all required.

    `hosts` are hosts (subdomains included), globs within a label (`track*.hubspot.com`)
    or OWN; `paths` globs over path plus query; `elements`, `ids`, `classes` alternatives (ids and
    classes may be globs); `attributes` pairs (name, glob of value or None for any value).
    """

    provider: str
    purposes: tuple[str, ...]
    place: Place
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str | None], ...] = ()
    text: InlineText | None = None
    do: Action = Action.HOLD
    with_: str = "link"  # the placeholder: link | nothing
    link: str | None = None  # the provider's external page, where the tag itself names none
    stand_in: str | StandIn | None = None  # a name of STAND_INS, or the author's own
    fenced: bool = True  # no: its author knows that the fence is open there, since others need the host


@dataclass(frozen=True, slots=True)
class RequestRule:
    """First-party collection addresses: refused requests get 204 and go nowhere (T31)."""

    provider: str
    paths: tuple[str, ...]
    hosts: tuple[str, ...]  # empty: every host of the site
    purposes: tuple[str, ...]
    place: Place
    replies: tuple[tuple[str, ...], ...] = ()  # its scripts begin with all words of a group


@dataclass(frozen=True, slots=True)
class StorageRule:
    """localStorage / sessionStorage keys (globs) that need a purpose."""

    provider: str
    keys: tuple[str, ...]
    purpose: str
    place: Place


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """Response headers removed unless the purpose is granted (T55); no purpose: always."""

    names: tuple[str, ...]
    purpose: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class RelayRule:
    """`relay:` of a provider: the only addresses our form relay may ever fetch (T45)."""

    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    methods: tuple[str, ...]
    max_body: int
    per_minute: int
    pass_on: tuple[str, ...]  # names among Origin, Referer, User-Agent; default none
    place: Place


@dataclass(frozen=True, slots=True)
class Provider:
    """A third party (or the site itself) that stores or loads something."""

    id: str
    name: str
    place: Place
    cookies: tuple[CookieRule, ...] = ()
    tags: tuple[TagRule, ...] = ()
    requests: tuple[RequestRule, ...] = ()
    storage: tuple[StorageRule, ...] = ()
    connect: tuple[str, ...] = ()  # more hosts its code connects to once granted (fence)
    webrtc: tuple[str, ...] = ()  # hosts of its STUN and TURN servers (`connect: stun:host`)
    relay: RelayRule | None = None
    privacy: str | None = None  # address of its privacy notice
    country: str | None = None  # where the recipient is established
    transfers: str | None = None  # safeguards when outside the EU
    enabled: bool = True
    was: tuple[str, ...] = ()  # ids it had before: who answered then is not asked again
    signals: tuple[tuple[str, str | None], ...] = ()  # what is told once that purpose, or all, is granted
    advanced: bool = False  # Consent Mode's advanced mode: its tags load before consent


@dataclass(frozen=True, slots=True)
class NeutralRule:
    """A third party that may load for everyone because it stores nothing."""

    hosts: tuple[str, ...]
    why: str
    place: Place
    transfers: str | None = None  # where its owner sits, and what covers the transfer


@dataclass(frozen=True, slots=True)
class Tracker:
    """A known tracker: names (globs) of the cookies and of the storage it keeps on a site's own hosts."""

    id: str
    name: str
    place: Place
    cookies: tuple[str, ...] = ()
    storage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogueBlock:
    """The file of a known provider, which `use:` takes into the rules: read when it is used."""

    id: str
    file: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is known of names that no rule speaks of: whose they are, and what for.

    Rows of a platform have the domain OWN: they speak of the site's own cookies, whatever its
    hosts are called. `blocks` are the providers that rules.yaml may take by name.
    """

    platforms: tuple[Provider, ...] = ()
    trackers: tuple[Tracker, ...] = ()
    blocks: tuple[CatalogueBlock, ...] = ()

    def block(self, id_: str) -> CatalogueBlock | None:
        """Return the provider's block of that id, or None."""
        return next((one for one in self.blocks if one.id == id_), None)


@dataclass(frozen=True, slots=True)
class Example:
    """A test written in rules.yaml: a subject, and what each visitor gets.

    `kind` is a key of `tests:` (html, cookie, script_cookie, storage, url, request, header); `expect`
    maps a visitor (`refused`, `accepted`, a purpose id or several joined by `+`) to the words of a
    verdict, each with its place.
    """

    it: str
    kind: str
    subject: str
    host: str | None
    expect: tuple[tuple[str, str, Place], ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Policy:
    """All of rules.yaml. `digest` is a short hash of its text (hex), for validators and proofs."""

    version: str
    page: str
    privacy: str
    contact: str
    ask_again_after: Duration
    purposes: tuple[Purpose, ...]
    providers: tuple[Provider, ...]
    undeclared_cookies: Undeclared
    undeclared_tags: Undeclared
    neutral: tuple[NeutralRule, ...]
    headers: tuple[HeaderRule, ...]
    examples: tuple[Example, ...]
    digest: str
    place: Place
    text: str = field(repr=False, default="")  # the file as read, kept for the proofs
    undeclared_cookies_place: Place | None = None  # None: nobody wrote it, the default holds
    undeclared_tags_place: Place | None = None
    presume_until: int | None = None  # seconds since 1970; from then on what was presumed is dropped
    catalogue: Catalogue = Catalogue()
    undeclared_webrtc: Undeclared = Undeclared.KEEP

    def in_force(self, now: int) -> Policy:
        """Return the policy as it is at that moment: past `presume_until` no cookie is presumed necessary."""
        presumes = self.undeclared_cookies is Undeclared.PRESUME
        if not presumes or self.presume_until is None or now < self.presume_until:
            return self
        return replace(self, undeclared_cookies=Undeclared.DROP)

    def purpose(self, id_: str) -> Purpose | None:
        """Return the purpose of that id, or None."""
        return next((p for p in self.purposes if p.id == id_), None)

    def provider(self, id_: str) -> Provider | None:
        """Return the provider of that id, or None."""
        return next((p for p in self.providers if p.id == id_), None)

    def needs_consent(self, purpose: str) -> bool:
        """True when that purpose has a switch: it waits for consent or, exempt, ends with an objection."""
        found = self.purpose(purpose)
        return found is None or found.basis is not Basis.LEGITIMATE_INTEREST

    def is_exempt(self, purpose: str) -> bool:
        """True when that purpose is on until somebody objects."""
        found = self.purpose(purpose)
        return found is not None and found.basis is Basis.EXEMPT
