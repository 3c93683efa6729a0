"""Style sheets inside a page: addresses that are refused are made invalid.

Addresses stand in `url(...)`, after `@import`, and as strings in functions such as
image-set(). Everything else, comments above all, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

INVALID: Final = "about:invalid"

_STRING = r"\"(?:[^\"\\\n]|\\[\s\S])*+\"?|'(?:[^'\\\n]|\\[\s\S])*+'?"


def _ident(word: str) -> str:
    """Return a pattern for a CSS word in any case, escapes included."""
    return "".join(
        rf"(?:[{c}{c.upper()}]|\\0{{0,4}}(?:{ord(c):x}|{ord(c.upper()):x})[ \t\n\f\r]?|\\[{c}{c.upper()}])"
        for c in word
    )


_COMMENT = r"/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/)?"
_VALUE = rf"(?P<in>{_STRING}|(?:[^)\"'\\]|\\[\s\S])*+)"
_TOKEN: Final = re.compile(
    rf"{_COMMENT}|(?P<url>{_ident('url')}\(\s*+){_VALUE}"
    rf"|(?P<import>@{_ident('import')}\s*+|[(,]\s*+)(?P<text>{_STRING})|{_STRING}"
)
# The same without escapes. Every branch begins with one character, which makes the search fast.
_URL = r"[rR][lL]\(\s*+(?:\"[^\"\n]*+\"?|'[^'\n]*+'?|[^)\"']*+)"
_UNESCAPED_STRING = r"\"[^\"\n]*+\"?|'[^'\n]*+'?"
_UNESCAPED: Final = re.compile(
    rf"{_COMMENT}|u{_URL}|U{_URL}|@[iI][mM][pP][oO][rR][tT]\s*+(?:{_UNESCAPED_STRING})"
    rf"|\(\s*+(?:{_UNESCAPED_STRING})|,\s*+(?:{_UNESCAPED_STRING})|{_UNESCAPED_STRING}"
)
_PLACE: Final = re.compile(r"([uU][rR][lL]\(\s*+|@\w+\s*+|[(,]\s*+)([\s\S]*)")
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f\r]?|\n|([\s\S]))")
_HOST: Final = re.compile(r"//([^/\"')\s;,]*+)")
_FAR_ESCAPE: Final = re.compile(r"\\[1-9a-f][0-9a-f]{2,5}")
"""An escape for a character beyond ASCII, as icon fonts have them: it spells no part of an address."""

_INTERRUPTED: Final = re.compile(r"/\s+/")  # browsers remove tabs and line ends from an address


def hosts_in(css: str) -> set[str] | None:
    """Return the hosts a style sheet may name, or None where it has to be tokenised."""
    lower = css.lower()
    if "\\" in lower and "\\" in (lower := _FAR_ESCAPE.sub("\ufffd", lower)):
        return None
    if _INTERRUPTED.search(lower):
        return None
    schemes = lower.count("http:") + lower.count("https:") if "http" in lower else 0
    if schemes != (lower.count("http://") + lower.count("https://") if schemes else 0):
        return None
    return set(_HOST.findall(lower)) if "//" in lower else set()


def without_refused(css: str, refuses: Callable[[str], bool]) -> str:
    """Return the style sheet, the addresses that `refuses` made invalid."""

    def replaced(before: str, value: str) -> str:
        quote = value[0] if value[0] in "\"'" else ""
        inner = value[1:].removesuffix(quote) if quote else value.strip()
        if not refuses(_unescaped(inner)):
            return before + value
        closing = quote if quote and value.endswith(quote) and len(value) > 1 else ""
        return before + quote + INVALID + closing

    def change(match: re.Match[str]) -> str:
        value = match["in"] if match["url"] else match["text"]
        return replaced(match["url"] or match["import"], value) if value else match[0]

    def change_unescaped(match: re.Match[str]) -> str:
        token = match[0]
        place = _PLACE.match(token) if token[0] in "uU@(," else None
        return replaced(place[1], place[2]) if place is not None and place[2] else token

    return _TOKEN.sub(change, css) if "\\" in css else _UNESCAPED.sub(change_unescaped, css)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_meant, text)


def _meant(match: re.Match[str]) -> str:
    if match[1]:
        code = int(match[1], 16)
        return chr(code) if 0 < code < 0xD800 or 0xE000 <= code <= 0x10FFFF else "\ufffd"
    return match[2] or ""


def cut_point(css: str) -> tuple[int, str]:
    """Return where a long style sheet can be cut, and what closes a token cut open.

    Between two rules if there is one; else before a token that reaches the end; a token
    that is long itself (a font as data:) is cut open.
    """
    masked = _TOKEN.sub(lambda match: "x" * len(match[0]), css)  # a brace inside a string ends no rule
    if end := masked.rfind("}") + 1:
        return end, ""
    last = None
    for last in _TOKEN.finditer(css):  # noqa: B007 - the last one is wanted
        pass
    if last is None or last.end() < len(css):
        return len(css), ""
    if last.start() and len(css) - last.start() < 4096:
        return last.start(), ""
    if last["url"]:
        value = last["in"]
        return len(css), value[0] if value[:1] in ("'", '"') else ")"
    text = last["text"] or last[0]
    return len(css), "*/" if text.startswith("/*") else text[0]
