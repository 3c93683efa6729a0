"""Matchers for the conditions of rules, which cannot backtrack: globs, hosts, words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


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
        return frozenset([word for word in self.words if word in text])


_NONE: frozenset[bytes] = frozenset()


def _factored(words: list[str]) -> str:
    """Return a pattern for any of these words in which every beginning stands once."""
    if "" in words:
        return ""  # a word ends here: longer ones need not be matched
    heads: dict[str, list[str]] = {}
    for word in words:
        heads.setdefault(word[0], []).append(word[1:])
    branches = [re.escape(head) + _factored(tails) for head, tails in heads.items()]
    return branches[0] if len(branches) == 1 else "(?:" + "|".join(branches) + ")"
