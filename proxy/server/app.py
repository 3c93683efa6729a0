"""One process that serves, from its first visitor to its last."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import uvloop

from proxy.policy.model import Policy
from proxy.server.config import Config
from proxy.server.keys import load_keys
from proxy.server.lifetime import Voice, on_signals, orphaned
from proxy.server.logs import start_logs
from proxy.server.observed import warn_of_unobserved
from proxy.server.serving import TICK, Server
from proxy.server.sources import Sources
from proxy.server.transport import check_server
from proxy.server.upstream import check_parser


async def serve(
    config: Config,
    policy: Policy,
    *,
    sources: Sources | None = None,
    voice: Voice | None = None,
    number: int = 0,
    admin: bool = True,
    until: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM (or `until`), then drain."""
    server = Server(config, policy, sources, number=number)
    over = until or asyncio.Event()
    reloads: set[asyncio.Task[bool]] = set()

    def reload() -> None:
        task = asyncio.ensure_future(server.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    on_signals(over.set, reload)
    try:
        await server.start(admin=admin)
        await _speak_until(over, server, voice)
    finally:
        await server.stop()
        if voice is not None:
            voice.say(server.state())


async def _speak_until(over: asyncio.Event, server: Server, voice: Voice | None) -> None:
    """Wait for the end; meanwhile a worker tells its supervisor how it is."""
    waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(over.wait())]
    if voice is not None:
        waiting.append(asyncio.ensure_future(_report(voice, server)))
        waiting.append(asyncio.ensure_future(orphaned()))
    await asyncio.wait([waiting[0], *waiting[2:]], return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    if voice is not None:
        server.health.stopping = True
        voice.say(server.state())


async def _report(voice: Voice, server: Server) -> None:
    while True:
        voice.say(server.state())
        await asyncio.sleep(TICK)


def serve_alone(sources: Sources, config: Config, policy: Policy) -> None:
    """Serve as the only process, admin address included."""
    check_server()
    check_parser()
    lines = start_logs(config.log.level, config.log.style)
    try:
        uvloop.run(serve(config, policy, sources=sources))
    finally:
        lines.flush()


def run_here(config_path: Path, rules_path: Path) -> None:
    """Run the proxy in this process, beside what else it does: the command `demo`."""
    sources = Sources(config_path, rules_path)
    config, policy = sources.read()
    sources.apart = True
    lines = start_logs(config.log.level, config.log.style)
    load_keys(config)
    warn_of_unobserved(config)
    lines.flush()
    serve_alone(sources, config, policy)
