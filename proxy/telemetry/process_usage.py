"""What this process uses of the machine: processor time, memory, files; None for what only Linux tells."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds() -> float:
    """Return the processor time of this process since it began."""
    used = os.times()
    return used.user + used.system


def resident_bytes() -> int | None:
    """Return the resident memory, as `ps` and `top` show it."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE
    except OSError:
        return None


def open_files() -> int | None:
    """Return how many files and sockets are open; it takes a microsecond for each."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return None


def open_files_limit() -> int:
    """Return how many files may be open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
