"""The supervisor process (`python -m`); started by `serve`, never by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvloop

from proxy import aiohttp_import  # noqa: F401 - before anything else imports aiohttp
from proxy.errors import ProxyError
from proxy.http.server import check_server
from proxy.process.handover import read_handover
from proxy.process.supervisor import supervise
from proxy.subprocess_command import command
from proxy.telemetry.logs import start_logs


def main(arguments: list[str]) -> int:
    """Run the supervisor until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="proxy.process.supervisor_main", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("rules", type=Path)
    parser.add_argument("--given", type=int, required=True, help="descriptor that holds what was read")
    options = parser.parse_args(arguments)
    watched, config, _ = read_handover(options.given)
    try:
        check_server()
        lines = start_logs(config.log.level, config.log.style)
        try:
            program = command("proxy.process.worker_main", str(options.config), str(options.rules))
            return uvloop.run(supervise(config, watched, program, options.given))
        finally:
            lines.flush()
    except ProxyError as error:
        sys.stderr.write(f"consent-proxy: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
