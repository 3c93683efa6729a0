"""What was read from the files, handed from the process that read it to the one that serves.

Both are this program and the way is a pipe or a file without a name, so nobody else can
put anything there.
"""

from __future__ import annotations

import os
import pickle
import tempfile

from proxy.config.types import Config
from proxy.policy.model import Policy
from proxy.process.watched_files import WatchedFiles


def hand_over(watched: WatchedFiles, config: Config, policy: Policy) -> int:
    """Return a descriptor from which processes that we start, or become, take what was read."""
    descriptor = _nameless()
    os.write(descriptor, pickle.dumps((watched, config, policy)))
    os.set_inheritable(descriptor, True)
    return descriptor


def _nameless() -> int:
    if hasattr(os, "memfd_create"):  # needs no folder that can be written to
        return os.memfd_create("consent-proxy")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def taken(descriptor: int) -> tuple[WatchedFiles, Config, Policy]:
    """Return what was handed over; the next one can still take it."""
    everything = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    read: tuple[WatchedFiles, Config, Policy] = pickle.loads(everything)  # noqa: S301 - from ourselves
    return read
