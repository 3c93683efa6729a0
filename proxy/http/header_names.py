"""What the name of a header field means to us, remembered by its very bytes.

Heads are walked once: a name that was seen before costs one look-up. Names come from
strangers, so only so many and only short ones are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from proxy.filter.cache import Cache
from proxy.filter.headers.fields import Headers, is_token
from proxy.filter.headers.judged_headers import HOP_BY_HOP, JUDGED
from proxy.http.forwarded import is_claim, names_visitor, only_from_trusted

Fields = dict[bytes, list[bytes]]
"""Values of a head's fields by their names in lower case, in order."""

KEPT = 4096
LONGEST = 64

_OURS = frozenset({b"host", b"expect", b"x-request-id"})
_SET_BY_US = HOP_BY_HOP | _OURS
_NEVER_TWINS = _SET_BY_US | {b"content-length", b"accept-encoding"}
"""A server that takes `_` for `-` (CGI, WSGI) would read a field of that spelling beside ours."""


class Fate(Enum):
    """What becomes of a field."""

    PASS = "pass"  # noqa: S105 (no password)
    GONE = "gone"
    TRUSTED = "trusted"
    ADDRESS = "address"
    COOKIE = "cookie"
    CODING = "coding"
    CONNECTION = "connection"
    JUDGED = "judged"
    BROKEN = "broken"


PASS, GONE, COOKIE = Fate.PASS, Fate.GONE, Fate.COOKIE  # a global is found faster than a member
CODING, CONNECTION, TRUSTED, ADDRESS = Fate.CODING, Fate.CONNECTION, Fate.TRUSTED, Fate.ADDRESS


class Names(Cache[bytes, tuple[bytes, Fate]]):
    """Lower case and fate of a name, by its bytes as sent; what was not seen before is looked at."""

    def __init__(self, fate: Callable[[bytes], Fate]) -> None:
        super().__init__(KEPT, longest=LONGEST)
        self._fate = fate

    def __missing__(self, name: bytes) -> tuple[bytes, Fate]:
        lower = name.lower()
        return self.store(name, (lower, self._fate(lower)))


def _request_fate(lower: bytes) -> Fate:
    match lower:
        case b"cookie":
            return Fate.COOKIE
        case b"accept-encoding":
            return Fate.CODING
        case b"connection":
            return Fate.CONNECTION
        case _ if lower in _SET_BY_US or is_claim(lower):
            return Fate.GONE
        case _ if b"_" in lower and lower.replace(b"_", b"-") in _NEVER_TWINS:
            return Fate.GONE
        case _ if names_visitor(lower):
            return Fate.ADDRESS
        case _:
            return Fate.TRUSTED if only_from_trusted(lower) else Fate.PASS


def _response_fate(lower: bytes) -> Fate:
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


MAX_FORWARDS = b"max-forwards"
"""How far a TRACE or OPTIONS request may still travel (RFC 9110 7.6.2)."""

REQUEST_FIELDS = Names(_request_fate)
"""Names of fields that visitors send."""

RESPONSE_FIELDS = Names(_response_fate)
"""Names of fields that upstreams send."""


def fields_of(headers: Headers, known: Names = REQUEST_FIELDS) -> Fields:
    """Return the values of each header by its name in lower case, in order."""
    fields: Fields = {}
    for name, value in headers:
        lower = known[name][0]
        if lower in fields:
            fields[lower].append(value)
        else:
            fields[lower] = [value]
    return fields


_PLAIN = frozenset({b"keep-alive", b"close", b"upgrade", b"keep-alive, upgrade"})


def is_plain(connection: Sequence[bytes]) -> bool:
    """True when the values of Connection name no other field, for certain."""
    if len(connection) == 1 and connection[0] in _PLAIN:
        return True
    return _PLAIN.issuperset(connection) or _PLAIN.issuperset([value.lower() for value in connection])
