"""Command lines that run a module of this package as a subprocess."""

from __future__ import annotations

import os
import sys


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs that module with this Python and this import path.

    Only a process started from the source folder (`python -m proxy`) has the current folder on
    its path; without it, another program's `proxy.py` there must not be imported.
    """
    from_sources = sys.path[:1] in ([""], [os.getcwd()])  # noqa: PTH109 - as Python itself writes it there
    return [sys.executable, *([] if from_sources else ["-P"]), "-m", module, *arguments]
