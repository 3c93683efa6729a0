"""The colours of the banner: four that a site may choose, all others derived from them.

Refuse and accept always share one pair of colours: no setting can make them differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

TEXT = 4.5
"""Least contrast of text to what is behind it (WCAG 2.2, 1.4.3)."""

PARTS = 3.0
"""Least contrast of edges and focus rings (WCAG 2.2, 1.4.11)."""

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class Theme(Enum):
    """Whether the banner is light or dark as the page is; our own pages follow the visitor's setting."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Colours:
    """The four colours of a theme: ink on bg for text, on on act for solid buttons."""

    act: str
    on: str
    bg: str
    ink: str

    def faults(self, name: str = "banner") -> Iterator[str]:
        """Yield a sentence for each colour that is malformed or has too little contrast."""
        for key in ("act", "on", "bg", "ink"):
            if not _HEX.fullmatch(getattr(self, key)):
                yield f"{name}.{key} is '{getattr(self, key)}'; write a colour as #1b2530"
                return
        pairs = (("on", "act", TEXT, "the words of buttons"), ("ink", "bg", TEXT, "text"))
        for front, behind, least, what in pairs:
            found = contrast(getattr(self, front), getattr(self, behind))
            if found < least:
                yield (
                    f"{name}.{front} on {name}.{behind} has a contrast of {found:.1f}; "
                    f"{what} needs {least} so that everybody can read it"
                )

    @property
    def is_dark(self) -> bool:
        """True when text is lighter than what is behind it."""
        return _luminance(self.ink) > _luminance(self.bg)

    def variables(self) -> dict[str, str]:
        """Return every variable of the style sheet: soft tones are mixed from the four."""
        return {
            "bg": self.bg,
            "ink": self.ink,
            "mute": _readable_mix(self.ink, self.bg),
            "line": mix(self.ink, self.bg, 0.18),
            "page": mix("#000000", self.bg, 0.25) if self.is_dark else mix(self.ink, self.bg, 0.04),
            "act": self.act,
            "on": self.on,
            "edge": self.act if contrast(self.act, self.bg) >= PARTS else self.ink,
            "ring": next(
                (ring for ring in ("#0b57d0", "#9cc4ff") if contrast(ring, self.bg) >= PARTS + 1.5), self.ink
            ),
        }


LIGHT = Colours(act="#22384f", on="#ffffff", bg="#ffffff", ink="#1b2530")
DARK = Colours(act="#dbe4ee", on="#15202c", bg="#1b212a", ink="#e9edf2")


@dataclass(frozen=True, slots=True)
class Look:
    """The look of one site's banner and pages."""

    theme: Theme = Theme.AUTO
    light: Colours = LIGHT
    dark: Colours = DARK

    def colours(self) -> tuple[Colours, ...]:
        """Return the colours of the theme: where it follows the page, those for light and for dark ones."""
        match self.theme:
            case Theme.AUTO:
                return self.light, self.dark
            case Theme.LIGHT:
                return (self.light,)
            case Theme.DARK:
                return (self.dark,)


def build_look(
    theme: str = "auto", light: dict[str, str] | None = None, dark: dict[str, str] | None = None
) -> Look:
    """Return the look of these settings; ValueError with every colour that has too little contrast."""
    look = Look(Theme(theme), replace(LIGHT, **(light or {})), replace(DARK, **(dark or {})))
    faults = [*look.light.faults("banner.light"), *look.dark.faults("banner.dark")]
    if faults:
        raise ValueError("; ".join(faults))
    return look


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mix(front: str, behind: str, share: float) -> str:
    """Return the colour that a share of `front` over `behind` makes."""
    pairs = zip(_rgb(front), _rgb(behind), strict=True)
    return "#" + "".join(f"{round(f * share + b * (1 - share)):02x}" for f, b in pairs)


def _readable_mix(ink: str, bg: str) -> str:
    """Return a softer ink that can still be read well."""
    shares = (0.78, 0.85, 0.92)
    return next((found for share in shares if contrast(found := mix(ink, bg, share), bg) >= TEXT + 1), ink)


def _rgb(colour: str) -> tuple[int, int, int]:
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _luminance(colour: str) -> float:
    parts = [c / 255 for c in _rgb(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def as_json(look: Look) -> dict[str, Any]:
    """Return what `build_look` takes, for the proofs."""
    themes = {"light": look.light, "dark": look.dark}
    colours = {
        name: {key: getattr(one, key) for key in ("act", "on", "bg", "ink")} for name, one in themes.items()
    }
    return {"theme": look.theme.value, **colours}
