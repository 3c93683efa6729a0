"""How much a visitor may send: sizes and times of a request, and how long its names may be.

The config's `limits` and `timeouts` set those of a connection; the rest is fixed here.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_HOST = 260
"""Bytes of the longest Host that can be a site's: 253 of a name (RFC 1035), a final dot, a port.

Names and addresses are remembered by it in many places, and strangers may send 32 kB of it.
"""

LONGEST_DESTINATION = 64
"""Bytes of Sec-Fetch-Dest that are looked at: the longest destination that a browser names has 13."""


MOST_COOKIES = 1_000
"""Cookies in a request: browsers keep 180 a site. Each is judged; a head has room for 20,000."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What a visitor's connection may take: bytes and fields of a head, seconds of silence."""

    line: int = 16_384
    field: int = 32_768
    fields: int = 256
    head_size: int = 65_536  # bytes of line and fields together (node 16 KiB, nginx 32 KiB)
    body: int | None = None  # bytes of a request body; None: any size
    head: float = 15.0  # for the whole head, at whatever speed it drips (HAProxy timeout http-request)
    idle_body: float = 60.0  # between two pieces of a body
    idle_write: float = 60.0  # in which a visitor takes nothing of what we write
    slowest: int = 240  # bytes a second that a visitor reads at least, over `idle_write`; as Kestrel has it
    keepalive: float = 75.0  # between two requests
