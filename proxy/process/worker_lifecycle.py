"""Runs a worker in its event loop: start, signals, reports to the supervisor, drain."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import uvloop

from proxy.config.policies import Policies
from proxy.config.signing_key import load_keys
from proxy.config.types import Config
from proxy.http.server import check_server
from proxy.process.reload import WatchedFiles
from proxy.process.worker import TICK, Worker
from proxy.process.worker_channel import WorkerChannel, on_signals, orphaned
from proxy.telemetry.logs import start_logs


async def serve(
    config: Config,
    policies: Policies,
    *,
    watched: WatchedFiles | None = None,
    channel: WorkerChannel | None = None,
    number: int = 0,
    admin: bool = True,
    until: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM (or `until`), then drain."""
    server = Worker(config, policies, watched, number=number)
    over = until or asyncio.Event()
    reloads: set[asyncio.Task[bool]] = set()

    def reload() -> None:
        task = asyncio.ensure_future(server.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    on_signals(over.set, reload)
    try:
        await server.start(admin=admin)
        await _report_until(over, server, channel)
    finally:
        await server.stop()
        if channel is not None:
            channel.report(server.state())


async def _report_until(over: asyncio.Event, server: Worker, channel: WorkerChannel | None) -> None:
    """Wait for the stop signal; meanwhile report the state to the supervisor."""
    waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(over.wait())]
    if channel is not None:
        waiting.append(asyncio.ensure_future(_report(channel, server)))
        waiting.append(asyncio.ensure_future(orphaned()))
    await asyncio.wait([waiting[0], *waiting[2:]], return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    if channel is not None:
        server.health.stopping = True
        channel.report(server.state())


async def _report(channel: WorkerChannel, server: Worker) -> None:
    while True:
        channel.report(server.state())
        await asyncio.sleep(TICK)


def serve_alone(watched: WatchedFiles, config: Config, policies: Policies) -> None:
    """Serve as the only process, admin address included."""
    check_server()
    lines = start_logs(config.log.level, config.log.style)
    try:
        uvloop.run(serve(config, policies, watched=watched))
    finally:
        lines.flush()


def run_here(config_path: Path, rules_path: Path) -> None:
    """Run the proxy in this process, beside other things: for `demo` and `preview`, no first rollouts."""
    watched = WatchedFiles(config_path, rules_path)
    config, policies = watched.read()
    watched.in_subprocess = True
    lines = start_logs(config.log.level, config.log.style)
    load_keys(config)
    lines.flush()
    serve_alone(watched, config, policies)
