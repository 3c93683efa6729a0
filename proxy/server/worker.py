"""One of several serving processes: started by the supervisor, never by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvloop

from proxy.errors import ProxyError
from proxy.server.app import serve
from proxy.server.lifetime import CANNOT_START, Voice
from proxy.server.logs import start_logs
from proxy.server.sources import Sources


def main(arguments: list[str]) -> int:
    """Serve as worker number N, telling the supervisor how it is; returns the exit status."""
    parser = argparse.ArgumentParser(prog="proxy.server.worker", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("rules", type=Path)
    parser.add_argument("--say", type=int, help="descriptor the supervisor listens to")
    parser.add_argument("--worker", type=int, default=0)
    said = parser.parse_args(arguments)
    sources = Sources(said.config, said.rules)
    try:
        config, policy = sources.read()
        lines = start_logs(config.log.level, config.log.style)
        try:
            voice = Voice(said.say)
            uvloop.run(serve(config, policy, sources=sources, voice=voice, number=said.worker, admin=False))
        finally:
            lines.flush()
    except ProxyError as error:
        sys.stderr.write(f"consent-proxy: {error}\n")
        return CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
