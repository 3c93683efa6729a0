"""WebSockets: after a handshake that both sides have proven, a tunnel for bytes.

Frames pass as they are, so subprotocols, extensions, close codes, pings and messages of any size need no
code and no memory of ours. The handshake is a request like any other until the upstream's 101, whose
Sec-WebSocket-Accept must fit: nothing less opens the tunnel.
"""

from __future__ import annotations

import asyncio

from proxy.errors import UpstreamError
from proxy.filter.headers.fields import Headers
from proxy.http.message import IncomingMessage
from proxy.http.response import Response
from proxy.http.upstream.exchange import UpstreamResponse


def wants_websocket(request: IncomingMessage) -> bool:
    """True when the visitor asks to switch; pass `upgrade=True` on to the upstream then."""
    if request.method != b"GET" or request.upgrade != b"websocket" or request.version != (1, 1):
        return False
    options = b",".join(value for name, value in request.headers if name.lower() == b"connection").lower()
    keys = sum(name.lower() == b"sec-websocket-key" for name, _ in request.headers)
    return b"upgrade" in {option.strip() for option in options.split(b",")} and keys == 1


async def relay_websocket(request: IncomingMessage, response: UpstreamResponse, headers: Headers) -> Response:
    """Send the upstream's 101 (`headers`: what may be seen of it), and relay until one side ends."""
    switched = Response(101, headers, reason=response.reason, keep_alive=False)
    upward = _Upward(request, response)
    try:
        await switched.prepare(request)
        request.protocol.tunnels = True
        request.protocol.set_parser(upward)
        while piece := await response.read():
            switched.body_length += len(piece)
            await request.send(piece)
    except UpstreamError:
        switched.cut()
    finally:
        upward.give_up()
        response.hang_up()
    return switched


class _Upward:
    """What the visitor sends, to the upstream; the visitor waits while the upstream does, but not for ever.

    A connection that is not read does not tell that its visitor has gone.
    """

    def __init__(self, request: IncomingMessage, response: UpstreamResponse) -> None:
        self._request = request
        self._response = response
        self._patience: asyncio.TimerHandle | None = None  # set while the visitor is not read
        response.on_writable = self._resume

    def feed_data(self, piece: bytes) -> tuple[bool, bytes]:
        """Pass on what came (aiohttp calls it); the tunnel never ends by what is in it."""
        if not self._response.send(piece) and self._patience is None:
            transport = self._request.protocol.transport
            if transport is not None:
                idle = self._request.allowance.idle_write
                self._patience = self._request.protocol.loop.call_later(idle, self._request.cut)
                transport.pause_reading()
        return False, b""

    def feed_eof(self) -> None:
        """The visitor is gone; the relay is cancelled and hangs up."""
        self.give_up()

    def give_up(self) -> None:
        """Wait for nobody any more."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _resume(self) -> None:
        transport = self._request.protocol.transport
        if self._patience is not None and transport is not None:
            self.give_up()
            transport.resume_reading()
