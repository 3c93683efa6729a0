"""The timeouts of upstream connections and responses, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """How long to wait for an upstream; `timeouts:` of the config sets them but for the last."""

    connect: float = 5.0
    first_byte: float = 90.0  # until the whole response head has arrived; long polls take 30 to 60 s
    idle: float = 60.0  # between two pieces of a body, either way
    queue: float = 5.0  # for one of the pool's connections to become free
    keepalive: float = 4.0  # shorter than that of common servers, so that the proxy closes first
