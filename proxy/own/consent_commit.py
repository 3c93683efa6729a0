"""What becomes of a choice: the answer it makes, its proof, and the cookie that carries it.

Proof before yes: what grants more than before takes effect only once its record is
durable. What grants nothing more always takes effect, recorded as soon as the store can;
far above human use from one network it is only counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from proxy.consent.answer import Answer, next_answer
from proxy.consent.decision import Decision
from proxy.consent.record import ConsentRecord, NewRecord, Shown
from proxy.errors import RecordsError
from proxy.http.request import Request
from proxy.own.choice import Choice
from proxy.records.store import RecordStore, now_ms
from proxy.snapshot.sites import Site

QUICKLY = 0.5
"""Seconds that a refusal waits for its receipt; it takes effect either way."""


class CommitOutcome(Enum):
    """What became of a choice; the values are words of the metrics."""

    RECORDED = "recorded"
    LATER = "later"  # takes effect; its record is written when the store is back
    COUNTED = "counted"  # takes effect; its network refuses too often for a record of each
    UNPROVEN = "unproven"  # no effect: it grants something and could not be recorded


@dataclass(frozen=True, slots=True)
class Committed:
    """A choice that was dealt with: the standing answer, and its record if there is one yet."""

    outcome: CommitOutcome
    answer: Answer | None
    record: ConsentRecord | None = None


async def commit(
    store: RecordStore,
    site: Site,
    request: Request,
    choice: Choice,
    decision: Decision,
    *,
    shown: Shown,
    language: str,
    stores: Callable[[], bool],
) -> Committed:
    """Return the answer that a choice makes, with its proof where it needs one.

    `stores` says whether there is room for the record of what grants nothing more.
    """
    previous = decision.answer
    scope = choice.asked or site.scope
    answer = next_answer(
        previous,
        visitor=secrets.token_urlsafe(12),
        granted=choice.granted,
        scope=scope,
        policy_version=site.policy.version,
        now=request.now,
        ask_again_after=site.ask_again_after,
    )
    record = NewRecord(
        visitor=answer.visitor,
        time=now_ms(),
        site=request.host,
        language=language,
        shown=shown,
        scope=scope,
        granted=answer.granted,
        how=choice.how,
        provider=choice.provider,
    )
    if answer.grants() <= decision.grants:
        if not stores():
            return Committed(CommitOutcome.COUNTED, _unproven(answer, previous))
        return await _without_condition(store, record, answer, previous)
    try:
        # A visitor who leaves now has agreed all the same: the record is finished without them.
        kept = await asyncio.shield(asyncio.ensure_future(store.add(record)))
    except RecordsError:
        return Committed(CommitOutcome.UNPROVEN, None)
    return Committed(CommitOutcome.RECORDED, answer, kept)


async def _without_condition(
    store: RecordStore, record: NewRecord, answer: Answer, previous: Answer | None
) -> Committed:
    """Let what grants nothing new take effect, whatever the store does."""
    if store.trouble is None:
        writing = asyncio.ensure_future(store.add(record))
        with contextlib.suppress(RecordsError, TimeoutError):
            return Committed(
                CommitOutcome.RECORDED, answer, await asyncio.wait_for(asyncio.shield(writing), QUICKLY)
            )
        writing.add_done_callback(_heard)
    store.add_later(record)
    return Committed(CommitOutcome.LATER, _unproven(answer, previous))


def _unproven(answer: Answer, previous: Answer | None) -> Answer:
    """Return an answer without a proof of its own: a narrower yes keeps the age of the one it narrows."""
    if answer.granted and previous is not None:
        return replace(answer, at=previous.at)
    return answer


def _heard(writing: asyncio.Future[ConsentRecord]) -> None:
    """Take note of how it ended, so that asyncio does not warn of an error nobody looked at."""
    if not writing.cancelled():
        writing.exception()
