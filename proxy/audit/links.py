"""Which links an audit follows: pages of the same site that a visit changes nothing on; robots.txt."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

AGENT = "consent-proxy-audit"
"""The name that robots.txt may speak of."""

OWN_ADDRESSES = "/.consent/"
"""Panel, table and receipt of the proxy itself, where its banner says no other path: no pages of the site."""

DEFAULT_PORTS = {"http": 80, "https": 443}

LONGEST = 2_000
MOST_SITEMAP_LINKS = 5_000

_ACTS = re.compile(
    r"(?:log|sign)[-_ ]?(?:out|off)|abmelden|d[eé]connexion|d[eé]connecter"
    r"|delete|remove|destroy|erase|supprim|l[oö]schen|entfernen|effacer"
    r"|unsub|opt[-_ ]?out|d[eé]sabonn|d[eé]sinscri|abbestellen|cancel|annul|k[uü]ndig"
    r"|token|confirm|activate|verify|reset|approve|vote|add[-_ ]?to[-_ ]?cart|ajouter-au-panier|checkout/pay",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"(?:^|[_-])(?:token|key|nonce|sig|signature|hash|code|secret|otp|session|sid|auth)(?:$|[_-])|^_wpnonce$",
    re.IGNORECASE,
)
_FILES = re.compile(
    r"\.(?:pdf|zip|gz|tgz|bz2|xz|7z|rar|exe|msi|dmg|pkg|deb|rpm|apk|iso|docx?|xlsx?|pptx?|od[tsp]|csv|ics|vcf"
    r"|epub|mp[34]|m4a|mov|avi|webm|wav|ogg|png|jpe?g|gif|webp|avif|svg|ico|css|js|mjs|json|xml|rss|atom|txt)$",
    re.IGNORECASE,
)


AHEAD = frozenset({"preconnect", "dns-prefetch", "prefetch", "prerender", "preload", "modulepreload"})
"""What a link says that is opened or fetched before anything asks for it."""

_HEADER_LINKS = re.compile(r'<([^<>]*)>((?:[ \t]*;[ \t]*[^\s=;,"]+(?:[ \t]*=[ \t]*(?:"[^"]*"|[^;,"\s]*))?)*)')
_REL = re.compile(r';[ \t]*rel[ \t]*=[ \t]*(?:"([^"]*)"|([^;,"\s]*))', re.IGNORECASE)


class Link(NamedTuple):
    """One link of a page: its absolute address, its words, and whether it says that it is a download."""

    address: str
    text: str = ""
    download: bool = False


def is_safe(link: Link, own_path: str = OWN_ADDRESSES) -> bool:
    """True where a visit by GET does nothing but show a page; `own_path` is where the proxy's own are."""
    if link.download or len(link.address) > LONGEST or _ACTS.search(link.text):
        return False
    try:
        parts = urlsplit(link.address)
        _ = parts.port
    except ValueError:
        return False
    path = unquote(parts.path)
    if parts.scheme not in DEFAULT_PORTS or _FILES.search(path) or parts.username is not None:
        return False
    if path.startswith(own_path):
        return False
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return not (_ACTS.search(f"{path}?{unquote(parts.query)}") or any(map(_SECRET.search, names)))


def origin(address: str) -> str:
    """Return scheme, host and port of an address as browsers write them; empty where it is none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    end = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{end}"


def page_of(address: str) -> str:
    """Return an address as browsers write it, without what names a place within its page."""
    parts = urlsplit(address)
    return f"{origin(address)}{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}"


def ahead_of(value: str, base: str) -> list[tuple[str, str]]:
    """Return (rel, address) of what a `Link` header has opened or fetched ahead of requests."""
    found = []
    for target, parameters in _HEADER_LINKS.findall(value):
        rel = _REL.search(parameters)
        words = (rel[1] or rel[2] or "").lower().split() if rel is not None else []
        with contextlib.suppress(ValueError):
            found += [(word, urljoin(base, target.strip())) for word in words if word in AHEAD]
    return found


class Robots:
    """What robots.txt of one origin allows; everything where there is none."""

    def __init__(self, text: str | None) -> None:
        self._parser = RobotFileParser()
        self._parser.parse(text.splitlines() if text is not None else [])

    def allows(self, address: str) -> bool:
        """True when this address may be visited by an audit."""
        return self._parser.can_fetch(AGENT, address)


def sitemap_links(text: str) -> list[str]:
    """Return the addresses that a sitemap names, pages and further sitemaps alike."""
    found = re.findall(r"<loc>\s*(?:<!\[CDATA\[\s*)?([^<\s\]]+)", text)[:MOST_SITEMAP_LINKS]
    return [one.replace("&amp;", "&") for one in found]


def fresh(links: Iterable[Link], known: Iterable[str], own_path: str = OWN_ADDRESSES) -> list[str]:
    """Return the pages that safe links lead to and that are not known, in their order."""
    seen = set(known)
    pages = (page_of(link.address) for link in links if is_safe(link, own_path))
    return [page for page in dict.fromkeys(pages) if page not in seen]
