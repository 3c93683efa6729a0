"""What browsers report of our fence and our guard: counted, never kept, never believed.

A report is a visitor's input: only its host is looked at, and only to find the provider
that rules.yaml names for it. Nothing else of it goes anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from proxy.filter.matching import Rules

MOST = 50
"""Reports looked at in one body; browsers batch a few."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One thing counted: by fence or guard, and whose it was (`undeclared` where no rule knows)."""

    kind: str
    provider: str


def read_reports(body: bytes, rules: Rules) -> list[Reported]:
    """Return what a body of reports says; what cannot be read says nothing."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return []
    parts = said if isinstance(said, list) else [said]
    return [found for part in parts[:MOST] if isinstance(part, dict) for found in _one(part, rules)]


def _one(part: dict[str, Any], rules: Rules) -> Iterable[Reported]:
    """Yield what one report says: CSP level 2, the Reporting API, or our guard's own counts."""
    if isinstance(old := part.get("csp-report"), dict):
        yield Reported("fence", _provider(old.get("blocked-uri"), rules))
    elif part.get("type") == "csp-violation" and isinstance(body := part.get("body"), dict):
        yield Reported("fence", _provider(body.get("blockedURL"), rules))
    elif part.get("type") == "guard":
        kind = "cookie" if part.get("kind") == "cookie" else "storage"
        yield Reported(kind, "undeclared" if part.get("undeclared") else "declared")


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
    matchers = rules.of_host(host)
    return next((m.rule.provider for m in matchers if m.rule.hosts), "undeclared")
