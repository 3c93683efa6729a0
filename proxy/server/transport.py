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
from aiohttp.http_exceptions import BadHttpMethod, LineTooLong
from aiohttp.web_protocol import RequestHandler

from proxy.errors import BadRequest, ProxyError, StartError, UpstreamError
from proxy.server.incoming import Allowance, Incoming
from proxy.server.response import RawResponse

__all__ = ["Allowance", "Connection", "Incoming", "Listener", "RawResponse", "check_server"]

Answer = Callable[[Incoming], Awaitable[RawResponse]]
Refuse = Callable[[int, Incoming | None], RawResponse]
Report = Callable[[BaseException], None]

_HOOKS = (
    "_waiter", "_messages", "_current_request", "_keepalive_handle", "_next_keepalive_close_time",
    "_process_keepalive", "_handle_request", "_drain_helper", "handle_error", "force_close", "data_received",
    "writing_paused",
)  # fmt: skip
_SILENT = logging.getLogger("proxy.server.aiohttp")  # its own words hold addresses and quote requests
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class Listener(web.Server):
    """Makes a Connection for every visitor's connection; give it to `loop.create_server`.

    `answer` handles one request that passed `Incoming.check`. `refuse` makes the page for a status of
    ours. `report` is told of errors nobody expected. While `draining`, answers end their connections.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        allowance: Allowance | None = None,
        refuse: Refuse | None = None,
        report: Report | None = None,
    ) -> None:
        self.allowance = allowance or Allowance()
        self.draining = False
        self.refuse = refuse or plain_refusal
        self.report = report or (lambda _: None)
        self._answer = answer
        super().__init__(
            self._checked,  # type: ignore[arg-type] # an Incoming stands in for a BaseRequest
            request_factory=Incoming,  # type: ignore[arg-type]
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

    async def _checked(self, request: Incoming) -> RawResponse:
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


class Connection(RequestHandler):
    """A visitor's connection: aiohttp's, with a deadline for a whole head and refusals of our own."""

    __slots__ = ("_head_begun", "listener", "tunnels")

    def __init__(self, listener: Listener, **options: Any) -> None:
        super().__init__(listener, **options)
        self.listener = listener
        self._head_begun = False
        self.tunnels = False  # a WebSocket: nothing to wait for when the program ends

    @property
    def allowance(self) -> Allowance:
        """What this connection may take."""
        return self.listener.allowance

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop it lives in."""
        return self._loop

    def data_received(self, data: bytes) -> None:
        """Parse; the first bytes of a head start its deadline, which later bytes do not move."""
        super().data_received(data)
        waiter = self._waiter
        if waiter is None or waiter.done():
            self._head_begun = False
            if self._messages:
                self._fail_body_before_garbage()
        elif not self._head_begun and not self._messages:
            self._head_begun = True
            self._close_at(self._loop.time() + self.allowance.head)

    def _close_at(self, when: float) -> None:
        if self._keepalive_handle is not None:
            self._keepalive_handle.cancel()
        self._next_keepalive_close_time = when
        self._keepalive_handle = self._loop.call_at(when, self._process_keepalive)

    def _fail_body_before_garbage(self) -> None:
        # aiohttp queues a 400 behind the request whose body went wrong, and leaves that body waiting
        request, last = self._current_request, self._messages[-1][0]
        error = getattr(last, "exc", None)
        if error is not None and isinstance(request, Incoming):
            request.fail_body(BadRequest("the request body is malformed"))

    def handle_error(
        self,
        request: Any,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> Any:
        """Return the refusal for what the parser or the handler raised; cut where an answer has begun."""
        if isinstance(request, Incoming) and request.started:
            if not isinstance(exc, ProxyError):
                self._report(exc)
            request.cut(visibly=True)
            raise ConnectionResetError("an answer went wrong in its middle")
        if isinstance(exc, BadRequest | UpstreamError):
            status = exc.status
        elif status == 400:
            status = _status_of(exc)
        else:
            self._report(exc)
        answer = self.listener.refuse(status, request if status != 400 else None)
        if status in (400, 408, 413, 414, 431, 501, 505) or status >= 500:
            answer.keep_alive = False  # where the next request begins is no longer beyond doubt
        return answer

    def _report(self, exc: BaseException | None) -> None:
        if exc is not None and not isinstance(exc, ConnectionError):  # a visitor who left is nobody's fault
            self.listener.report(exc)

    async def drained(self, idle: float) -> None:
        """Wait until the visitor has read; end the connection when nothing was taken for so long."""
        waiting = self._loop.create_task(self._drain_helper())
        try:
            while True:
                before = self._buffered()
                done, _ = await asyncio.wait({waiting}, timeout=idle)
                if done:
                    waiting.result()
                    return
                if self._buffered() >= before:
                    if self.transport is not None:
                        self.transport.abort()
                    raise ConnectionResetError("the visitor stopped reading")
        finally:
            waiting.cancel()

    def _buffered(self) -> int:
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def force_close(self) -> None:
        """Close; what a visitor does not take in time is given up."""
        self.close_in_time()
        super().force_close()

    def close_in_time(self) -> None:
        """See to it that a closing connection does not wait for ever for its visitor to read."""
        transport = self.transport
        if transport is not None and not transport.is_closing() and transport.get_write_buffer_size():
            self._loop.call_later(self.allowance.idle_write, _abort_if_stuck, transport)


def _abort_if_stuck(transport: asyncio.Transport) -> None:
    if transport.is_closing():
        transport.abort()


def _status_of(exc: BaseException | None) -> int:
    if isinstance(exc, LineTooLong):
        return 431
    if isinstance(exc, BadHttpMethod):
        return 501
    return 431 if "Too many headers" in str(exc) else 400


def plain_refusal(status: int, _: Incoming | None = None) -> RawResponse:
    """Return a refusal in plain words, without anything of the request."""
    answer = RawResponse(status, [])
    text = b"%d %b\n" % (status, answer.reason)
    headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-store")]
    return RawResponse(status, headers, text)


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
