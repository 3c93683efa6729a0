"""How a response body ends, and whether its connection persists (RFC 9112 6.3, 9.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Framing:
    """How the body of a response ends, and whether its connection persists."""

    persistent: bool
    until_eof: bool
    endless: bool  # text/event-stream: no idle timeout


framing_of = lru_cache(maxsize=8)(Framing)
"""Cached: there are eight combinations."""

_KEPT = [b"keep-alive"]


def is_endless(content_type: bytes) -> bool:
    """True for an event stream (WHATWG HTML 9.2.5), which lasts as long as its connection."""
    if content_type[:17].lower() != b"text/event-stream":  # values have no blanks around them
        return False
    return content_type.partition(b";")[0].strip().lower() == b"text/event-stream"


def persists(values: list[bytes] | None, version: str) -> bool:
    """True when the connection may carry another exchange."""
    if values is None or values == _KEPT:
        return values is not None or version == "1.1"
    options = {option.strip() for option in b",".join(values).lower().split(b",")}
    return b"close" not in options if version == "1.1" else b"keep-alive" in options
