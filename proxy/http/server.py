"""All that aiohttp's low-level web.Server needs to be a faithful proxy, each option with its reason.

Its hooks that are not documented are named in `check_server`, which refuses to start where one is missing.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import http_parser, web
from aiohttp.web_protocol import RequestHandler

from proxy.errors import StartError
from proxy.http.connection import Connection, SynchronousExchange
from proxy.http.message import IncomingMessage, RequestLimits
from proxy.http.request_head_cache import LONGEST, RequestHead, RequestHeadCache
from proxy.http.response import Response

__all__ = ["Connection", "HttpServer", "IncomingMessage", "RequestLimits", "Response", "check_server"]

Answer = Callable[[IncomingMessage], Awaitable[Response]]
Refuse = Callable[[int, IncomingMessage | None], Response]
Report = Callable[[BaseException], None]
Begin = Callable[[IncomingMessage, RequestHead], SynchronousExchange | None]

_HOOKS = (
    "_waiter", "_messages", "_current_request", "_keepalive_handle", "_next_keepalive_close_time",
    "_process_keepalive", "_handle_request", "_drain_helper", "handle_error", "force_close", "data_received",
    "writing_paused", "_upgraded", "_buffer_paused", "_close", "_force_close",
)  # fmt: skip
_SILENT = logging.getLogger("proxy.http.aiohttp")  # its own words hold addresses and quote requests
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class HttpServer(web.Server):
    """Makes a Connection for every visitor's connection; give it to `loop.create_server`.

    `answer` handles one request that passed `Incoming.check`. `refuse` makes the page for a status of
    ours. `report` is told of errors nobody expected. `begin` may take a request whose head came before on
    the short way. While `draining`, answers end their connections.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        allowance: RequestLimits | None = None,
        refuse: Refuse | None = None,
        report: Report | None = None,
        begin: Begin | None = None,
    ) -> None:
        self.heads = RequestHeadCache()
        self.allowance = allowance or RequestLimits()
        self.begin = begin if self.allowance.line >= LONGEST else None  # only llhttp counts a line
        self.draining = False
        self.refuse = refuse or plain_refusal
        self.report = report or (lambda _: None)
        self._answer = answer
        super().__init__(
            self._checked,  # type: ignore[arg-type] # an Incoming stands in for a BaseRequest
            request_factory=_request,  # type: ignore[arg-type]
            handler_cancellation=True,  # a visitor who left frees the upstream at once
            access_log=None,  # logs.py writes ours: path only, no query, no user agent
            logger=_SILENT,
            auto_decompress=False,  # the server would gunzip uploads and keep their Content-Encoding
            keepalive_timeout=self.allowance.keepalive,  # else 3630 s
            max_line_size=self.allowance.line,
            max_field_size=self.allowance.field,
            max_headers=self.allowance.fields,
            lingering_time=5.0,
        )

        _spare_tasks(self._loop)

    def __call__(self) -> Connection:
        """Return the protocol of one more connection."""
        return Connection(self, loop=self._loop, **self._kwargs)

    async def _checked(self, request: IncomingMessage) -> Response:
        if request.go_on is not None:
            return await request.go_on()
        request.check()
        return await self._answer(request)

    @property
    def busy(self) -> int:
        """How many connections are answering a request just now."""
        return sum(1 for connection in self._connections if _is_busy(connection))

    def _end_idle(self) -> None:
        for connection in self.connections:
            if _is_idle(connection):
                connection.close()

    async def drain(self, seconds: float) -> int:
        """Let requests in flight end within so many seconds; return how many were cut."""
        self.draining = True
        until = self._loop.time() + seconds
        self._end_idle()
        while self.busy and self._loop.time() < until:
            await asyncio.sleep(0.05)
            self._end_idle()
        left = self.busy
        await self.shutdown(0.1)
        return left


def _request(message: Any, *more: Any) -> IncomingMessage:
    """Return the request aiohttp found, or the one that it is to go on with."""
    return message if isinstance(message, IncomingMessage) else IncomingMessage(message, *more)


def _spare_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let each request run in its connection's task: a task more for every one costs 6 us and a turn.

    From Python 3.12 on aiohttp starts that task eagerly, which comes to the same.
    """
    if sys.version_info >= (3, 12) or loop.get_task_factory() is not None:
        return
    handling = RequestHandler._handle_request.__code__  # noqa: SLF001

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> Any:
        if getattr(coro, "cr_code", None) is handling:
            return coro
        return asyncio.Task(coro, loop=loop, **more)

    loop.set_task_factory(factory)


def _is_idle(connection: RequestHandler) -> bool:
    # not aiohttp's pre_shutdown: that also stops uploads whose requests are being answered
    return connection._current_request is None and not connection._messages  # noqa: SLF001


def _is_busy(connection: RequestHandler) -> bool:
    return connection._current_request is not None and not getattr(connection, "tunnels", False)  # noqa: SLF001


def plain_refusal(status: int, _: IncomingMessage | None = None) -> Response:
    """Return a refusal in plain words, without anything of the request."""
    answer = Response(status, [])
    text = b"%d %b\n" % (status, answer.reason)
    headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-store")]
    return Response(status, headers, text)


def check_server() -> None:
    """Raise StartError when aiohttp is not one that this module knows, or lacks its compiled parser."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError(
            "aiohttp runs without its compiled HTTP parser, the part that keeps requests apart; "
            "install a wheel of aiohttp and unset AIOHTTP_NO_EXTENSIONS"
        )
    missing = [name for name in _HOOKS if not hasattr(RequestHandler, name)]
    if missing or not aiohttp.__version__.startswith("3.14."):
        raise StartError(
            f"aiohttp {aiohttp.__version__} is not the 3.14 this program was tested with"
            + (f" (it lacks {', '.join(missing)})" if missing else "")
            + "; install aiohttp >=3.14.3,<3.15"
        )
