"""Tells what the cookie guard in the page does with a cookie or key that a script writes.

For people who write rules: `explain` and the tests in rules.yaml ask the very table that is sent,
as guard.js reads it.
"""

from __future__ import annotations

import re

from proxy.filter.headers.cookies import CookieRules
from proxy.filter.headers.guard_table import REFUSED, guard_table
from proxy.filter.headers.set_cookie import SetCookie, parse_set_cookie
from proxy.filter.patterns import Glob
from proxy.filter.verdict import Does, Verdict
from proxy.policy.hosts import covers
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair

UNREADABLE = Verdict(Does.DROP, note="no browser stores this from a script")


class GuardCheck:
    """The guard's table of one policy for one set of grants."""

    def __init__(self, policy: Policy, own: OwnHosts, grants: frozenset[Pair], rules: CookieRules) -> None:
        self._policy = policy
        self._rules = rules
        self._table = guard_table(policy, grants, own)

    def cookie(self, line: str, host: str, now: int) -> Verdict:
        """Return the verdict on a line that a script assigns to document.cookie."""
        cookie = parse_set_cookie(line.encode())
        if cookie is None or "httponly" in line.partition(";")[2].lower():
            return UNREADABLE
        lives = cookie.lifetime(now)
        domain = _domain(cookie, host)
        row = self._rules.setting(cookie.sent_as, domain)
        place, provider = (row.place, row.provider) if row else (self._policy.undeclared_cookies_place, None)
        if lives is not None and lives <= 0:
            return Verdict(Does.KEEP, place, provider, note="deletion")
        limit = self._limit(cookie.sent_as, domain)
        if limit is None:
            does = Does.KEEP if self._table.keeps_undeclared else Does.DROP
            return Verdict(does, self._policy.undeclared_cookies_place, note="undeclared")
        if limit == REFUSED:
            return Verdict(Does.DROP, place, provider, (row.purpose,) if row else ())
        if lives is None or row is None or lives <= limit:
            return Verdict(Does.KEEP, place, provider)
        return Verdict(Does.CAP, place, provider, note=f"to {row.lasts.text.removeprefix('up to ')}")

    def _limit(self, name: str, domain: str) -> int | None:
        """Return the life in the first row of the table that fits, or None."""
        for names, domains, life, _ in self._table.rows:
            if re.match(f"(?:{names});" + (f"(?:{domains})$" if domains else ""), f"{name};{domain}"):
                return life
        return None

    def server(self, host: str) -> Verdict:
        """Return the verdict on a STUN or TURN server that a script names."""
        servers = self._table.webrtc
        if any(covers(refused, host) for refused in servers.refused):
            providers = (
                (
                    provider.place,
                    provider.id,
                    tuple(dict.fromkeys(p for tag in provider.tags for p in tag.purposes)),
                )
                for provider in self._policy.providers
                if any(
                    covers(one, host)
                    for one in (
                        *provider.webrtc,
                        *provider.connect,
                        *(one for tag in provider.tags for one in tag.hosts),
                    )
                )
            )
            return Verdict(Does.HOLD, *next(providers))
        if any(covers(known, host) for known in servers.known):
            return Verdict(Does.KEEP, note="declared")
        does = Does.HOLD if servers.holds_undeclared else Does.KEEP
        return Verdict(does, note="undeclared")

    def storage(self, key: str) -> Verdict:
        """Return the verdict on a key of localStorage or sessionStorage, or the name of a database."""
        found = (
            (rule.place, provider.id, rule.purpose)
            for provider in self._policy.providers
            for rule in provider.storage
            if any(Glob.of(glob).matches(key) for glob in rule.keys)
        )
        place, provider, purpose = next(found, (None, None, ""))
        if self._table.keys and re.fullmatch(self._table.keys, key):
            note = "" if place else "known tracker"
            return Verdict(Does.DROP, place, provider, (purpose,) if purpose else (), note)
        return Verdict(Does.KEEP, place, provider, note="" if place else "no rule speaks of it")


def _domain(cookie: SetCookie, host: str) -> str:
    domain = cookie.domain
    return domain if domain is not None and f".{host}".endswith(f".{domain}") else host
