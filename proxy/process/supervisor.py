"""The supervisor: starts N workers on one port, restarts those that end, forwards signals.

It holds no visitor's connection, and serves the admin address for all workers. Workers
notice its end by the end of their standard input, and drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from proxy.config.types import Config
from proxy.process.admin import listen_admin
from proxy.process.reload import WatchedFiles
from proxy.process.worker_channel import CANNOT_START, on_signals
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import FOLDER, render

_RESTART_DELAY = 1.0  # seconds before a worker that ended is started again
_RELOAD_WITHIN = 50.0  # seconds in which workers are to have read the files; it takes them some


@dataclass(slots=True)
class _Worker:
    """A worker process, with the state that it last reported."""

    number: int
    process: asyncio.subprocess.Process
    report: dict[str, Any] = field(default_factory=dict)
    owes_reload: bool = False  # asked while it was starting

    @property
    def ready(self) -> bool:
        return bool(self.report.get("ready"))

    @property
    def read_at(self) -> float | None:
        """When it last read the files anew, 0 for never; None while it starts."""
        last = self.report.get("last_reload")
        return None if last is None else float(last.get("at", 0))


class Supervisor:
    """Keeps `config.workers` processes running until it is told to stop."""

    def __init__(self, config: Config, watched: WatchedFiles, program: list[str], given: int) -> None:
        self._config = config
        self._watched = watched
        self._program = program
        self._handover = given
        self._started: set[int] = set()
        self._workers: dict[int, _Worker] = {}
        self._stopping = asyncio.Event()
        self._start_failed = False
        self._reported = asyncio.Event()  # set when a worker has said something, or has ended
        self._folder = tempfile.mkdtemp(prefix="consent-proxy-")

    async def run(self) -> int:
        """Run until SIGTERM; returns the exit status."""
        on_signals(self._stop, self._ask_for_reload)
        end_admin: Callable[[], Awaitable[None]] | None = None
        try:
            if self._config.admin is not None:
                end_admin = await listen_admin(
                    self._config.admin, self, self._config.admin_hosts, self._console()
                )
            keepers = [
                asyncio.ensure_future(self._keep_running(number)) for number in range(self._config.workers)
            ]
            await asyncio.gather(*keepers)
        finally:
            if end_admin is not None:
                await end_admin()
            shutil.rmtree(self._folder, ignore_errors=True)
        return CANNOT_START if self._start_failed else 0

    def _stop(self) -> None:
        self._stopping.set()
        self._send_signal(signal.SIGTERM)

    def _send_signal(self, number: int) -> None:
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                worker.process.send_signal(number)

    def _ask_for_reload(self) -> list[_Worker]:
        """Have every worker read the files, one that is starting once it serves; return the others.

        A signal would end a worker whose handler does not stand yet.
        """
        serving = [one for one in self._workers.values() if one.read_at is not None]
        for worker in self._workers.values():
            worker.owes_reload = worker.read_at is None
        for worker in serving:
            with contextlib.suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGHUP)
        return serving

    def _console(self) -> web.Application | None:
        """Return the console where the config has tokens for it."""
        if not self._config.console.tokens:
            return None
        from proxy.process.console import open_console  # noqa: PLC0415 - nobody else needs it

        return open_console(
            self._config,
            self,
            states=self._wanted_reports,
            reload=self.reload,
            watched=self._watched,
            given=lambda: os.dup(self._handover),
        )

    async def reload(self) -> None:
        """Have every worker that serves read the files, and wait until each says that it has."""
        asked, workers = time.time(), self._ask_for_reload()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RELOAD_WITHIN):
                while any(
                    one.read_at is None or one.read_at < asked
                    for one in workers
                    if self._workers.get(one.number) is one
                ):
                    self._reported.clear()
                    await self._reported.wait()

    async def _keep_running(self, number: int) -> None:
        """Run one worker, restarted when it ends; exit status CANNOT_START stops all of them."""
        while not self._stopping.is_set():
            worker = await self._start(number)
            code = await self._read_reports(worker)
            self._remove(worker)
            if code == CANNOT_START:
                self._start_failed = True
                self._stop()
            if not self._stopping.is_set():
                log().error("worker_ended", worker=number, status=code)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _RESTART_DELAY)

    async def _start(self, number: int) -> _Worker:
        reading, writing = os.pipe()
        environment = {**os.environ, FOLDER: self._folder}
        command = [*self._program, "--say", str(writing), "--worker", str(number)]
        command += ["--given", str(self._handover)]
        if number in self._started:  # a restart reads the files as they are then
            command.append("--again")
        self._started.add(number)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            env=environment,
            pass_fds=[writing, self._handover],
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which drains the workers
        )
        os.close(writing)
        worker = _Worker(number, process)
        worker.report["pipe"] = reading
        self._workers[number] = worker
        log().info("worker_started", worker=number, process=process.pid)
        return worker

    async def _read_reports(self, worker: _Worker) -> int:
        """Read the reports of a worker until it ends; returns its exit status."""
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader()
        pipe = os.fdopen(worker.report.pop("pipe"), "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), pipe)
        try:
            while line := await lines.readline():
                with contextlib.suppress(ValueError):
                    worker.report = json.loads(line)
                    self._reported.set()
                if worker.owes_reload and worker.read_at is not None:
                    worker.owes_reload = False
                    worker.process.send_signal(signal.SIGHUP)
        finally:
            transport.close()
        return await worker.process.wait()

    def _remove(self, worker: _Worker) -> None:
        """Remove a worker and its live gauges, such as open connections."""
        self._workers.pop(worker.number, None)
        self._reported.set()
        for path in Path(self._folder).glob(f"gauge_live*_{worker.process.pid}.db"):
            path.unlink(missing_ok=True)

    # -- for the admin address -----------------------------------------------------------------------

    def ready(self) -> dict[str, Any]:
        """Return ready if at least one worker is, and why others are not."""
        report = {number: worker.report for number, worker in sorted(self._workers.items())}
        why = [
            f"worker {number}: {', '.join(one.get('why', ['starting']))}"
            for number, one in report.items()
            if not one.get("ready")
        ]
        if self._stopping.is_set():
            why.insert(0, "stopping")
        ready = not self._stopping.is_set() and any(worker.ready for worker in self._workers.values())
        return {"ready": ready, "why": why, "doubts": _merge(report, "doubts")}

    def state(self) -> dict[str, Any]:
        """Return the state of every worker."""
        return {**self.ready(), "workers": self._reports()}

    def _reports(self) -> list[dict[str, Any]]:
        """Return what each worker said last."""
        return [worker.report for _, worker in sorted(self._workers.items())]

    def _wanted_reports(self) -> list[dict[str, Any]]:
        """Return what each worker said last, with an empty report for each that does not run."""
        reports = self._reports()
        return reports + [{}] * (self._config.workers - len(reports))

    def figures(self) -> bytes:
        """Return the metrics of all workers, also of those that ended."""
        os.environ[FOLDER] = self._folder
        whole = {
            "ready": self.ready()["ready"],
            "workers_configured": self._config.workers,
            "workers_alive": len(self._workers),
            "workers_ready": sum(worker.ready for worker in self._workers.values()),
        }
        return render(None, whole)


def _merge(report: dict[int, dict[str, Any]], key: str) -> dict[str, Any]:
    return {name: words for one in report.values() for name, words in one.get(key, {}).items()}


async def supervise(config: Config, watched: WatchedFiles, program: list[str], given: int) -> int:
    """Run the workers of a config: `program` starts one, `given` holds what was read for the first."""
    return await Supervisor(config, watched, program, given).run()
