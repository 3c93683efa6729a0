"""Commits a choice: the visitor's new answer, and its record in the store.

Proof before yes: a choice that grants more takes effect only once its record is durable.
One that grants nothing more always takes effect, and is recorded as soon as the store can;
above the rate limit it is only counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from proxy.consent.answer import Answer, Declared, Gesture, How, beside_other_sites, is_fresh, next_answer
from proxy.consent.decision import Decision
from proxy.consent.record import ConsentRecord, NewRecord, Shown
from proxy.errors import RecordsError
from proxy.http.request import Request
from proxy.own.choice import SubmittedChoice
from proxy.policy.scope import Scope
from proxy.records.store import RecordStore, now_ms
from proxy.snapshot.sites import Site

RECEIPT_TIMEOUT = 0.5
"""Seconds that a refusal waits for its record; it takes effect either way."""


class CommitOutcome(Enum):
    """The outcome of a choice; the values are metric labels."""

    RECORDED = "recorded"
    LATER = "later"  # takes effect; its record is written when the store is back
    COUNTED = "counted"  # takes effect; above the rate limit of its network, so not recorded
    UNPROVEN = "unproven"  # no effect: it grants something and could not be recorded


@dataclass(frozen=True, slots=True)
class Committed:
    """The result of a commit: the answer that now holds, and its record if there is one yet."""

    outcome: CommitOutcome
    answer: Answer | None
    record: ConsentRecord | None = None


async def commit(
    store: RecordStore,
    site: Site,
    request: Request,
    choice: SubmittedChoice,
    decision: Decision,
    *,
    shown: Shown,
    language: str,
    stores: Callable[[], bool],
    gesture: Gesture | None,
) -> Committed:
    """Return the answer that a choice leads to, with its record where it needs one.

    `gesture` is None for a script's, which withdraws but never renews. `stores` tells
    whether a choice that grants nothing more is within its rate limit.
    """
    previous = decision.answer
    scope = choice.asked or site.scope
    answer = _next_answer(site, request, choice, previous, scope)
    if decision.declared is not None:  # of what another tool said until now, ours is the later one
        answer = replace(answer, declared=decision.declared.digest)
    if gesture is None:
        answer = _without_proof(answer, previous)
    withdrawn = decision.purposes - {pair.purpose for pair in answer.grants()}
    narrows = answer.grants() <= decision.grants
    record = NewRecord(
        visitor=answer.visitor,
        time=now_ms(),
        site=request.host,
        language=language,
        shown=shown,
        scope=scope,
        granted=answer.granted,
        how=How.WITHDRAW if withdrawn and narrows else choice.how,
        provider=choice.provider,
        gesture=gesture or Gesture.UNKNOWN,
        control=choice.how,
        withdrawn=withdrawn,
        asked=decision.ask,
        surface=choice.surface,
    )
    if previous is not None and is_fresh(previous, request.now, site.ask_again_after):
        answer = beside_other_sites(answer, previous, site.known.elsewhere)
    return await _commit(store, record, answer, previous, narrows=narrows, stores=stores)


async def commit_declared(
    store: RecordStore,
    site: Site,
    request: Request,
    previous: Answer | None,
    declared: Declared,
    *,
    language: str,
    stores: Callable[[], bool],
) -> Committed:
    """Commit the answer that another consent tool was given, as a choice of ours is committed.

    `previous` is the answer in our cookie. Nothing of ours was shown: the record has the rules, and no words.
    """
    assert declared.due is not None
    answer = declared.due
    if not answer.visitor:
        answer = replace(answer, visitor=secrets.token_urlsafe(12))
    before = site.decide(request, previous)
    narrows = answer.grants() <= before.grants
    if not narrows and store.trouble is not None:  # no page waits for a store that is known to fail
        return Committed(CommitOutcome.UNPROVEN, None)
    withdrawn = before.purposes - {pair.purpose for pair in answer.grants()}
    record = NewRecord(
        visitor=answer.visitor,
        time=now_ms(),
        site=request.host,
        language=language,
        shown=Shown(site.policy.version, site.policy.text, ""),
        scope=replace(answer.scope, pairs=answer.scope.pairs & site.scope.pairs),
        granted=answer.granted,
        how=How.WITHDRAW if withdrawn and narrows else _how(answer),
        withdrawn=withdrawn,
        declared_by=declared.tool,
        declared_at=declared.stated,
    )
    return await _commit(store, record, answer, previous, narrows=narrows, stores=stores)


def _how(answer: Answer) -> How:
    """Return what an answer amounts to that was not given with a button of ours."""
    if not answer.granted:
        return How.REFUSE
    return How.ACCEPT if answer.granted == answer.scope.purposes else How.SAVE


async def _commit(
    store: RecordStore,
    record: NewRecord,
    answer: Answer,
    previous: Answer | None,
    *,
    narrows: bool,
    stores: Callable[[], bool],
) -> Committed:
    """Record an answer: before it takes effect where it grants more, as soon as possible where it narrows."""
    if narrows:
        if not stores():
            return Committed(CommitOutcome.COUNTED, _without_proof(answer, previous))
        return await _commit_narrowing(store, record, answer, previous)
    try:
        # A visitor who disconnects now has agreed all the same: the record is still written.
        kept = await asyncio.shield(asyncio.ensure_future(store.add(record)))
    except RecordsError:
        return Committed(CommitOutcome.UNPROVEN, None)
    return Committed(CommitOutcome.RECORDED, answer, kept)


def _next_answer(
    site: Site, request: Request, choice: SubmittedChoice, previous: Answer | None, scope: Scope
) -> Answer:
    """Return the answer that this choice makes of the one before."""
    return next_answer(
        previous,
        visitor=secrets.token_urlsafe(12),
        granted=choice.granted,
        scope=scope,
        policy_version=site.policy.version,
        now=request.now,
        ask_again_after=site.ask_again_after,
    )


async def _commit_narrowing(
    store: RecordStore, record: NewRecord, answer: Answer, previous: Answer | None
) -> Committed:
    """Commit a choice that grants nothing new, whatever the store does."""
    if store.trouble is None:
        writing = asyncio.ensure_future(store.add(record))
        with contextlib.suppress(RecordsError, TimeoutError):
            return Committed(
                CommitOutcome.RECORDED,
                answer,
                await asyncio.wait_for(asyncio.shield(writing), RECEIPT_TIMEOUT),
            )
        writing.add_done_callback(_retrieve_error)
    store.add_later(record)
    return Committed(CommitOutcome.LATER, _without_proof(answer, previous))


def _without_proof(answer: Answer, previous: Answer | None) -> Answer:
    """Return an answer without a record of its own: a narrower grant keeps the age of the old one."""
    if answer.granted and previous is not None:
        return replace(answer, at=previous.at)
    return answer


def _retrieve_error(writing: asyncio.Future[ConsentRecord]) -> None:
    """Retrieve the error, so that asyncio does not warn of one that was never retrieved."""
    if not writing.cancelled():
        writing.exception()
