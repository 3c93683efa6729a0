"""What a worker and its supervisor have between them: signals, a pipe for reports, an exit status.

A worker imports this and not the supervisor, whose code it never runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

CANNOT_START = 78
"""Exit status of a worker that would fail again if started again (sysexits EX_CONFIG)."""

_TERMINATE = (signal.SIGTERM, signal.SIGINT)


def hold_reloads() -> None:
    """Let a SIGHUP wait until the loop handles it: by default it would end a process that is starting.

    What this process becomes by exec inherits it; `on_signals` ends it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def on_signals(stop: Callable[[], object], reload: Callable[[], object]) -> None:
    """Let SIGTERM and SIGINT stop, and SIGHUP reload, in the running loop."""
    loop = asyncio.get_running_loop()
    for number in _TERMINATE:
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


class WorkerChannel:
    """The pipe by which a worker reports its state to the supervisor, one JSON line each."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._last = b""

    def report(self, state: dict[str, Any]) -> None:
        """Report the state, if there is a supervisor and something changed."""
        line = json.dumps(state, default=str).encode() + b"\n"
        if self._descriptor is None or line == self._last:
            return
        self._last = line
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line)


async def orphaned() -> None:
    """Return when the supervisor has ended: standard input, its pipe, is closed."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while await reader.read(1024):
        pass
