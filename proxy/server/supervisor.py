"""The process that looks after several workers; started by `serve`, never by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvloop

from proxy.apart import command
from proxy.errors import ProxyError
from proxy.server.handover import taken
from proxy.server.lifetime import supervise
from proxy.server.logs import start_logs
from proxy.server.transport import check_server
from proxy.server.upstream import check_parser


def main(arguments: list[str]) -> int:
    """Keep workers alive until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="proxy.server.supervisor", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("rules", type=Path)
    parser.add_argument("--given", type=int, required=True, help="descriptor that holds what was read")
    said = parser.parse_args(arguments)
    _, config, _ = taken(said.given)
    try:
        check_server()
        check_parser()
        lines = start_logs(config.log.level, config.log.style)
        try:
            program = command("proxy.server.worker", str(said.config), str(said.rules))
            return uvloop.run(supervise(config, program, said.given))
        finally:
            lines.flush()
    except ProxyError as error:
        sys.stderr.write(f"consent-proxy: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
