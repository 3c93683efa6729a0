"""What `discover` says of a site: what no rule speaks of, what is presumed, what rules say in vain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.catalogue.shipped import consent_tools
from proxy.filter.headers.cookies import CookieRules
from proxy.filter.rules.judge import Rules
from proxy.policy.hosts import covers
from proxy.policy.model import DAY, Policy, TagRule
from proxy.seen.declaration import Declaration, Whose, declaration
from proxy.seen.names import Kind
from proxy.seen.ownership import Ownership, ownership
from proxy.seen.sightings import Key, Seen

SILENT_AFTER = 30 * DAY
"""Seconds after which a rule that nothing was seen of is named."""

NEW_WITHIN = DAY
"""Seconds for which a name counts as new."""


@dataclass(frozen=True, slots=True)
class SeenName:
    """A name that was seen, and what is known of it."""

    kind: Kind
    name: str
    seen: Seen
    says: Declaration
    whose: Ownership

    @property
    def elements(self) -> list[str]:
        """What loads it, or where it was met."""
        return sorted(self.seen.elements) or sorted(self.seen.sides)


@dataclass(slots=True)
class Discovery:
    """All that is said of one site."""

    site: str
    since: int | None = None
    undeclared: list[SeenName] = field(default_factory=list)
    presumed: list[SeenName] = field(default_factory=list)
    unserved: list[SeenName] = field(default_factory=list)
    unread: list[SeenName] = field(default_factory=list)
    consent_tools: dict[str, list[SeenName]] = field(default_factory=dict)  # others than ours, by their id
    silent: list[tuple[str, int | None]] = field(default_factory=list)  # providers, last seen
    silent_neutral: list[tuple[str, int | None]] = field(default_factory=list)  # hosts, last seen

    def by_owner(self) -> dict[str, list[SeenName]]:
        """Return what is undeclared by its owner; what nobody knows comes last."""
        found: dict[str, list[SeenName]] = {}
        for one in sorted(self.undeclared, key=lambda one: (not one.whose.is_known, one.whose.owner.lower())):
            found.setdefault(one.whose.owner, []).append(one)
        return found


def discover(
    site: str,
    names: Mapping[Key, Seen],
    rules: Rules,
    cookies: CookieRules,
    *,
    now: int,
    sees_allowed: bool = False,
) -> Discovery:
    """Return what was seen on a site, sorted by what its rules say of it.

    `sees_allowed`: browsers report also what breaks no rule; elsewhere nobody sees what loads for everyone.
    """
    found = Discovery(site)
    last: dict[str, int] = {}
    for key, seen in names.items():
        if key.site != site:
            continue
        found.since = seen.first if found.since is None else min(found.since, seen.first)
        says = declaration(key.kind, key.name, rules, cookies)
        if says.whose is Whose.PROVIDER:
            last[says.id] = max(last.get(says.id, 0), seen.last)
        _sort(found, key, seen, says, rules=rules, cookies=cookies)
    if found.since is not None and now - found.since >= SILENT_AFTER:
        found.silent = _silent(rules.policy, last, now, sees_allowed=sees_allowed)
        if sees_allowed:
            found.silent_neutral = _silent_neutral(rules.policy, site, names, now)
    return found


def _sort(
    found: Discovery, key: Key, seen: Seen, says: Declaration, *, rules: Rules, cookies: CookieRules
) -> None:
    one = SeenName(key.kind, key.name, seen, says, ownership(key.kind, key.name, seen.setters))
    tool = says.id if says.whose is Whose.PROVIDER else one.whose.catalogue
    if tool in consent_tools():
        found.consent_tools.setdefault(tool, []).append(one)
    if key.kind is Kind.PAGE:
        found.unread.append(one)
    elif key.kind is Kind.HOST and says.whose is Whose.OWN:
        if key.name not in rules.own.hosts:
            found.unserved.append(one)
    elif says.whose is Whose.PLATFORM or (says.whose is Whose.NOBODY and _is_presumed(one, cookies)):
        found.presumed.append(one)
    elif not says.by_rules:
        found.undeclared.append(one)


def _is_presumed(one: SeenName, cookies: CookieRules) -> bool:
    """True for a cookie that passes because it looks like a sign-in's."""
    if one.kind is not Kind.COOKIE or not cookies.presumes or cookies.is_claimed(one.name):
        return False
    days = str(one.seen.cookie.get("lasts", "")).partition(" ")
    lasts_long = days[2] == "days" and days[0].isdigit() and int(days[0]) > 31
    return one.seen.cookie.get("httponly") is True and not lasts_long


def _silent(
    policy: Policy, last: Mapping[str, int], now: int, *, sees_allowed: bool
) -> list[tuple[str, int | None]]:
    """Return the providers with something to see of which nothing was seen for 30 days."""
    return [
        (provider.id, last.get(provider.id))
        for provider in policy.providers
        if provider.enabled
        and (provider.cookies or any(sees_allowed or _waits(policy, tag) for tag in provider.tags))
        and now - last.get(provider.id, 0) >= SILENT_AFTER
    ]


def _waits(policy: Policy, tag: TagRule) -> bool:
    """True for a tag that is held from some visitors: one that loads for everyone is in no verdict."""
    return any(policy.needs_consent(one) and not policy.is_exempt(one) for one in tag.purposes)


def _silent_neutral(
    policy: Policy, site: str, names: Mapping[Key, Seen], now: int
) -> list[tuple[str, int | None]]:
    """Return the neutral hosts from which nothing was loaded for 30 days."""
    hosts = [(key.name, seen.last) for key, seen in names.items() if key[:2] == (site, Kind.HOST)]
    neutral = dict.fromkeys(host for rule in policy.neutral for host in rule.hosts)
    last = {one: max((at for host, at in hosts if covers(one, host)), default=None) for one in neutral}
    return [(one, at) for one, at in last.items() if now - (at or 0) >= SILENT_AFTER]


def stops(found: Discovery, *, now: int) -> list[str]:
    """Return why a site should not be enforced yet, a sentence each; none: go."""
    why = [] if found.since is not None else ["nothing was seen yet: observe the site first"]
    dropped = [one.name for one in found.undeclared if _would_be_missed(one)]
    if dropped:
        why.append(_listed("cookies of a session would be dropped", dropped))
    scripts = [one for one in found.undeclared if one.kind is Kind.HOST and _runs(one)]
    if seen := [one.name for one in scripts if one.seen.by_us]:
        why.append(_listed("hosts of scripts and frames that no rule speaks of would be held", seen))
    if reported := [one.name for one in scripts if not one.seen.by_us]:
        why.append(_listed("more, which scripts load as browsers report, would be held", reported))
    if found.unread:
        why.append(_listed("pages could not be read", [one.name for one in found.unread]))
    new = [one.name for one in found.undeclared if now - one.seen.first < NEW_WITHIN]
    if new:
        why.append(_listed("names are new today", new))
    return why


def _would_be_missed(one: SeenName) -> bool:
    """True for a cookie of the server's own that lives as long as a session: a sign-in, a basket."""
    facts = one.seen.cookie
    return (
        one.kind is Kind.COOKIE
        and one.seen.by_us
        and (facts.get("lasts") == "Session" or bool(facts.get("httponly")))
    )


def _runs(one: SeenName) -> bool:
    return not one.seen.elements.isdisjoint(("script", "iframe", "worker"))


def _listed(what: str, names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:5])
    return f"{len(names)} {what}: {shown}{', ...' if len(names) > 5 else ''}"
