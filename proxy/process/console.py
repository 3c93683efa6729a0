"""The console of this process: what it shows of the workers, and what a subprocess reads of the store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from proxy.config.types import Config
from proxy.console.app import Console
from proxy.console.source import Reloaded, UnavailableError
from proxy.process.admin import AdminSource
from proxy.process.reload import WatchedFiles
from proxy.subprocess_command import command
from proxy.telemetry.metrics import FOLDER

_STORE_WITHIN = 60.0
"""Seconds in which the store has to be read."""


class _Workers:
    """What the console asks of the process that serves the admin address."""

    def __init__(
        self,
        source: AdminSource,
        states: Callable[[], list[dict[str, Any]]],
        reload: Callable[[], Awaitable[object]],
        watched: WatchedFiles,
        given: Callable[[], int],
    ) -> None:
        self.ready = source.ready
        self.figures = source.figures
        self.workers = states
        self._reload = reload
        self._watched = watched
        self._given = given
        self._reading = asyncio.Lock()

    async def reload_all(self) -> Reloaded:
        """Have every worker read the files, and return what came of it."""
        asked = time.time()
        await self._reload()
        last = [one["last_reload"] for one in self.workers() if "last_reload" in one]
        problems: dict[str, None] = {}
        for one in last:
            if one.get("at", 0) < asked:
                problems["a worker has not said in time what came of it; the log will say"] = None
            elif one["outcome"] == "refused":
                problems.update(dict.fromkeys(one["problems"]))
        return Reloaded("refused" if problems else "loaded", tuple(problems), len(last))

    async def stored(self) -> dict[str, Any]:
        """Return what the store of proofs tells."""
        found: dict[str, Any] = await self._ask({})
        return found

    async def record(self, receipt: str) -> dict[str, Any] | None:
        """Return the record of a receipt, None if there is none."""
        found: dict[str, Any] | None = await self._ask({"record": receipt})
        return found

    async def _ask(self, question: dict[str, str]) -> Any:
        """Have a subprocess read the store: nothing of what that takes stays here, and no visitor waits."""
        async with self._reading:
            given = self._given()
            try:
                return await _answer(self._watched, given, question)
            finally:
                os.close(given)


async def _answer(watched: WatchedFiles, given: int, question: dict[str, str]) -> Any:
    files = [str(watched.config_path), str(watched.rules_path)]
    try:
        process = await asyncio.create_subprocess_exec(
            *command("proxy.process.console_store", *files, "--given", str(given)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if name != FOLDER},
            pass_fds=[given],
            start_new_session=True,  # Ctrl-C is for the serving process
        )
    except OSError as error:
        raise UnavailableError(f"what reads it cannot start: {error.strerror}") from None
    try:
        async with asyncio.timeout(_STORE_WITHIN):
            said, _ = await process.communicate(json.dumps(question).encode())
    except TimeoutError:
        raise UnavailableError("it takes too long") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        raise UnavailableError(f"what reads it ended with status {process.returncode}") from None
    if "failed" in answer:
        raise UnavailableError(answer["failed"])
    return answer["found"]


def open_console(
    config: Config,
    source: AdminSource,
    *,
    states: Callable[[], list[dict[str, Any]]],
    reload: Callable[[], Awaitable[object]],
    watched: WatchedFiles,
    given: Callable[[], int],
) -> web.Application:
    """Return the application of the console.

    `given` makes a descriptor with what is served from (process/handover.py), which is closed here.
    """
    workers = _Workers(source, states, reload, watched, given)
    return Console(config.console, workers, watched.rules_path.name).app()
