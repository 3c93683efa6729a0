"""A ticket for one view of one embed: signed, short-lived, for one host.

It is what a frame address carries after somebody agreed to "once": without it nothing of
a provider is shown, so no link from elsewhere leads to it. It names no visitor: for its
minute it holds for whoever was given it, in a frame on a page of that host.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

LASTS = 60
"""Seconds between the agreement and the frame that loads."""

MAX_LENGTH = 4096
"""Longest ticket that is parsed."""

LABEL = b"consent embed\x00"  # separates this use of the key from others


@dataclass(frozen=True, slots=True)
class Ticket:
    """What may be shown: the embed as text, by which provider, on which host, in which language."""

    host: str
    provider: str
    embed: str
    language: str


def write_ticket(ticket: Ticket, keys: Sequence[bytes], *, now: int) -> str:
    """Return the ticket as a value for an address, signed with the newest key."""
    fields = [now + LASTS, ticket.host, ticket.provider, ticket.embed, ticket.language]
    payload = json.dumps(fields, separators=(",", ":")).encode()
    return f"{_encoded(payload)}.{_encoded(_sign(payload, keys[0]))}"


def read_ticket(text: str, keys: Sequence[bytes], *, host: str, now: int) -> Ticket | None:
    """Return the ticket, or None if it is forged, for another host, or expired."""
    armoured, dot, signature = text.partition(".")
    if not dot or len(text) > MAX_LENGTH or not text.isascii():
        return None
    try:
        payload, signed = _decoded(armoured), _decoded(signature)
    except ValueError:
        return None
    if not any(hmac.compare_digest(signed, _sign(payload, key)) for key in keys):
        return None
    until, *fields = json.loads(payload)
    ticket = Ticket(*fields)
    return ticket if now <= until <= now + LASTS and ticket.host == host else None


def _sign(payload: bytes, key: bytes) -> bytes:
    return hmac.digest(key, LABEL + payload, "sha256")


def _encoded(bare: bytes) -> str:
    return urlsafe_b64encode(bare).rstrip(b"=").decode("ascii")


def _decoded(armoured: str) -> bytes:
    return urlsafe_b64decode(armoured + "=" * (-len(armoured) % 4))
