"""Holds what a visit observed against the rules, state by state: rows for tables, and findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.audit.findings import Fact, Finding, FindingKind, Findings, Objection, Severity, Sight
from proxy.audit.observed import CookieSeen, KeySeen, ReadSeen, RequestSeen, SiteVisit, StateVisit, When
from proxy.audit.plan import NONE, WITHDRAW
from proxy.audit.proxy_view import ProxyView
from proxy.audit.rule_book import RuleBook, fact_of
from proxy.policy.model import CookieRule, Policy
from proxy.policy.own_hosts import OwnHosts

ALLOWED, NOT_JUDGED = "allowed", "not judged"


@dataclass(slots=True)
class CookieRow:
    """One cookie of a state, by name, domain and partition."""

    first: CookieSeen
    sides: dict[str, None] = field(default_factory=dict)
    by: dict[str, None] = field(default_factory=dict)
    pages: dict[str, None] = field(default_factory=dict)
    lives: int | None = None
    row: CookieRule | None = None
    necessary_by: str = ""
    objections: list[Objection] = field(default_factory=list)
    counted: bool = False


@dataclass(slots=True)
class KeyRow:
    """One name in the storage of an origin."""

    first: KeySeen
    areas: dict[str, None] = field(default_factory=dict)
    by: dict[str, None] = field(default_factory=dict)
    pages: dict[str, None] = field(default_factory=dict)
    objections: list[Objection] = field(default_factory=list)
    counted: bool = False


@dataclass(slots=True)
class HostRow:
    """One third party of a state."""

    first: RequestSeen
    elements: dict[str, None] = field(default_factory=dict)
    scripts: dict[str, None] = field(default_factory=dict)
    pages: dict[str, None] = field(default_factory=dict)
    count: int = 0
    objections: list[Objection] = field(default_factory=list)
    counted: bool = False


@dataclass(slots=True)
class StateRows:
    """All rows of a state, each kind in the order of its first sight."""

    visit: StateVisit
    cookies: dict[tuple[str, str, str], CookieRow] = field(default_factory=dict)
    keys: dict[tuple[str, str], KeyRow] = field(default_factory=dict)
    hosts: dict[str, HostRow] = field(default_factory=dict)
    reads: list[ReadSeen] = field(default_factory=list)


@dataclass(slots=True)
class Evaluation:
    """What a visit comes to."""

    states: list[StateRows]
    findings: list[Finding]


def evaluate(seen: SiteVisit, policy: Policy, own: OwnHosts, proxy: ProxyView | None = None) -> Evaluation:
    """Return rows and findings of a visit under these rules; `proxy` says what the upstream gets to see."""
    findings = Findings()
    states = [_StateEvaluation(visit, policy, own, findings, proxy).rows for visit in seen.states]
    for page, banner in (seen.banners or {seen.addresses[0]: seen.banner}).items():
        for words, severity in _banner(banner):
            objection = Objection(Fact.BANNER, severity, words)
            sight = Sight(NONE, "banner", "", When(page, 0, decided=False))
            findings.add(
                FindingKind.BANNER, words.partition(":")[0], banner.get("tool", ""), objection, sight
            )
    return Evaluation(states, findings.all())


def _banner(banner: Mapping[str, Any]) -> Iterable[tuple[str, Severity]]:
    yield from ((words, Severity.VIOLATION) for words in banner.get("faults", ()))
    yield from ((words, Severity.DOUBT) for words in banner.get("doubts", ()))


class _StateEvaluation:
    """One state: fills the rows, and adds to the findings."""

    def __init__(
        self,
        visit: StateVisit,
        policy: Policy,
        own: OwnHosts,
        findings: Findings,
        proxy: ProxyView | None,
    ) -> None:
        self._proxy = proxy
        self._visit, self._own, self._findings = visit, own, findings
        self._book = RuleBook(policy, own, visit.state)
        self._by_address: dict[str, RequestSeen] = {one.address: one for one in reversed(visit.requests)}
        self.rows = StateRows(visit)
        for request in visit.requests:
            self._request(request)
        for cookie in visit.cookies:
            self._cookie(cookie)
        self._left_in_jar()
        for key in visit.keys:
            self._key(key)
        if visit.state == WITHDRAW:
            self._reads()

    def _counts(self, when: When) -> bool:
        """True for what this state has to answer for: what came before its choice is judged in `none`."""
        return self._visit.decided.done and (when.decided or self._visit.state == NONE)

    def _add(
        self, what: FindingKind, name: str, where: str, found: Iterable[Objection], sight: Sight
    ) -> None:
        for objection in found:
            self._findings.add(what, name, where, objection, sight)

    def _request(self, seen: RequestSeen) -> None:
        foreign = not self._own.owns(seen.host)
        counts = self._counts(seen.when)
        objection = self._book.host(seen) if counts else None
        name = (
            seen.host
            if foreign
            else f"{seen.host}{seen.address.partition(seen.host)[2].lstrip(':0123456789')}"
        )
        if foreign:
            row = self.rows.hosts.setdefault(name, HostRow(seen))
            row.count += 1
            row.counted = row.counted or counts
            for words, word in (
                (row.elements, seen.element),
                (row.scripts, seen.script),
                (row.pages, seen.when.page),
            ):
                if word:
                    words[word] = None
            _note(row.objections, objection)
        if objection is not None:
            sight = Sight(self._visit.state, seen.element, seen.script, seen.when)
            self._add(FindingKind.HOST, name, name if foreign else seen.host, [objection], sight)

    def _cookie(self, seen: CookieSeen) -> None:
        counts = self._counts(seen.when)
        found = self._book.cookie(seen, self._by_address.get(seen.by)) if counts else []
        row = self._cookie_row(seen)
        row.counted = row.counted or counts
        for objection in found:
            _note(row.objections, objection)
        self._add(FindingKind.COOKIE, seen.name, seen.domain, found, self._sight(seen))

    def _cookie_row(self, seen: CookieSeen) -> CookieRow:
        key = (seen.name, seen.domain, seen.partition)
        row = self.rows.cookies.get(key)
        if row is None:
            rule = self._book.row_of(seen)
            row = CookieRow(seen, row=rule, lives=seen.lives, necessary_by=self._book.necessary_by(rule))
            self.rows.cookies[key] = row
        row.sides[seen.side] = None
        row.pages[seen.when.page] = None
        if seen.by:
            row.by[seen.by] = None
        if seen.lives is not None and (row.lives is None or seen.lives > row.lives):
            row.lives = seen.lives
        return row

    def _left_in_jar(self) -> None:
        """Judge what is stored at the end: what nobody was seen to set, and what a refusal left."""
        known = {(one.name, one.domain) for one in self._visit.cookies}
        for one in self._visit.jar:
            if (one.name, one.domain) not in known:
                self._cookie(one)
            elif (
                self._visit.state != NONE
                and self._own.owns(one.domain)
                and self._book.is_refused(one.name, one.domain)
            ):
                row = self.rows.cookies.get((one.name, one.domain, one.partition))
                if row is None or row.objections or not self._counts(one.when):
                    continue
                objection = Objection(
                    fact_of(self._visit.state),
                    Severity.VIOLATION,
                    "it is still stored, from before the choice",
                )
                _note(row.objections, objection)
                row.counted = True
                self._add(FindingKind.COOKIE, one.name, one.domain, [objection], self._sight(one))

    def _sight(self, seen: CookieSeen) -> Sight:
        return Sight(self._visit.state, seen.side, seen.by, seen.when)

    def _key(self, seen: KeySeen) -> None:
        counts, own = self._counts(seen.when), self._own.owns(seen.host)
        objection = self._book.key(seen.name) if counts and own else None
        row = self.rows.keys.setdefault((seen.name, seen.host), KeyRow(seen))
        row.counted = row.counted or counts
        row.areas[seen.area] = None
        row.pages[seen.when.page] = None
        if seen.by:
            row.by[seen.by] = None
        _note(row.objections, objection)
        if objection is not None:
            sight = Sight(self._visit.state, seen.area, seen.by, seen.when)
            self._add(FindingKind.KEY, seen.name, seen.host, [objection], sight)

    def _reads(self) -> None:
        """Judge what was read after a withdrawal: by scripts, and by the server that got it sent."""
        stored = {key.name for key in self._visit.keys if key.when.decided}
        for read in (*self._visit.reads, *_sent(self._visit.requests)):
            if not self._counts(read.when) or not self._own.owns(read.host):
                continue
            cookies = read.how not in ("local", "session")
            refused = tuple(
                name
                for name in read.names
                if (
                    self._book.is_refused(name, read.host)
                    or self._book.is_refused(name, self._own.domain or read.host)
                )
                if cookies
            ) or tuple(
                name
                for name in read.names
                if not cookies and name in stored and self._book.is_key_refused(name)
            )
            if not refused:
                continue
            shown = replace(read, names=refused)
            if not any(
                (one.names, one.how, one.by) == (refused, read.how, read.by) for one in self.rows.reads
            ):
                self.rows.reads.append(shown)
            for name in refused:
                objection = self._objection_to(read)
                sight = Sight(WITHDRAW, read.how, read.by, read.when)
                self._add(
                    FindingKind.COOKIE if cookies else FindingKind.KEY, name, read.host, [objection], sight
                )

    def _objection_to(self, read: ReadSeen) -> Objection:
        """Return what is said of a read after a withdrawal; of what was sent the proxy knows who got it."""
        if read.how != "request":
            words = f"it was read through {read.how} after consent was withdrawn"
        elif self._proxy is None or read.host not in self._proxy.hosts:
            words = "it was sent to the server after consent was withdrawn"
        elif self._proxy.hides_refused(self._book.policy.digest):
            words = (
                "it was sent after consent was withdrawn; the proxy says that it hides it from the upstream"
            )
            return Objection(Fact.WITHDRAWN, Severity.DOUBT, words)
        else:
            modes = " and ".join(sorted(self._proxy.modes))
            why = "its rules are others" if self._proxy.modes == {"enforce"} else f"its mode is {modes}"
            words = f"the upstream could read it after consent was withdrawn: the proxy says that {why}"
        return Objection(Fact.WITHDRAWN, Severity.VIOLATION, words)


def _sent(requests: Iterable[RequestSeen]) -> Iterable[ReadSeen]:
    return (
        ReadSeen(one.cookies, "request", one.host, one.address, one.when) for one in requests if one.cookies
    )


def _note(known: list[Objection], objection: Objection | None) -> None:
    if objection is not None and objection not in known:
        known.append(objection)


def status_of(objections: Iterable[Objection], *, counted: bool) -> str:
    """Return what a row's state is, in a word."""
    severities = {one.severity for one in objections}
    if Severity.VIOLATION in severities:
        return Severity.VIOLATION.value
    if severities:
        return Severity.DOUBT.value
    return ALLOWED if counted else NOT_JUDGED
