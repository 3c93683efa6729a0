"""The sites this proxy stands before, and everything about them that is built once and kept.

What depends only on (site, purposes granted, scheme, language) is made when first needed:
a request does look-ups, not set-up.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from proxy.banner.render import Renderer
from proxy.banner.words import Languages, load_languages
from proxy.build_digest import build_digest
from proxy.config.consent_domain import consent_domain
from proxy.config.types import Config, Mode, SiteConfig
from proxy.consent.answer import Answer
from proxy.consent.cookie import ConsentReading, consent_cookie, write_answer
from proxy.consent.decision import Decision
from proxy.errors import BadRequest
from proxy.filter.body.page_cache import PageCache
from proxy.filter.cache import CacheBudget
from proxy.filter.headers.cookies import CookieRules, CookieVerdicts, strip_cookie_header
from proxy.filter.headers.fence import fence
from proxy.filter.headers.judged import refused_headers
from proxy.filter.headers.sweep import expire_elsewhere
from proxy.filter.rules.collection_requests import RequestRules, refused_request
from proxy.filter.rules.judge import Judge, Rules, compile_rules, judge_for
from proxy.filter.verdict import Verdict
from proxy.http.request import Request
from proxy.policy.model import Policy, Undeclared
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair, Scope
from proxy.snapshot.consent_lookup import ConsentLookup

VARIANTS = 256
"""Grants x schemes kept per site: two purposes make eight, a scope in transition a few more."""

PAGES = 16 << 20
"""Bytes of finished pages remembered, all sites together: most are the same for all who granted the same."""

JUDGED = 32 << 20
"""Bytes of judged tags and texts remembered, all sites and grants together: with nonces each tag is new."""


TAGS = 2048
"""Names of pages kept: languages and days come from visitors, so they are bounded."""

LONGEST_FACTS = 2048
"""Bytes, written out, of facts whose name is kept."""


REFUSALS = 4096
"""Addresses of which is kept whether they only measure."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What sites that treat the undeclared alike share."""

    policy: Policy
    own: OwnHosts
    rules: Rules
    renderer: Renderer
    salt: str  # changes with the build and with all of rules and config that pages depend on
    room: CacheBudget = field(default_factory=lambda: CacheBudget(JUDGED))
    pages: PageCache = field(default_factory=lambda: PageCache(PAGES))  # whose names carry their hosts


@dataclass(slots=True)
class Variant:
    """What holds for all visitors of a site who granted the same: compiled, shared, never changed."""

    grants: frozenset[Pair]
    judge: Judge
    fence: bytes
    refused_headers: frozenset[bytes]
    cookies: CookieVerdicts  # verdicts on Set-Cookie
    tag: bytes  # names build, config, rules and grants in validators
    granted: str  # every purpose granted to at least one provider, sorted: a list, as JSON for the log


class Site:
    """One site, its rules compiled, its servers at hand."""

    def __init__(
        self, config: Config, chosen: SiteConfig, keys: tuple[bytes, ...], compiled: Compiled
    ) -> None:
        self.config = chosen
        self.name = chosen.hosts[0]
        self.observes = chosen.mode is Mode.OBSERVE
        self.policy = compiled.policy
        self.own = compiled.own
        self.scope: Scope = compiled.renderer.scope
        self.renderer = compiled.renderer
        self.upstream_host = chosen.upstream_host.encode() if chosen.upstream_host else None
        self.cookie = config.consent.cookie
        self.cookies = CookieRules(self.policy, config.consent.cookie)
        self.requests = RequestRules(self.policy)
        self.rules: Rules = compiled.rules
        self.reports = f"{config.consent.path}reports"
        self.ask_again_after = self.policy.ask_again_after.seconds or 0
        self.pages = compiled.pages
        self._salt = compiled.salt
        self._room = compiled.room
        self._tags: dict[tuple[object, ...], bytes] = {}
        self._refusals: dict[tuple[str, bytes, frozenset[Pair]], Verdict] = {}
        self._keys = self.keys = keys
        self._variants: OrderedDict[tuple[frozenset[Pair], bool], Variant] = OrderedDict()
        self.answers = ConsentLookup(self.scope, keys, self.cookie, lasts=self.ask_again_after)

    def settle(self, request: Request) -> tuple[ConsentReading, Decision]:
        """Return what the visitor's consent cookies say, and what holds for this request."""
        return self.answers.settle(request)

    def decide(self, request: Request, answer: Answer | None) -> Decision:
        """Return what holds for this request after that answer."""
        return self.answers.decide(request, answer)

    def cookie_line(self, request: Request, answer: Answer) -> bytes:
        """Return the Set-Cookie line that carries an answer for what is left of its life."""
        return consent_cookie(
            self.cookie,
            write_answer(answer, self._keys, self.scope),
            domain=self.own.domain,
            secure=request.visitor.secure,
            max_age=answer.at + self.ask_again_after - request.now,
        )

    def refused_names(self, request: Request, grants: frozenset[Pair]) -> list[bytes]:
        """Return the names of cookies in the request that these grants refuse."""
        names: list[bytes] = []
        for line in request.fields.get(b"cookie", ()):
            names += strip_cookie_header(self.cookies, line, host=request.host, grants=grants)[1]
        return names

    def expire_doubles(self, request: Request) -> list[bytes]:
        """Return the lines that take away consent cookies from wherever ours is not kept."""
        return expire_elsewhere(
            self.cookie,
            host=request.host,
            path=request.path,
            domain=self.own.domain,
            secure=request.visitor.secure,
        )

    def refusal(self, request: Request, decision: Decision) -> Verdict:
        """Return whether this request only measures, and is refused."""
        key = (request.host, request.target, decision.grants)
        found = self._refusals.get(key)
        if found is None:
            found = refused_request(self.requests, request.host, request.target, decision.grants)
            if len(request.target) <= 256:  # targets come from strangers: only so many, only short ones
                if len(self._refusals) >= REFUSALS:
                    self._refusals.clear()
                self._refusals[key] = found
        return found

    def variant(self, grants: frozenset[Pair], *, secure: bool) -> Variant:
        """Return what is compiled for these grants."""
        key = (grants, secure)
        found = self._variants.get(key)
        if found is None:
            found = self._variants[key] = self._compile(grants, secure=secure)
            if len(self._variants) > VARIANTS:
                self._variants.popitem(last=False)
        return found

    def tag(self, variant: Variant, facts: tuple[object, ...]) -> bytes:
        """Return the name of the page that visitors of this variant and with these facts get."""
        key = (variant.tag, facts)
        found = self._tags.get(key)
        if found is None:
            said = repr(facts).encode()  # the variant's own name says the rest
            found = b"%b.%b" % (variant.tag, hashlib.blake2b(said, digest_size=6).hexdigest().encode())
            if len(said) <= LONGEST_FACTS:
                if len(self._tags) >= TAGS:
                    self._tags.clear()
                self._tags[key] = found
        return found

    def _compile(self, grants: frozenset[Pair], *, secure: bool) -> Variant:
        names = "\n".join(sorted(f"{pair.purpose} {pair.provider}" for pair in grants))
        tag = hashlib.blake2b(f"{self._salt}\n{names}\n{secure}".encode(), digest_size=6).hexdigest()
        policy = fence(self.policy, self.own, grants, secure=secure, report=self.reports)
        refused = refused_headers(self.policy, grants)
        return Variant(
            grants=grants,
            judge=judge_for(self.rules, grants, self._room),
            fence=policy,
            refused_headers=refused,
            cookies=self.cookies.judged(grants),
            tag=tag.encode(),
            granted=json.dumps(sorted({pair.purpose for pair in grants})),
        )


class Sites:
    """All sites, by the names visitors ask for."""

    def __init__(self, sites: tuple[Site, ...]) -> None:
        self.all = sites
        self._by_host: Mapping[str, Site] = {host: site for site in sites for host in site.config.hosts}

    def match(self, host: str) -> Site:
        """Return the site of that name; names that nobody configured are refused (threats T37)."""
        site = self._by_host.get(host)
        if site is None:
            raise BadRequest("no site of that name is here", 421)
        return site

    def ours(self, host: str) -> bool:
        """True when a name is configured: only from there a choice is accepted."""
        return host in self._by_host


def build_sites(config: Config, policy: Policy, keys: tuple[bytes, ...]) -> Sites:
    """Return every site of the config, its rules compiled."""
    folder = config.file(config.languages) if config.languages else None
    languages = load_languages(folder, configured=config.language)
    kinds: dict[tuple[Undeclared, Undeclared], Compiled] = {}
    sites = []
    for chosen in config.sites:
        own_policy = _with_undeclared(policy, chosen)
        kind = (own_policy.undeclared_cookies, own_policy.undeclared_tags)
        if kind not in kinds:
            kinds[kind] = _compiled(config, own_policy, languages)
        sites.append(Site(config, chosen, keys, kinds[kind]))
    return Sites(tuple(sites))


def _compiled(config: Config, policy: Policy, languages: Languages) -> Compiled:
    own, look = own_hosts(config), config.banner.look()
    consent = config.consent
    renderer = Renderer(policy, languages, look, own=own, path=consent.path, cookie=consent.cookie)
    return Compiled(policy, own, compile_rules(policy, own), renderer, _salt(config, policy, languages))


def _salt(config: Config, policy: Policy, languages: Languages) -> str:
    """Return a name for all that makes a page, beside its bytes and its visitor.

    Sets are sorted: in which order they come differs from process to process.
    """
    own, consent = own_hosts(config), config.consent
    facts = (
        build_digest(),
        policy.digest,
        policy.undeclared_cookies.value,
        policy.undeclared_tags.value,
        sorted(own.hosts),
        own.domain,
        consent.path,
        consent.cookie,
        consent.stands_for,
        config.language,
        [(code, sorted(words.of.items())) for code, words in sorted(languages.all.items())],
        config.banner.look(),
    )
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def own_hosts(config: Config) -> OwnHosts:
    """Return the hosts that serve the sites' own files."""
    return OwnHosts(config.hosts | frozenset(config.own), consent_domain(config))


def _with_undeclared(policy: Policy, chosen: SiteConfig) -> Policy:
    """Return the policy with what this site says of undeclared cookies and tags."""
    said = chosen.undeclared
    return replace(
        policy,
        undeclared_cookies=Undeclared(said.cookies) if said.cookies else policy.undeclared_cookies,
        undeclared_cookies_place=None if said.cookies else policy.undeclared_cookies_place,
        undeclared_tags=Undeclared(said.tags) if said.tags else policy.undeclared_tags,
        undeclared_tags_place=None if said.tags else policy.undeclared_tags_place,
    )
