"""Tells a visitor who closed their half of the connection and waits from one who is gone.

Both look the same: the end of what they send. Who is gone resets the connection once something is sent to
them, so a response that is late is preceded by a `100 Continue`, which clients skip (RFC 9110 section 15.2).
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
QUICK = 0.4
"""Seconds in which most responses come: only then something is sent to see who is there."""

AGAIN = 5.0
"""Seconds after which it is sent once more."""

LOOK = 0.15
"""Seconds between two looks at the socket."""


class HandledRequest(Protocol):
    """The request that is being handled, as far as it says what may be sent."""

    started: bool
    version: tuple[int, int]


class HalfClosed:
    """Ends the connection of a visitor who is gone, or to whom nothing is sent for `idle` seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, idle: float) -> None:
        self._loop = loop
        self._transport = transport
        self._idle = idle
        self._wrote = loop.time()
        self._asks_at = self._wrote + QUICK
        self.request: HandledRequest | None = None
        self._timer = loop.call_later(LOOK, self._look)

    def wrote(self) -> None:
        """Note that something of the response was sent."""
        self._wrote = self._loop.time()

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        transport, now, request = self._transport, self._loop.time(), self.request
        if transport.is_closing():
            return
        started = request is not None and request.started
        if _is_broken(transport) or (started and now - self._wrote > self._idle):
            transport.abort()
            return
        if request is not None and not started and request.version == (1, 1) and now >= self._asks_at:
            transport.write(CONTINUE)
            self._asks_at = now + AGAIN
        self._timer = self._loop.call_later(LOOK, self._look)


def _is_broken(transport: asyncio.Transport) -> bool:
    """True when the other side has reset the connection; a socket that is not read does not say so itself."""
    sock = transport.get_extra_info("socket")
    return sock is not None and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
