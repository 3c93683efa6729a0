"""Whose an inline script is that a rule's words stand in: naming a provider is not loading it.

Data is never held for what its strings say. The site's own code runs, even where it also
calls or loads a provider: fence, guard and stand-ins hold what it tries. A provider's
snippet, and nothing else, is what a `text` rule means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from proxy.filter.patterns import WordPattern
from proxy.filter.rules.rule_matcher import Matcher
from proxy.filter.syntax.javascript import data_names
from proxy.filter.syntax.script_effects import own_effect


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


_NAME = re.compile(r"(?:window\.)?+([A-Za-z_$][\w$]*+)(?:\.[\w$]++)*+\(?+")
_SHORT = 3  # letters that say nothing


def _stems(matcher: Matcher) -> list[str]:
    """Return the longest literal run of each path, without its query."""
    longest = (max(glob.parts, key=len).partition("?")[0] for glob in matcher.paths)
    return [stem for stem in longest if len(stem) > _SHORT]


def unfenced_stems(matcher: Matcher) -> tuple[str, ...]:
    """Return what stands in every address that a rule about paths means, if it needs consent."""
    return tuple(_stems(matcher)) if matcher.needs and matcher.rule.text is None else ()
