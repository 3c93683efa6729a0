"""Rules compiled for speed: which of them may speak of a tag or an address.

They depend on the policy and on which hosts are the site's own, and are compiled once,
off the event loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from proxy.filter.patterns import Glob, HostGlob, WordPattern, literal_suffix, stem, suffixes
from proxy.filter.rules.interests import Interests
from proxy.filter.rules.rule_matcher import Matcher, matcher_of
from proxy.filter.rules.scan.hosted_tags import hosted
from proxy.filter.rules.scan.passing_addresses import COMMON_HOST, COMMON_WORD, MOST_HOSTS, Passing
from proxy.filter.rules.scan.steps import Steps, head_step, plain_step
from proxy.filter.syntax.fetching_attributes import NAVIGATING_ELEMENTS
from proxy.policy.model import OWN, Policy, Undeclared
from proxy.policy.own_hosts import OwnHosts

MOST_KNOWN = 5_000
"""Hosts that are remembered."""

_NO_RULES: list[Matcher] = []


class AtHost(NamedTuple):
    """What the rules say about one host, whatever asks for it."""

    known: bool  # the site's own, or neutral, or nobody minds
    speaking: tuple[Matcher, ...]  # rules that may speak of it, in file order
    reaching: tuple[Matcher, ...]  # those of them that do
    passes: re.Pattern[str] | bool  # whether an address passes on every element: unless this is in its path


def words_of(matchers: Iterable[Matcher]) -> list[str] | None:
    """Return words of which one stands in every path that these rules speak of; None if that is any path."""
    found = []
    for matcher in matchers:
        for glob in matcher.paths or (Glob(("",)),):
            word = stem(glob)
            if word is None:
                return None
            found.append(word)
    return found


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
        self.undeclared_place = policy.undeclared_tags_place
        self._neutral = frozenset(
            h.lower().strip(".") for n in policy.neutral for h in n.hosts if "*" not in h
        )
        self._neutral_globs = tuple(HostGlob.of(h) for n in policy.neutral for h in n.hosts if "*" in h)
        self._by_host: dict[str, list[Matcher]] = {}
        self._by_id: dict[str, list[Matcher]] = {}
        self._by_class: dict[str, list[Matcher]] = {}
        self._by_attribute: dict[str, list[Matcher]] = {}
        self._by_element: dict[str, list[Matcher]] = {}
        self._globbed: list[Matcher] = []  # a glob as id or class
        self.roaming: list[Matcher] = []  # a path on any host
        self.texts: list[Matcher] = []
        for matcher in self.matchers:
            self._file(matcher)
        self.words = WordPattern(word.decode() for m in self.texts for word in m.all_words | m.any_words)
        self._hosts: dict[str, AtHost] = {}
        self._interests = self._interesting()
        passing = self._passing()
        self.steps = Steps(plain_step(self._interests, passing), head_step(self._interests, passing))
        self.hosted = hosted(self._interests)
        roaming = words_of(self.roaming)
        if roaming is None or not all(map(COMMON_WORD.fullmatch, roaming)) or "&" in "".join(roaming):
            self.hosted.clear()  # no tag is judged by its host alone where a rule may speak of any path
        self.roams = re.compile("|".join(map(re.escape, roaming)).encode()) if roaming else None

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
        elif rule.ids or rule.classes:
            self._globbed.append(matcher)
        else:
            self.roaming.append(matcher)

    @cached_property
    def based_steps(self) -> Steps:
        """The steps where a `<base href>` leads addresses elsewhere; rare, so compiled when first needed."""
        return Steps(plain_step(self._interests), head_step(self._interests))

    def _interesting(self) -> Interests:
        """Return what the scanner has to stop at for these rules' sake."""
        found = Interests()
        for matcher in self.matchers:
            rule = matcher.rule
            if rule.text is not None:
                continue  # scripts are visited anyway
            if rule.hosts:  # so is whatever holds an address, save where it is a navigation
                found.elements.update(matcher.elements & NAVIGATING_ELEMENTS)
            elif rule.ids:
                found.ids.update(rule.ids)
            elif rule.classes:
                found.classes.update(rule.classes)
            elif rule.elements and (rule.attributes or not rule.paths):
                found.elements.update(matcher.elements)
            elif rule.elements:  # their paths stand among the words that no passing address has
                found.elements.update(matcher.elements & NAVIGATING_ELEMENTS)
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
        passes = self.at(host).passes
        return passes if isinstance(passes, bool) else passes.search(path) is None

    def of_host(self, host: str) -> tuple[Matcher, ...]:
        """Return the rules that may speak of this host, in file order."""
        return self.at(host).speaking

    def at(self, host: str) -> AtHost:
        """Return what is known of this host."""
        found = self._hosts.get(host)
        if found is None:
            if len(self._hosts) > MOST_KNOWN:
                self._hosts.clear()
            found = self._hosts[host] = self._learn(host)
        return found

    def _learn(self, host: str) -> AtHost:
        owned, parents = self.owns(host), suffixes(host)
        keys = [*parents, "", OWN] if owned else [*parents, ""]
        speaking: tuple[Matcher, ...] = ()
        if not self._by_host.keys().isdisjoint(keys):
            several = {m.index: m for key in keys if key in self._by_host for m in self._by_host[key]}
            speaking = tuple([several[index] for index in sorted(several)])
        reaching = tuple([m for m in speaking if m.reaches_host(host, parents, owned=owned)])
        known = owned or not self.holds_undeclared or self.neutral(host)
        passes: re.Pattern[str] | bool = False
        if known and (words := words_of((*speaking, *self.roaming))) is not None:
            passes = re.compile("|".join(map(re.escape, words))) if words else True
        return AtHost(known, speaking, reaching, passes)

    def _passing(self) -> Passing | None:
        """Return which addresses the scanner may pass by without asking; None where none are."""
        if not self.at("").passes:
            return None
        words = words_of((*self.of_host(""), *self.roaming)) or []
        hosts: list[str] = []
        for host in sorted(self.own.hosts | {self.own.domain or ""} | self._neutral):
            also = (
                words_of(self.of_host(host)) if COMMON_HOST.fullmatch(host) and self.at(host).known else None
            )
            if also is not None and len(hosts) < MOST_HOSTS:
                hosts.append(host)
                words += also
        if not all(map(COMMON_WORD.fullmatch, words)):
            return None
        return Passing(tuple(hosts), tuple(dict.fromkeys(words)))

    def of_element(self, element: str, values: Mapping[str, str]) -> Sequence[Matcher]:
        """Return the rules that this element may meet whatever it loads, but those of paths alone."""
        found = _NO_RULES
        if self._globbed and ("id" in values or "class" in values):
            found = [matcher for matcher in self._globbed if matcher.fits(element, values)]
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


def compile_rules(policy: Policy, own: OwnHosts) -> Rules:
    """Return the policy's tag rules compiled; takes a while, so do it off the event loop."""
    return Rules(policy, own)
