"""Header fields as bytes: look-up, removal, splitting of lists at commas.

Order, case and bytes of all other fields stay unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

Headers = list[tuple[bytes, bytes]]
"""Header lines as received: order, case and duplicates kept."""

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LIST_PART = re.compile(rb'(?:[^,"]++|"(?:[^"\\]++|\\.)*+"?)*+', re.DOTALL)
_SPACE = b" \t"


def is_token(name: bytes) -> bool:
    """True when these bytes may name a header field."""
    return _TOKEN.fullmatch(name) is not None


def values_of(headers: Headers, name: bytes) -> list[bytes]:
    """Return every value of that field (name in lower case), in order."""
    size = len(name)  # comparing lengths first is cheaper
    return [value for key, value in headers if len(key) == size and key.lower() == name]


def value_of(headers: Headers, name: bytes) -> bytes | None:
    """Return the first value of that field (name in lower case), or None."""
    size = len(name)
    for key, value in headers:
        if len(key) == size and key.lower() == name:
            return value
    return None


def without(headers: Headers, names: Collection[bytes]) -> Headers:
    """Return the headers without those fields (names in lower case)."""
    return [pair for pair in headers if pair[0].lower() not in names]


def list_of(values: list[bytes]) -> list[bytes]:
    """Return the parts of a comma-separated field, cut outside quotes, without white space around."""
    parts: list[bytes] = []
    for value in values:
        quoted = b'"' in value
        parts += [part for _, part in cut_at_commas(value)] if quoted else value.split(b",")
    return [part for part in (part.strip(_SPACE) for part in parts) if part]


def cut_at_commas(value: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each part of a list and where it begins; commas inside quotes do not cut."""
    at = 0
    while at <= len(value):
        found = _LIST_PART.match(value, at)
        part = found.group() if found else b""
        yield at, part
        at += len(part) + 1


def fault_in(headers: Headers) -> str | None:
    """Return why these headers must not be forwarded, as a message, or None.

    Names are tokens and values hold no control character but tab (RFC 9110 5.1, 5.5).
    Set-Cookie is excepted: such a line is dropped where cookies are judged (threats T20).
    """
    for name, value in headers:
        if not is_token(name):
            return f"header name {name[:40].decode('latin-1')!r} is no token"
        if _CONTROL.search(value) and name.lower() != b"set-cookie":
            return f"header {name.decode('latin-1')} has a control character in its value"
    return None
