"""The address of an upstream, its TLS context, and the error for a failed connection."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy.errors import UpstreamError


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """Where an upstream listens."""

    host: str
    port: int
    secure: bool = False

    @classmethod
    def parse(cls, url: str) -> UpstreamAddress:
        """Return the address of http://host[:port] or https://host[:port]; ValueError says what is wrong."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"an upstream is written http://host:port or https://host:port, not {url!r}")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"an upstream is a host and a port, without a path: {url!r}")
        secure = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if secure else 80), secure)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' * self.secure}://{host}:{self.port}"


class ConnectError(UpstreamError):
    """No connection could be opened, so nothing was sent: any request may go to another upstream."""

    def __init__(self, address: UpstreamAddress, trouble: Exception | None) -> None:
        late = isinstance(trouble, TimeoutError)
        words = "no connection in time" if late else str(trouble) or type(trouble).__name__
        super().__init__(f"{address}: {words}", 504 if late else 502, unheard=True)


def default_tls(ca: str | None = None) -> ssl.SSLContext:
    """Return a context that verifies names and chains, against `ca` (a file) or the system's store."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["http/1.1"])
    return context
