"""Programs of our own in a process of their own: found as this one found its modules."""

from __future__ import annotations

import os
import sys


def command(module: str, *arguments: str) -> list[str]:
    """Return what runs that module with this Python.

    Whoever started us from the folder of the sources (`python -m proxy`) has that folder on
    the path; nobody else, so that a stranger's `proxy.py` where we were started is not run.
    """
    here = sys.path[:1] in ([""], [os.getcwd()])  # noqa: PTH109 - as Python itself writes it there
    return [sys.executable, *([] if here else ["-P"]), "-m", module, *arguments]
