"""Reports that browsers send about the fence (CSP), the cookie guard and the page script.

A report is untrusted input: only its hosts and names are read, to count whose they are and to name
what no rule speaks of (proxy/seen).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from proxy.filter.headers.cookie_names import without_ids
from proxy.filter.headers.cookies import CookieRules
from proxy.filter.rules.judge import Rules
from proxy.policy.hosts import covers
from proxy.policy.model import Policy
from proxy.seen.declaration import declaration
from proxy.seen.names import Kind, Side
from proxy.seen.sightings import ReportedName, life_in_words

MAX_REPORTS = 50
"""Reports read in one body; browsers batch a few."""

MAX_NAMES = 200
"""Names read in one body: those of a page, or of a batch."""

LONGEST_ADDRESS = 8192

MAX_DIGITS = 10
"""Of the life of a cookie in seconds: three centuries."""

_SOCKETS = ("ws://", "wss://")
_ELEMENTS = {
    "script": "script",
    "style": "style",
    "img": "img",
    "frame": "iframe",
    "child": "iframe",
    "font": "font",
    "media": "media",
    "object": "object",
    "connect": "fetch",
    "worker": "worker",
    "manifest": "link",
    "prefetch": "link",
}
"""By the directive that stopped it, without its ending: what loads from the host."""

_LOADED = {
    "socket": "socket",
    "css": "style",
    "img": "img",
    "image": "img",
    "iframe": "iframe",
    "frame": "iframe",
    "link": "link",
    "video": "media",
    "audio": "media",
    "fetch": "fetch",
    "xmlhttprequest": "fetch",
    "beacon": "fetch",
}
"""By the initiator that Resource Timing names: what loads from the host."""

_STORES = frozenset({"localStorage", "sessionStorage", "indexedDB", "caches"})


@dataclass(frozen=True, slots=True)
class BrowserReport:
    """One report: by fence or guard, and the provider (`undeclared` where no rule matches)."""

    kind: str
    provider: str
    name: str = ""  # of a cookie, without what looks like an id
    named: ReportedName | None = field(default=None, compare=False)  # what is kept of it


def read_reports(body: bytes, rules: Rules, cookies: CookieRules) -> list[BrowserReport]:
    """Return the reports in a body, [] for one that cannot be parsed."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return []
    parts = parsed if isinstance(parsed, list) else [parsed]
    found = (
        report
        for part in parts[:MAX_REPORTS]
        if isinstance(part, dict)
        for report in _parse_report(part, rules, cookies)
    )
    return list(islice(found, MAX_NAMES))


def _parse_report(part: dict[str, Any], rules: Rules, cookies: CookieRules) -> Iterable[BrowserReport]:
    """Yield the reports in one object: CSP level 2, Reporting API, or the guard's own format."""
    if isinstance(old := part.get("csp-report"), dict):
        names = ("blocked-uri", "effective-directive", "violated-directive", "document-uri", "source-file")
        yield _violation([old.get(name) for name in names], rules)
    elif part.get("type") == "csp-violation" and isinstance(body := part.get("body"), dict):
        names = ("blockedURL", "effectiveDirective", "effectiveDirective", "documentURL", "sourceFile")
        yield _violation([body.get(name) for name in names], rules)
    elif isinstance(said := part.get("seen"), list):
        yield from _observed(said, _path(part.get("page")), rules, cookies)
    else:
        yield from _counted(part, rules, cookies)


def _observed(names: list[Any], path: str, rules: Rules, cookies: CookieRules) -> Iterable[BrowserReport]:
    """Yield what the page script of `observe: page` names: kind, name, element, who wrote it."""
    for one in names[:MAX_NAMES]:
        if not (isinstance(one, list) and len(one) == 4 and all(isinstance(word, str) for word in one)):
            continue
        kind, name, element, setter = one
        match kind:
            case "host":
                what = _LOADED.get(element) or violated_element(element)
                side = Side.STYLE if element == "css" else _side(what, "", "x")
                named = ReportedName(Kind.HOST, name, what, side, path)
                yield BrowserReport("observed", _provider(f"https://{name}", rules), named=named)
            case "cookie":
                named = ReportedName(Kind.COOKIE, name, path=path, setter=setter, lasts=_lasts(element))
                provider = _setting_provider(name, cookies)
                yield BrowserReport("observed", provider, without_ids(name), named)
            case "key":
                where = element if element in _STORES else ""
                named = ReportedName(Kind.KEY, name, where, path=path, setter=setter)
                yield BrowserReport(
                    "observed", _whose(Kind.KEY, name, rules, cookies), without_ids(name), named
                )
            case "call":
                named = ReportedName(Kind.CALL, name, path=path)
                yield BrowserReport("observed", _whose(Kind.CALL, name, rules, cookies), named=named)
            case _:
                pass


def _lasts(word: str) -> str:
    """Return the life that the page script read from what a script wrote: seconds, or `session`."""
    if word == "session":
        return "Session"
    return life_in_words(int(word)) if word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS else ""


def _setting_provider(name: str, cookies: CookieRules) -> str:
    row = cookies.naming(name)
    return row.provider if row is not None else "undeclared"


def _counted(part: dict[str, Any], rules: Rules, cookies: CookieRules) -> Iterable[BrowserReport]:
    """Yield what the guard or the page script counted, by name."""
    path = _path(part.get("page"))
    for name in _names(part.get("cookies")):
        provider = _setting_provider(name, cookies)
        yield BrowserReport("guard", provider, without_ids(name), ReportedName(Kind.COOKIE, name, path=path))
    for name in _names(part.get("storage")):
        provider = _whose(Kind.KEY, name, rules, cookies)
        yield BrowserReport("storage", provider, without_ids(name), ReportedName(Kind.KEY, name, path=path))
    for host in _names(part.get("servers")):
        provider = _server_provider(cookies.policy, host, rules)
        yield BrowserReport(
            "webrtc", provider, host[:253], ReportedName(Kind.HOST, host, "webrtc", path=path)
        )


def _violation(fields: list[Any], rules: Rules) -> BrowserReport:
    """Return the report on one violation of the fence, with the host that it names."""
    blocked, effective, violated, page, source = (
        value if isinstance(value, str) and len(value) <= LONGEST_ADDRESS else "" for value in fields
    )
    host, element = _host(blocked), violated_element(effective or violated)
    if blocked.lower().startswith(_SOCKETS):
        element = "socket"
    named = None
    if host and not rules.owns(host):
        side = _side(element, page, source)
        named = ReportedName(Kind.HOST, host, element, side, _path(page))
    return BrowserReport("fence", _provider(blocked, rules), named=named)


def violated_element(directive: str) -> str:
    """Return what a directive of a policy is about; empty for one that says no kind."""
    return _ELEMENTS.get(directive.strip().partition(" ")[0].partition("-src")[0], "")


def _side(element: str, page: str, source: str) -> Side:
    """Return from where something was loaded, as far as a report says it."""
    if page.startswith("blob:") or page in ("blob", "worker") or _path(page).endswith((".js", ".mjs")):
        return Side.WORKER
    if element == "font" or _path(source).endswith(".css"):
        return Side.STYLE
    return Side.SCRIPT if source or element in ("fetch", "socket", "worker") else Side.MARKUP


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".") if "://" in address else ""
    except ValueError:
        return ""


def _path(address: object) -> str:
    """Return the path of an address of the page, empty where it names none."""
    if not isinstance(address, str) or len(address) > LONGEST_ADDRESS:
        return ""
    if address.startswith("/"):
        return address.partition("?")[0]
    try:
        return urlsplit(address).path if "://" in address and not address.startswith("blob:") else ""
    except ValueError:
        return ""


def _names(counts: object) -> list[str]:
    return list(counts)[:MAX_REPORTS] if isinstance(counts, dict) else []


def _whose(kind: Kind, name: str, rules: Rules, cookies: CookieRules) -> str:
    """Return the provider or known tracker whose key or function that is, or `undeclared`."""
    return declaration(kind, name, rules, cookies).id or "undeclared"


def _server_provider(policy: Policy, host: str, rules: Rules) -> str:
    """Return the provider of a STUN or TURN server, or `undeclared`."""
    declared = (p.id for p in policy.providers if any(covers(known, host) for known in p.webrtc))
    return next(declared, "") or _provider(f"https://{host}", rules)


def _provider(address: str, rules: Rules) -> str:
    """Return the provider of an address, or `undeclared`, `inline`, `own`."""
    if not address:
        return "undeclared"
    if "://" not in address:
        return "inline"
    host = _host(address)
    if not host:
        return "undeclared"
    if rules.owns(host):
        return "own"
    matchers = rules.for_host(host)
    return next((m.rule.provider for m in matchers if m.rule.hosts), "undeclared")
