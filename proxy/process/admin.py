"""The admin address: /healthz, /readyz, /metrics, /status and maybe the console, never public."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection
from ipaddress import ip_address
from typing import Any, Protocol

from aiohttp import web

from proxy.config.value_parsers import ListenAddress
from proxy.http.listening import bind
from proxy.http.request import host_of

_LONGEST_BODY = 4096
"""Bytes of a request: the console's few fields."""


class AdminSource(Protocol):
    """What the admin address reports on: this process, or all workers of a supervisor."""

    def ready(self) -> dict[str, Any]:
        """Return the body of /readyz; `ready` in it decides the status."""

    def state(self) -> dict[str, Any]:
        """Return what `consent-proxy status` prints."""

    def figures(self) -> bytes:
        """Return the body of /metrics."""


def is_admin_host(host: str, names: Collection[str]) -> bool:
    """True for a Host by which the admin address may be asked: loopback, an IP address, a configured name.

    A page whose name a stranger points at this machine (DNS rebinding) says its own name.
    """
    name = host_of(host.encode("utf-8", "replace"))
    if name == "localhost" or name.endswith(".localhost") or name in names:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def admin_app(
    source: AdminSource, names: Collection[str] = (), console: web.Application | None = None
) -> web.Application:
    """Return the application of the admin address; `names` are hosts by which it may be asked."""

    @web.middleware
    async def check_host(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        said = request.headers.getall("Host", [])
        if said and not (len(said) == 1 and is_admin_host(said[0], names)):
            return web.Response(status=421, text="the admin address is not known by that name: admin_hosts\n")
        return await handler(request)

    async def healthz(_: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.StreamResponse:
        body = source.ready()
        return _json(body, 200 if body["ready"] else 503)

    async def metrics(_: web.Request) -> web.StreamResponse:
        page = web.Response(body=source.figures())
        page.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
        return page

    async def status(_: web.Request) -> web.StreamResponse:
        return _json(source.state(), 200)

    app = web.Application(middlewares=[check_host], client_max_size=_LONGEST_BODY)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/status", status)
    if console is not None:
        app.add_subapp("/console", console)
    return app


def _json(body: dict[str, Any], status: int) -> web.Response:
    text = json.dumps(body, ensure_ascii=False, indent=2, default=str) + "\n"
    return web.Response(text=text, status=status, content_type="application/json")


async def listen_admin(
    address: ListenAddress,
    source: AdminSource,
    names: Collection[str] = (),
    console: web.Application | None = None,
) -> Callable[[], Awaitable[None]]:
    """Listen on the admin address; returns how to stop."""
    runner = web.AppRunner(admin_app(source, names, console), access_log=None, handle_signals=False)
    await runner.setup()
    for sock in bind(address):
        await web.SockSite(runner, sock).start()
    return runner.cleanup
