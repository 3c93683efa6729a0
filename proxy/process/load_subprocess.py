"""Loads rules and config in a subprocess: the memory that it takes does not stay in a serving process."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

from proxy.errors import StartError
from proxy.process.loaded_files import LoadedFiles
from proxy.process.rules_tests import RulesTests
from proxy.subprocess_command import command

_TIMEOUT = 60
"""Seconds; it takes one."""


def read_in_subprocess(config_path: Path, rules_path: Path, tests: RulesTests) -> LoadedFiles:
    """Return what the subprocess read, or raise what it raised."""
    program = command("proxy.process.read_files", str(config_path), str(rules_path), tests.value)
    try:
        ran = subprocess.run(  # noqa: S603 - ourselves
            program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_TIMEOUT,
            check=True,
            start_new_session=True,  # Ctrl-C is for the serving process
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(f"the files could not be read by a subprocess: {error}") from None
    result: LoadedFiles | Exception = pickle.loads(ran.stdout)  # noqa: S301 - from ourselves
    if isinstance(result, Exception):
        raise result
    return result
