"""The visitor's answer: what they chose, when, and to which question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from proxy.policy.model import DAY
from proxy.policy.scope import Pair, Scope


class How(Enum):
    """What the visitor did; kept in the proof. WITHDRAW: took back something granted, granted nothing new."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    SAVE = "save"
    WITHDRAW = "withdraw"
    ONCE = "once"
    PLACEHOLDER = "placeholder"


class Surface(Enum):
    """Where the question was put; kept in the proof."""

    BANNER = "banner"
    PANEL = "panel"
    PLACEHOLDER = "placeholder"


class Gesture(Enum):
    """What the browser says of the gesture that led to an answer; kept in the proof."""

    PERSON = "person"  # somebody pressed the button (Sec-Fetch-User: ?1)
    UNKNOWN = "unknown"  # the browser does not say, or says that a script refused


@dataclass(frozen=True, slots=True)
class Answer:
    """A visitor's current answer, as the consent cookie carries it.

    `visitor` is a random id, under which their proofs are found too; empty where another tool
    was answered and nothing is recorded yet. `at` is the time of the answer in whole seconds
    since 1970, `since` for each granted purpose the day (days since 1970) since which it has
    been granted without interruption. `swept` is the last day on which cookies that outlived
    their published life were looked for (filter/headers/sweep.py); 0 means the day of the
    answer. `declared` stands for what another consent tool said when this was answered, empty
    where it said nothing (declared.py); `taken`: the answer was given to
    that tool. `deleted` is how many cookies were expired when it was given.
    """

    visitor: str
    at: int
    granted: frozenset[str]
    scope: Scope
    policy_version: str
    since: Mapping[str, int] = field(default_factory=dict)
    swept: int = 0
    declared: bytes = b""
    taken: bool = False
    deleted: int = 0

    def grants(self) -> frozenset[Pair]:
        """Return the pairs agreed to: granted purposes of providers that were shown."""
        return self.scope.granted(self.granted)


class Lack(Enum):
    """Why a grant that another consent tool was given does not count."""

    TIME = "no time"  # it does not state when it was given
    OLD = "old"  # its life is over
    UNNAMED = "unnamed"  # that tool asked about less than is asked today


@dataclass(frozen=True, slots=True)
class Declared:
    """What another consent tool's cookie means for one request.

    `digest` stands for what it says, empty where it says nothing. `due` is the answer that
    is to be recorded and put into our cookie, `stated` the time that it states.
    """

    tool: str
    digest: bytes = b""
    due: Answer | None = None
    stated: int | None = None
    lacks: Lack | None = None


def next_answer(
    previous: Answer | None,
    *,
    visitor: str,
    granted: Iterable[str],
    scope: Scope,
    policy_version: str,
    now: int,
    ask_again_after: int,
) -> Answer:
    """Return the answer that a choice makes; `visitor` is the id used where there was none.

    A purpose that was granted until now keeps the day since which it has been. An answer
    that ran out, or a purpose that was refused in between, is an interruption: what it
    had stored was expired meanwhile, so its day starts anew.
    """
    today = now // DAY
    chosen = frozenset(granted) & scope.purposes
    before = previous if previous is not None and is_fresh(previous, now, ask_again_after) else None
    since = dict.fromkeys(sorted(chosen), today)
    if before is not None:
        kept = chosen & before.granted
        since |= {purpose: min(before.since.get(purpose, today), today) for purpose in kept}
    return Answer(
        visitor=(previous.visitor if previous is not None else "") or visitor,
        at=now,
        granted=chosen,
        scope=scope,
        policy_version=policy_version,
        since=since,
        swept=(before.swept or before.at // DAY) if before is not None else today,
    )


def is_fresh(answer: Answer, now: int, lasts: int) -> bool:
    """True while an answer holds; a clock may have jumped by a day."""
    return -DAY <= now - answer.at < lasts


def beside_other_sites(answer: Answer, previous: Answer, elsewhere: frozenset[Pair]) -> Answer:
    """Return an answer with what was answered on sites of the same cookie that ask about other pairs.

    A pair of theirs is not asked about here, so nothing is granted to it anew: where its purpose was
    refused and is granted now, it is to be asked there. What stays granted keeps the age of its answer.
    Refusing everything here refuses everything there.
    """
    shown = answer.scope.purposes
    stays = previous.granted - shown if answer.granted else frozenset()
    granted = answer.granted | stays
    kept = frozenset(
        pair
        for pair in previous.scope.pairs & elsewhere
        if pair.purpose in previous.granted or pair.purpose not in granted
    )
    stays &= {pair.purpose for pair in kept}
    since = {purpose: previous.since[purpose] for purpose in sorted(stays) if purpose in previous.since}
    older = any(pair.purpose in granted for pair in kept)
    return replace(
        answer,
        granted=answer.granted | stays,
        scope=replace(answer.scope, pairs=answer.scope.pairs | kept),
        since={**answer.since, **since},
        at=min(answer.at, previous.at) if older else answer.at,
    )
