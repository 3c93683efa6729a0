"""The functions that snippets of the catalogue's providers make: a list that ships, made of their blocks.

Read as it is, since no block is parsed that is not used. tools/provider_calls.py makes it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

CALLS = Path(__file__).resolve().parent / "data" / "calls.tsv"

SHORT = 3
"""Letters of the shortest name that says something."""


@cache
def provider_calls() -> dict[str, str]:
    """Return the ids of providers by the names of their functions."""
    lines = CALLS.read_text("utf-8").splitlines()
    return {name: id_ for name, _, id_ in (line.partition("\t") for line in lines if line)}
