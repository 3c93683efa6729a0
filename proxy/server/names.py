"""What the name of a header field means to us, remembered by its very bytes.

Heads are walked once: a name that was seen before costs one look-up. Names come from
strangers, so only so many and only short ones are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from proxy.filter.fields import is_token
from proxy.filter.headers import HOP_BY_HOP, JUDGED
from proxy.server.forwarded import is_claim

KEPT = 4096
LONGEST = 64

_OURS = frozenset({b"host", b"expect", b"x-request-id"})


class Fate(Enum):
    """What becomes of a field."""

    PASS = "pass"  # noqa: S105 (no password)
    GONE = "gone"
    COOKIE = "cookie"
    CODING = "coding"
    CONNECTION = "connection"
    JUDGED = "judged"
    BROKEN = "broken"


Known = Callable[[bytes], tuple[bytes, Fate]]


def _remembering(fate: Callable[[bytes], Fate]) -> Known:
    """Return a look-up of a name as sent: its lower case, and its fate."""
    kept: dict[bytes, tuple[bytes, Fate]] = {}

    def known(name: bytes) -> tuple[bytes, Fate]:
        found = kept.get(name)
        if found is None:
            lower = name.lower()
            found = (lower, fate(lower))
            if len(name) <= LONGEST:
                if len(kept) >= KEPT:
                    kept.clear()
                kept[name] = found
        return found

    return known


def _asked(lower: bytes) -> Fate:
    match lower:
        case b"cookie":
            return Fate.COOKIE
        case b"accept-encoding":
            return Fate.CODING
        case b"connection":
            return Fate.CONNECTION
        case _:
            return Fate.GONE if lower in HOP_BY_HOP or lower in _OURS or is_claim(lower) else Fate.PASS


def _answered(lower: bytes) -> Fate:
    match lower:
        case b"set-cookie":
            return Fate.COOKIE
        case b"connection":
            return Fate.CONNECTION
        case _ if lower in HOP_BY_HOP:
            return Fate.GONE
        case _ if lower in JUDGED:
            return Fate.JUDGED
        case _:
            return Fate.PASS if is_token(lower) else Fate.BROKEN


asked_fate = _remembering(_asked)
answered_fate = _remembering(_answered)

PLAIN_CONNECTION = frozenset({b"keep-alive", b"close", b"upgrade", b"keep-alive, upgrade"})
"""Values of Connection, in lower case, that name no other field."""
