"""The timeouts of upstream connections and responses, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    """How long to wait for an upstream; `timeouts:` of the config sets the first three."""

    connect: float = 5.0
    first_byte: float = 30.0  # until the whole response head has arrived
    idle: float = 60.0  # between two pieces of a body, either way
    slot: float = 5.0  # for one of the pool's connections to become free
    keepalive: float = 4.0  # shorter than that of common servers, so that the proxy closes first
