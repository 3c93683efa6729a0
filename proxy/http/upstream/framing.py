"""How an answer ends, and whether its connection lives on (RFC 9112 6.3, 9.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Framing:
    """How the body of an answer ends, and whether its connection may live on."""

    persistent: bool
    until_eof: bool
    endless: bool  # text/event-stream: silence is no fault


framing_of = lru_cache(maxsize=8)(Framing)
"""To make one takes a microsecond, and there are eight."""

_KEPT = [b"keep-alive"]


def is_endless(content_type: bytes) -> bool:
    """True for a stream of events (WHATWG HTML 9.2.5): it ends with its connection, whenever that is."""
    if content_type[:17].lower() != b"text/event-stream":  # values have no blanks around them
        return False
    return content_type.partition(b";")[0].strip().lower() == b"text/event-stream"


def persists(said: list[bytes] | None, version: str) -> bool:
    """True when the connection may carry another exchange."""
    if said is None or said == _KEPT:
        return said is not None or version == "1.1"
    options = {option.strip() for option in b",".join(said).lower().split(b",")}
    return b"close" not in options if version == "1.1" else b"keep-alive" in options
