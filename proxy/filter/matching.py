"""Rules compiled for speed, and the judge who applies them for one set of grants.

`Rules` depend on the policy and on which hosts are the site's own; they are compiled once,
off the event loop. A `Judge` adds what visitors agreed to; one per (site, grants), kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from proxy.consent.decision import allows
from proxy.filter.actions import Judged
from proxy.filter.elements import NAVIGATING
from proxy.filter.matcher import Matcher, matcher_of
from proxy.filter.memo import Memo
from proxy.filter.patterns import Glob, HostGlob, Words, literal_suffix, stem, suffixes
from proxy.filter.steps import Interests, plain_step
from proxy.filter.urls import Url
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.model import OWN, Action, Policy, Undeclared
from proxy.policy.own import OwnHosts
from proxy.policy.scope import Pair

_DOES = {
    Action.HOLD: Does.HOLD,
    Action.REPLACE: Does.REPLACE,
    Action.RELAY: Does.REPLACE,
    Action.REMOVE: Does.REMOVE,
    Action.KEEP: Does.KEEP,
}


class Rules:
    """All tag rules of a policy, found by what a tag shows first: host, id, class, text."""

    def __init__(self, policy: Policy, own: OwnHosts) -> None:
        self.policy = policy
        self.own = own
        rules = [rule for provider in policy.providers for rule in provider.tags]
        self.matchers = tuple(matcher_of(index, rule, policy) for index, rule in enumerate(rules))
        self.named = frozenset(name for m in self.matchers for name in m.elements)
        self.named_attributes = frozenset(name for m in self.matchers for name, _ in m.attributes)
        self.holds_undeclared = policy.undeclared_tags is not Undeclared.KEEP
        self._neutral = frozenset(
            h.lower().strip(".") for n in policy.neutral for h in n.hosts if "*" not in h
        )
        self._neutral_globs = tuple(HostGlob.of(h) for n in policy.neutral for h in n.hosts if "*" in h)
        self._by_host: dict[str, list[Matcher]] = {}
        self._by_id: dict[str, list[Matcher]] = {}
        self._by_class: dict[str, list[Matcher]] = {}
        self._by_attribute: dict[str, list[Matcher]] = {}
        self._by_element: dict[str, list[Matcher]] = {}
        self._anywhere: list[Matcher] = []  # a glob as id or class, or a path on any host
        self.texts: list[Matcher] = []
        for matcher in self.matchers:
            self._file(matcher)
        self.words = Words(word.decode() for m in self.texts for word in m.all_words | m.any_words)
        self.watches_own = any(m.own or (m.by_address and not m.rule.hosts) for m in self.matchers)
        self._hosts: dict[str, tuple[Matcher, ...]] = {}
        self.step = plain_step(self._interests())
        self._free: dict[str, re.Pattern[str] | bool] = {}

    def _file(self, matcher: Matcher) -> None:
        """Put the rule where its most telling condition will find it."""
        rule = matcher.rule
        if rule.text is not None:
            self.texts.append(matcher)
        elif rule.hosts:
            for host in rule.hosts:
                self._by_host.setdefault(host if host == OWN else literal_suffix(host), []).append(matcher)
        elif rule.ids and not any("*" in id_ for id_ in rule.ids):
            for id_ in rule.ids:
                self._by_id.setdefault(id_, []).append(matcher)
        elif rule.classes and not any("*" in class_ for class_ in rule.classes):
            for class_ in rule.classes:
                self._by_class.setdefault(class_, []).append(matcher)
        elif rule.attributes:
            self._by_attribute.setdefault(matcher.attributes[0][0], []).append(matcher)
        elif rule.elements and not rule.paths:
            for name in matcher.elements:
                self._by_element.setdefault(name, []).append(matcher)
        else:
            self._anywhere.append(matcher)

    def _interests(self) -> Interests:
        """Return what the scanner has to stop at for these rules' sake."""
        found = Interests()
        for matcher in self.matchers:
            rule = matcher.rule
            if rule.text is not None:
                continue  # scripts are visited anyway
            if rule.hosts:  # so is whatever holds an address, save where it is a navigation
                found.elements.update(matcher.elements & NAVIGATING)
            elif rule.ids:
                found.ids.update(rule.ids)
            elif rule.classes:
                found.classes.update(rule.classes)
            elif rule.elements:
                found.elements.update(matcher.elements)
            else:
                found.attributes.update(name for name, _ in matcher.attributes[:1])
        return found

    def owns(self, host: str) -> bool:
        """True for the page's own origin ("") and every host of the site."""
        return not host or self.own.owns(host)

    def neutral(self, host: str) -> bool:
        """True for third parties that may load for everyone."""
        if not self._neutral.isdisjoint(suffixes(host)):
            return True
        return bool(self._neutral_globs) and any(glob.matches(host) for glob in self._neutral_globs)

    def leaves_alone(self, host: str, path: str) -> bool:
        """True when this address passes on every element that no rule knows by itself.

        The quick answer to what `of_host` and `Judge.match_url` say at length.
        """
        free = self._free.get(host)
        if free is None:
            free = self._learn(host)
        return free if isinstance(free, bool) else free.search(path) is None

    def _learn(self, host: str) -> re.Pattern[str] | bool:
        stems = [stem(glob) for matcher in self.of_host(host) for glob in matcher.paths or (Glob(("",)),)]
        known = self.owns(host) or not self.holds_undeclared or self.neutral(host)
        free: re.Pattern[str] | bool = known and None not in stems
        if free and stems:
            free = re.compile("|".join(re.escape(word) for word in stems if word is not None))
        if len(self._free) > 5_000:
            self._free.clear()
        self._free[host] = free
        return free

    def of_host(self, host: str) -> tuple[Matcher, ...]:
        """Return the rules that speak of this host, in file order."""
        found = self._hosts.get(host)
        if found is None:
            keys = [*suffixes(host), "", OWN] if self.owns(host) else [*suffixes(host), ""]
            several = {m.index: m for key in keys if key in self._by_host for m in self._by_host[key]}
            found = tuple(several[index] for index in sorted(several)) if several else ()
            if len(self._hosts) > 5_000:
                self._hosts.clear()
            self._hosts[host] = found
        return found

    def of_element(self, element: str, values: Mapping[str, str]) -> Sequence[Matcher]:
        """Return the rules that this element may meet whatever it loads."""
        found = self._anywhere
        if "id" in values and values["id"] in self._by_id:
            found = [*found, *self._by_id[values["id"]]]
        if element in self._by_element:
            found = [*found, *self._by_element[element]]
        if "class" in values and self._by_class:
            for word in values["class"].split():
                if word in self._by_class:
                    found = [*found, *self._by_class[word]]
        if not self._by_attribute.keys().isdisjoint(values):
            for name in self._by_attribute.keys() & values.keys():
                found = [*found, *self._by_attribute[name]]
        return found

    def forget(self) -> None:
        """Empty the memos."""
        self._hosts.clear()
        self._free.clear()


def compile_rules(policy: Policy, own: OwnHosts) -> Rules:
    """Return the policy's tag rules compiled; takes a while, so do it off the event loop."""
    return Rules(policy, own)


class Judge:
    """What may run for visitors who granted exactly this.

    The memos hold what was judged; emptying them changes nothing but time.
    """

    def __init__(self, rules: Rules, grants: frozenset[Pair]) -> None:
        self.rules = rules
        self.grants = grants
        self._verdicts: dict[int, Verdict] = {}
        self._undeclared: dict[str, Verdict] = {}
        self._noted: dict[tuple[int, str], Verdict] = {}
        self.tags: Memo[Judged | None] = Memo(limit=8_000_000, longest=100_000)
        self.xml_tags: Memo[Judged | None] = Memo(limit=2_000_000, longest=100_000)
        self.scripts: Memo[Judged | None] = Memo(limit=8_000_000, longest=400_000)
        self.xml_scripts: Memo[Judged | None] = Memo(limit=1_000_000, longest=160_000)
        self.styles: Memo[bool] = Memo(limit=8_000_000, longest=400_000)

    def forget(self) -> None:
        """Empty every memo."""
        self._undeclared.clear()
        self._noted.clear()
        for memo in (self.tags, self.xml_tags, self.scripts, self.xml_scripts, self.styles):
            memo.forget()
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
            found = replace(self.verdict_of(matcher), note=note)
            self._noted[matcher.index, note] = found
        return found

    def judge_url(self, url: Url, element: str = "", values: Mapping[str, str] | None = None) -> Verdict:
        """Return what happens to something of that element that asks this address."""
        matcher = self.match_url(url, element, values or {}, self.rules.of_element(element, values or {}))
        if matcher is not None:
            return self.verdict_of(matcher)
        return self.undeclared(url)

    def match_url(
        self, url: Url, element: str, values: Mapping[str, str], others: Iterable[Matcher]
    ) -> Matcher | None:
        """Return the first rule in file order for this address on this element."""
        best = None
        owned = self.rules.owns(url.host)
        for matcher in self.rules.of_host(url.host):
            if matcher.reaches(url, owned=owned) and matcher.fits(element, values):
                best = matcher
                break
        for matcher in others:
            if (
                (best is None or matcher.index < best.index)
                and matcher.fits(element, values)
                and (not matcher.by_address or matcher.reaches(url, owned=owned))
            ):
                best = matcher
        return best

    def undeclared(self, url: Url) -> Verdict:
        """Return what happens to an address that no rule speaks of."""
        found = self._undeclared.get(url.host)
        if found is None:
            rules = self.rules
            found = KEEP
            if rules.holds_undeclared and not rules.owns(url.host) and not rules.neutral(url.host):
                found = Verdict(Does.HOLD, note=f"undeclared third party {url.host}")
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


def judge_for(rules: Rules, grants: frozenset[Pair]) -> Judge:
    """Return the judge for visitors who granted these pairs; keep one per (site, grants)."""
    return Judge(rules, grants)
