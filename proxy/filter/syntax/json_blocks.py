"""Import maps and speculation rules: JSON that a browser acts on.

In an import map only refused entries become `null`, which makes their specifier fail:
the site's own modules still resolve. Speculation rules are held as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from proxy.filter.syntax.urls import url_of

MAX_CONDITIONS: Final = 32
"""How deep conditions of speculation rules are followed into one another."""

_ENTRY: Final = re.compile(rb"(:\s*)(\"(?:[^\"\\]|\\.)*+\")", re.DOTALL)


def without_refused_modules(text: bytes, refuses: Callable[[str], bool]) -> bytes:
    """Return an import map in which refused addresses are null."""

    def change(match: re.Match[bytes]) -> bytes:
        try:
            address = json.loads(match[2])
        except ValueError:
            return match[0]
        return match[1] + b"null" if refuses(address) else match[0]

    return _ENTRY.sub(change, text)


def speculates_off_site(text: bytes, refuses: Callable[[str], bool]) -> bool:
    """True when speculation rules may load a page that is refused."""
    try:
        rules = json.loads(text)
    except (ValueError, RecursionError):
        return b"//" in text  # browsers ignore what is no JSON; Python reads it almost alike
    return isinstance(rules, dict) and any(_loads_off_site(rule, refuses) for rule in _listed(rules))


def _listed(rules: dict[str, Any]) -> list[Any]:
    return [rule for several in rules.values() if isinstance(several, list) for rule in several]


def _loads_off_site(rule: Any, refuses: Callable[[str], bool]) -> bool:
    if not isinstance(rule, dict):
        return False
    urls = rule.get("urls")
    if isinstance(urls, list) and any(isinstance(url, str) and refuses(url) for url in urls):
        return True
    if "where" in rule:
        return not _stays_on_site(rule["where"], refuses)
    return rule.get("source") == "document"


def _stays_on_site(condition: Any, refuses: Callable[[str], bool], depth: int = 0) -> bool:
    """True when a condition only matches links that stay on the site; one nested deeply does not count."""
    if not isinstance(condition, dict) or depth > MAX_CONDITIONS:
        return False
    if "href_matches" in condition:
        patterns = condition["href_matches"]
        several = patterns if isinstance(patterns, list) else [patterns]
        return all(isinstance(p, str) and not refuses(p) and _is_path(p) for p in several)
    if isinstance(condition.get("and"), list):
        return any(_stays_on_site(part, refuses, depth + 1) for part in condition["and"])
    if isinstance(condition.get("or"), list):
        return all(_stays_on_site(part, refuses, depth + 1) for part in condition["or"])
    return False


def _is_path(pattern: str) -> bool:
    """True for a URL pattern that fixes the host: a path, or an address without wildcard host."""
    url = url_of(pattern)
    return url is not None and "*" not in url.host and ":" not in url.host
