"""Possessive repeats of regular expressions (`(?:ab?c)*+`) on a Python that matches them wrongly.

CPython before 3.11.5, such as that of Debian 12, goes on where a failed round of such a repeat stopped,
instead of where it began (gh-106052): `(?:ab?c)*+` takes the "a" of "a". Every pattern of the filter has
such repeats, so there they are compiled as what the documentation of `re` says they mean: a greedy
repeat in an atomic group. On a Python that is right nothing is changed.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any


def are_right() -> bool:
    """True where this Python gives back what a failed round had taken."""
    found = re.compile("(?:ab?c)*+").match("a")
    return found is not None and found.end() == 0


def repair() -> None:
    """Compile every repeat of this kind as a greedy one in an atomic group from now on."""
    compiler: Any = import_module("re._compiler")
    codes: Any = import_module("re._constants")
    compile_parts = compiler._compile  # noqa: SLF001 - what Python 3.11.0 to 3.11.4 have, and never change

    def compile_repaired(code: list[int], pattern: Any, flags: int) -> None:
        parts = [
            (codes.ATOMIC_GROUP, [(codes.MAX_REPEAT, av)])
            if op is codes.POSSESSIVE_REPEAT and not compiler._simple(av[2])  # noqa: SLF001
            else (op, av)
            for op, av in pattern
        ]
        compile_parts(code, parts, flags)

    compiler._compile = compile_repaired  # noqa: SLF001
    re.purge()


if not are_right():
    repair()
