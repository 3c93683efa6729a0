"""A worker process (`python -m`), alone or one of several of a supervisor; never started by hand."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import uvloop

from proxy import aiohttp_import  # noqa: F401 - before anything else imports aiohttp
from proxy.config.policies import Policies
from proxy.config.types import Config
from proxy.errors import ProxyError
from proxy.process.handover import read_handover
from proxy.process.reload import WatchedFiles
from proxy.process.worker_channel import CANNOT_START, WorkerChannel, hold_reloads
from proxy.process.worker_lifecycle import serve, serve_alone
from proxy.telemetry.logs import start_logs


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is started with."""

    given: int  # descriptor that holds what was read
    again: bool = False  # read both files anew, if nothing is wrong with them
    say: int | None = None  # descriptor the supervisor listens to
    worker: int = 0


def worker_options(arguments: list[str]) -> WorkerOptions:
    """Return the options of a command line of `start` or of the supervisor: CONFIG RULES --given N ...

    By hand: argparse is 0.4 MB that a worker would hold for months.
    """
    again = "--again" in arguments
    words = [word for word in arguments[2:] if word != "--again"]
    numbers = {
        name.removeprefix("--"): int(value) for name, value in zip(words[::2], words[1::2], strict=True)
    }
    return WorkerOptions(again=again, **numbers)


def main(arguments: list[str]) -> int:
    """Serve until told to stop; returns the exit status."""
    hold_reloads()
    options = worker_options(arguments)
    try:
        watched, config, policies = _read(options)
        if options.say is None:
            serve_alone(watched, config, policies)
        else:
            _serve_supervised(WorkerChannel(options.say), options.worker, watched, config, policies)
    except ProxyError as error:
        sys.stderr.write(f"consent-proxy: {error}\n")
        return CANNOT_START if options.say is not None else 1
    return 0


def _read(options: WorkerOptions) -> tuple[WatchedFiles, Config, Policies]:
    """Return what was handed over; a restarted worker reads the files again.

    If they have become faulty since, it serves what was handed over, as after a faulty reload.
    """
    watched, config, policies = read_handover(options.given)
    watched.in_subprocess = True
    if options.again:
        try:
            config, policies = watched.read()
        except ProxyError as error:
            problem, watched.refused = str(error).partition("\n")[0], True
            watched.doubt = f"the files on disk are refused, those of the start are in force: {problem}"
    return watched, config, policies


def _serve_supervised(
    channel: WorkerChannel, number: int, watched: WatchedFiles, config: Config, policies: Policies
) -> None:
    """Serve as worker `number`, reporting to the supervisor."""
    lines = start_logs(config.log.level, config.log.style)
    try:
        uvloop.run(serve(config, policies, watched=watched, channel=channel, number=number, admin=False))
    finally:
        lines.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
