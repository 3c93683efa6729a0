"""Short hashes of the names of a site that are known: pages carry them, so that browsers report what is new.

banner/observe.js makes the same: FNV-1a, 32 bits, over the UTF-16 units of two letters of the kind
and the name.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.policy.model import DAY
from proxy.seen.names import Kind
from proxy.seen.sightings import Key, Seen

MOST = 300
"""Hashes that a page carries: 2 kB."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def known_names(known: Mapping[Key, Seen], site: str, now: int) -> str:
    """Return the hashes of the names that were seen last, in a row: each is reported once a day."""
    mine = [key for key, seen in known.items() if key.site == site and now - seen.last < DAY]
    mine = [key for key in mine if key.kind is not Kind.PAGE]
    newest = sorted(mine, key=lambda key: -known[key].last)[:MOST]
    return " ".join(sorted(name_hash(key.kind.value, key.name) for key in newest))


def name_hash(kind: str, name: str) -> str:
    """Return the hash of one name."""
    value = 2166136261
    text = (kind[:2] + name).encode("utf-16-le", "surrogatepass")
    for low, high in zip(text[::2], text[1::2], strict=True):
        value = ((value ^ (low | high << 8)) * 16777619) & 0xFFFFFFFF
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
