"""Asks the judges that filter for visitors about something seen from outside; no matcher of its own."""

from __future__ import annotations

from proxy.audit.findings import Fact, Objection, Severity
from proxy.audit.observed import CookieSeen, RequestSeen
from proxy.audit.plan import NONE, REFUSE, WITHDRAW, grants_of
from proxy.filter.headers.cookies import CookieRules, judge_cookie
from proxy.filter.headers.fence_check import FenceCheck
from proxy.filter.headers.guard_check import GuardCheck
from proxy.filter.rules.collection_requests import RequestRules, refused_request
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.filter.syntax.urls import Url
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.hosts import covers
from proxy.policy.model import NECESSARY, CookieRule, Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair
from proxy.problems import Place
from proxy.seen.declaration import matches_any
from proxy.seen.names import Kind
from proxy.seen.ownership import Ownership, ownership

_BY_STATE = {NONE: Fact.BEFORE, REFUSE: Fact.REFUSED, WITHDRAW: Fact.WITHDRAWN}
_MEASURING = ("analytics", "marketing", "advertising", "ad", "targeting", "performance", "social")
_SLACK = 86_400
"""Seconds by which a life may be longer than promised: clocks, and years counted in days."""


def fact_of(state: str) -> Fact:
    """Return the fact that something refused is in this state."""
    return _BY_STATE.get(state, Fact.REFUSED)


class RuleBook:
    """The rules of one site, asked for one state of consent."""

    def __init__(self, policy: Policy, own: OwnHosts, state: str) -> None:
        self.policy, self.own, self.state = policy, own, state
        grants: frozenset[Pair] = grants_of(state, policy)
        self._grants = grants
        self._rules = compile_rules(policy, own)
        self._judge: Judge = judge_for(self._rules, grants)
        self._fence = FenceCheck(policy, own, grants)
        self._cookies = CookieRules(policy)
        self._guard = GuardCheck(policy, own, grants, self._cookies)
        self._requests = RequestRules(policy)
        self._ids = {provider.id for provider in policy.providers}

    # --- third parties ------------------------------------------------------------------

    def host(self, seen: RequestSeen) -> Objection | None:
        """Return what the rules say against a request; None where it may be."""
        if self.own.owns(seen.host):
            return self._collection(seen)
        if seen.element == "webrtc":
            return self._server(seen.host)
        verdict = self.load_verdict(seen)
        if verdict.keeps:
            return None
        if verdict.provider is None:
            return self._undeclared_host(seen.host)
        return self._refused(verdict)

    def _server(self, host: str) -> Objection | None:
        """Return what the guard says against a STUN or TURN server."""
        verdict = self._guard.server(host)
        if not verdict.keeps:
            return self._refused(verdict) if verdict.provider is not None else self._undeclared_host(host)
        if verdict.note != "undeclared":
            return None
        why = f"no rule declares {host} for WebRTC; undeclared servers are kept"
        return Objection(Fact.UNDECLARED, Severity.DOUBT, why, advice=f"declare it: connect: stun:{host}")

    def load_verdict(self, seen: RequestSeen) -> Verdict:
        """Return the verdict on a third party: the filter's where a rule refuses it, else the fence's."""
        url = Url(seen.host, seen.path)
        element = seen.element.removeprefix("worker ").partition(" ")[0]
        values = {"rel": seen.element.partition(" ")[2]} if seen.speculative else {}
        judged = self._judge.judge_url(url, element, values)
        if seen.speculative:  # no fence stops a connection without a request
            return judged
        stop = self._fence.stop(url)
        if stop is None:  # open by a rule for other elements, or by `connect:`
            return judged if judged.provider is not None else KEEP
        if judged.provider is not None and not judged.keeps:
            return judged
        closed = self._closed_by(stop.closed, seen.host) if stop.closed is not None else None
        return closed or Verdict(Does.HOLD, note="undeclared third party")

    def _closed_by(self, place: Place, host: str) -> Verdict | None:
        """Return the verdict of the rule for which a host is shut; None where it is about other paths."""
        for provider in self.policy.providers:
            for tag in provider.tags:
                if tag.place == place and not tag.paths and any(covers(one, host) for one in tag.hosts):
                    missing = tuple(p for p in tag.purposes if Pair(p, provider.id) not in self._grants)
                    return Verdict(Does.HOLD, place, provider.id, missing)
            if any(covers(one, host) for one in provider.connect):
                return Verdict(Does.HOLD, place, provider.id)
        return None

    def _collection(self, seen: RequestSeen) -> Objection | None:
        verdict = refused_request(
            self._requests, seen.host, seen.path.encode("utf-8", "replace"), self._grants
        )
        if verdict.keeps or seen.status == 204:  # what the proxy answers itself
            return None
        return self._refused(verdict)

    def _undeclared_host(self, host: str) -> Objection:
        whose = ownership(Kind.HOST, host)
        early = self.state in _BY_STATE
        return Objection(
            fact_of(self.state) if early else Fact.UNDECLARED,
            Severity.VIOLATION,
            f"no rule declares {host}{_probably(whose)}; undeclared third parties are held in every state",
            provider=whose.catalogue or "",
            advice=_use(whose)
            or f"declare it under providers, or as neutral where it stores nothing: from: {host}",
        )

    # --- cookies ------------------------------------------------------------------------

    def cookie(self, seen: CookieSeen, request: RequestSeen | None) -> list[Objection]:
        """Return what the rules say against a cookie; `request` is the one that brought it."""
        if seen.name == self._cookies.consent_cookie:
            return []
        row = self._cookies.setting(seen.name, seen.domain)
        if not self.own.owns(seen.domain) and not self.own.owns(seen.host):
            return self._foreign_cookie(seen, row, request)
        found = self._own_cookie(seen)
        doubted = self._called_necessary(seen.name, row)
        return [one for one in (found, doubted) if one is not None]

    def _own_cookie(self, seen: CookieSeen) -> Objection | None:
        if seen.side == "script":
            verdict = self._guard.cookie(seen.line, seen.host, 0)
        else:
            verdict, _ = judge_cookie(
                self._cookies,
                seen.line.encode("utf-8", "replace"),
                host=seen.host,
                grants=self._grants,
                now=0,
            )
        if verdict.presumed:
            return Objection(
                Fact.UNDECLARED,
                Severity.DOUBT,
                "no rule describes it; presumed necessary until somebody has looked",
                provider=verdict.provider or "",
                advice="say what it is for: purpose: necessary where sign-in or a basket needs it",
            )
        match verdict.does:
            case Does.DROP if verdict.provider is None:
                return self._undeclared_cookie(seen)
            case Does.DROP:
                return self._refused(verdict)
            case Does.CAP:
                return self._longer(seen, verdict)
            case _:
                return None

    def _undeclared_cookie(self, seen: CookieSeen) -> Objection:
        whose = ownership(Kind.COOKIE, seen.name)
        return Objection(
            fact_of(self.state) if self.state in _BY_STATE else Fact.UNDECLARED,
            Severity.VIOLATION,
            f"no rule describes it{_probably(whose)}",
            provider=whose.catalogue or "",
            advice=_use(whose) or "describe it in a row of cookies, with its purpose and life",
        )

    def _foreign_cookie(
        self, seen: CookieSeen, row: CookieRule | None, request: RequestSeen | None
    ) -> list[Objection]:
        """Return the objections to a cookie that a third party keeps on a domain of its own."""
        if request is None:  # nobody saw which one brought it: a worker's, or one that ended unseen
            may_load = self._fence.stop(Url(seen.domain, "/")) is None
        else:
            may_load = self.load_verdict(request).keeps
        if row is None or row.provider not in self._ids:
            severity = Severity.DOUBT if may_load else Severity.VIOLATION
            fact = Fact.UNDECLARED if may_load else fact_of(self.state)
            why = f"{seen.domain} keeps it on its own domain, and no rule describes it"
            return [Objection(fact, severity, why, advice="describe it in a row of cookies of its provider")]
        verdict, _ = judge_cookie(
            self._cookies, seen.line.encode("utf-8", "replace"), host=seen.host, grants=self._grants, now=0
        )
        if verdict.does is Does.DROP:
            return [self._refused(verdict)]
        limit = row.lasts.seconds
        if seen.lives is not None and (limit is None or seen.lives > limit + _SLACK):
            life = f"it lives {days(seen.lives)}, the table says {row.lasts.text}"
            why = f"{life}; only {seen.domain} can shorten it"
            return [Objection(Fact.LONGER, Severity.DOUBT, why, str(row.place.rule), row.provider)]
        return []

    def _longer(self, seen: CookieSeen, verdict: Verdict) -> Objection:
        promised = verdict.note.removeprefix("to ")
        return Objection(
            Fact.LONGER,
            Severity.VIOLATION,
            f"it lives {days(seen.lives)}, the table promises {promised}",
            _rule(verdict),
            verdict.provider or "",
        )

    def _called_necessary(self, name: str, row: CookieRule | None) -> Objection | None:
        """Return a doubt where rules call necessary what is known to measure or to advertise."""
        if row is None or row.purpose != NECESSARY or row.provider not in self._ids:
            return None
        whose = ownership(Kind.COOKIE, name)
        tracker = next(
            (one for one in self.policy.catalogue.trackers if matches_any(one.cookies, name)), None
        )
        if tracker is not None:
            said = f"{tracker.name} is a known tracker"
            return Objection(
                Fact.NECESSARY,
                Severity.VIOLATION,
                f"rules.yaml calls it necessary; {said}",
                row.place.rule,
                row.provider,
            )
        guess = whose.guess.category.lower() if whose.guess is not None else whose.category
        if guess not in _MEASURING:
            return None
        return Objection(
            Fact.NECESSARY,
            Severity.DOUBT,
            f"rules.yaml calls it necessary; the Open Cookie Database says {guess}",
            row.place.rule,
            row.provider,
        )

    # --- storage ------------------------------------------------------------------------

    def key(self, name: str) -> Objection | None:
        """Return what the rules say against a name in the storage of the site's own origins."""
        verdict = self._guard.storage(name)
        if verdict.does is Does.DROP:
            return self._refused(verdict)
        if verdict.because is not None:
            return None
        whose = ownership(Kind.KEY, name)
        return Objection(
            Fact.UNDECLARED,
            Severity.DOUBT,
            f"no rule describes it{_probably(whose)}",
            advice=_use(whose) or "describe it under storage, with its purpose",
        )

    def row_of(self, seen: CookieSeen) -> CookieRule | None:
        """Return the row that speaks of a cookie."""
        return self._cookies.setting(seen.name, seen.domain)

    def is_refused(self, name: str, domain: str) -> bool:
        """True for a cookie that a row describes, and that needs what is not granted in this state."""
        row = self._cookies.setting(name, domain)
        return row is not None and id(row) in self._cookies.refused(self._grants)

    def is_key_refused(self, name: str) -> bool:
        """True for a name in storage that needs what is not granted in this state."""
        return self._guard.storage(name).does is Does.DROP

    def necessary_by(self, row: CookieRule | None) -> str:
        """Return by whose word a cookie needs no consent; empty where it needs some."""
        if row is None or self._cookies.is_tracker(row) or self.policy.needs_consent(row.purpose):
            return ""
        return f"the catalogue ({row.place.rule})" if self._cookies.is_platform(row) else row.place.rule

    def _refused(self, verdict: Verdict) -> Objection:
        provider = self.policy.provider(verdict.provider or "")
        name = provider.name if provider is not None else verdict.provider or ""
        needs = " and ".join(verdict.needs) or "consent"
        why = f"{name}: {verdict.note}" if verdict.note == "known tracker" else f"{name} needs {needs}"
        return Objection(
            fact_of(self.state),
            Severity.VIOLATION,
            why,
            _rule(verdict),
            verdict.provider or "",
            verdict.needs,
        )


def days(seconds: int | None) -> str:
    """Return a life as people say it."""
    if seconds is None:
        return "as long as the browser runs"
    if seconds < 3 * 3_600:
        return f"{max(1, round(seconds / 60))} minutes"
    return f"{round(seconds / 3_600)} hours" if seconds < 2 * 86_400 else f"{round(seconds / 86_400)} days"


def _rule(verdict: Verdict) -> str:
    return verdict.because.rule if verdict.because is not None else ""


def _probably(whose: Ownership) -> str:
    return f" (probably {whose.owner})" if whose.is_known else ""


def _use(whose: Ownership) -> str:
    return f"use: [{whose.catalogue}]" if whose.catalogue else ""
