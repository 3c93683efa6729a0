"""Reports that browsers send about the fence (CSP) and the cookie guard: counted, never stored.

A report is untrusted input: only its hosts and cookie names are read, to find the provider
in rules.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from proxy.filter.headers.cookie_names import without_ids
from proxy.filter.headers.cookies import CookieRules
from proxy.filter.patterns import Glob
from proxy.filter.rules.judge import Rules
from proxy.policy.hosts import covers
from proxy.policy.model import Policy

MAX_REPORTS = 50
"""Reports read in one body; browsers batch a few."""


@dataclass(frozen=True, slots=True)
class BrowserReport:
    """One report: by fence or guard, and the provider (`undeclared` where no rule matches)."""

    kind: str
    provider: str
    name: str = ""  # of a cookie, without what looks like an id


def read_reports(body: bytes, rules: Rules, cookies: CookieRules) -> list[BrowserReport]:
    """Return the reports in a body, [] for one that cannot be parsed."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return []
    parts = parsed if isinstance(parsed, list) else [parsed]
    return [
        found
        for part in parts[:MAX_REPORTS]
        if isinstance(part, dict)
        for found in _parse_report(part, rules, cookies)
    ]


def _parse_report(part: dict[str, Any], rules: Rules, cookies: CookieRules) -> Iterable[BrowserReport]:
    """Yield the reports in one object: CSP level 2, Reporting API, or the guard's own format."""
    if isinstance(old := part.get("csp-report"), dict):
        yield BrowserReport("fence", _provider(old.get("blocked-uri"), rules))
    elif part.get("type") == "csp-violation" and isinstance(body := part.get("body"), dict):
        yield BrowserReport("fence", _provider(body.get("blockedURL"), rules))
    else:
        for name in _names(part.get("cookies")):
            row = next((row for row in cookies.every_row if _matches(row.names, name)), None)
            yield BrowserReport("guard", row.provider if row is not None else "undeclared", without_ids(name))
        for name in _names(part.get("storage")):
            yield BrowserReport("storage", _keeper(cookies.policy, name), without_ids(name))
        for host in _names(part.get("servers")):
            yield BrowserReport("webrtc", _server_provider(cookies.policy, host, rules), host[:253])


def _names(counts: object) -> list[str]:
    return list(counts)[:MAX_REPORTS] if isinstance(counts, dict) else []


def _matches(globs: Iterable[str], name: str) -> bool:
    return any(Glob.of(glob).matches(name) for glob in globs)


def _keeper(policy: Policy, name: str) -> str:
    """Return the provider or known tracker that keeps a name in storage, or `undeclared`."""
    declared = ((provider.id, rule.keys) for provider in policy.providers for rule in provider.storage)
    listed = ((tracker.id, tracker.storage) for tracker in policy.catalogue.trackers)
    return next((id_ for id_, globs in chain(declared, listed) if _matches(globs, name)), "undeclared")


def _server_provider(policy: Policy, host: str, rules: Rules) -> str:
    """Return the provider of a STUN or TURN server, or `undeclared`."""
    declared = (p.id for p in policy.providers if any(covers(known, host) for known in p.webrtc))
    return next(declared, "") or _provider(f"https://{host}", rules)


def _provider(address: object, rules: Rules) -> str:
    """Return the provider of an address, or `undeclared`, `inline`, `own`."""
    if not isinstance(address, str) or len(address) > 8192:
        return "undeclared"
    if "://" not in address:
        return "inline"
    try:
        host = (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return "undeclared"
    if rules.owns(host):
        return "own"
    matchers = rules.for_host(host)
    return next((m.rule.provider for m in matchers if m.rule.hosts), "undeclared")
