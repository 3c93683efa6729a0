"""The judge who applies the rules for one set of grants: one per (site, grants), kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxy.consent.decision import allows
from proxy.filter.cache import Cache, CacheBudget
from proxy.filter.rules.compiled import Rules, compile_rules
from proxy.filter.rules.judged_tag import JudgedTag
from proxy.filter.rules.rule_matcher import Matcher
from proxy.filter.syntax.urls import Url
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.model import Action
from proxy.policy.scope import Pair

__all__ = ["Judge", "Rules", "compile_rules", "judge_for"]

_DOES = {
    Action.HOLD: Does.HOLD,
    Action.REPLACE: Does.REPLACE,
    Action.RELAY: Does.REPLACE,
    Action.REMOVE: Does.REMOVE,
    Action.KEEP: Does.KEEP,
}


class Judge:
    """What may run for visitors who granted exactly this.

    The memos hold what was judged; emptying them changes nothing but time. In a `room` they
    weigh, together with those of other judges, no more than it holds.
    """

    def __init__(self, rules: Rules, grants: frozenset[Pair], room: CacheBudget | None = None) -> None:
        self.rules = rules
        self.grants = grants
        self._verdicts: dict[int, Verdict] = {}
        self._undeclared: dict[str, Verdict] = {}
        self._noted: dict[tuple[int, str], Verdict] = {}
        self.hosted: dict[tuple[bytes, bytes, bytes], Verdict | None] = {}  # see `byhost`
        self.tags: Cache[JudgedTag | None] = Cache(limit=8_000_000, longest=100_000, room=room)
        self.xml_tags: Cache[JudgedTag | None] = Cache(limit=2_000_000, longest=100_000, room=room)
        self.scripts: Cache[JudgedTag | None] = Cache(limit=8_000_000, longest=400_000, room=room)
        self.xml_scripts: Cache[JudgedTag | None] = Cache(limit=1_000_000, longest=160_000, room=room)
        self.styles: Cache[bool] = Cache(limit=8_000_000, longest=400_000, room=room)

    def forget(self) -> None:
        """Empty every memo."""
        self._undeclared.clear()
        self._noted.clear()
        self.hosted.clear()
        for cache in (self.tags, self.xml_tags, self.scripts, self.xml_scripts, self.styles):
            cache.forget()
        self.rules.forget()

    def verdict_of(self, matcher: Matcher) -> Verdict:
        """Return what that rule says for these grants."""
        found = self._verdicts.get(matcher.index)
        if found is None:
            found = self._verdicts[matcher.index] = self._of_rule(matcher)
        return found

    def _of_rule(self, matcher: Matcher) -> Verdict:
        rule = matcher.rule
        missing = tuple(p for p in matcher.needs if not allows(self.grants, rule.provider, (p,)))
        does = _DOES[rule.do] if missing else Does.KEEP
        return Verdict(does, rule.place, rule.provider, missing if does is not Does.KEEP else ())

    @property
    def minds_text(self) -> bool:
        """True when some inline script would be refused for its text."""
        return any(not self.verdict_of(matcher).keeps for matcher in self.rules.texts)

    def noted(self, matcher: Matcher, note: str) -> Verdict:
        """Return what that rule says, with words for people about one tag."""
        found = self._noted.get((matcher.index, note))
        if found is None:
            if len(self._noted) > 5_000:
                self._noted.clear()
            of_rule = self.verdict_of(matcher)
            found = Verdict(of_rule.does, of_rule.because, of_rule.provider, of_rule.needs, note)
            self._noted[matcher.index, note] = found
        return found

    def judge_url(self, url: Url, element: str = "", values: Mapping[str, str] | None = None) -> Verdict:
        """Return what happens to something of that element that asks this address."""
        others = [*self.rules.of_element(element, values or {}), *self.rules.roaming]
        matcher = self.match_url(url, element, values or {}, others)
        if matcher is not None:
            return self.verdict_of(matcher)
        return self.undeclared(url)

    def match_url(
        self, url: Url, element: str, values: Mapping[str, str], others: Iterable[Matcher]
    ) -> Matcher | None:
        """Return the first rule in file order for this address on this element."""
        best = None
        for matcher in self.rules.at(url.host).reaching:
            if matcher.leads(url.path) and matcher.fits(element, values):
                best = matcher
                break
        for matcher in others:
            if (
                (best is None or matcher.index < best.index)
                and matcher.fits(element, values)
                and matcher.leads(url.path)
            ):
                best = matcher
        return best

    def undeclared(self, url: Url) -> Verdict:
        """Return what happens to an address that no rule speaks of."""
        found = self._undeclared.get(url.host)
        if found is None:
            found = KEEP
            if not self.rules.at(url.host).known:
                place = self.rules.undeclared_place
                found = Verdict(Does.HOLD, place, note=f"undeclared third party {url.host}")
            if len(self._undeclared) > 5_000:
                self._undeclared.clear()
            self._undeclared[url.host] = found
        return found

    def match_text(self, words: frozenset[bytes], element: str, values: Mapping[str, str]) -> Matcher | None:
        """Return the first rule whose inline text these words are."""
        if not words:
            return None
        for matcher in self.rules.texts:
            if matcher.reads(words) and matcher.fits(element, values) and not matcher.by_address:
                return matcher
        return None


def judge_for(rules: Rules, grants: frozenset[Pair], room: CacheBudget | None = None) -> Judge:
    """Return the judge for visitors who granted these pairs; keep one per (site, grants)."""
    return Judge(rules, grants, room)
