"""Runs the inline tests of rules.yaml on the real filter, and on fence and guard behind it.

What the filter keeps must load: a test that says `keep` fails where the fence would stop it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from proxy.filter.headers.cookies import CONSENT_COOKIE, CookieRules, judge_cookie
from proxy.filter.headers.fence_check import FenceCheck, FenceStop
from proxy.filter.headers.guard_check import GuardCheck
from proxy.filter.headers.judged_headers import judged_headers, refused_headers
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.collection_requests import RequestRules, refused_request
from proxy.filter.rules.compiled import ScriptKind, ScriptReading
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.filter.syntax.javascript import strings_of
from proxy.filter.syntax.script_writes import writes
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.fetched_addresses import FetchedAddress, fetched_addresses
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.durations import parse_duration
from proxy.policy.hosts import covers, registrable
from proxy.policy.model import Example, NeutralRule, Policy, TagRule
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair, scope_of
from proxy.problems import Place, Problem

NOW = 1_793_491_200
"""The fixed current time of inline tests (2026-11-01), as the dates in them are fixed."""

_FILE = re.compile(r"(?:https:)?//[a-z0-9.-]+/[^\s\"'<>]*[^\s\"'<>/]\Z")
"""A file on another host, as a loader writes it; what is a path's beginning says too little."""

_ADDRESS = re.compile(r"(?:https?:)?//[^\s\"'<>;,]+", re.IGNORECASE)
_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script", re.IGNORECASE | re.DOTALL)

STOPPED = "keep, but the fence stops it"
"""The words for what the filter keeps and the fence stops; no test can expect that."""

MAX_SUBJECT = 60  # letters of a subject that stand in a message


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """The result of one test, in the words of `expect:`."""

    words: str
    verdicts: tuple[Verdict, ...]
    stops: tuple[FenceStop, ...] = ()  # what the filter keeps and the fence stops

    @property
    def because(self) -> frozenset[Place]:
        """The places of the rules that made it."""
        return frozenset(verdict.because for verdict in self.verdicts if verdict.because)

    def is_what(self, expected: str) -> bool:
        """True when `expected` says the same, durations by their length."""
        if self.words == expected:
            return True
        this, other = _capped(self.words), _capped(expected)
        return this is not None and this == other


def _capped(words: str) -> tuple[int | None] | None:
    """Return the life in `cap to 13 months` (boxed: a session has none), or None."""
    if not words.startswith("cap to "):
        return None
    duration = parse_duration(words.removeprefix("cap to "))
    return (duration.seconds,) if duration else None


def own_hosts(policy: Policy) -> OwnHosts:
    """Return the site's own hosts as far as the policy says them: its page's domain."""
    host = urlsplit(policy.page).hostname or ""
    return OwnHosts(frozenset({host}), registrable(host))


class RuleTester:
    """One compiled policy on which inline tests run.

    A provider that is not enabled is tried like the others: tests speak of rules, and
    switching a provider off must not make them fail.
    """

    def __init__(self, policy: Policy, own: OwnHosts | None = None) -> None:
        self.policy = policy
        self._host = urlsplit(policy.page).hostname or ""
        enabled = (replace(provider, enabled=True) for provider in policy.providers)
        self._scope = scope_of(replace(policy, providers=tuple(enabled)))
        self._own = own or own_hosts(policy)
        self._rules = compile_rules(policy, self._own)
        self._cookies = CookieRules(policy)
        self._requests = RequestRules(policy)
        self._judges: dict[frozenset[Pair], Judge] = {}
        self._fences: dict[frozenset[Pair], FenceCheck] = {}
        self._guards: dict[frozenset[Pair], GuardCheck] = {}

    def grants(self, visitor: str) -> frozenset[Pair]:
        """Return what that visitor agreed to: `refused`, `accepted`, or purposes joined by `+`."""
        if visitor == "refused":
            return frozenset()
        return self._scope.pairs if visitor == "accepted" else self._scope.granted(visitor.split("+"))

    def outcome(self, example: Example, visitor: str) -> TestOutcome:
        """Return what happens to the example's subject for that visitor."""
        grants = self.grants(visitor)
        match example.kind:
            case "html":
                return self._html(example.subject, grants)
            case "url":
                return self._url(example.subject, grants)
            case "cookie":
                return self._cookie(example, grants)
            case "request":
                host = example.host or self._host
                return _one(refused_request(self._requests, host, example.subject.encode(), grants))
            case "script_cookie":
                host = example.host or self._host
                return _one(self._guard(grants).cookie(example.subject, host, NOW))
            case "storage":
                return _one(self._guard(grants).storage(example.subject))
            case _:
                return self._header(example.subject, grants)

    def scripts(self, markup: str) -> list[tuple[str, ScriptReading]]:
        """Return the inline scripts that name somebody else, by a word of a rule or by a host, or store."""
        bodies = [match[1] for match in _SCRIPT.finditer(markup) if match[1].strip()]
        spoken = [
            body
            for body in bodies
            if self._rules.words.within(body.encode()) or self.reached(body) or writes(body)
        ]
        return [(body.strip(), self._rules.read_script(body.encode())) for body in spoken]

    def reached(self, script: str) -> list[str]:
        """Return the hosts of others that stand in an inline script's strings: its calls would reach them."""
        urls = [url_of(string) for string in strings_of(script) if "//" in string]
        return list(dict.fromkeys(url.host for url in urls if url and not self._rules.owns(url.host)))

    def neutral(self, subject: str, kind: str) -> list[tuple[str, NeutralRule]]:
        """Return the hosts of a page or an address that load for everyone, each with its rule."""
        if kind == "url":
            found = url_of(subject)
            hosts = [found.host] if found else []
        else:
            judge = self._judge(self.grants("accepted"))
            hosts = [url.host for url, _ in fetched_addresses(subject, judge)] if kind == "html" else []
        rules = ((host, self._neutral_rule(host)) for host in dict.fromkeys(hosts))
        return [(host, rule) for host, rule in rules if rule is not None]

    def _neutral_rule(self, host: str) -> NeutralRule | None:
        if self._rules.at_host(host).matching or not self._rules.neutral(host):
            return None
        covering = (rule for rule in self.policy.neutral if any(covers(known, host) for known in rule.hosts))
        return next(covering, None)

    def _judge(self, grants: frozenset[Pair]) -> Judge:
        if grants not in self._judges:
            self._judges[grants] = judge_for(self._rules, grants)
        return self._judges[grants]

    def _fence(self, grants: frozenset[Pair]) -> FenceCheck:
        if grants not in self._fences:
            self._fences[grants] = FenceCheck(self.policy, self._own, grants)
        return self._fences[grants]

    def _guard(self, grants: frozenset[Pair]) -> GuardCheck:
        if grants not in self._guards:
            self._guards[grants] = GuardCheck(self.policy, self._own, grants, self._cookies)
        return self._guards[grants]

    def _html(self, markup: str, grants: frozenset[Pair]) -> TestOutcome:
        judge = self._judge(grants)
        page = HtmlFilter(judge)
        filtered = page.feed(markup.encode()) + page.close()
        words = dict.fromkeys(verdict.does.value for verdict in page.verdicts)
        fetched = [*fetched_addresses(filtered.decode("utf-8", "replace"), judge)]
        if not page.verdicts:
            fetched += self._loaded_by_snippets(markup, judge)
        found = (self._fence(grants).stop(url, kept) for url, kept in fetched)
        stops = tuple(dict.fromkeys(stop for stop in found if stop))
        kept = STOPPED if stops else Does.KEEP.value
        return TestOutcome(" and ".join(words) or kept, tuple(page.verdicts), stops)

    def _loaded_by_snippets(self, markup: str, judge: Judge) -> Iterator[FetchedAddress]:
        """Yield the addresses that kept snippets name, as far as a rule keeps them."""
        for body, reading in self.scripts(markup):
            if reading.kind is ScriptKind.SNIPPET:
                for text in filter(_FILE.match, strings_of(body)):
                    url = url_of(text)
                    matcher = judge.match_url(url, "script", {}, ()) if url is not None else None
                    if url is not None and matcher is not None and judge.verdict_of(matcher).keeps:
                        yield FetchedAddress(url, matcher.rule.place)

    def _url(self, address: str, grants: frozenset[Pair]) -> TestOutcome:
        url = url_of(address)
        verdict = self._judge(grants).judge_url(url, "script") if url else KEEP
        stop = self._fence(grants).stop(url, verdict.because) if url and verdict.keeps else None
        return TestOutcome(STOPPED, (verdict,), (stop,)) if stop else _one(verdict)

    def _cookie(self, example: Example, grants: frozenset[Pair]) -> TestOutcome:
        verdict, _ = judge_cookie(
            self._cookies,
            example.subject.encode(),
            host=example.host or self._host,
            grants=grants,
            now=NOW,
        )
        return _one(verdict)

    def _header(self, line: str, grants: frozenset[Pair]) -> TestOutcome:
        name, _, value = line.partition(":")
        pair = (name.strip().encode(), value.strip().encode())
        judge, refused = self._judge(grants), refused_headers(self.policy, grants)
        does = Does.DROP if judged_headers([pair], judge, refused).touched else Does.KEEP
        named = (
            rule for rule in self.policy.headers if pair[0].decode().lower() in map(str.lower, rule.names)
        )
        if (rule := next(named, None)) is not None:
            return _one(Verdict(does, rule.place))
        urls = filter(None, map(url_of, _ADDRESS.findall(value)))
        found = sorted((judge.judge_url(url, "link") for url in urls), key=lambda one: one.keeps)
        spoken = next((one for one in found if one.because), None)
        return _one(replace(spoken, does=does) if spoken is not None else Verdict(does))


def _one(verdict: Verdict) -> TestOutcome:
    note = f" {verdict.note}" if verdict.does is Does.CAP else ""
    return TestOutcome(verdict.does.value + note, (verdict,))


@dataclass(frozen=True, slots=True)
class _Failure:
    """One expectation that is not fulfilled."""

    place: Place
    words: str  # what a visitor gets, and why
    subject: str


def run_examples(policy: Policy, own: OwnHosts | None = None) -> tuple[Problem, ...]:
    """Return a problem for each test of `tests:` that the real filter does not fulfil."""
    bench = RuleTester(policy, own)
    failed: dict[tuple[Place, str], list[_Failure]] = {}
    for example in policy.examples:
        for visitor, expected, place in example.expect:
            outcome = bench.outcome(example, visitor)
            if not outcome.is_what(expected):
                words = f"{visitor} gets {outcome.words}, not {expected} ({_why(outcome)})"
                found = failed.setdefault((example.place, example.it), [])
                found.append(_Failure(place, words, example.subject))
    return tuple(sorted(_problem(it, found) for (_, it), found in failed.items()))


def _problem(it: str, found: list[_Failure]) -> Problem:
    """Return what is wrong with one test: each outcome once, with the first subject that has it."""
    subjects: dict[str, list[str]] = {}
    for one in found:
        subjects.setdefault(one.words, []).append(one.subject)
    parts = []
    for words, tried in subjects.items():
        first = tried[0] if len(tried[0]) <= MAX_SUBJECT else tried[0][:MAX_SUBJECT] + "..."
        parts.append(f"{words}, for {first}" + (f" and {len(tried) - 1} more" if len(tried) > 1 else ""))
    return Problem(min(one.place for one in found), f"test '{it}': {'; '.join(parts)}")


def _why(outcome: TestOutcome) -> str:
    if outcome.stops:
        return " and ".join(map(str, outcome.stops))
    rules = " and ".join(sorted(place.rule for place in outcome.because))
    notes = ", ".join(dict.fromkeys(v.note for v in outcome.verdicts if v.note and not v.provider))
    return f"because of {rules}{notes and f': {notes}'}" if rules else notes or "no rule speaks of it"


def untested(policy: Policy, own: OwnHosts | None = None) -> tuple[Problem, ...]:
    """Return a warning for each tag rule and each cookie row that no test of the file trips."""
    bench = RuleTester(policy, own)
    tripped: set[Place] = set()
    for example in policy.examples:
        for visitor, _, _ in example.expect:
            tripped |= bench.outcome(example, visitor).because
    missed = [
        tag
        for provider in policy.providers
        for tag in provider.tags
        if tag.place not in tripped and not _misses(policy, tag, own)
    ]
    rows = [
        row
        for one in policy.providers
        for row in one.cookies
        if row.place not in tripped and row.names != (CONSENT_COOKIE,)  # ours alone: no test can set it
    ]
    text = "no test of this file trips this {}: taking it out would go unnoticed"
    found = [Problem(tag.place, text.format("tag rule"), warning=True) for tag in missed]
    found += [Problem(row.place, text.format(f"cookie row ({row.names[0]})"), warning=True) for row in rows]
    return tuple(sorted(found))


def _misses(policy: Policy, tag: TagRule, own: OwnHosts | None) -> bool:
    """True when some test fails without that rule: the only trace of one that always allows."""
    if any(policy.needs_consent(purpose) for purpose in tag.purposes):
        return False
    return bool(run_examples(without_tag(policy, tag), own))


def without_tag(policy: Policy, tag: TagRule) -> Policy:
    """Return the policy less that one tag rule."""
    return replace(
        policy,
        providers=tuple(replace(p, tags=_others(p.tags, tag)) for p in policy.providers),
    )


def _others(tags: Iterable[TagRule], gone: TagRule) -> tuple[TagRule, ...]:
    return tuple(tag for tag in tags if tag is not gone)
