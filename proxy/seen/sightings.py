"""Collects names in one process between two writes to the store: requests only touch this.

A request does look-ups in dictionaries; names are checked, masked and merged when they are written.
What browsers report is bounded by network and hour, whatever they make up.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from proxy.filter.headers.set_cookie import parse_set_cookie
from proxy.policy.model import DAY
from proxy.seen.names import LONGEST_NAME, Kind, Side, kept_name, kept_path
from proxy.telemetry.metrics import VerdictSummary

MOST_WAITING = 2_000
"""Names that wait for the store, all sites together; more are left to the next time they are seen."""

MOST_PATHS = 3
"""Example pages that are kept of a name."""

MOST_WORDS = 8
"""Elements, and who wrote it: so many of each are kept."""

NEW_PER_HOUR = 60
"""New names that one network may report in an hour; the rest is ignored."""

MOST_NETWORKS = 4_096
"""Networks whose reports are counted at a time."""

MOST_DAYS = 9_999
"""The longest life of a cookie that a row of rules.yaml can say; browsers cut it to 400 days."""

ENOUGH_NETWORKS = 5
"""A name reported by so many networks is believed."""

LONGEST_KEPT, LONGEST_LINE = 480, 4_400
"""Bytes of a path or name, and of a Set-Cookie (browsers drop those above 4,096), that wait to be written."""

MOST_READ = 100
"""Cookie headers of a site that are read for names between two writes."""

_HOUR = 3_600
_SENT_NAMES = re.compile(rb"(?:^|;)[ \t]*+([^=;]*)").findall


class Key(NamedTuple):
    """A name of a site."""

    site: str
    kind: Kind
    name: str


@dataclass(slots=True)
class Seen:
    """All that is kept of a name."""

    first: int
    last: int
    count: int = 0
    by_us: bool = False  # in markup or a response; else only browsers reported it
    elements: set[str] = field(default_factory=set)
    sides: set[str] = field(default_factory=set)
    setters: set[str] = field(default_factory=set)  # hosts whose scripts wrote it; `self` is the site's
    paths: list[str] = field(default_factory=list)
    cookie: dict[str, str | bool] = field(default_factory=dict)  # httponly, secure, lasts, domain
    networks: set[str] = field(default_factory=set)  # keyed hashes of those that reported it, up to five

    def merge(self, other: Seen) -> None:
        """Add what was seen elsewhere or later."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.count += other.count
        self.by_us = self.by_us or other.by_us
        for mine, more, most in (
            (self.elements, other.elements, MOST_WORDS),
            (self.sides, other.sides, MOST_WORDS),
            (self.setters, other.setters, MOST_WORDS),
            (self.networks, other.networks, ENOUGH_NETWORKS),
        ):
            for word in sorted(more):
                if len(mine) < most:
                    mine.add(word)
        for path in other.paths:
            if path not in self.paths and len(self.paths) < MOST_PATHS:
                self.paths.append(path)
        if self.by_us and not other.by_us:  # what a response says goes before what a browser reports
            self.cookie = {**other.cookie, **self.cookie}
        else:
            self.cookie.update(other.cookie)


class ReportedName(NamedTuple):
    """A name as a browser reports it; `path` is that of its page."""

    kind: Kind
    name: str
    element: str = ""
    side: Side = Side.SCRIPT
    path: str = ""
    setter: str = ""
    lasts: str = ""  # of a cookie


@dataclass(slots=True)
class _Page:
    """A summary of verdicts, how often it occurred, and the first page it occurred on."""

    summary: VerdictSummary
    path: bytes
    times: int = 1


@dataclass(slots=True)
class _Line:
    """A Set-Cookie line, how often one of its name came, and the first page."""

    line: bytes
    path: bytes
    now: int
    times: int = 1


@dataclass(slots=True)
class _Sent:
    """The names in Cookie headers of a site, each with the first page, and how many headers were read."""

    paths: dict[bytes, bytes] = field(default_factory=dict)
    read: int = 0


class Sightings:
    """What this process has seen since it was last written down."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key
        self._waiting: dict[Key, Seen] = {}
        self._pages: dict[tuple[str, int], _Page] = {}
        self._lines: dict[tuple[str, str, bytes], _Line] = {}
        self._sent: dict[str, _Sent] = {}
        self._reported: dict[str, int] = {}
        self._hour = 0
        self.known: frozenset[Key] = frozenset()  # in the store, as it was last read
        self.known_names: dict[str, str] = {}  # by site: hashes of what pages need not report
        self.sources: dict[str, bytes] = {}  # by site: hosts that browsers need not report again today

    # -- while a request is answered -----------------------------------------------------------------

    def note_tags(self, site: str, summary: VerdictSummary, path: bytes) -> None:
        """Note the hosts that a page names, by the summary of its verdicts."""
        known = self._pages.get((site, id(summary)))
        if known is not None:
            known.times += 1
        elif summary.hosts and len(self._pages) < MOST_WAITING:
            self._pages[site, id(summary)] = _Page(summary, path[:LONGEST_KEPT])

    def note_set_cookie(self, site: str, host: str, line: bytes, path: bytes, now: int) -> None:
        """Note a cookie that a response sets."""
        key = (site, host, line.partition(b"=")[0])
        known = self._lines.get(key)
        if known is not None:
            known.times += 1
        elif len(self._lines) < MOST_WAITING and len(line) <= LONGEST_LINE:
            self._lines[key] = _Line(line, path[:LONGEST_KEPT], now)

    def note_sent_cookies(self, site: str, value: bytes, path: bytes) -> None:
        """Note the names in the Cookie header of a request for a page.

        So many are read between two writes: the same few names come from everybody.
        """
        sent = self._sent.get(site)
        if sent is None:
            sent = self._sent[site] = _Sent()
        if sent.read >= MOST_READ:
            return
        sent.read += 1
        for name in set(_SENT_NAMES(value)) - sent.paths.keys():
            if len(sent.paths) < MOST_WAITING and len(name) <= LONGEST_KEPT:
                sent.paths[name] = path[:LONGEST_KEPT]

    def note_host(self, site: str, host: str, now: int) -> None:
        """Note a host of the site's own domain that does not pass this proxy."""
        self._add(site, Kind.HOST, host, Seen(now, now, 1, by_us=True, sides={Side.MARKUP.value}))

    def note_call(self, site: str, name: str, path: bytes, now: int) -> None:
        """Note a provider's function that an inline script calls."""
        seen = Seen(now, now, 1, by_us=True, elements={"script"}, sides={Side.MARKUP.value})
        seen.paths.append(kept_path(path.decode("latin-1")))
        self._add(site, Kind.CALL, name, seen)

    def note_unread(self, site: str, path: bytes, now: int) -> None:
        """Note a page that could not be read: enforced, it is refused."""
        self._add(site, Kind.PAGE, path.decode("latin-1"), Seen(now, now, 1, by_us=True))

    def report(self, site: str, reports: Iterable[ReportedName], network: str, now: int) -> int:
        """Note what a browser reported; return how many of the names were taken."""
        taken = 0
        for one in reports:
            name = kept_name(one.kind, one.name)
            if name is None:
                continue
            key = Key(site, one.kind, name)
            if key not in self.known and key not in self._waiting and not self._takes(network, now):
                break
            seen = Seen(now, now, 1, sides={one.side.value}, paths=[kept_path(one.path)] if one.path else [])
            if one.element:
                seen.elements.add(one.element)
            if one.setter and (setter := _setter(one.setter)):
                seen.setters.add(setter)
            if one.lasts:
                seen.cookie["lasts"] = one.lasts
            seen.networks.add(self._hashed(network))
            taken += self._merge(key, seen)
        return taken

    def _takes(self, network: str, now: int) -> bool:
        """True while a network has not reported its share of this hour."""
        hour = now // _HOUR
        if hour != self._hour:
            self._hour, self._reported = hour, {}
        if network not in self._reported and len(self._reported) >= MOST_NETWORKS:
            return False
        count = self._reported[network] = self._reported.get(network, 0) + 1
        return count <= NEW_PER_HOUR

    def _hashed(self, network: str) -> str:
        return hashlib.blake2b(network.encode(), key=self._key[:64], digest_size=4).hexdigest()

    # -- when it is written down -----------------------------------------------------------------------

    def take(self, now: int) -> dict[Key, Seen]:
        """Return all that was seen since the last call."""
        pages, self._pages = self._pages, {}
        lines, self._lines = self._lines, {}
        sent, self._sent = self._sent, {}
        for (site, _), page in pages.items():
            path = kept_path(page.path.decode("latin-1"))
            for host, element in page.summary.hosts:
                side = Side.STYLE if element == "style" else Side.MARKUP
                seen = Seen(now, now, page.times, by_us=True, sides={side.value}, paths=[path])
                seen.elements.add(element or "style")
                self._add(site, Kind.HOST, host, seen)
        for (site, host, _), line in lines.items():
            self._add_line(site, host, line)
        for site, names in sent.items():
            for name, first in names.paths.items():
                path = kept_path(first.decode("latin-1"))
                self._add(site, Kind.COOKIE, name.strip().decode("latin-1"), Seen(now, now, 1, paths=[path]))
        taken, self._waiting = self._waiting, {}
        return taken

    def give_back(self, taken: dict[Key, Seen]) -> None:
        """Keep what could not be written for the next time."""
        for key, seen in taken.items():
            self._merge(key, seen)

    def _add_line(self, site: str, host: str, noted: _Line) -> None:
        cookie = parse_set_cookie(noted.line)
        if cookie is None:
            return
        lives = cookie.lifetime(noted.now)
        if lives is not None and lives <= 0:
            return  # a deletion
        lasts = "Session" if lives is None else life_in_words(lives)
        seen = Seen(noted.now, noted.now, noted.times, by_us=True, sides={Side.HTTP.value})
        seen.paths.append(kept_path(noted.path.decode("latin-1")))
        seen.setters.add("server")
        seen.cookie = {"httponly": cookie.httponly, "secure": cookie.secure, "lasts": lasts}
        seen.cookie["domain"] = kept_name(Kind.HOST, cookie.domain or host) or host[:LONGEST_NAME]
        self._add(site, Kind.COOKIE, cookie.sent_as, seen)

    def _add(self, site: str, kind: Kind, name: str, seen: Seen) -> bool:
        kept = kept_name(kind, name)
        return kept is not None and self._merge(Key(site, kind, kept), seen)

    def _merge(self, key: Key, seen: Seen) -> bool:
        known = self._waiting.get(key)
        if known is not None:
            known.merge(seen)
            return True
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting[key] = seen
        return True


def life_in_words(seconds: int) -> str:
    """Return the life of a cookie as a row of rules.yaml says it."""
    if seconds < DAY:
        return f"{max(1, -(-seconds // 60))} min"
    days = min(-(-seconds // DAY), MOST_DAYS)
    return f"{days} day{'s' * (days > 1)}"


def _setter(name: str) -> str:
    return name if name in ("self", "inline") else kept_name(Kind.HOST, name) or ""
