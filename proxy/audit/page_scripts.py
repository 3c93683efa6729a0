"""The scripts that an audit runs in pages, as text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "scripts"


@cache
def page_script(name: str) -> str:
    """Return the text of a script of scripts/."""
    return (_FOLDER / name).read_text("utf-8")
