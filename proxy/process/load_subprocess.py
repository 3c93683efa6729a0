"""Rules and config, read by a process of its own: what reading takes does not stay with one that serves."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

from proxy.config.types import Config
from proxy.errors import StartError
from proxy.policy.model import Policy
from proxy.process.rules_tests import RulesTests
from proxy.subprocess_command import command

_PATIENCE = 60
"""Seconds that a reading may take: it takes one."""


def read_apart(config_path: Path, rules_path: Path, tests: RulesTests) -> tuple[Config, Policy, str]:
    """Return what a process of its own read, or raise what it raised."""
    program = command("proxy.process.load_main", str(config_path), str(rules_path), tests.value)
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
