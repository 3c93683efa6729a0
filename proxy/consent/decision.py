"""The decision for one request: what the visitor's answer grants now, and whether to ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from proxy.consent.answer import Answer, Declared
from proxy.policy.model import NECESSARY
from proxy.policy.scope import Pair, Scope

NOTHING = Scope(frozenset())


class Ask(Enum):
    """Whether and why the visitor is asked on this page."""

    NO = "no"
    FIRST = "first"  # never answered (or nothing readable)
    EXPIRED = "expired"  # answered longer ago than policy.ask_again_after
    NEW = "new"  # a purpose or provider they were never asked about
    OFF = "off"  # would be asked, but not on this part of the site (`sites: paths: banner: no`)
    SIGNAL = "signal"  # Sec-GPC: 1 and no answer: refused, a small notice instead of a banner

    __hash__ = object.__hash__  # an enum's own hashes its name, in Python, for every look-up


SAID_FOR = 6
"""Seconds for which pages say that an answer was saved: by its own time."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision for one request: the pairs granted, and what to ask.

    `grants` is what everything downstream is compiled for: equal grants, equal page.
    `withheld`: the browser may have kept the consent cookie back (T56); then no sweep, no banner.
    `declared`: what another consent tool's cookie says, where the config names one; `is_due`
    where its answer is to be recorded and put into our cookie first.
    """

    grants: frozenset[Pair]
    ask: Ask
    answer: Answer | None = None
    new: Scope = NOTHING
    signal: bool = False  # the browser said Sec-GPC: 1
    withheld: bool = False
    declared: Declared | None = None
    is_due: bool = False  # kept, not derived: every request asks it

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes granted to at least one provider."""
        return frozenset(pair.purpose for pair in self.grants)

    def saved(self, now: int) -> int | None:
        """Return how many cookies the answer deleted, for the page seen next, which says so; else None.

        Only an answer that was given to us: what another tool was told may be of long ago.
        """
        answer = self.answer
        if answer is None or answer.taken or self.ask is not Ask.NO or not 0 <= now - answer.at < SAID_FOR:
            return None
        return answer.deleted

    def allows(self, provider: str, purposes: Iterable[str]) -> bool:
        """True when each purpose is necessary or granted to that provider."""
        return allows(self.grants, provider, purposes)


def allows(grants: frozenset[Pair], provider: str, purposes: Iterable[str]) -> bool:
    """True when each of these purposes is necessary or granted to that provider.

    Purposes whose basis is not consent are never refused: compile rules with
    `needed()` so that only purposes that need consent are left here.
    """
    return all(p == NECESSARY or Pair(p, provider) in grants for p in purposes)


def decide(
    scope: Scope,
    answer: Answer | None,
    *,
    now: int,
    ask_again_after: int,
    signal: bool = False,
    withheld: bool = False,
) -> Decision:
    """Return the decision: an answer counts while fresh, and only for pairs it was asked.

    `now` in seconds since 1970, `ask_again_after` in seconds. An explicit answer
    outranks the signal (GPC "Other jurisdictions"). A clock that jumped is tolerated by
    a day; an answer from further in the future is no answer (threats T51).
    """
    if withheld:
        return Decision(frozenset(), Ask.NO, None, signal=signal, withheld=True)
    if answer is not None and answer.at > now + 86_400:
        answer = None
    if answer is None:
        ask = Ask.SIGNAL if signal else Ask.FIRST
        asks = scope.pairs - scope.exempt
        grants = frozenset[Pair]() if signal else scope.exempt
        return Decision(grants, ask if asks else Ask.NO, signal=signal)
    if now - answer.at >= ask_again_after:
        ask = Ask.SIGNAL if signal else Ask.EXPIRED
        grants = frozenset[Pair]() if signal else _unobjected(scope, answer)
        return Decision(grants, ask if scope.pairs - scope.exempt else Ask.NO, answer, signal=signal)
    grants = (answer.grants() & scope.pairs) | _unobjected(scope, answer)
    new = scope.new_for(answer.scope, answer.granted)
    return Decision(grants, Ask.NEW if new.pairs else Ask.NO, answer, new, signal)


def _unobjected(scope: Scope, answer: Answer) -> frozenset[Pair]:
    """Return what is on without consent and was not objected to: an objection is kept like an answer."""
    return frozenset(
        pair for pair in scope.exempt if pair not in answer.scope.pairs or pair.purpose in answer.granted
    )
