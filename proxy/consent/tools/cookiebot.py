"""Cookiebot: `{stamp:'...',necessary:true,...,method:'explicit',ver:1,utc:1700000000000,region:'fr'}`."""

from __future__ import annotations

import re

from proxy.consent.tools.tool_answer import Cookies, Reading, Silence, is_credible, of_switches, text_of

_PAIR = re.compile(r"([a-z]{1,32}):('[^',{}]{0,256}'|true|false|[0-9]{1,16})", re.ASCII)
_CATEGORIES = ("preferences", "statistics", "marketing")
_METHODS = (None, "'explicit'", "'implied'")


def read_cookiebot(cookies: Cookies, now: int) -> Reading:
    """Return the answer; what it presumes without asking (`-1`, `method:'implied'`) is none.

    `utc` is the time of the answer in milliseconds. Early versions state neither method nor time.
    """
    value = next(iter(cookies.values()), None)
    text = text_of(value) if value else ""
    if not text or text in ("-1", "0"):  # a region that it does not ask in; nobody answered
        return Silence.OPEN
    table = _table(text)
    if table is None or "stamp" not in table or table.get("method") not in _METHODS:
        return Silence.UNREADABLE
    if table["stamp"] in ("'-1'", "'0'") or table.get("method") == "'implied'":
        return Silence.OPEN
    words = {name: table.get(name) for name in _CATEGORIES}
    if not set(words.values()) <= {"true", "false"} or table.get("necessary") != "true":
        return Silence.UNREADABLE
    utc = table.get("utc")
    if utc is not None and not (utc.isdigit() and is_credible(int(utc) // 1000, now)):
        return Silence.UNREADABLE
    explicit = table.get("method") == "'explicit'"
    at = int(utc) // 1000 if utc is not None and explicit else None
    return of_switches({name: word == "true" for name, word in words.items()}, at)


def _table(text: str) -> dict[str, str] | None:
    """Return what stands between the braces, each name once."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    found = [_PAIR.fullmatch(piece) for piece in text[1:-1].split(",", 32)]
    table = {one[1]: one[2] for one in found if one is not None}
    return table if len(table) == len(found) else None
