"""The configured sites, with everything about them that is compiled once and reused.

What depends only on (site, purposes granted, scheme) is a `Variant`, compiled when first
needed: a request does look-ups, not set-up.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from proxy.banner.render import Renderer
from proxy.banner.words import Languages
from proxy.build_digest import build_digest
from proxy.config.consent_domain import cookie_domain, site_domain
from proxy.config.policies import Policies
from proxy.config.signing_key import load_upstream_key
from proxy.config.types import Config, Mode, ObserveDepth, SiteConfig
from proxy.consent.answer import Answer
from proxy.consent.cookie import ConsentReading, consent_cookie, write_answer
from proxy.consent.decision import Decision
from proxy.consent.upstream_header import UpstreamHeader
from proxy.errors import BadRequest
from proxy.filter.cache import Cache, CacheBudget, PageCache
from proxy.filter.headers.cookies import CookieRules, CookieVerdicts, pairs_of, strip_cookie_header
from proxy.filter.headers.fence import fence
from proxy.filter.headers.judged_headers import refused_headers
from proxy.filter.headers.sweep import expire_elsewhere, sweep
from proxy.filter.headers.upstream_names import UpstreamNames
from proxy.filter.rules.collection_requests import RequestRules, refused_request
from proxy.filter.rules.judge import ForeignCalls, Judge, Rules, compile_rules, judge_for
from proxy.filter.verdict import Verdict
from proxy.http.request import Request
from proxy.http.upstream.upstream_address import UpstreamAddress
from proxy.policy.model import Policy, Undeclared
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair, Scope
from proxy.seen.call_names import unspoken
from proxy.snapshot.consent_lookup import ConsentLookup
from proxy.snapshot.consent_source import source_of
from proxy.snapshot.site_paths import SitePaths
from proxy.telemetry.visitor_network import network_of

VARIANTS = 256
"""Variants cached per site: two purposes make eight, a scope in transition a few more."""

PAGES = 16 << 20
"""Bytes of rewritten pages cached, all sites together: visitors who granted the same share them."""

JUDGED = 32 << 20
"""Bytes of judged tags and texts cached, all sites and grants together: with nonces each tag is new."""


TAGS = 2048
"""Page tags cached: languages and days come from visitors, so they are bounded."""

LONGEST_FACTS = 2048
"""Bytes, as text, of the longest facts whose tag is cached."""


REFUSALS = 4096
"""Request targets whose verdict is cached."""

LONGEST_TARGET = 256
"""Bytes of the longest of them: visitors choose them."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Compiled rules, shared by sites with the same rules, domain and `undeclared` settings."""

    policy: Policy
    own: OwnHosts
    rules: Rules
    renderer: Renderer
    salt: str  # changes with the build and with all of rules and config that pages depend on
    hosts: frozenset[str]  # of all sites with the same rules, whatever their settings
    cache_budget: CacheBudget  # one for all sites
    pages: PageCache  # one for all sites: its keys include the host, and a tag that stands for the rules


@dataclass(slots=True)
class Variant:
    """What is compiled for all visitors of a site who granted the same; immutable."""

    grants: frozenset[Pair]
    judge: Judge
    fence: bytes
    refused_headers: frozenset[bytes]
    cookies: CookieVerdicts  # verdicts on Set-Cookie
    tag: bytes  # stands for build, config, rules and grants in ETags
    granted: str  # every purpose granted to at least one provider, sorted: a list, as JSON for the log


class Site:
    """One site with its compiled rules."""

    def __init__(
        self,
        config: Config,
        site_config: SiteConfig,
        keys: tuple[bytes, ...],
        compiled: Compiled,
        asked_elsewhere: frozenset[Pair] = frozenset(),
    ) -> None:
        self.config = site_config
        self.name = site_config.hosts[0]
        self.mode = site_config.mode
        self.share = site_config.share / 100
        self.observes_pages = site_config.observe is ObserveDepth.PAGE
        self.paths = SitePaths(site_config.paths) if site_config.paths else None
        self.policy = compiled.policy
        self.own = compiled.own
        self.scope: Scope = compiled.renderer.scope
        # what an answer in the cookie may be about: other sites may share it, with rules of their own
        self.known = replace(self.scope, elsewhere=asked_elsewhere - self.scope.pairs)
        self.renderer = compiled.renderer
        self.upstream_host = site_config.upstream_host.encode() if site_config.upstream_host else None
        self.upstream_names = _upstream_names(config, site_config)
        self.cookie, self.cookie_domain = config.consent.cookie, cookie_domain(config, site_config)
        self.cookies = CookieRules(self.policy, config.consent.cookie)
        self.requests = RequestRules(self.policy)
        self.rules: Rules = compiled.rules
        self.foreign_calls = ForeignCalls(unspoken(self.policy))
        self.reports = f"{config.consent.path}reports"
        self.ask_again_after = self.policy.ask_again_after.seconds or 0
        self.pages = compiled.pages
        self.rules_hosts = compiled.hosts
        self._salt = f"{compiled.salt} amp" if site_config.amp else compiled.salt
        self._cache_budget = compiled.cache_budget
        self._places: Cache[str, float] = Cache(TAGS)
        self._tags: Cache[tuple[object, ...], bytes] = Cache(TAGS, longest=LONGEST_FACTS)
        self._refusals: Cache[tuple[str, bytes, frozenset[Pair]], Verdict] = Cache(
            REFUSALS, longest=LONGEST_TARGET
        )
        self._keys = self.keys = keys
        self.upstream_header = _upstream_header(config)
        self._variants: OrderedDict[tuple[frozenset[Pair], bool], Variant] = OrderedDict()
        self.source = source_of(config, self.scope)
        self.consent_lookup = ConsentLookup(
            self.known,
            keys,
            self.cookie,
            lasts=self.ask_again_after,
            source=self.source,
            version=self.policy.version,
        )

    @property
    def observes(self) -> bool:
        """True where the whole site is observed, or switched off."""
        return self.mode is not Mode.ENFORCE

    @property
    def modes(self) -> frozenset[Mode]:
        """Every mode that the site or a part of it has."""
        return frozenset({self.mode, *(path.mode for path in self.config.paths)})

    def mode_for(self, request: Request, decision: Decision) -> Mode:
        """Return how this visitor's requests are treated, before what the site's parts say.

        Where only a share is enforced: whoever has answered, or says no by signal, or may have had their
        cookie withheld, is always in it; else a keyed hash of the network decides, and nothing is stored.
        """
        if self.share >= 1 or self.mode is not Mode.ENFORCE:
            return self.mode
        known = decision.answer is not None or decision.signal or decision.withheld or decision.is_due
        return Mode.ENFORCE if known or self._is_in_share(request.visitor.address) else Mode.OBSERVE

    def _is_in_share(self, address: str) -> bool:
        """True for a network whose place is below the share: whoever is in stays in when it grows."""
        network = network_of(address)
        place = self._places.get(network)
        if place is None:
            digest = hashlib.blake2b(network.encode(), key=self.keys[-1][:64], digest_size=8).digest()
            place = self._places.store(network, int.from_bytes(digest) / 2**64)
        return place < self.share

    def look_up_consent(self, request: Request) -> tuple[ConsentReading, Decision]:
        """Return the reading of the request's consent cookies, and the decision for this request."""
        return self.consent_lookup.look_up(request)

    def decide(self, request: Request, answer: Answer | None) -> Decision:
        """Return the decision for this request, given that answer."""
        return self.consent_lookup.decide(request, answer)

    def cookie_line(self, request: Request, answer: Answer) -> bytes:
        """Return the Set-Cookie value for an answer, with what is left of its life."""
        return consent_cookie(
            self.cookie,
            write_answer(answer, self._keys, self.known),
            domain=self.cookie_domain,
            secure=request.visitor.secure,
            max_age=answer.at + self.ask_again_after - request.now,
        )

    def refused_names(self, request: Request, grants: frozenset[Pair]) -> list[bytes]:
        """Return the names of the request's cookies that these grants refuse."""
        names: list[bytes] = []
        for line in request.fields.get(b"cookie", ()):
            names += strip_cookie_header(self.cookies, line, host=request.host, grants=grants)[1]
        return names

    def expire_doubles(self, request: Request) -> list[bytes]:
        """Return the Set-Cookie values that expire consent cookies of other domains and paths."""
        return expire_elsewhere(
            self.cookie,
            host=request.host,
            path=request.path,
            domain=self.cookie_domain,
            secure=request.visitor.secure,
        )

    def expire_taken_over(self, request: Request) -> list[bytes]:
        """Return the Set-Cookie values that expire another tool's answer, so that it is not taken again."""
        if self.source is None or not self.source.takes_over:
            return []
        names = [
            name.encode("latin-1")
            for line in request.fields.get(b"cookie", ())
            for name, _ in pairs_of(line, self.source.cookies)
        ]
        secure = request.visitor.secure
        return sweep(names, host=request.host, path=b"/", domain=self.own.domain, secure=secure)

    def refusal(self, request: Request, decision: Decision) -> Verdict:
        """Return the verdict on a request for a collection address (`requests:` in rules.yaml)."""
        key = (request.host, request.target, decision.grants)
        found = self._refusals.get(key)
        if found is None:
            found = refused_request(self.requests, request.host, request.target, decision.grants)
            self._refusals.store(key, found, len(request.target))
        return found

    def variant(self, grants: frozenset[Pair], *, secure: bool) -> Variant:
        """Return the variant for these grants."""
        key = (grants, secure)
        found = self._variants.get(key)
        if found is None:
            found = self._variants[key] = self._compile(grants, secure=secure)
            if len(self._variants) > VARIANTS:
                self._variants.popitem(last=False)
        return found

    @cached_property
    def keeps_all(self) -> Judge:
        """A judge that refuses nothing, for pages that are only observed."""
        policy = replace(self.policy, providers=(), headers=(), undeclared_tags=Undeclared.KEEP)
        judge = judge_for(compile_rules(policy, self.own), frozenset())
        judge.only_observes = True
        return judge

    def strictest_fence(self, *, secure: bool) -> bytes:
        """Return the fence of those who granted nothing, for responses that caches hand to everybody."""
        return self.variant(frozenset(), secure=secure).fence

    def tag(self, variant: Variant, facts: tuple[object, ...]) -> bytes:
        """Return the ETag part for pages of this variant and these facts."""
        key = (variant.tag, facts)
        found = self._tags.get(key)
        if found is None:
            text = repr(facts).encode()  # the variant's tag stands for the rest
            found = b"%b.%b" % (variant.tag, hashlib.blake2b(text, digest_size=6).hexdigest().encode())
            self._tags.store(key, found, len(text))
        return found

    def _compile(self, grants: frozenset[Pair], *, secure: bool) -> Variant:
        names = "\n".join(sorted(f"{pair.purpose} {pair.provider}" for pair in grants))
        tag = hashlib.blake2b(f"{self._salt}\n{names}\n{secure}".encode(), digest_size=6).hexdigest()
        policy = fence(self.policy, self.own, grants, secure=secure, report=self.reports)
        refused = refused_headers(self.policy, grants)
        judge = judge_for(self.rules, grants, self._cache_budget)
        judge.calls = self.foreign_calls
        return Variant(
            grants=grants,
            judge=judge,
            fence=policy,
            refused_headers=refused,
            cookies=self.cookies.judged(grants),
            tag=tag.encode(),
            granted=json.dumps(sorted({pair.purpose for pair in grants})),
        )


class Sites:
    """All sites, by host name."""

    def __init__(self, sites: tuple[Site, ...]) -> None:
        self.all = sites
        self._by_host: Mapping[str, Site] = {host: site for site in sites for host in site.config.hosts}

    def match(self, host: str) -> Site:
        """Return the site of that host; BadRequest 421 for hosts that are not configured (threats T37)."""
        site = self._by_host.get(host)
        if site is None:
            raise BadRequest("no site of that name is here", 421)
        return site

    def is_configured(self, host: str) -> bool:
        """True for a configured host: choices are accepted from these only."""
        return host in self._by_host


def _upstream_header(config: Config) -> UpstreamHeader | None:
    name = config.consent.upstream_header
    return UpstreamHeader(name.encode(), load_upstream_key(config)) if name else None


def build_sites(
    config: Config,
    policies: Policies,
    keys: tuple[bytes, ...],
    now: int = 0,
    languages: Languages | None = None,
) -> Sites:
    """Return every site of the config, with its rules compiled as they are in force at that moment.

    The languages are read where none are given.
    """
    languages = languages or _read_languages(config)
    budget, pages = CacheBudget(JUDGED), PageCache(PAGES)
    kinds: dict[tuple[int, Undeclared, Undeclared, str | None], Compiled] = {}
    compiled = []
    for site_config in config.sites:
        rules_of_site = policies.of(site_config)
        policy = _with_undeclared(rules_of_site, site_config).in_force(now)
        own = own_hosts(config, site_config)
        kind = (id(rules_of_site), policy.undeclared_cookies, policy.undeclared_tags, own.domain)
        if kind not in kinds:
            renderer = _renderer(config, policy, own, languages)
            rules, salt = compile_rules(policy, own), _salt(config, policy, own, languages)
            hosts = _hosts_with(config, policies, rules_of_site)
            kinds[kind] = Compiled(policy, own, rules, renderer, salt, hosts, budget, pages)
        compiled.append(kinds[kind])
    return Sites(
        tuple(
            Site(config, site_config, keys, one, _asked_by_sharers(one, compiled))
            for site_config, one in zip(config.sites, compiled, strict=True)
        )
    )


def _asked_by_sharers(site: Compiled, sites: Iterable[Compiled]) -> frozenset[Pair]:
    """Return what is asked by the sites whose answers are in the same cookie."""
    domain = site.own.domain
    shared = (one for one in sites if domain is not None and one.own.domain == domain)
    return frozenset(pair for one in shared for pair in one.renderer.scope.pairs)


def _hosts_with(config: Config, policies: Policies, policy: Policy) -> frozenset[str]:
    """Return the hosts of all sites that have this policy."""
    return frozenset(host for site in config.sites if policies.of(site) is policy for host in site.hosts)


def _read_languages(config: Config) -> Languages:
    from proxy.banner.word_files import load_languages  # noqa: PLC0415 - YAML and Babel: not where we serve

    folder = config.file(config.languages) if config.languages else None
    return load_languages(folder, configured=config.language)


def _renderer(config: Config, policy: Policy, own: OwnHosts, languages: Languages) -> Renderer:
    look, consent = config.banner.look(), config.consent
    return Renderer(policy, languages, look, own=own, path=consent.path, cookie=consent.cookie)


def _salt(config: Config, policy: Policy, own: OwnHosts, languages: Languages) -> str:
    """Return a digest of the configuration and build that pages depend on, the same in every process."""
    consent = config.consent
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
        consent.source,
        config.language,
        [(code, sorted(words.of.items())) for code, words in sorted(languages.all.items())],
        config.banner.look(),
    )
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()


def _upstream_names(config: Config, site_config: SiteConfig) -> UpstreamNames:
    """Return the names by which a site's upstreams may call themselves; a public host is no such name."""
    at = [UpstreamAddress.parse(origin) for origin in site_config.upstream]
    host = site_config.upstream_host
    return UpstreamNames(
        host.lower().encode() if host else None,
        frozenset(address.host.lower().encode() for address in at if address.host not in config.hosts),
        frozenset(b"%d" % address.port for address in at),
        secure=any(address.secure for address in at),
    )


def own_hosts(config: Config, site: SiteConfig) -> OwnHosts:
    """Return the hosts whose files count as the site's own."""
    return OwnHosts(config.hosts | frozenset(config.own), site_domain(config, site))


def _with_undeclared(policy: Policy, site_config: SiteConfig) -> Policy:
    """Return the policy with this site's settings for undeclared cookies and tags."""
    undeclared = site_config.undeclared
    return replace(
        policy,
        undeclared_cookies=Undeclared(undeclared.cookies)
        if undeclared.cookies
        else policy.undeclared_cookies,
        undeclared_cookies_place=None if undeclared.cookies else policy.undeclared_cookies_place,
        undeclared_tags=Undeclared(undeclared.tags) if undeclared.tags else policy.undeclared_tags,
        undeclared_tags_place=None if undeclared.tags else policy.undeclared_tags_place,
    )
