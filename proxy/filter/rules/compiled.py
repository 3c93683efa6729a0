"""The tag rules of a policy, compiled: by host, id, class and element, and by the words of inline scripts.

They depend on the policy and the site's own hosts only, and are compiled once, off the event loop.

Naming a provider in an inline script is not loading it: data is never held for what its strings say. A site's
own code runs, even where it also calls or loads a provider: fence, guard and stand-ins hold what it
tries. A provider's snippet, and nothing else, is what a `text` rule means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from proxy.filter.cache import Cache
from proxy.filter.patterns import Glob, HostGlob, Matcher, literal_suffix, matcher_of, stem, suffixes
from proxy.filter.rules.interests import Interests
from proxy.filter.rules.scan.allowed_addresses import (
    COMMON_HOST,
    COMMON_WORD,
    MAX_HOSTS_IN_PATTERN,
    AllowedAddresses,
)
from proxy.filter.rules.scan.host_tags import host_tag_patterns
from proxy.filter.rules.scan.steps import Steps, body_step, head_step
from proxy.filter.syntax.fetching_attributes import NAVIGATING_ELEMENTS
from proxy.filter.syntax.javascript import data_names, strings_of
from proxy.filter.syntax.script_effects import own_effect
from proxy.filter.syntax.tokens import shared_beginning
from proxy.filter.syntax.urls import addresses_in, url_of
from proxy.policy.actions import Action
from proxy.policy.model import OWN, Policy, Undeclared
from proxy.policy.own_hosts import OwnHosts


class WordPattern:
    """Finds which of many words a text contains, case-sensitive."""

    FEW = 12  # up to here one search per word is faster than a pattern of all (measured)

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(sorted({word.encode() for word in words}))
        self.longest = max(map(len, self.words), default=0)
        self._any = None
        if len(self.words) > self.FEW:
            self._any = re.compile(
                _factored([word.decode("latin-1") for word in self.words]).encode("latin-1")
            )

    def within(self, text: bytes) -> frozenset[bytes]:
        """Return the words that occur."""
        if self._any is not None and self._any.search(text) is None:
            return _NONE
        found = [word for word in self.words if text.find(word) >= 0]  # `in` tries each as a number first
        return frozenset(found) if found else _NONE


_NONE: Final[frozenset[bytes]] = frozenset()


def _factored(words: list[str]) -> str:
    """Return a pattern for any of these words in which every beginning stands once."""
    if "" in words:
        return ""  # a word ends here: longer ones need not be matched
    if shared := shared_beginning(words):
        return re.escape(shared) + _factored([word[len(shared) :] for word in words])
    heads: dict[str, list[str]] = {}
    for word in words:
        heads.setdefault(word[0], []).append(word[1:])
    branches = [re.escape(head) + _factored(tails) for head, tails in heads.items()]
    return branches[0] if len(branches) == 1 else "(?:" + "|".join(branches) + ")"


class ScriptKind(Enum):
    """Whose a script is; the values are words for people."""

    DATA = "data only"
    OWN = "the site's own code"
    SNIPPET = "a provider's snippet"


@dataclass(frozen=True, slots=True)
class ScriptReading:
    """What was read from one script."""

    kind: ScriptKind
    why: str
    names: bytes = b""  # of data: what it assigns and calls, each on a line


def read_script(body: bytes, known: ProviderStrings) -> ScriptReading:
    """Return whose a script is; where that is not sure it is the site's own."""
    text = body.decode("latin-1")
    if "<![CDATA[" in text:
        text = text.replace("<![CDATA[", "").replace("]]>", "")
    names = data_names(text, known.names)
    if names is not None:
        assigned = ", ".join(names[:3])
        return ScriptReading(ScriptKind.DATA, f"assigns {assigned}", "\n".join(names).encode("latin-1"))
    effect = own_effect(text, known.mean)
    if effect is not None:
        return ScriptReading(ScriptKind.OWN, effect)
    return ScriptReading(ScriptKind.SNIPPET, "does nothing but load and call providers")


class ProviderStrings:
    """What the rules know a provider by: hosts, paths, words of scripts, and the names in those."""

    def __init__(self, matchers: Iterable[Matcher]) -> None:
        words: set[str] = set()
        self.names: set[str] = set()
        for matcher in matchers:
            texts = {word.decode() for word in matcher.all_words | matcher.any_words}
            words |= texts | matcher.hosts | set(_stems(matcher))
            self.names |= {match[1] for text in texts if (match := _NAME.fullmatch(text)) is not None}
        self._words = WordPattern(word for word in words if len(word) > _SHORT)

    def mean(self, text: str) -> bool:
        """True for a name or string that is, or has in it, what a rule knows a provider by."""
        return text in self.names or bool(self._words.within(text.encode("utf-8", "replace")))


_NAME: Final = re.compile(r"(?:window\.)?+([A-Za-z_$][\w$]*+)(?:\.[\w$]++)*+\(?+")
_SHORT: Final = 3  # letters that say nothing


def _stems(matcher: Matcher) -> list[str]:
    """Return the longest literal run of each path, without its query."""
    longest = (max(glob.parts, key=len).partition("?")[0] for glob in matcher.paths)
    return [stem for stem in longest if len(stem) > _SHORT]


def unfenced_stems(matcher: Matcher) -> tuple[str, ...]:
    """Return what stands in every address that a rule about paths means, if it needs consent."""
    refuses = matcher.needs or matcher.rule.do is Action.NEVER
    return tuple(_stems(matcher)) if refuses and matcher.rule.text is None else ()


MAX_HOSTS: Final = 5_000
"""Hosts whose rules are cached."""

LONGEST_HOST: Final = 256
"""Characters of the longest of them; pages name hosts, and no name is longer."""

MAX_UNSERVED: Final = 100
"""Hosts under the site's domain that are noted because they do not pass this proxy: pages name them."""

_NO_RULES: Final[list[Matcher]] = []


class HostRules:
    """The rules for one host, whichever element loads from it."""

    __slots__ = ("candidates", "matching", "may_load", "passes")

    def __init__(
        self,
        may_load: bool,
        candidates: tuple[Matcher, ...],
        matching: tuple[Matcher, ...],
        passes: re.Pattern[str] | bool,
    ) -> None:
        self.may_load = may_load
        self.candidates = candidates  # rules that may match it, in file order
        self.matching = matching  # those whose host matches
        self.passes = passes  # whether every address passes on any element: unless this is in its path


def required_words(matchers: Iterable[Matcher]) -> list[str] | None:
    """Return ASCII words of which every path that these rules match has one; None if any path."""
    found = []
    for matcher in matchers:
        for glob in matcher.paths or (Glob(("",)),):
            word = stem(glob)
            if word is None or not word.isascii():
                return None
            found.append(word)
    return found


class Rules:
    """All tag rules of a policy, looked up by host, id, class, element or text."""

    def __init__(self, policy: Policy, own: OwnHosts) -> None:
        self.policy = policy
        self.own = own
        self.unserved: dict[str, bool] = {}  # hosts seen under its domain that are not ours; True: reported
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
        self.hostless: list[Matcher] = []  # a path on any host
        self.texts: list[Matcher] = []
        for matcher in self.matchers:
            self._index(matcher)
        self.words = WordPattern(word.decode() for m in self.texts for word in m.all_words | m.any_words)
        self.provider_strings = ProviderStrings(
            m for m in self.matchers if m.needs or m.rule.do is Action.NEVER
        )
        self._unfenced = tuple(
            (matcher, stems)
            for matcher in self.matchers
            if (stems := unfenced_stems(matcher)) and self._may_load_anyway(matcher)
        )
        self.scripts: Cache[bytes, ScriptReading] = Cache(limit=4_000_000, longest=300_000)
        self._passing_beside: dict[tuple[int, ...], re.Pattern[str] | bool] = {}
        self._hosts: Cache[str, HostRules] = Cache(MAX_HOSTS, longest=LONGEST_HOST)
        self._interests = self._collect_interests()
        allowed = self._allowed_addresses()
        self._based_steps: Steps | None = None
        self.steps = Steps(body_step(self._interests, allowed), head_step(self._interests, allowed))
        self.host_tag_patterns = host_tag_patterns(self._interests)
        hostless = required_words(self.hostless)
        if hostless is None or not all(map(COMMON_WORD.fullmatch, hostless)) or "&" in "".join(hostless):
            self.host_tag_patterns.clear()  # a rule may match any path: the host alone decides nothing
        self.hostless_paths = re.compile("|".join(map(re.escape, hostless)).encode()) if hostless else None

    def _index(self, matcher: Matcher) -> None:
        """Index the rule by its most selective condition."""
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
            self.hostless.append(matcher)

    @property
    def based_steps(self) -> Steps:
        """The steps under a `<base href>` on another host; rare, so compiled on first use."""
        if self._based_steps is None:  # no cached_property: compiled classes would never cache it
            self._based_steps = Steps(body_step(self._interests), head_step(self._interests))
        return self._based_steps

    def _collect_interests(self) -> Interests:
        """Return what the scanner has to stop at for these rules."""
        found = Interests()
        for matcher in self.matchers:
            rule = matcher.rule
            if rule.text is not None:
                continue  # the scanner always stops at scripts
            if rule.hosts:  # and at addresses, except those of navigation
                found.elements.update(matcher.elements & NAVIGATING_ELEMENTS)
            elif rule.ids:
                found.ids.update(rule.ids)
            elif rule.classes:
                found.classes.update(rule.classes)
            elif rule.elements and (rule.attributes or not rule.paths):
                found.elements.update(matcher.elements)
            elif rule.elements:  # their paths are among the words that no allowed address has
                found.elements.update(matcher.elements & NAVIGATING_ELEMENTS)
            else:
                found.attributes.update(name for name, _ in matcher.attributes[:1])
        return found

    def owns(self, host: str) -> bool:
        """True for the page's own origin ("") and every host of the site."""
        return not host or self.own.owns(host)

    def _note_unserved(self, host: str) -> None:
        """Note a host of the site's own domain that is no host of this proxy: nobody filters what it sets."""
        if host != self.own.domain and host not in self.own.hosts and len(self.unserved) < MAX_UNSERVED:
            self.unserved.setdefault(host, False)

    def neutral(self, host: str) -> bool:
        """True for third parties that may load for everyone."""
        if not self._neutral.isdisjoint(suffixes(host)):
            return True
        return bool(self._neutral_globs) and any(glob.matches(host) for glob in self._neutral_globs)

    def passes_everywhere(self, host: str, path: str) -> bool:
        """True when this address passes on every element that no rule matches itself.

        The fast path of `for_host` and `Judge.match_url`.
        """
        passes = self.at_host(host).passes
        return passes if isinstance(passes, bool) else passes.search(path) is None

    def for_host(self, host: str) -> tuple[Matcher, ...]:
        """Return the rules that may match this host, in file order."""
        return self.at_host(host).candidates

    def at_host(self, host: str) -> HostRules:
        """Return the rules for this host."""
        found = self._hosts.get(host)
        if found is None:
            found = self._hosts.store(host, self._compile_host(host), len(host))
        return found

    def _compile_host(self, host: str) -> HostRules:
        owned, parents = self.owns(host), suffixes(host)
        keys = [*parents, "", OWN] if owned else [*parents, ""]
        candidates: tuple[Matcher, ...] = ()
        if not self._by_host.keys().isdisjoint(keys):
            several = {m.index: m for key in keys if key in self._by_host for m in self._by_host[key]}
            candidates = tuple([several[index] for index in sorted(several)])
        matching = tuple([m for m in candidates if m.matches_host(host, parents, owned=owned)])
        if owned and host:  # a rule that names a host of the site's own domain wins over `self`
            matching = tuple(sorted(matching, key=lambda m: not m.names_host(host, parents)))
            self._note_unserved(host)
        may_load = owned or not self.holds_undeclared or self.neutral(host)
        return HostRules(may_load, candidates, matching, may_load and self._passing(candidates))

    def _passing(self, candidates: tuple[Matcher, ...]) -> re.Pattern[str] | bool:
        """Return what no address may contain that passes beside these rules; True: every address passes."""
        key = tuple([matcher.index for matcher in candidates])
        found = self._passing_beside.get(key)
        if found is None:
            words = required_words((*candidates, *self.hostless))
            found = re.compile("|".join(map(re.escape, words))) if words else words is not None
            self._passing_beside[key] = found
        return found

    def _allowed_addresses(self) -> AllowedAddresses | None:
        """Return the addresses the scanner may skip unjudged, or None."""
        if not self.at_host("").passes:
            return None
        words = required_words((*self.for_host(""), *self.hostless)) or []
        hosts: list[str] = []
        for host in sorted(self.own.hosts | {self.own.domain or ""} | self._neutral):
            also = (
                required_words(self.for_host(host))
                if COMMON_HOST.fullmatch(host) and self.at_host(host).may_load
                else None
            )
            if also is not None and len(hosts) < MAX_HOSTS_IN_PATTERN:
                hosts.append(host)
                words += also
        if not all(map(COMMON_WORD.fullmatch, words)):
            return None
        return AllowedAddresses(tuple(hosts), tuple(dict.fromkeys(words)))

    def for_element(self, element: str, values: Mapping[str, str]) -> Sequence[Matcher]:
        """Return the rules that may match this element, whatever it loads."""
        found = _NO_RULES
        if self._globbed and ("id" in values or "class" in values):
            found = [matcher for matcher in self._globbed if matcher.matches_tag(element, values)]
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

    def _may_load_anyway(self, matcher: Matcher) -> bool:
        """True for a rule about a part of a host that the fence leaves open."""
        return matcher.own or not matcher.rule.hosts or any(map(self.neutral, matcher.hosts))

    def read_script(self, body: bytes) -> ScriptReading:
        """Return whose an inline script is."""
        found = self.scripts.get(body)
        if found is None:
            found = read_script(body, self.provider_strings)
            self.scripts.store(body, found)
        return found

    def unfenced_loads(self, body: bytes) -> Iterator[Matcher]:
        """Yield the rules for addresses an inline script names that no fence stops: the site's own."""
        text = body.decode("latin-1")
        if not any(stem in text for _, stems in self._unfenced for stem in stems):
            return
        for address in (address for string in strings_of(text) for address in addresses_in(string)):
            for matcher, stems in self._unfenced:
                if any(stem in address for stem in stems):
                    url = url_of(address)
                    if self.at_host(url.host if url is not None else "").may_load:
                        yield matcher

    def empty_caches(self) -> None:
        """Empty the cache of hosts."""
        self._hosts.clear()
        self.scripts.clear()


def compile_rules(policy: Policy, own: OwnHosts) -> Rules:
    """Return the compiled tag rules of a policy; slow, so call it off the event loop."""
    return Rules(policy, own)
