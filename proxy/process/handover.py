"""Passes the loaded rules and config from the process that read them to the one that serves.

They are pickled into an anonymous file whose descriptor is inherited, so no other program
can write there.
"""

from __future__ import annotations

import os
import pickle
import tempfile

from proxy.config.policies import Policies
from proxy.config.types import Config
from proxy.process.reload import WatchedFiles


def write_handover(watched: WatchedFiles, config: Config, policies: Policies) -> int:
    """Return an inheritable descriptor that holds what was read."""
    descriptor = _anonymous_file()
    os.write(descriptor, pickle.dumps((watched, config, policies)))
    os.set_inheritable(descriptor, True)
    return descriptor


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):  # needs no writable folder
        return os.memfd_create("consent-proxy")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def read_handover(descriptor: int) -> tuple[WatchedFiles, Config, Policies]:
    """Return what the descriptor holds; it can be read again."""
    everything = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    read: tuple[WatchedFiles, Config, Policies] = pickle.loads(everything)  # noqa: S301 - from ourselves
    return read
