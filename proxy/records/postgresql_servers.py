"""The servers that one address of a PostgreSQL names, and which of them takes writes.

After a failover the new primary is found by asking them again; nothing is told to the proxy.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

_T = TypeVar("_T")

HEAD_START = 0.5
"""Seconds until the next server is asked too: a machine that is gone refuses nothing."""

_PARTS = re.compile(r"(postgresql://)([^/?#]*)([^?]*)\??(.*)", re.DOTALL)


def servers(url: str) -> list[str]:
    """Return one address for each server that `url` names, in its order.

    Of several only one that takes writes is wanted, unless the address says otherwise. `ssl`, asyncpg's
    older word, is sslmode.
    """
    found = _PARTS.fullmatch(url)
    assert found is not None, "read_store_address has seen to that"
    scheme, authority, path, query = found.groups()
    options = {"sslmode" if key == "ssl" else key: value for key, value in parse_qsl(query)}
    login, at, listed = authority.rpartition("@")
    hosts = (listed or options.get("host", "")).split(",")
    ports = options.get("port", "").split(",")
    if len(hosts) > 1:
        options.setdefault("target_session_attrs", "read-write")
    addresses = []
    for number, host in enumerate(hosts):
        own = dict(options)
        if not listed and host:
            own["host"] = host
        if len(hosts) > 1 and len(ports) == len(hosts):
            own["port"] = ports[number]
        more = f"?{urlencode(own)}" if own else ""
        addresses.append(f"{scheme}{login}{at}{host if listed else ''}{path}{more}")
    return addresses


def server_name(address: str) -> str:
    """Return host and port of a server's address, as messages have it."""
    found = _PARTS.fullmatch(address)
    assert found is not None
    options = dict(parse_qsl(found[4]))
    host = found[2].rpartition("@")[2] or options.get("host", "localhost")
    return f"{host}:{options['port']}" if "port" in options else host


async def first_to_connect(
    addresses: Sequence[str],
    connect: Callable[[str], Awaitable[_T]],
    let_go: Callable[[_T], object],
) -> _T | dict[str, Exception]:
    """Return what connecting to the first of them, in this order, gave, or why none could be had.

    A server that says nothing holds up the next one for HEAD_START only. `let_go` is called with
    whatever came too late.
    """
    waiting = list(addresses)
    running: dict[asyncio.Future[_T], str] = {}
    refused: dict[str, Exception] = {}
    try:
        while waiting or running:
            if waiting:
                address = waiting.pop(0)
                running[asyncio.ensure_future(connect(address))] = address
            await asyncio.wait(
                running, timeout=HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in [task for task in running if task.done()]:
                error = task.exception()
                if error is None:
                    del running[task]
                    return task.result()
                if not isinstance(error, Exception) or isinstance(error, ValueError):
                    raise error  # an address that can never be used, or an end of the program
                refused[running.pop(task)] = error
    finally:
        for task in running:
            task.add_done_callback(lambda late: _discard(late, let_go))
            task.cancel()
    return refused


def _discard(task: asyncio.Future[_T], let_go: Callable[[_T], object]) -> None:
    if not task.cancelled() and task.exception() is None:
        let_go(task.result())
