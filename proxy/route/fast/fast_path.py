"""The fast path as process registers it: on where aiohttp is as it knows it, else off."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiohttp

from proxy.http.connection import Connection
from proxy.http.server import HttpServer
from proxy.route.fast.aiohttp_internals import FastConnection, missing_names
from proxy.route.fast.fast_exchange import begin
from proxy.route.fast.request_head_cache import LONGEST, RequestHeadCache
from proxy.route.relay import Relay
from proxy.telemetry.logs import log


class FastPath:
    """Makes the connections of a server, and holds the heads that they know."""

    def __init__(self, relay: Relay) -> None:
        self.heads = RequestHeadCache()
        self._begin = partial(begin, relay)

    def connection(
        self, http_server: HttpServer, *, loop: asyncio.AbstractEventLoop, **options: Any
    ) -> Connection:
        """Return a connection; an ordinary one where lines may not be as long as the heads kept here."""
        if http_server.allowance.line < LONGEST:  # only the parser counts a line
            return Connection(http_server, loop=loop, **options)
        return FastConnection(http_server, self.heads, self._begin, loop=loop, **options)


def open_fast_path(relay: Relay) -> FastPath | None:
    """Return the fast path; None, with a line in the log, where aiohttp is not one that it knows."""
    missing = missing_names()
    if missing:
        log().warning("fast_path_off", aiohttp=aiohttp.__version__, missing=missing)
        return None
    return FastPath(relay)
