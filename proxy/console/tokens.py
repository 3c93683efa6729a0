"""Tokens that sign in to the console: made once, kept by their owner; the config has a hash of each."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable

from proxy.config.types import ConsoleToken

_LOG2_COST = 14
"""16 MiB and some hundredths of a second for each try."""


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


def hash_of(token: str, log2_cost: int = _LOG2_COST) -> str:
    """Return what the config says of a token: the cost, a salt of its own, and the hash."""
    salt = secrets.token_bytes(16)
    return f"scrypt${log2_cost}$8$1${_text(salt)}${_text(_scrypt(token, salt, log2_cost))}"


def owner_of(token: str, known: Iterable[ConsoleToken]) -> ConsoleToken | None:
    """Return whose token that is; every known one is tried, whichever it is."""
    found = None
    for one in known:
        if _matches(token, one.hash):
            found = one
    return found


def _matches(token: str, hashed: str) -> bool:
    _, cost, _, _, salt, kept = hashed.split("$")
    return hmac.compare_digest(_scrypt(token, _bytes(salt), int(cost)), _bytes(kept))


def _scrypt(token: str, salt: bytes, cost: int) -> bytes:
    n = 1 << cost
    text = token.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=n, r=8, p=1, maxmem=256 * 8 * n, dklen=32)


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
