"""What the store of proofs tells the console, read anew at most every minute and never by two at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from proxy.console.source import ConsoleSource, UnavailableError
from proxy.telemetry.logs import log

FRESH = 60.0
"""Seconds for which figures of the store are good enough."""

SHARE = 20
"""Reading may take a twentieth of the time: a store that takes long to read is read less often."""

PATIENCE = 5.0
"""Seconds that somebody waits for the first figures; afterwards they are told when they are there."""

_NOTHING: dict[str, Any] = dict.fromkeys(("consent", "purposes", "found", "alerts", "stored_at"))


class StoredFigures:
    """The figures that were read last."""

    def __init__(self, source: ConsoleSource, clock: Callable[[], float], patience: float = PATIENCE) -> None:
        self._source = source
        self._patience = patience
        self._clock = clock
        self._last: dict[str, Any] | None = None
        self._due = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def read(self) -> dict[str, Any]:
        """Return the figures and when they were read; only the first time it waits for them, not for long."""
        if self._reading is None and self._clock() >= self._due:
            self._reading = asyncio.ensure_future(self._read())
        if self._last is None and self._reading is not None:
            await asyncio.wait([self._reading], timeout=self._patience)
        return self._last or _NOTHING

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            found = await self._source.stored()
            self._last = {**found, "stored_at": int(self._clock())}
        except UnavailableError as error:
            log().warning("console_store_unread", why=str(error))
            self._last = _NOTHING
        finally:
            self._due = self._clock() + max(FRESH, SHARE * (time.monotonic() - began))
            self._reading = None

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
