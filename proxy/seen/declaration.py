"""Which rule speaks of a name: a provider, a platform or known tracker of the catalogue, or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from proxy.filter.headers.cookies import CookieRules
from proxy.filter.patterns import Glob
from proxy.filter.rules.judge import Rules
from proxy.policy.hosts import covers
from proxy.policy.model import CookieRule
from proxy.seen.call_names import caller
from proxy.seen.names import Kind
from proxy.seen.sightings import Key


class Whose(Enum):
    """Who speaks of a name."""

    PROVIDER = "provider"  # a rule of rules.yaml
    NEUTRAL = "neutral"
    PLATFORM = "platform"  # of the catalogue: presumed until a rule says so
    TRACKER = "tracker"  # of the catalogue: refused whatever a visitor answers
    OWN = "own"  # a host of the site
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Declaration:
    """Who speaks of a name, and the id of the provider, platform or tracker."""

    whose: Whose
    id: str = ""

    @property
    def by_rules(self) -> bool:
        """True when rules.yaml itself speaks of it."""
        return self.whose in (Whose.PROVIDER, Whose.NEUTRAL, Whose.OWN)


_NOBODY = Declaration(Whose.NOBODY)


def declaration(kind: Kind, name: str, rules: Rules, cookies: CookieRules) -> Declaration:
    """Return who speaks of a name under these rules."""
    match kind:
        case Kind.HOST:
            return _of_host(name, rules)
        case Kind.COOKIE:
            return _of_cookie(name, cookies)
        case Kind.KEY:
            return _of_key(name, cookies)
        case Kind.CALL:
            id_ = caller(name, rules.policy)
            return Declaration(Whose.PROVIDER, id_) if id_ else _NOBODY
        case Kind.PAGE:
            return Declaration(Whose.OWN)


def is_declared(key: Key, rules: Rules, cookies: CookieRules) -> bool:
    """True when rules.yaml speaks of a name."""
    return declaration(key.kind, key.name, rules, cookies).by_rules


def _of_host(host: str, rules: Rules) -> Declaration:
    for matcher in rules.for_host(host):
        if matcher.rule.hosts:
            return Declaration(Whose.PROVIDER, matcher.rule.provider)
    for provider in rules.policy.providers:
        if any(covers(known, host) for known in (*provider.connect, *provider.webrtc)):
            return Declaration(Whose.PROVIDER, provider.id)
    if rules.owns(host):
        return Declaration(Whose.OWN)
    return Declaration(Whose.NEUTRAL) if rules.neutral(host) else _NOBODY


def _of_cookie(name: str, cookies: CookieRules) -> Declaration:
    if name == cookies.consent_cookie:
        return Declaration(Whose.OWN)
    row = cookies.naming(name)
    if row is None:
        return _NOBODY
    return Declaration(_whose_row(row, cookies), row.provider)


def _whose_row(row: CookieRule, cookies: CookieRules) -> Whose:
    if cookies.is_platform(row):
        return Whose.PLATFORM
    return Whose.TRACKER if cookies.is_tracker(row) else Whose.PROVIDER


def _of_key(name: str, cookies: CookieRules) -> Declaration:
    for provider in cookies.policy.providers:
        if any(matches_any(rule.keys, name) for rule in provider.storage):
            return Declaration(Whose.PROVIDER, provider.id)
    for tracker in cookies.policy.catalogue.trackers:
        if matches_any(tracker.storage, name):
            return Declaration(Whose.TRACKER, tracker.id)
    return _NOBODY


def matches_any(globs: Iterable[str], name: str) -> bool:
    """True when one of these patterns matches a name."""
    return any(Glob.of(glob).matches(name) for glob in globs)
