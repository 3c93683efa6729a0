"""Holds tokens against their hashes: one at a time, beside the event loop, and few that fail."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence

from proxy.config.types import ConsoleToken
from proxy.console.tokens import owner_of

FAILURES = 5
"""Sign-ins that may fail within a minute, whoever tries."""

MINUTE = 60.0

MOST_WAITING = 10
"""Sign-ins that wait while another is looked at."""


class TooManyError(Exception):
    """Too many sign-ins failed, or wait; `seconds` until it is worth trying."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class SignIn:
    """Says whose a token is."""

    def __init__(self, tokens: Sequence[ConsoleToken], clock: Callable[[], float]) -> None:
        self._tokens = tokens
        self._clock = clock
        self._failed: deque[float] = deque(maxlen=FAILURES)
        self._looking = asyncio.Lock()
        self._waiting = 0

    async def owner(self, token: str) -> ConsoleToken | None:
        """Return whose token that is; TooManyError once too many were nobody's."""
        if self._waiting >= MOST_WAITING:
            raise TooManyError(1)
        self._waiting += 1
        try:
            async with self._looking:
                self._check()
                found = await asyncio.to_thread(owner_of, token, self._tokens)
                if found is None:
                    self._failed.append(self._clock())
                return found
        finally:
            self._waiting -= 1

    def _check(self) -> None:
        if len(self._failed) == FAILURES and (left := self._failed[0] + MINUTE - self._clock()) > 0:
            raise TooManyError(math.ceil(left))
