"""Matchers for the conditions of rules, which cannot backtrack: globs and hosts."""

from __future__ import annotations

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
