"""Didomi: base64 of JSON with purposes and vendors, enabled and disabled, and the time of the answer."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from proxy.consent.tools.tool_answer import (
    Cookies,
    Reading,
    Silence,
    ToolAnswer,
    is_credible,
    json_object,
    moment_of,
    names_in,
    text_of,
)

TOKEN, BINARY = "didomi_token", "didomi_dcs"
VENDOR = "vendor/"
_VERSIONS = (None, 1, 2)


def read_didomi(cookies: Cookies, now: int) -> Reading:
    """Return the answer in `didomi_token`; vendors are named `vendor/google`, refused ones are exceptions.

    The token is there before anybody has answered, with a user's id alone. Its successor, the binary
    `didomi_dcs`, is not read.
    """
    value = next((value for name, value in cookies.items() if name != BINARY), None)
    if not value:
        return Silence.UNREADABLE if BINARY in cookies else Silence.OPEN
    table = _table(value)
    if table is None or table.get("version") not in _VERSIONS or not isinstance(table.get("user_id"), str):
        return Silence.UNREADABLE
    granted: set[str] = set()
    refused: set[str] = set()
    for kind, prefix in (("purposes", ""), ("vendors", VENDOR)):
        lists = table.get(kind, {})
        if not isinstance(lists, dict):
            return Silence.UNREADABLE
        for key, into in (("enabled", granted), ("disabled", refused)):
            names = names_in(lists.get(key, []))
            if names is None:
                return Silence.UNREADABLE
            into |= {prefix + name for name in names}
    if not granted and not refused:
        return Silence.OPEN
    at, created = moment_of(table.get("updated")), moment_of(table.get("created"))
    if at is None or not is_credible(at, now) or granted & refused or (created is not None and created > at):
        return Silence.UNREADABLE
    exceptions = frozenset(name for name in refused if name.startswith(VENDOR))
    return ToolAnswer(frozenset(granted), frozenset(refused), at, exceptions=exceptions)


def _table(value: str) -> dict[str, Any] | None:
    """Return the JSON in a token, whether its padding was written or not."""
    bare = (text_of(value) or "").rstrip("=")
    try:
        text = b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("utf-8")
    except ValueError:
        return None
    return json_object(text.replace("%", "%25"))  # in here a percent sign is one
