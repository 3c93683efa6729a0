"""Which answer holds: that in our cookie, or that to another consent tool (`consent.source` of the config).

A refusal counts at once. A grant counts only when it states its own time, is within its life, was asked
about all that is asked today, and has its record first: until then it is `due`, and grants nothing.
Our own later answer wins. The consent cookie carries the digest of what the tool said when it was
written: as long as the tool says the same, ours is the later one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from proxy.consent.answer import Answer, Declared, Lack
from proxy.consent.decision import Ask, Decision
from proxy.consent.tools.known import ReadableTool
from proxy.consent.tools.tool_answer import Reading, Silence, ToolAnswer
from proxy.policy.model import DAY
from proxy.policy.scope import Pair, Scope


@dataclass(frozen=True, slots=True)
class Source:
    """Another consent tool whose cookie is read.

    `purposes` maps its names to ours. `covered` are the pairs that its banner has named since
    `since` (seconds since 1970). `takes_over`: an answer is read once, then it is ours.
    """

    tool: ReadableTool
    cookies: tuple[str, ...]
    purposes: Mapping[str, tuple[str, ...]]
    covered: frozenset[Pair]
    since: int
    takes_over: bool

    def granted(self, said: ToolAnswer) -> frozenset[str]:
        """Return our purposes of which all of its names were granted."""
        ours = {purpose for mapped in self.purposes.values() for purpose in mapped}
        return frozenset(p for p in ours if all(said.says(name) for name in self._names(p)))

    def stated(self, said: ToolAnswer) -> frozenset[str]:
        """Return our purposes of which the answer speaks whole."""
        ours = {purpose for mapped in self.purposes.values() for purpose in mapped}
        return frozenset(p for p in ours if all(said.says(name) is not None for name in self._names(p)))

    def _names(self, purpose: str) -> list[str]:
        return [name for name, mapped in self.purposes.items() if purpose in mapped]


class EffectiveAnswer(NamedTuple):
    """The answer that holds for a request, whether another tool asks in our place, and what it declared."""

    answer: Answer | None
    other_tool_asks: bool
    declared: Declared


def effective_answer(
    source: Source,
    reading: Reading,
    own: Answer | None,
    scope: Scope,
    *,
    now: int,
    lasts: int,
    version: str,
) -> EffectiveAnswer:
    """Return the answer that holds, given what the tool's cookies say and `own`, the answer in our cookie.

    `lasts` is the life of an answer in seconds, `version` the policy's.
    """
    plain = Declared(source.tool.id)
    if source.takes_over and own is not None:
        return EffectiveAnswer(own, other_tool_asks=False, declared=plain)
    if not isinstance(reading, ToolAnswer):
        ours = own if own is not None and not own.taken else None
        over = ours is None or now - ours.at >= lasts
        return EffectiveAnswer(ours, reading is Silence.OPEN and over and not source.takes_over, plain)
    said = Declared(source.tool.id, answer_digest(source.tool.id, reading), stated=reading.at)
    if own is not None and (own.declared == said.digest or _is_earlier(reading, own)):
        return EffectiveAnswer(own, other_tool_asks=False, declared=said)
    theirs = _answer_of(source, reading, own, scope, said.digest, now=now, lasts=lasts, version=version)
    if now - theirs.at >= lasts:
        return _narrowed(own, theirs, replace(said, lacks=Lack.OLD), old=theirs)
    if not theirs.granted:
        return EffectiveAnswer(theirs, other_tool_asks=False, declared=replace(said, due=theirs))
    if (lack := _lack(source, reading, scope)) is not None:
        return _narrowed(own, theirs, replace(said, lacks=lack))
    meanwhile = _narrowed(own, theirs, said)
    return meanwhile._replace(declared=replace(said, due=theirs))


def _answer_of(
    source: Source,
    said: ToolAnswer,
    own: Answer | None,
    scope: Scope,
    digest: bytes,
    *,
    now: int,
    lasts: int,
    version: str,
) -> Answer:
    """Return the tool's answer as one of ours: at its own time, which nothing renews.

    What is on without consent, and the tool does not speak of, was not asked: refusing all objects to it.
    """
    granted = source.granted(said) & scope.purposes
    at = now if said.at is None else min(said.at, now)
    since = dict.fromkeys(sorted(granted), at // DAY)
    if own is not None and now - own.at < lasts:
        since |= {p: min(own.since.get(p, day), day) for p, day in since.items() if p in own.granted}
    stated = source.stated(said)
    untold = frozenset(pair for pair in scope.exempt if granted and pair.purpose not in stated)
    return Answer(
        visitor=own.visitor if own is not None else "",
        at=at,
        granted=granted,
        scope=replace(scope, pairs=scope.pairs - untold) if untold else scope,
        policy_version=version,
        since=since,
        swept=at // DAY,
        declared=digest,
        taken=True,
    )


def _narrowed(
    own: Answer | None, theirs: Answer, said: Declared, *, old: Answer | None = None
) -> EffectiveAnswer:
    """Return our earlier answer without what the tool's refuses: a refusal counts, whatever the rest does."""
    if own is None:
        return EffectiveAnswer(old, other_tool_asks=False, declared=said)
    granted = own.granted & theirs.granted
    if granted == own.granted:
        return EffectiveAnswer(own, other_tool_asks=False, declared=said)
    since = {purpose: day for purpose, day in own.since.items() if purpose in granted}
    left = replace(own, granted=granted, since=since, declared=said.digest)
    return EffectiveAnswer(left, other_tool_asks=False, declared=replace(said, due=left))


def _lack(source: Source, said: ToolAnswer, scope: Scope) -> Lack | None:
    """Return why a grant within its life does not count, None where it does."""
    if said.at is None:
        return Lack.TIME
    asked = scope.pairs - scope.exempt
    stated = source.stated(said)
    whole = asked <= source.covered and all(pair.purpose in stated for pair in asked)
    whole = whole and said.exceptions <= source.purposes.keys()
    return None if whole and said.at >= source.since else Lack.UNNAMED


def _is_earlier(said: ToolAnswer, own: Answer) -> bool:
    """True where the tool's answer states that it was given before ours."""
    return said.at is not None and said.at <= own.at


def answer_digest(tool: str, said: ToolAnswer) -> bytes:
    """Return what stands for an answer to a tool in our cookie: 6 bytes, none of them 0 at the end."""
    refused = None if said.refused is None else sorted(said.refused)
    facts = (tool, sorted(said.granted), refused, sorted(said.unclear), said.at)
    found = hashlib.blake2b(repr(facts).encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return found[:-1] + (found[-1:] if found[-1] else b"\1")


def without_asking(decision: Decision) -> Decision:
    """Return the decision where another tool asks in our place."""
    return decision if decision.ask is Ask.NO else replace(decision, ask=Ask.OFF)
