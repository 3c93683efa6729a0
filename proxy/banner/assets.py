"""Style and script as they go into a page: small, XML-safe, and with the hash policies need.

The files are built from those of this folder by esbuild (tools/assets.py, make assets).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from proxy.config.banner_colours import Look
from proxy.filter.headers.guard_table import GuardTable

LAYER = "cc-consent"
DARK = "prefers-color-scheme:dark"

_BUILT = Path(__file__).resolve().parent / "built"
_VARIABLE = re.compile(r"var\(--cc-(\w+)\)")


def css_hash(text: str) -> str:
    """Return the hash source of an inline block, without quotes (CSP3 6.7.3.3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def style(parts: Iterable[str], look: Look, *, layered: bool = True) -> str:
    """Return the style sheet of these parts in this look.

    `layered`: for other people's pages: in the page's first cascade layer, every
    declaration !important. Our own pages need neither.
    """
    rules = "".join(_built(f"banner-{part}.css") for part in parts)
    # Behind the rest, since `all: initial` would take color-scheme back. The dark colours are the
    # second rule of all: banner.js decides by the page whether they count.
    base, *others = _variables(look, frozenset(_VARIABLE.findall(rules)))
    wrap = _layered if layered else str
    return wrap(rules + base) + "".join(f"@media({DARK}){{{wrap(text)}}}" for text in others)


def script(name: str, *parts: str) -> str:
    """Return a script of ours as it ships, with these of its parts."""
    return _built("-".join((name, *parts)) + ".js")


def guard(table: GuardTable) -> str:
    """Return guard.js called with its table, without the parts that no row of it needs."""
    return script("guard", *table.parts).replace("(TABLE)", f"({table.arguments})")


@cache
def parts_of(name: str) -> frozenset[str]:
    """Return which parts a script has that is shipped in parts."""
    return frozenset(path.stem.removeprefix(f"{name}-") for path in _BUILT.glob(f"{name}-*.js"))


@cache
def _built(name: str) -> str:
    return (_BUILT / name).read_text(encoding="utf-8")


def _variables(look: Look, used: frozenset[str]) -> list[str]:
    """Return the rules that set the colours these parts use: for every page, and for dark ones."""
    found = []
    for colours in look.colours():
        words = ";".join(
            f"--cc-{name}:{value}" for name, value in colours.variables().items() if name in used
        )
        scheme = "dark" if colours.is_dark else "light"
        found.append(f".cc,.cc *{{{words}}}.cc{{color-scheme:{scheme}}}")
    return found


def _layered(text: str) -> str:
    return f"@layer {LAYER}{{{_important(text)}}}"


def _important(text: str) -> str:
    """Mark every declaration; at-rules and selectors hold none outside braces of their own.

    In key frames a marked one is ignored.
    """

    def mark(found: re.Match[str]) -> str:
        return "{" + ";".join(f"{each}!important" for each in found[1].split(";") if each) + "}"

    return re.sub(r"(?<!from)\{([^{}]*)\}", mark, text)
