"""The judge: applies the rules for one set of grants; one per (site, grants), cached.

A `JudgedTag` is a start tag with its verdict, the bytes to write, and how the text behind it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, assert_never

from proxy.consent.decision import allows
from proxy.filter.cache import Cache, CacheBudget
from proxy.filter.patterns import Matcher
from proxy.filter.rules.compiled import LONGEST_HOST, MAX_HOSTS, Rules, ScriptKind, compile_rules
from proxy.filter.syntax.javascript import code_of
from proxy.filter.syntax.urls import Url
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.actions import Action
from proxy.policy.scope import Pair

_NO_VALUES: Final[Mapping[str, str]] = {}


class ContentModel(Enum):
    """How the scanner reads what follows a start tag."""

    NOTHING = 0
    SCRIPT = 1  # a script that is judged already: its text is skipped
    INLINE = 2  # a script to be judged by its text
    MAP = 3  # an import map
    SPECULATION = 4  # speculation rules
    STYLE = 5
    RAW_TEXT = 6  # title, textarea, xmp, iframe, noembed, noframes
    NOSCRIPT = 7
    PLAINTEXT = 8
    FOREIGN = 9  # svg, math


class PlaceholderPosition(Enum):
    """Where a placeholder is put."""

    NOWHERE = 0
    BEFORE = 1
    INSIDE = 2


@dataclass(frozen=True, slots=True)
class TagFacts:
    """What a placeholder needs to know about the tag it replaces."""

    element: str
    link: str | None = None  # the provider's page a visitor can go to instead
    title: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: _NO_VALUES)
    with_: str = "link"
    name: str = ""  # of the provider
    privacy: str | None = None  # the provider's privacy notice
    text: str = ""  # of an inline script
    relays: bool = False  # its rule says `do: relay`


@dataclass(slots=True, init=False)
class JudgedTag:
    """One start tag, judged; cached, so never changed.

    `out` is None where its bytes pass unchanged.
    """

    name: str
    content_model: ContentModel
    out: bytes | None
    verdict: Verdict | None
    position: PlaceholderPosition
    facts: TagFacts | None
    removes: bool
    values: Mapping[str, str]
    inner: tuple[Verdict, ...]  # verdicts on its style and srcdoc
    is_refused_frame: bool  # in HTML it is written as an element that makes no browsing context

    only_rewritten: bool  # writing `out` instead is all there is to do

    # What a dataclass writes itself is interpreted in compiled code, too: five times as slow as this.
    def __init__(
        self,
        name: str,
        content_model: ContentModel = ContentModel.NOTHING,
        out: bytes | None = None,
        verdict: Verdict | None = None,
        position: PlaceholderPosition = PlaceholderPosition.NOWHERE,
        *,
        facts: TagFacts | None = None,
        removes: bool = False,
        values: Mapping[str, str] = _NO_VALUES,
        inner: tuple[Verdict, ...] = (),
        is_refused_frame: bool = False,
    ) -> None:
        self.name = name
        self.content_model = content_model
        self.out = out
        self.verdict = verdict
        self.position = position
        self.facts = facts
        self.removes = removes
        self.values = values
        self.inner = inner
        self.is_refused_frame = is_refused_frame
        plain = position is PlaceholderPosition.NOWHERE and not removes and not inner
        self.only_rewritten = plain and out is not None and verdict is not None


__all__ = ["ForeignCalls", "Judge", "Rules", "compile_rules", "judge_for"]

VERDICTS: Final = {
    Action.HOLD: Does.HOLD,
    Action.REPLACE: Does.REPLACE,
    Action.RELAY: Does.REPLACE,
    Action.REMOVE: Does.REMOVE,
    Action.KEEP: Does.KEEP,
    Action.NEVER: Does.HOLD,
}
"""The verdict each action leads to where a purpose is missing."""

LONGEST_NOTE: Final = 1_000
"""Characters of the longest note that is cached."""

_JudgedTags = Cache[bytes, JudgedTag | None]


LONGEST_CALLER: Final = 4 * 1024
"""Bytes of a script that is read: snippets and calls are short."""

ALL_READ: Final = 500
ONE_IN: Final = 16
"""So many scripts are read each, and of those behind them one in so many."""

_WORDS: Final = re.compile(rb"[A-Za-z_$][\w$]++").findall
_CALLED: Final = re.compile(r"(?<![\w$.])(?:window\.)?([A-Za-z_$][\w$]*+)(?:\.[\w$]++)*+ ?\(").findall
_DECLARED: Final = re.compile(r"\b(?:function|class|let|const) ([\w$]++)").findall


class ForeignCalls:
    """Notes which functions of known providers inline scripts call that may run; True: reported.

    No verdict depends on it. Of very many scripts one in a while is read: the same few stand on every page.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.found: dict[str, bool] = {}
        self._names = frozenset(names)
        self._words = {name.encode() for name in self._names}  # less what was found
        self._scripts = 0

    def note(self, body: bytes) -> None:
        """Note what a script calls."""
        self._scripts += 1
        if len(body) > LONGEST_CALLER or (self._scripts > ALL_READ and self._scripts % ONE_IN):
            return
        if self._words.isdisjoint(_WORDS(body)):
            return
        code = code_of(body.decode("latin-1"))
        if code is not None:
            for name in (self._names & set(_CALLED(code))) - set(_DECLARED(code)):
                self.found.setdefault(name, False)
                self._words.discard(name.encode())


class Judge:
    """Decides what may run for visitors who granted exactly this.

    The caches hold what was judged; emptying them changes only speed. With a `budget`, the
    caches of all judges that share it are bounded together.
    """

    def __init__(self, rules: Rules, grants: frozenset[Pair], budget: CacheBudget | None = None) -> None:
        self.rules = rules
        self.grants = grants
        self.calls: ForeignCalls | None = None  # notes what scripts call that no rule speaks of
        self.only_observes = False  # nothing is refused, and no document needs the guard
        self.open_domains: frozenset[str] | None = None  # of the fence, once tags/refusal.py asked
        self._verdicts: dict[int, Verdict] = {}
        self._undeclared: Cache[tuple[str, str], Verdict] = Cache(MAX_HOSTS, longest=LONGEST_HOST)
        self._with_note: Cache[tuple[int, str], Verdict] = Cache(MAX_HOSTS, longest=LONGEST_NOTE)
        # by element, host and rel: `judge_by_host` of tags/start_tag.py
        self.by_host: Cache[tuple[bytes, bytes, bytes], Verdict | None] = Cache(MAX_HOSTS)
        self.tags: _JudgedTags = Cache(limit=8_000_000, longest=100_000, budget=budget)
        self.xml_tags: _JudgedTags = Cache(limit=2_000_000, longest=100_000, budget=budget)
        self.scripts: _JudgedTags = Cache(limit=8_000_000, longest=400_000, budget=budget)
        self.xml_scripts: _JudgedTags = Cache(limit=1_000_000, longest=160_000, budget=budget)
        self.styles: Cache[bytes, bool] = Cache(limit=8_000_000, longest=400_000, budget=budget)

    def empty_caches(self) -> None:
        """Empty every cache."""
        self._undeclared.clear()
        self._with_note.clear()
        self.by_host.clear()
        for cache in (self.tags, self.xml_tags, self.scripts, self.xml_scripts, self.styles):
            cache.clear()
        self.rules.empty_caches()

    def verdict_of(self, matcher: Matcher) -> Verdict:
        """Return the verdict of that rule for these grants."""
        found = self._verdicts.get(matcher.index)
        if found is None:
            found = self._verdicts[matcher.index] = self._of_rule(matcher)
        return found

    def _of_rule(self, matcher: Matcher) -> Verdict:
        rule = matcher.rule
        missing = tuple(p for p in matcher.needs if not allows(self.grants, rule.provider, (p,)))
        does = VERDICTS[rule.do] if missing or rule.do is Action.NEVER else Does.KEEP
        return Verdict(does, rule.place, rule.provider, missing if does is not Does.KEEP else ())

    @property
    def refuses_text(self) -> bool:
        """True when some inline script would be refused for its text."""
        return any(not self.verdict_of(matcher).keeps for matcher in self.rules.texts)

    def verdict_with_note(self, matcher: Matcher, element: str, host: str) -> Verdict:
        """Return the verdict of that rule on one tag, with its element and host as a note for people."""
        note = f"{element} {host}".strip()
        found = self._with_note.get((matcher.index, note))
        if found is None:
            found = self.verdict_of(matcher).noted(note, host, element)
            self._with_note.store((matcher.index, note), found, len(note))
        return found

    def judge_url(self, url: Url, element: str = "", values: Mapping[str, str] | None = None) -> Verdict:
        """Return the verdict on an element that loads this address."""
        others = [*self.rules.for_element(element, values or {}), *self.rules.hostless]
        matcher = self.match_url(url, element, values or {}, others)
        if matcher is not None:
            return self.verdict_of(matcher)
        return self.undeclared(url, element)

    def match_url(
        self, url: Url, element: str, values: Mapping[str, str], others: Iterable[Matcher]
    ) -> Matcher | None:
        """Return the first rule in file order for this address on this element."""
        best = None
        for matcher in self.rules.at_host(url.host).matching:
            if matcher.matches_path(url.path) and matcher.matches_tag(element, values):
                best = matcher
                break
        for matcher in others:
            if (
                (best is None or matcher.index < best.index)
                and matcher.matches_tag(element, values)
                and matcher.matches_path(url.path)
            ):
                best = matcher
        return best

    def undeclared(self, url: Url, element: str = "") -> Verdict:
        """Return the verdict on an element that loads an address that no rule matches."""
        key = (element, url.host)
        found = self._undeclared.get(key)
        if found is None:
            found = KEEP
            if not self.rules.at_host(url.host).may_load:
                note = f"undeclared third party {url.host}"
                place = self.rules.undeclared_place
                found = Verdict(Does.HOLD, place, note=note, host=url.host, element=element)
            self._undeclared.store(key, found, len(element) + len(url.host))
        return found

    def match_script(self, body: bytes, values: Mapping[str, str]) -> Matcher | None:
        """Return the rule that refuses an inline script for its text, if it is what the rule means."""
        matcher = self.match_text(self.rules.words.within(body), "script", values)
        if matcher is None or self.verdict_of(matcher).keeps:
            return None
        reading = self.rules.read_script(body)
        match reading.kind:
            case ScriptKind.SNIPPET:
                return matcher
            case ScriptKind.DATA:
                named = self.match_text(self.rules.words.within(reading.names), "script", values)
                return None if named is None or self.verdict_of(named).keeps else named
            case ScriptKind.OWN:
                return matcher if self._runs_unfenced(body) else None
            case _:
                assert_never(reading.kind)

    def _runs_unfenced(self, body: bytes) -> bool:
        """True where no fence would stop what a script of the site's own loads."""
        if not self.rules.holds_undeclared:
            return True
        return any(not self.verdict_of(matcher).keeps for matcher in self.rules.unfenced_loads(body))

    def match_text(self, words: frozenset[bytes], element: str, values: Mapping[str, str]) -> Matcher | None:
        """Return the first rule for inline text that these words match."""
        if not words:
            return None
        for matcher in self.rules.texts:
            if (
                matcher.matches_text(words)
                and matcher.matches_tag(element, values)
                and not matcher.by_address
            ):
                return matcher
        return None


def judge_for(rules: Rules, grants: frozenset[Pair], budget: CacheBudget | None = None) -> Judge:
    """Return the judge for visitors who granted these pairs; cache one per (site, grants)."""
    return Judge(rules, grants, budget)
