"""The size of a placeholder: that of the element it replaces, by its attributes and style."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.filter.rules.judge import TagFacts
from proxy.filter.syntax.fetching_attributes import LOADING_ATTRIBUTES, QUOTATIONS, VOID

LOW = 90
NARROW = 160
"""Pixels below which no card fits: a button is shown that opens it."""

BUTTON = "display:flex!important;min-height:24px!important;padding:0 8px!important;font-size:.875em!important"
OPEN = (
    "width:min(440px,calc(100% - 32px))!important;padding:20px!important;border-radius:12px!important;"
    "border:1px solid var(--cc-line)!important;background:var(--cc-soft)!important;color:inherit!important"
)
"""Styles of that button and of the card it opens. Not in the style sheet: few pages have one."""

_INLINE = (
    "display:inline-block!important;margin:0!important;padding:0!important;border:0!important;"
    "background:none!important;vertical-align:middle!important"
)

_PIXELS = re.compile(r"\s*([0-9]{1,4})(?:px)?\s*", re.ASCII)
_STYLED = re.compile(r"(?:^|;)\s*(?:min-)?(width|height)\s*:\s*([0-9]{1,4})px", re.ASCII | re.IGNORECASE)
_RATIO = re.compile(r"(?:^|;)\s*aspect-ratio\s*:\s*([0-9.]{1,6}(?:\s*/\s*[0-9.]{1,6})?)\s*(?:;|$)", re.ASCII)
_WHOLE = "position:absolute!important;inset:0!important;margin:0!important;overflow:auto!important"
_FILLS = re.compile(r"(?:^|;)\s*position\s*:\s*absolute\s*(?:;|$)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PlaceholderSize:
    """The style of a placeholder; `small`: no card fits; `none`: nothing does."""

    style: str = ""
    small: bool = False
    none: bool = False


ANY_SIZE = PlaceholderSize()


def size_of(facts: TagFacts) -> PlaceholderSize:
    """Return the size of what a tag would have shown."""
    values = facts.values
    known, style = _known(values), values.get("style", "")
    if facts.element not in LOADING_ATTRIBUTES and facts.element not in VOID:
        # It is inside an element that kept its size, or beside one that stays.
        inside = known and facts.element not in QUOTATIONS
        return PlaceholderSize("min-height:100%!important;margin:0!important") if inside else ANY_SIZE
    if any(size < 2 for size in known.values()):
        return PlaceholderSize(none=True)
    if _FILLS.search(style):
        return PlaceholderSize(_WHOLE)
    if known.get("height", LOW) < LOW or known.get("width", NARROW) < NARROW:
        return PlaceholderSize(_least(known), small=True)
    parts = [f"min-height:{known['height']}px!important"] if "height" in known else []
    if "height" not in known and (ratio := _RATIO.search(style)) is not None:
        parts.append(f"aspect-ratio:{ratio[1]}!important")
    if known.get("width", 0) >= 240:
        parts.append(f"max-width:{known['width']}px!important")
    return PlaceholderSize(";".join(parts))


def _least(known: Mapping[str, int]) -> str:
    known = {name: min(size, NARROW) for name, size in known.items()}
    return ";".join([_INLINE, *(f"min-{name}:{size}px!important" for name, size in sorted(known.items()))])


def _known(values: Mapping[str, str]) -> dict[str, int]:
    """Return width and height in pixels, as attributes or style say."""
    found = {
        name: int(match[1])
        for name in ("width", "height")
        if (match := _PIXELS.fullmatch(values.get(name, "")))
    }
    return found | {name.lower(): int(size) for name, size in _STYLED.findall(values.get("style", ""))}
