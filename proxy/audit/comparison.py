"""What is new and what is gone since an earlier report, by what makes two findings the same."""

from __future__ import annotations

import json
from typing import Any

from proxy.errors import ProxyError


class ReportError(ProxyError):
    """An earlier report that cannot be compared with."""


def read_report(text: str) -> dict[str, Any]:
    """Return an earlier report; ReportError where the text is none."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ReportError(f"the earlier report is not JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("findings"), list):
        raise ReportError("the earlier report has no findings: give a file that audit --json wrote")
    return found


def compared(earlier: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return the findings that are new since, and those that are gone."""
    old, new = _by_key(earlier), _by_key(now)
    return {
        "since": earlier.get("date", "an unknown date"),
        "new": [_named(one) for key, one in new.items() if key not in old],
        "gone": [_named(one) for key, one in old.items() if key not in new],
        "same": sum(key in old for key in new),
    }


def _by_key(report: dict[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    return {_key(one): one for one in report["findings"] if isinstance(one, dict)}


def _key(one: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(one.get(name, "")) for name in ("fact", "what", "name", "where"))


def _named(one: dict[str, Any]) -> dict[str, str]:
    return {name: str(one.get(name, "")) for name in ("severity", "fact", "what", "name", "where", "why")}
