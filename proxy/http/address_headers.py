"""Reads the headers by which proxies and CDNs name the address of a visitor.

Each is read as its sender writes it: with a port or without, IPv6 in brackets or bare, quoted or not.
What cannot be read as an address is None, never left out: who walks the way back must stop there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LONGEST_ADDRESS = 64
"""Bytes of an address with its zone (`fe80::1%eth0`): an IPv6 address has 45, an interface's name 15.

Addresses are kept in many caches, and Python takes a zone of any length.
"""

_WITH_PORT = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_QUOTED_PART = re.compile(rb'[^,;"]*+(?:"(?:[^"\\]|\\.)*+"[^,;"]*+)*+')
"""What stands between two commas or semicolons that are not quoted; a loose quote ends it early."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One element of X-Forwarded-For or Forwarded: whom a proxy was asked by, and over what."""

    address: str | None
    scheme: bytes = b""


def read_address(word: bytes) -> str | None:
    """Return the address in `203.0.113.7`, `203.0.113.7:51234`, `"[2001:db8::1]:443"`, `2001:db8::1`."""
    text = word.strip(b" \t").decode("latin-1")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if len(text) > LONGEST_ADDRESS + len("[]:65535"):
        return None
    found = _WITH_PORT.fullmatch(text)
    return _address(text if found is None else found[1] or found[2] or "")


def read_viewer_address(word: bytes) -> str | None:
    """Return the address in CloudFront-Viewer-Address: a port always follows, IPv6 has no brackets."""
    address, _, port = word.strip(b" \t").rpartition(b":")
    return read_address(address) if port.isdigit() else None


def read_single(name: bytes, lines: Sequence[bytes]) -> str | None:
    """Return the address in a header that holds exactly one; None for none, several or nonsense."""
    if len(lines) != 1:
        return None
    return read_viewer_address(lines[0]) if name == b"cloudfront-viewer-address" else read_address(lines[0])


def read_chain(lines: Iterable[bytes]) -> tuple[Hop, ...]:
    """Return the elements of X-Forwarded-For lines, in order."""
    return tuple(Hop(read_address(word)) for word in b",".join(lines).split(b",") if word.strip(b" \t"))


def read_forwarded(lines: Iterable[bytes]) -> tuple[Hop, ...]:
    """Return the elements of Forwarded lines (RFC 7239), in order."""
    hops, pairs, rest = [], dict[bytes, bytes](), b",".join(lines)
    while True:
        found = _QUOTED_PART.match(rest)
        assert found is not None
        name, _, value = found[0].partition(b"=")
        pairs.setdefault(name.strip(b" \t").lower(), value.strip(b" \t"))
        after = rest[found.end() : found.end() + 1]
        if after != b";":
            if any(pairs):
                hops.append(
                    Hop(read_address(pairs.get(b"for", b"")), pairs.get(b"proto", b"").strip(b'"').lower())
                )
            pairs = {}
        if after not in (b";", b","):
            return (*hops, Hop(None)) if after else tuple(hops)
        rest = rest[found.end() + 1 :]


def _address(text: str) -> str | None:
    if len(text) > LONGEST_ADDRESS:
        return None
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return text
