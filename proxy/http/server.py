"""aiohttp's low-level web.Server as a faithful proxy needs it, each option with its reason.

Only its documented face is used, so newer versions of aiohttp may be installed; what makes a connection can
be replaced (the fast path does, where it knows aiohttp's inside).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import http_parser, web

from proxy.errors import StartError
from proxy.http.connection import Connection
from proxy.http.message import AiohttpRequest, IncomingMessage
from proxy.http.request_limits import RequestLimits
from proxy.http.response import NOTHING_LOADS, Response

__all__ = ["Connection", "HttpServer", "IncomingMessage", "RequestLimits", "Response", "check_server"]

Respond = Callable[[IncomingMessage], Awaitable[Response]]
Refuse = Callable[[int, IncomingMessage | None], Response]
Report = Callable[[BaseException], None]

_NEVER = 86_400.0 * 365
_SILENT = logging.getLogger("proxy.http.aiohttp")  # its own words hold addresses and quote requests
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class MakeConnection(Protocol):
    """Makes the protocol of one more connection."""

    def __call__(
        self, http_server: HttpServer, *, loop: asyncio.AbstractEventLoop, **options: Any
    ) -> Connection:
        """Return a connection of that server, with these options of aiohttp's RequestHandler."""


class HttpServer(web.Server):
    """Makes a Connection for every visitor's connection; give it to `loop.create_server`.

    `respond` handles one request that passed `IncomingMessage.check`. `refuse` makes the page for a status
    of ours. `report` gets errors nobody expected. While `draining`, responses end their connections.
    """

    def __init__(
        self,
        respond: Respond,
        *,
        allowance: RequestLimits | None = None,
        refuse: Refuse | None = None,
        report: Report | None = None,
        connection: MakeConnection = Connection,
    ) -> None:
        self.allowance = allowance or RequestLimits()
        self.draining = False
        self.refuse = refuse or plain_refusal
        self.report = report or (lambda _: None)
        self._respond = respond
        self._make_connection = connection
        self._event_loop = asyncio.get_running_loop()
        self._options = {
            "access_log": None,  # telemetry/logs.py writes ours: path only, no query, no user agent
            "logger": _SILENT,
            "auto_decompress": False,  # else uploads are gunzipped and keep their Content-Encoding
            "keepalive_timeout": _NEVER,  # the connection has its own timer (connection.py)
            "max_line_size": self.allowance.line,
            "max_field_size": self.allowance.field,
            "max_headers": self.allowance.fields,
            "lingering_time": 30.0,  # for uploads that go on behind their response; as nginx
        }
        super().__init__(
            self._handle,  # type: ignore[arg-type] # our Response has the methods aiohttp calls
            request_factory=_aiohttp_request,  # type: ignore[arg-type] # it is called with a Connection
            handler_cancellation=True,  # a visitor who left frees the upstream at once
        )

    def __call__(self) -> Connection:
        """Return the protocol of one more connection."""
        return self._make_connection(self, loop=self._event_loop, **self._options)

    async def _handle(self, request: AiohttpRequest) -> Response:
        """Respond to one request; all of the response has left when this returns."""
        message = request.incoming
        connection: Connection = message.protocol  # type: ignore[assignment] # all of ours are
        lasts = False
        try:
            try:
                if message.go_on is not None:
                    response = await message.go_on()
                else:
                    message.check()
                    response = await self._respond(message)
            except Exception as error:  # noqa: BLE001 - whatever it is, the visitor gets a response
                response = connection.refusal(message, error)
            try:
                await response.prepare(message)
                await response.write_eof()
            except ConnectionError:
                response.keep_alive = False  # the visitor left, or the response was cut
            lasts = response.keep_alive
            return response
        finally:
            connection.ends(lasts=lasts)

    @property
    def _visitors(self) -> list[Connection]:
        return [one for one in self.connections if isinstance(one, Connection)]

    @property
    def busy(self) -> int:
        """How many connections are handling a request just now, tunnels not counted."""
        return sum(one.request is not None and not one.tunnels for one in self._visitors)

    def _end_idle(self) -> None:
        # not aiohttp's pre_shutdown: that also stops uploads whose requests are being handled
        for one in self._visitors:
            if one.request is None and not one.head_ended:
                one.close()

    async def drain(self, seconds: float) -> int:
        """Let requests in flight end within so many seconds; return how many were cut."""
        self.draining = True
        until = self._event_loop.time() + seconds
        self._end_idle()
        while self.busy and self._event_loop.time() < until:
            await asyncio.sleep(0.05)
            self._end_idle()
        left = self.busy
        await self.shutdown(0.1)
        return left


def _aiohttp_request(message: Any, payload: Any, protocol: Connection, *more: Any) -> AiohttpRequest:
    """Return the request that aiohttp parsed, with the one that all our code uses."""
    incoming = protocol.incoming(message, payload)
    protocol.begins(incoming)
    return AiohttpRequest(message, payload, protocol, *more, incoming=incoming)


def plain_refusal(status: int, _: IncomingMessage | None = None) -> Response:
    """Return a refusal in plain words, without anything of the request."""
    reason = Response(status, []).reason
    headers = [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Cache-Control", b"no-store"),
        NOTHING_LOADS,
    ]
    return Response(status, headers, b"%d %b\n" % (status, reason))


def check_server() -> None:
    """Raise StartError when aiohttp lacks its compiled parser."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError(
            "aiohttp runs without its compiled HTTP parser, the part that keeps requests apart; "
            "install a wheel of aiohttp and unset AIOHTTP_NO_EXTENSIONS"
        )
