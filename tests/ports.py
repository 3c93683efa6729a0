"""Ports for servers that are told where to listen."""

import contextlib
import random
import socket

# Not the common source of chance: every process that tests starts that one alike.
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """Return a port where nobody listens, below those that systems give to outgoing connections.

    One of those may be somebody's by the time the server comes to listen there.
    """
    while True:
        port = _CHANCE.randrange(10_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
