"""Patterns of rules.yaml for names and paths: `*` is any run of characters, nothing else is special."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern with `*` for any run of characters, matched in linear time."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, pattern: str) -> Glob:
        """Return the matcher of that pattern; without `*` it matches the very text."""
        return cls(tuple(pattern.split("*")))

    def matches(self, text: str) -> bool:
        """True when the whole text fits; case counts."""
        if len(self.parts) == 1:
            return text == self.parts[0]
        first, *middle, last = self.parts
        if not (text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last)):
            return False
        here, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, here, end)
            if found < 0:
                return False
            here = found + len(part)
        return True
