"""Group commit: answers that arrive together become durable together, in one transaction.

One task writes for the whole process; each answer waits for its own record and no longer
than ADD_TIMEOUT. A store that fails is asked again by the next answer, or by a probe:
nothing to restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from proxy.consent.record import ConsentRecord, NewRecord, record_id
from proxy.errors import RecordsError
from proxy.records.chain import Keyring
from proxy.records.database import Database
from proxy.records.driver import Failure, why
from proxy.records.ledger import Ledger, WaitingRecord

ADD_TIMEOUT = 5.0
"""Seconds that `add` waits for its record before it raises."""
_COMMIT_TIMEOUT = 4.5
"""Seconds that one transaction may take; less than ADD_TIMEOUT, more than a busy database takes."""
_BATCH = 512
_BACKLOG = 10_000

_T = TypeVar("_T")


class Writer:
    """Writes records on one chain of its own. `trouble` says why the last attempt failed."""

    def __init__(self, database: Database, keyring: Keyring, clock: Callable[[], int]) -> None:
        self._ledger = Ledger(database, keyring, clock)
        self._queue: deque[WaitingRecord] = deque()
        self._later: deque[WaitingRecord] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last = (0, 0)
        self._closing = False
        self._down = False
        self._turn = False
        self._written = 0  # batches
        self._probed = 0  # how many there were at the last probe
        self.trouble: str | None = None
        self.lost = 0

    @property
    def backlog(self) -> int:
        """How many refusals wait for a store that is down."""
        return len(self._later)

    def rotate(self, keyring: Keyring) -> None:
        """Seal what is written from now on under the newest of other keys."""
        self._ledger.rotate(keyring)

    async def add(self, new: NewRecord) -> ConsentRecord:
        """Return the durable record of an answer, or raise RecordsError within ADD_TIMEOUT."""
        waiting = self._enqueue(new, asyncio.get_running_loop().create_future())
        assert waiting.record is not None
        try:
            async with asyncio.timeout(ADD_TIMEOUT):
                return await waiting.record
        except TimeoutError:
            raise RecordsError("the store of proofs did not respond in time") from None

    def add_later(self, new: NewRecord) -> None:
        """Record an answer that holds whether or not it is recorded: as soon as the store can."""
        if len(self._later) >= _BACKLOG:
            self._later.popleft()
            self.lost += 1
        self._later.append(WaitingRecord(new, self._id(new), None))
        self._start()

    async def probe(self) -> None:
        """Find out whether a record could be written, unless answers have just shown it."""
        before, self._probed = self._probed, self._written
        if self._closing or (self.trouble is None and before != self._written):
            return
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT):
                await self._with_retry(self._ledger.probe)
        except Exception as error:  # noqa: BLE001 - whatever it is, no answer would do better
            if self._probed == self._written:  # a busy store is not a dead one
                self._down, self.trouble = True, f"no proof can be written: {why(error)}"
        else:
            self._down, self.trouble = False, None
            self._wake.set()

    async def close(self) -> None:
        """Write what waits, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _id(self, new: NewRecord) -> str:
        """Return an id behind the one before it, also within one moment: the newest is the greatest."""
        moment, chance = self._last
        drawn = int.from_bytes(secrets.token_bytes(10), "big")
        if new.time == moment:
            drawn = (chance + 1 + drawn % 2**40) % 2**80
        self._last = (new.time, drawn)
        return record_id(new.time, drawn.to_bytes(10, "big"))

    def _enqueue(self, new: NewRecord, record: asyncio.Future[ConsentRecord]) -> WaitingRecord:
        if self._closing:
            raise RecordsError("the store of proofs is closed")
        waiting = WaitingRecord(new, self._id(new), record)
        self._queue.append(waiting)
        self._start()
        return waiting

    def _start(self) -> None:
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="records")

    async def _run(self) -> None:
        while True:
            batch = self._take()
            if batch:
                await self._write(batch)
                if self._down and not self._queue:
                    await self._wait_for_retry()
            elif self._closing:
                return
            else:
                await self._pause(None)

    async def _wait_for_retry(self) -> None:
        """Wait a second before the next attempt, or until the next record arrives."""
        if self._closing:
            self.lost += len(self._later)
            self._later.clear()
        else:
            await self._pause(1.0)

    async def _pause(self, seconds: float | None) -> None:
        self._wake.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _take(self) -> list[WaitingRecord]:
        """Return what to write now: visitors who wait; in turns with them, while all is well, the backlog."""
        from_backlog = bool(self._later) and not self._queue
        if self._later and self._queue and not self._down:
            from_backlog = self._turn = not self._turn
        source = self._later if from_backlog else self._queue
        batch: list[WaitingRecord] = []
        while source and len(batch) < _BATCH:
            waiting = source.popleft()
            if waiting.wanted:
                batch.append(waiting)
        return batch

    async def _write(self, batch: Sequence[WaitingRecord]) -> None:
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT):
                done = await self._with_retry(lambda: self._ledger.write(batch))
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            await self._failed(batch, error)
        else:
            self._down, self.trouble = False, None
            self._written += 1
            for waiting, record in zip(batch, done, strict=True):
                if waiting.record is not None and not waiting.record.done():
                    waiting.record.set_result(record)

    async def _failed(self, batch: Sequence[WaitingRecord], error: Exception) -> None:
        trouble = f"no proof could be written: {why(error)}"
        if not _is_records_fault(error):
            self._put_off(batch, trouble)
        elif len(batch) > 1:  # one answer that cannot be stored must not spoil the others
            for waiting in batch:
                if waiting.wanted:
                    await self._write([waiting])
        elif batch[0].record is None:
            self.trouble = trouble
            self.lost += 1
        elif not batch[0].record.done():
            batch[0].record.set_exception(RecordsError(trouble))

    def _put_off(self, batch: Sequence[WaitingRecord], trouble: str) -> None:
        self._down, self.trouble = True, trouble
        for waiting in reversed(batch):
            if waiting.record is None:
                self._later.appendleft(waiting)
            elif not waiting.record.done():
                waiting.record.set_exception(RecordsError(trouble))

    async def _with_retry(self, write: Callable[[], Awaitable[_T]]) -> _T:
        """Write once; and once more where the connection turned out to be dead."""
        try:
            return await write()
        except Failure as error:
            if not error.lost:
                raise
            return await write()


def _is_records_fault(error: Exception) -> bool:
    """True when the store refused what an answer says; in doubt it is the store that failed."""
    if isinstance(error, Failure):
        return error.refused
    return isinstance(error, (ValueError, TypeError, OverflowError))
