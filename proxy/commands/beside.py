"""What `demo` and `preview` have in common: a free port, and a site of their own beside the proxy."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from aiohttp import web


def is_free(port: int) -> bool:
    """True when nothing of this machine listens on that port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def serve_beside(site: web.Application, tls: ssl.SSLContext | None = None) -> int:
    """Serve a site on a free port of this machine, from a thread of its own; return the port."""
    from aiohttp import web  # noqa: PLC0415

    loop = asyncio.new_event_loop()
    runner = web.AppRunner(site, access_log=None)
    loop.run_until_complete(runner.setup())
    listener = socket.create_server(("127.0.0.1", 0))
    loop.run_until_complete(web.SockSite(runner, listener, ssl_context=tls).start())
    threading.Thread(target=loop.run_forever, name="site-beside", daemon=True).start()
    port: int = listener.getsockname()[1]
    return port
