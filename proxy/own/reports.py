"""What browsers report of our fence and our guard: counted, never kept, never believed.

A report is a visitor's input: only its hosts and cookie names are looked at, to find the
provider that rules.yaml names for them. Nothing else of it goes anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from proxy.filter.headers.cookies import CookieRules
from proxy.filter.patterns import Glob
from proxy.filter.rules.judge import Rules
from proxy.policy.model import CookieRule

MOST = 50
"""Reports looked at in one body; browsers batch a few."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One thing counted: by fence or guard, and whose it was (`undeclared` where no rule knows)."""

    kind: str
    provider: str
    name: str = ""  # of a cookie, without what looks like an id


def read_reports(body: bytes, rules: Rules, cookies: CookieRules) -> list[Reported]:
    """Return what a body of reports says; what cannot be read says nothing."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return []
    parts = said if isinstance(said, list) else [said]
    return [found for part in parts[:MOST] if isinstance(part, dict) for found in _one(part, rules, cookies)]


def _one(part: dict[str, Any], rules: Rules, cookies: CookieRules) -> Iterable[Reported]:
    """Yield what one report says: CSP level 2, the Reporting API, or our guard's own counts."""
    if isinstance(old := part.get("csp-report"), dict):
        yield Reported("fence", _provider(old.get("blocked-uri"), rules))
    elif part.get("type") == "csp-violation" and isinstance(body := part.get("body"), dict):
        yield Reported("fence", _provider(body.get("blockedURL"), rules))
    elif isinstance(names := part.get("cookies"), dict):
        for name in list(names)[:MOST]:
            row = next((row for row in cookies.rows if _names(row, name)), None)
            yield Reported("guard", row.provider if row is not None else "undeclared", _calm(name))


def _names(row: CookieRule, name: str) -> bool:
    return any(Glob.of(glob).matches(name) for glob in row.names)


def _calm(name: str) -> str:
    """Return a cookie's name as it may be written down: short, and what looks like an id left out."""
    return _ODD.sub("?", _ID.sub("*", name[:64]))


_ID = re.compile(r"[0-9a-f-]{8,}|[0-9]{4,}", re.IGNORECASE)
_ODD = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]")


def _provider(address: object, rules: Rules) -> str:
    """Return whose an address is: a provider's id, or `undeclared`, `inline`, `own`."""
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
