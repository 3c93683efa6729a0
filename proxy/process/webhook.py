"""Posts an alert to its receiver: one request, no redirect followed, the reply ignored but for its status.

The address is resolved here and connected to as resolved: a name that leads into a private network gets
nothing, unless the config says so.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from proxy.config.console_checks import is_loopback
from proxy.http.upstream.upstream_address import is_public_address

PATIENCE = 10.0
"""Seconds for the whole request."""


class NotDeliveredError(Exception):
    """Why an alert was not taken."""


async def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> None:
    """Post; NotDeliveredError where it was not taken (2xx) within ten seconds."""
    try:
        async with asyncio.timeout(PATIENCE):
            status = await asyncio.to_thread(_post, url, body, headers, allow_private=allow_private)
    except OSError as error:
        raise NotDeliveredError(str(error) or type(error).__name__) from None
    if not 200 <= status < 300:
        raise NotDeliveredError(f"it responded {status}")


def _post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> int:
    import http.client  # noqa: PLC0415 - 0.1 MB that only who has a receiver needs

    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = _address(host, port, allow_private=allow_private or is_loopback(host))
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        sock = socket.create_connection((address, port), timeout=PATIENCE)
        connection.sock = (
            ssl.create_default_context().wrap_socket(sock, server_hostname=host) if secure else sock
        )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise NotDeliveredError(str(error) or type(error).__name__) from None
    finally:
        connection.close()


def _address(host: str, port: int, *, allow_private: bool) -> str:
    """Return the first address of a host that may be connected to."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if allow_private or is_public_address(address):
            return address
    raise OSError("its name leads to a private address; `allow_private: yes` lets it")
