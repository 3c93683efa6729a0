"""Import maps and speculation rules: JSON that a browser acts on.

Of an import map only refused entries are taken out (`null` makes a specifier fail), so
that the site's own modules go on resolving. Speculation rules are held as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from proxy.filter.syntax.urls import url_of

_ENTRY = re.compile(rb"(:\s*)(\"(?:[^\"\\]|\\.)*+\")", re.DOTALL)


def calmed_map(text: bytes, refuses: Callable[[str], bool]) -> bytes:
    """Return an import map in which refused addresses resolve to nothing."""

    def change(match: re.Match[bytes]) -> bytes:
        try:
            address = json.loads(match[2])
        except ValueError:
            return match[0]
        return match[1] + b"null" if refuses(address) else match[0]

    return _ENTRY.sub(change, text)


def speculates_abroad(text: bytes, refuses: Callable[[str], bool]) -> bool:
    """True when speculation rules may load a page that the visitor did not agree to."""
    try:
        rules = json.loads(text)
    except (ValueError, RecursionError):
        return b"//" in text  # browsers ignore what is no JSON; Python reads it almost alike
    try:
        return isinstance(rules, dict) and any(_abroad(rule, refuses) for rule in _listed(rules))
    except RecursionError:
        return True


def _listed(rules: dict[str, Any]) -> list[Any]:
    return [rule for several in rules.values() if isinstance(several, list) for rule in several]


def _abroad(rule: Any, refuses: Callable[[str], bool]) -> bool:
    if not isinstance(rule, dict):
        return False
    urls = rule.get("urls")
    if isinstance(urls, list) and any(isinstance(url, str) and refuses(url) for url in urls):
        return True
    if "where" in rule:
        return not _stays(rule["where"], refuses)
    return rule.get("source") == "document"


def _stays(condition: Any, refuses: Callable[[str], bool]) -> bool:
    """True when a condition can only match links that stay on the site."""
    if not isinstance(condition, dict):
        return False
    if "href_matches" in condition:
        patterns = condition["href_matches"]
        several = patterns if isinstance(patterns, list) else [patterns]
        return all(isinstance(p, str) and not refuses(p) and _is_path(p) for p in several)
    if isinstance(condition.get("and"), list):
        return any(_stays(part, refuses) for part in condition["and"])
    if isinstance(condition.get("or"), list):
        return all(_stays(part, refuses) for part in condition["or"])
    return False


def _is_path(pattern: str) -> bool:
    """True for a URL pattern that fixes the host: a path, or an address without wildcard host."""
    url = url_of(pattern)
    return url is not None and "*" not in url.host and ":" not in url.host
