"""What a rule compares with: globs and hosts, which cannot backtrack, and one compiled rule for tags."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from proxy.policy.model import NECESSARY, OWN, Policy, TagRule


@dataclass(frozen=True, slots=True)
class Glob:
    """A literal with `*` for any run of characters; linear in the text."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Glob:
        """Return the matcher of a glob as written in rules.yaml."""
        return cls(tuple(text.split("*")))

    def matches(self, text: str) -> bool:
        """True when the whole text matches."""
        first, *middle = self.parts
        if not middle:
            return text == first
        last = middle.pop()
        if not (text.startswith(first) and text.endswith(last)) or len(text) < len(first) + len(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True


def stem(glob: Glob) -> str | None:
    """Return the longest literal of a glob, or None if it is too short to select."""
    longest = max(glob.parts, key=len)
    return longest if len(longest) > 2 else None


@dataclass(frozen=True, slots=True)
class HostGlob:
    """A host with `*` inside labels (`track*.hubspot.com`); subdomains are included."""

    labels: tuple[Glob, ...]

    @classmethod
    def of(cls, text: str) -> HostGlob:
        """Return the matcher of a host glob."""
        return cls(tuple(Glob.of(label) for label in text.lower().split(".")))

    def matches(self, host: str) -> bool:
        """True when the last labels of the host match."""
        labels = host.split(".")
        if len(labels) < len(self.labels):
            return False
        tail = labels[len(labels) - len(self.labels) :]
        return all(glob.matches(label) for glob, label in zip(self.labels, tail, strict=True))


def suffixes(host: str) -> list[str]:
    """Return the host and every parent of it, cut at label boundaries."""
    found = []
    while host:
        found.append(host)
        host = host.partition(".")[2]
    return found


def literal_suffix(host: str) -> str:
    """Return the labels of a host glob behind the last `*` ("" where there are none)."""
    labels = host.lower().split(".")
    globbed = [n for n, label in enumerate(labels) if "*" in label]
    return ".".join(labels[globbed[-1] + 1 :]) if globbed else host.lower()


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled TagRule; `index` is its rank: the first in the file wins."""

    index: int
    rule: TagRule
    needs: tuple[str, ...]  # those of its purposes that need consent
    hosts: frozenset[str]
    host_globs: tuple[HostGlob, ...]
    own: bool
    paths: tuple[Glob, ...]
    elements: frozenset[str]
    ids: tuple[Glob, ...]
    classes: tuple[Glob, ...]
    attributes: tuple[tuple[str, Glob | None], ...]
    all_words: frozenset[bytes]
    any_words: frozenset[bytes]

    @property
    def by_address(self) -> bool:
        """True when the rule has a condition on the address."""
        return bool(self.rule.hosts or self.paths)

    def matches_tag(self, element: str, values: Mapping[str, str]) -> bool:
        """True when the conditions on the element itself hold."""
        if self.elements and element not in self.elements:
            return False
        if self.ids and not any(glob.matches(values.get("id", "")) for glob in self.ids):
            return False
        if self.classes:
            words = values.get("class", "").split()
            if not any(glob.matches(word) for glob in self.classes for word in words):
                return False
        return not self.attributes or all(
            name in values and (glob is None or glob.matches(values[name])) for name, glob in self.attributes
        )

    def matches_path(self, path: str) -> bool:
        """True when the condition on the path holds."""
        return not self.paths or any(glob.matches(path) for glob in self.paths)

    def matches_host(self, host: str, parents: Collection[str], *, owned: bool) -> bool:
        """True when the condition on the host holds; `owned`: it is the site's own."""
        if not self.rule.hosts:
            return True
        return (owned and self.own) or self.names_host(host, parents)

    def names_host(self, host: str, parents: Collection[str]) -> bool:
        """True when the rule names this host or a parent of it, own or not."""
        named = not self.hosts.isdisjoint(parents)
        return named or any(glob.matches(host) for glob in self.host_globs)

    def matches_text(self, words: frozenset[bytes]) -> bool:
        """True when the condition on an inline text holds for one with these words."""
        return self.all_words <= words and (not self.any_words or not self.any_words.isdisjoint(words))


def matcher_of(index: int, rule: TagRule, policy: Policy) -> Matcher:
    """Return the rule compiled."""
    literal = frozenset(h.lower().strip(".") for h in rule.hosts if h != OWN and "*" not in h)
    text = rule.text
    return Matcher(
        index=index,
        rule=rule,
        needs=tuple(p for p in rule.purposes if p != NECESSARY and policy.needs_consent(p)),
        hosts=literal,
        host_globs=tuple(HostGlob.of(h) for h in rule.hosts if "*" in h),
        own=OWN in rule.hosts,
        paths=tuple(Glob.of(path) for path in rule.paths),
        elements=frozenset(name.lower() for name in rule.elements),
        ids=tuple(Glob.of(id_) for id_ in rule.ids),
        classes=tuple(Glob.of(class_) for class_ in rule.classes),
        attributes=tuple((name.lower(), None if g is None else Glob.of(g)) for name, g in rule.attributes),
        all_words=frozenset(word.encode() for word in text.all) if text else frozenset(),
        any_words=frozenset(word.encode() for word in text.any) if text else frozenset(),
    )
