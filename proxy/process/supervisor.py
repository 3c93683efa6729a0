"""How long processes live: N workers on one port, a supervisor, signals, drains.

The supervisor holds no visitor's connection: it starts workers, starts them again when
they end, passes signals on, and answers on the admin address for all of them. Workers
notice its end by their standard input and drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.config.types import Config
from proxy.errors import StartError
from proxy.process.admin import listen_admin
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import FOLDER, render

CANNOT_START = 78
"""Exit status of a worker that would fail again if started again (sysexits EX_CONFIG)."""

_AGAIN_AFTER = 1.0  # seconds before a worker that ended is started again
_TERMINATE = (signal.SIGTERM, signal.SIGINT)


def on_signals(stop: Callable[[], object], reload: Callable[[], object]) -> None:
    """Let SIGTERM and SIGINT stop, and SIGHUP reload, in the running loop."""
    loop = asyncio.get_running_loop()
    for number in _TERMINATE:
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)


@dataclass(slots=True)
class _Worker:
    """One process as the supervisor sees it: what it last said of itself."""

    number: int
    process: asyncio.subprocess.Process
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return bool(self.said.get("ready"))


class Supervisor:
    """Keeps `config.workers` processes alive until it is told to stop."""

    def __init__(self, config: Config, program: list[str], given: int) -> None:
        self._config = config
        self._program = program
        self._given = given
        self._started: set[int] = set()
        self._workers: dict[int, _Worker] = {}
        self._stopping = asyncio.Event()
        self._hopeless = False
        self._folder = tempfile.mkdtemp(prefix="consent-proxy-")

    async def run(self) -> int:
        """Run until SIGTERM; returns the exit status."""
        on_signals(self._stop, lambda: self._pass_on(signal.SIGHUP))
        end_admin: Callable[[], Awaitable[None]] | None = None
        try:
            if self._config.admin is not None:
                end_admin = await listen_admin(self._config.admin, self)
            keepers = [asyncio.ensure_future(self._keep(number)) for number in range(self._config.workers)]
            await asyncio.gather(*keepers)
        finally:
            if end_admin is not None:
                await end_admin()
            shutil.rmtree(self._folder, ignore_errors=True)
        return CANNOT_START if self._hopeless else 0

    def _stop(self) -> None:
        self._stopping.set()
        self._pass_on(signal.SIGTERM)

    def _pass_on(self, number: int) -> None:
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                worker.process.send_signal(number)

    async def _keep(self, number: int) -> None:
        """Keep one worker alive; a start that can only fail again stops everything."""
        while not self._stopping.is_set():
            worker = await self._start(number)
            code = await self._listen(worker)
            self._forget(worker)
            if code == CANNOT_START:
                self._hopeless = True
                self._stop()
            if not self._stopping.is_set():
                log().error("worker_ended", worker=number, status=code)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _AGAIN_AFTER)

    async def _start(self, number: int) -> _Worker:
        reading, writing = os.pipe()
        environment = {**os.environ, FOLDER: self._folder}
        command = [*self._program, "--say", str(writing), "--worker", str(number)]
        command += ["--given", str(self._given)]
        if number in self._started:  # much later, it reads the files as they are then
            command.append("--again")
        self._started.add(number)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            env=environment,
            pass_fds=[writing, self._given],
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which drains the workers
        )
        os.close(writing)
        worker = _Worker(number, process)
        worker.said["pipe"] = reading
        self._workers[number] = worker
        log().info("worker_started", worker=number, process=process.pid)
        return worker

    async def _listen(self, worker: _Worker) -> int:
        """Take in what a worker says of itself until it ends; returns its exit status."""
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader()
        pipe = os.fdopen(worker.said.pop("pipe"), "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), pipe)
        try:
            while line := await lines.readline():
                with contextlib.suppress(ValueError):
                    worker.said = json.loads(line)
        finally:
            transport.close()
        return await worker.process.wait()

    def _forget(self, worker: _Worker) -> None:
        """Take the figures away that only count while a process lives, such as connections."""
        self._workers.pop(worker.number, None)
        for path in Path(self._folder).glob(f"gauge_live*_{worker.process.pid}.db"):
            path.unlink(missing_ok=True)

    # -- what the admin address asks -----------------------------------------------------------------

    def ready(self) -> dict[str, Any]:
        """Ready while at least one worker is; the others are named."""
        said = {number: worker.said for number, worker in sorted(self._workers.items())}
        why = [
            f"worker {number}: {', '.join(one.get('why', ['starting']))}"
            for number, one in said.items()
            if not one.get("ready")
        ]
        if self._stopping.is_set():
            why.insert(0, "stopping")
        ready = not self._stopping.is_set() and any(worker.ready for worker in self._workers.values())
        return {"ready": ready, "why": why, "doubts": _merged(said, "doubts")}

    def state(self) -> dict[str, Any]:
        """Return what every worker says of itself."""
        return {**self.ready(), "workers": [w.said for _, w in sorted(self._workers.items())]}

    def figures(self) -> bytes:
        """Return the figures of all workers, also of those that ended."""
        os.environ[FOLDER] = self._folder
        return render(None)


def _merged(said: dict[int, dict[str, Any]], key: str) -> dict[str, Any]:
    return {name: words for one in said.values() for name, words in one.get(key, {}).items()}


class WorkerChannel:
    """How a worker tells its supervisor what it is doing: one JSON line at a time."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._last = b""

    def say(self, state: dict[str, Any]) -> None:
        """Tell the supervisor, if there is one and there is news."""
        line = json.dumps(state, default=str).encode() + b"\n"
        if self._descriptor is None or line == self._last:
            return
        self._last = line
        with contextlib.suppress(OSError):
            os.write(self._descriptor, line)


async def orphaned() -> None:
    """Return when the supervisor has gone: our standard input, its pipe, ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while await reader.read(1024):
        pass


async def supervise(config: Config, program: list[str], given: int) -> int:
    """Run the workers of a config: `program` starts one, `given` holds what was read for the first."""
    return await Supervisor(config, program, given).run()


__all__ = ["CANNOT_START", "StartError", "Supervisor", "WorkerChannel", "on_signals", "orphaned", "supervise"]
