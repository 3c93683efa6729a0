"""The command `serve`: rules and config are read and checked here, and served by another program.

Reading takes pydantic, YAML, Typer and more: 30 MB that a process which serves for months
need not hold. So nothing that serves is imported here, and nothing that reads over there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from proxy.config.signing_key import load_keys
from proxy.errors import ConfigError
from proxy.process.handover import hand_over
from proxy.process.observed_sites import warn_of_unobserved
from proxy.process.rules_tests import RulesTests
from proxy.process.startable import start_problems
from proxy.process.watched_files import WatchedFiles
from proxy.subprocess_command import command
from proxy.telemetry.logs import start_logs


def run(config_path: Path, rules_path: Path, rules_tests: RulesTests = RulesTests.REFUSE) -> None:
    """Run the proxy until it is told to stop; does not return.

    What is wrong with the files is raised; then this process becomes the one that serves, or
    that looks after several: the same number among processes, another program.
    """
    watched = WatchedFiles(config_path, rules_path, tests=rules_tests)
    config, policy = watched.read()
    lines = start_logs(config.log.level, config.log.style)
    if problems := start_problems(config, config_path):
        raise ConfigError(problems)
    load_keys(config)
    warn_of_unobserved(config)
    lines.flush()
    given = hand_over(watched, config, policy)
    module = "proxy.process.worker_main" if config.workers == 1 else "proxy.process.supervisor_main"
    program = command(module, str(config_path), str(rules_path), "--given", str(given))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program[0], program)  # noqa: S606 - ourselves
