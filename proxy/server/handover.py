"""What was read from the files, handed from the process that read it to the one that serves.

Both are this program and the way is a pipe or a file without a name, so nobody else can
put anything there.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.apart import command
from proxy.errors import StartError
from proxy.policy.model import Policy
from proxy.server.config import Config

if TYPE_CHECKING:
    from proxy.server.rules_tests import RulesTests
    from proxy.server.sources import Sources

_PATIENCE = 60
"""Seconds that a reading may take: it takes one."""


def read_apart(config_path: Path, rules_path: Path, tests: RulesTests) -> tuple[Config, Policy, str]:
    """Return what a process of its own read, or raise what it raised."""
    program = command("proxy.server.reading", str(config_path), str(rules_path), tests.value)
    try:
        ran = subprocess.run(  # noqa: S603 - ourselves
            program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE,
            check=True,
            start_new_session=True,  # Ctrl-C is for whoever serves
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(f"the files could not be read by a process of its own: {error}") from None
    said: tuple[Config, Policy, str] | Exception = pickle.loads(ran.stdout)  # noqa: S301 - from ourselves
    if isinstance(said, Exception):
        raise said
    return said


def hand_over(sources: Sources, config: Config, policy: Policy) -> int:
    """Return a descriptor from which processes that we start, or become, take what was read."""
    descriptor = _nameless()
    os.write(descriptor, pickle.dumps((sources, config, policy)))
    os.set_inheritable(descriptor, True)
    return descriptor


def _nameless() -> int:
    if hasattr(os, "memfd_create"):  # needs no folder that can be written to
        return os.memfd_create("consent-proxy")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def taken(descriptor: int) -> tuple[Sources, Config, Policy]:
    """Return what was handed over; the next one can still take it."""
    everything = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    read: tuple[Sources, Config, Policy] = pickle.loads(everything)  # noqa: S301 - from ourselves
    return read
