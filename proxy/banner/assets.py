"""Style and script as they go into a page: small, XML-safe, and with the hash policies need."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from proxy.config.banner_colours import Look
from proxy.filter.minify import squeeze

LAYER = "cc-consent"

_FOLDER = Path(__file__).resolve().parent
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PART = re.compile(r"@part (\w+)\n")
_VARIABLE = re.compile(r"var\(--cc-(\w+)\)")


def css_hash(text: str) -> str:
    """Return the hash source of an inline block, without quotes (CSP3 6.7.3.3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def style(parts: Iterable[str], look: Look, *, layered: bool = True) -> str:
    """Return the style sheet of these parts in this look.

    `layered`: for other people's pages: in the page's first cascade layer, every
    declaration !important. Our own pages need neither.
    """
    rules = "".join(_part(part) for part in parts)
    # Behind the rest, since `all: initial` would take color-scheme back.
    text = _squeezed(rules + _variables(look, frozenset(_VARIABLE.findall(rules))))
    return f"@layer {LAYER}{{{_important(text)}}}" if layered else text


@cache
def script(name: str) -> str:
    """Return a script of ours in few bytes; the file's own rules make that safe."""
    return squeeze((_FOLDER / name).read_text(encoding="utf-8"))


@cache
def source(name: str) -> str:
    """Return a file of this folder as it stands."""
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _part(name: str) -> str:
    text = _COMMENT.sub("", source("banner.css"))
    pieces = _PART.split(text)
    return pieces[pieces.index(name) + 1]


def _variables(look: Look, used: frozenset[str]) -> str:
    """Return the rules that set the colours these parts use."""
    text = ""
    for media, colours in look.per_media():
        words = "".join(
            f"--cc-{name}:{value};" for name, value in colours.variables().items() if name in used
        )
        rule = f".cc, .cc * {{ {words} }} .cc {{ color-scheme: {'dark' if colours.is_dark else 'light'}; }}"
        text += f"@media ({media}) {{ {rule} }}" if media else rule
    return text


def _squeezed(text: str) -> str:
    """Return CSS without blanks that mean nothing."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,>]) ?", r"\1", text)
    text = re.sub(r"([({,;][\w-]*|[{;][\w-]+): ", r"\1:", text)
    text = re.sub(r"(\bmedia|and) \(", r"\1(", text).replace("and(", "and (")
    return text.replace(";}", "}").strip()


def _important(text: str) -> str:
    """Mark every declaration; at-rules and selectors hold none outside braces of their own."""

    def mark(found: re.Match[str]) -> str:
        return "{" + ";".join(f"{each}!important" for each in found[1].split(";") if each) + "}"

    return re.sub(r"\{([^{}]*)\}", mark, text)
