"""The table of cookie rules that the cookie guard in the page enforces, as compact as possible.

The guard runs before all scripts of the page. Its table depends on site and grants only,
so the script is built once for each; the days since which purposes are granted differ by
visitor and are passed in an attribute.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proxy.consent.decision import allows
from proxy.filter.headers.cookies import CONSENT_COOKIE, span_days
from proxy.filter.headers.presumption import tracker_row
from proxy.policy.hosts import covers, glob_covers, registrable
from proxy.policy.model import NECESSARY, OWN, CookieRule, Policy, Undeclared
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair

REFUSED = 0
SESSION = -1
REPORTS = "/.consent/reports"
MAX_LIFETIME = 2**31 - 1
"""Largest integer of the script: 68 years, and browsers cap cookies at 400 days."""

GUARD_SCRIPT = "try{parent.callkomGuard(self)}catch(e){}document.currentScript.remove()"
GUARD_BY_PARENT = f"<script>{GUARD_SCRIPT}</script>"
"""What a srcdoc begins with: its document is guarded before its own scripts run."""

Group = tuple["Key", list[str]]
Row = tuple[str, str, int, int | None]
Key = tuple[str, int, int | None]  # domains ("" for every own host), life, whose day it counts from


@dataclass(frozen=True, slots=True)
class WebrtcServers:
    """The STUN and TURN servers that are refused, and those that somebody declared: hosts, as in `from:`.

    Passkeys use the known ones alone: for one of another domain browsers ask that host, past every policy.
    """

    refused: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    holds_undeclared: bool = False

    @property
    def argument(self) -> str:
        """The same as JavaScript."""
        patterns = ",".join(f"/{_any_host(hosts)}/" for hosts in (self.refused, self.known))
        return f"[{patterns},{int(self.holds_undeclared)}]"


@dataclass(frozen=True, slots=True)
class GuardTable:
    """What guard.js is called with; it says itself what each part means.

    A row is (pattern of names, pattern of domains or "", life, purpose): None where no consent
    is needed, the number of purposes where it is and the life slides, else the purpose's index.
    """

    rows: tuple[Row, ...]
    keeps_undeclared: bool
    keys: str  # names in storage that are refused
    reports: str
    known: str | None = None  # names in storage that rules allow; None where no tracker is known
    webrtc: WebrtcServers = WebrtcServers()
    shipped: tuple[Row, ...] | None = None  # the rows that say what undeclared cookies do not meet anyway

    @property
    def needed(self) -> tuple[Row, ...]:
        """The rows that a script needs."""
        return self.rows if self.shipped is None else self.shipped

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of guard.js that this table needs."""
        trackers = self.known is not None
        needs = {
            "domains": any(domains for _, domains, *_ in self.needed),
            "keys": bool(self.keys),
            "trackers": trackers,
        }
        return tuple(part for part, needed in needs.items() if needed)

    @property
    def cookies(self) -> str:
        """The rows and whether undeclared cookies are kept, as two arguments of JavaScript."""
        return f"[{','.join(map(_row, self.needed))}],{int(self.keeps_undeclared)}"

    @property
    def arguments(self) -> str:
        """The same as arguments of JavaScript that end no script element and no CDATA section."""
        keys = f"/^({self.keys})$/" if self.keys else "0"
        reports, boot = json.dumps(self.reports), json.dumps(GUARD_BY_PARENT)
        text = f"{self.cookies},{keys},{reports},{boot},{self.webrtc.argument}"
        if self.known is not None:
            text += f",/^({self.known or '(?!)'})$/"
        return "".join(f"\\u{ord(c):04x}" if c in "<>&" or not c.isascii() else c for c in text)


def guard_table(
    policy: Policy,
    grants: frozenset[Pair],
    own: OwnHosts,
    *,
    consent_cookie: str = CONSENT_COOKIE,
    reports: str = REPORTS,
) -> GuardTable:
    """Return the guard's table for these grants: the fewest rows that cover own hosts."""
    groups: list[Group] = [(("", REFUSED, None), [consent_cookie])]
    for provider in policy.providers:
        for row in provider.cookies:
            domains = _domains(row, own)
            if domains is not None:
                _add(groups, (domains, *_life(policy, row, grants)), row.names)
    for row in _catalogued(policy):
        life = _life(policy, row, grants)
        if life[0] != REFUSED or policy.undeclared_cookies is Undeclared.KEEP:
            _add(groups, ("", *life), row.names)
    allowed, keys = _storage(policy, grants)
    return GuardTable(
        rows=_rows(groups),
        keeps_undeclared=policy.undeclared_cookies is Undeclared.KEEP,
        keys=keys,
        reports=reports,
        known=allowed,
        webrtc=_webrtc_servers(policy, grants, own),
        shipped=None if policy.undeclared_cookies is Undeclared.KEEP else _rows(_without_refused(groups)),
    )


def _rows(groups: list[Group]) -> tuple[Row, ...]:
    return tuple((_any_of(names), *key) for key, names in groups)


def _catalogued(policy: Policy) -> list[CookieRule]:
    """Return the rows of the catalogue that scripts have to do with.

    What is undeclared is refused to scripts anyway: only a platform's names that its scripts write
    need a row; trackers do where undeclared cookies are kept.
    """
    match policy.undeclared_cookies:
        case Undeclared.PRESUME:
            rows = [row for platform in policy.catalogue.platforms for row in platform.cookies]
            return [row for row in rows if row.by_scripts]
        case Undeclared.KEEP:
            return [tracker_row(tracker) for tracker in policy.catalogue.trackers if tracker.cookies]
        case _:
            return []


def _without_refused(groups: list[Group]) -> list[Group]:
    """Return the groups without refused names that no later one allows: so are undeclared ones."""
    kept: list[Group] = []
    allowed: list[str] = []
    for key, names in reversed(groups):
        if key[1] == REFUSED:
            names = [name for name in names if any(_may_overlap(name, other) for other in allowed)]  # noqa: PLW2901
        else:
            allowed += names
        if names:
            kept.append((key, names))
    return kept[::-1]


def _storage(policy: Policy, grants: frozenset[Pair]) -> tuple[str | None, str]:
    """Return the names in storage that rules allow, and those refused: by rules, or as known trackers'."""
    allowed: list[str] = []
    refused: list[str] = []
    for provider in policy.providers:
        for rule in provider.storage:
            granted = _granted(policy, provider.id, rule.purpose, grants)
            (allowed if granted else refused).extend(rule.keys)
    names = sorted({name for tracker in policy.catalogue.trackers for name in tracker.storage})
    if not names:
        return None, _any_of(refused)
    refused = [name for name in refused if not any(glob_covers(known, name) for known in names)]
    trackers = _prefixes(names)
    if allowed:
        trackers = f"(?!({_any_of(allowed)})$)({trackers})"
    return _any_of(allowed), "|".join(filter(None, (_any_of(refused), trackers)))


def _prefixes(names: list[str]) -> str:
    """Return the same as `_any_of`, shorter: most names of a list are beginnings."""
    beginnings = [name[:-1] for name in names if name.endswith("*") and "*" not in name[:-1]]
    others = [name for name in names if name.rstrip("*") not in beginnings]
    others = [name for name in others if not any(name.startswith(each) for each in beginnings)]
    beginnings = [
        name for name in beginnings if not any(name != o and name.startswith(o) for o in beginnings)
    ]
    return "|".join(filter(None, (f"({_any_of(beginnings)}).*" if beginnings else "", _any_of(others))))


def since_attribute(policy: Policy, since: Mapping[str, int]) -> str:
    """Return the value of the script's `data-since`: the Answer's days, purpose by purpose."""
    return " ".join(str(since.get(purpose.id, "-")) for purpose in policy.purposes)


def _row(row: Row) -> str:
    names, domains, life, purpose = row
    pattern = f"/^({names});" + (f"({domains})$/" if domains else "/")
    return f"[{pattern},{life}]" if purpose is None else f"[{pattern},{life},{purpose}]"


def _life(policy: Policy, row: CookieRule, grants: frozenset[Pair]) -> tuple[int, int | None]:
    if row.by_scripts:  # a platform is part of the site: the purpose alone counts
        granted = not _needs(policy, row.purpose) or any(pair.purpose == row.purpose for pair in grants)
    else:
        granted = _granted(policy, row.provider, row.purpose, grants)
    if not granted:
        return REFUSED, None
    life = SESSION if row.lasts.seconds is None else min(row.lasts.seconds, MAX_LIFETIME)
    if not policy.needs_consent(row.purpose):
        return life, None
    if span_days(row) is None:
        return life, len(policy.purposes)  # needs consent, and counts from no purpose's day
    return life, [purpose.id for purpose in policy.purposes].index(row.purpose)


def _webrtc_servers(policy: Policy, grants: frozenset[Pair], own: OwnHosts) -> WebrtcServers:
    refused: dict[str, None] = {}
    domains = (registrable(host) or host for host in sorted(own.hosts))
    known = dict.fromkeys([*([own.domain] if own.domain else []), *domains])
    for provider in policy.providers:
        stored = {row.purpose for row in provider.cookies} | {row.purpose for row in provider.storage}
        purposes = {purpose for rule in provider.tags for purpose in rule.purposes} or stored
        granted = all(_granted(policy, provider.id, purpose, grants) for purpose in purposes)
        tagged = (host for rule in provider.tags if not rule.paths for host in rule.hosts)  # all of a host
        hosts = (*provider.webrtc, *provider.connect, *tagged)
        (known if granted else refused).update(dict.fromkeys(hosts))
    declared = frozenset(known)
    return WebrtcServers(
        _widest(host for host in refused if host != OWN and host not in declared),
        _widest(host for host in known if host != OWN),
        holds_undeclared=policy.undeclared_webrtc is Undeclared.HOLD,
    )


def _widest(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts without those that another one covers."""
    each = tuple(hosts)
    return tuple(host for host in each if not any(covers(other, host) for other in each if other != host))


def _granted(policy: Policy, provider: str, purpose: str, grants: frozenset[Pair]) -> bool:
    return not _needs(policy, purpose) or allows(grants, provider, (purpose,))


def _needs(policy: Policy, purpose: str) -> bool:
    return purpose != NECESSARY and policy.needs_consent(purpose)


def _domains(row: CookieRule, own: OwnHosts) -> str | None:
    """Return the row's domains among the own hosts as a pattern; "" for all of these, None for none."""
    hosts = [*own.hosts, *([own.domain] if own.domain else [])]
    found = [
        domain
        for domain in row.domains
        if own.owns(domain.removeprefix(".")) or any(_reaches(domain, host) for host in hosts)
    ]
    if own.domain and any(d.startswith(".") and f".{own.domain}".endswith(d) for d in found):
        return ""
    each = (f"(.*\\.)?{_escaped(d[1:])}" if d.startswith(".") else _escaped(d) for d in found)
    return "|".join(each) if found else None


def _reaches(domain: str, host: str) -> bool:
    return domain.removeprefix(".") == host or (domain.startswith(".") and host.endswith(domain))


def _add(groups: list[Group], key: Key, names: tuple[str, ...]) -> None:
    """Add names to a group of that key, where that changes no first match; else to a new one."""
    for name in names:
        if any(not other[0] and name in known for other, known in groups):
            continue  # an earlier row of that very name decides everywhere
        target: list[str] | None = None
        for other, known in reversed(groups):
            if other == key:
                target = known
            elif other[1:] == key[1:] and not key[0]:
                # The same life on fewer hosts: what the new row says anyway need not be said twice.
                known[:] = [each for each in known if not glob_covers(name, each)]
            elif any(_may_overlap(name, each) for each in known):
                break
        if target is None:
            groups.append((key, target := []))
        target.append(name)
    groups[:] = [(key, known) for key, known in groups if known]


def _may_overlap(one: str, other: str) -> bool:
    """True unless no name fits both patterns (said too often rather than too seldom)."""
    if "*" not in one and "*" not in other:
        return one == other
    first, second = one.partition("*")[0], other.partition("*")[0]
    if "*" not in one or "*" not in other:
        literal, prefix = (one, second) if "*" not in one else (other, first)
        return literal.startswith(prefix)
    return first.startswith(second) or second.startswith(first)


def _any_of(globs: list[str]) -> str:
    """Return the globs as alternatives of a regular expression of JavaScript's."""
    wide = [glob for glob in globs if glob.endswith("*")]
    least = (glob for glob in globs if not any(each != glob and glob_covers(each, glob) for each in wide))
    return "|".join(".*".join(map(_escaped, glob.split("*"))) for glob in least)


def _any_host(hosts: tuple[str, ...]) -> str:
    """Return a pattern of these hosts and their subdomains; `*` stays within a label."""
    ends: dict[str, list[str]] = {}
    for host in hosts:
        name, dot, end = host.rpartition(".")
        ends.setdefault(dot + end, []).append("[^.]*".join(map(_escaped, name.split("*"))))
    each = "|".join(
        (f"({'|'.join(names)})" if len(names) > 1 else names[0]) + _escaped(end)
        for end, names in ends.items()
    )
    return rf"^(.*\.)?({each})$" if hosts else "(?!)"


def _escaped(text: str) -> str:
    return re.sub(r"[\\^$.|?+()\[\]{}/]", r"\\\g<0>", text)
