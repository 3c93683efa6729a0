"""The start of `serve`: reads and checks rules and config, then execs the serving program.

Reading takes pydantic, YAML, Typer and more: 30 MB that a serving process need not hold. So
this module imports nothing that serves, and the serving programs import nothing that reads.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from proxy.config.signing_key import load_keys
from proxy.errors import ConfigError
from proxy.process.address_checks import shared_addresses
from proxy.process.handover import write_handover
from proxy.process.observed_sites import warn_of_unobserved
from proxy.process.preflight_checks import start_problems
from proxy.process.reload import WatchedFiles
from proxy.process.rules_tests import RulesTests
from proxy.process.worker_channel import hold_reloads
from proxy.subprocess_command import command
from proxy.telemetry.logs import log, start_logs


def run(config_path: Path, rules_path: Path, rules_tests: RulesTests = RulesTests.REFUSE) -> None:
    """Check everything, then become the worker or the supervisor (exec); does not return.

    Raises ConfigError, PolicyError or StartError with what is wrong.
    """
    hold_reloads()
    watched = WatchedFiles(config_path, rules_path, tests=rules_tests)
    config, policies = watched.read()
    lines = start_logs(config.log.level, config.log.style)
    if problems := [one for one in start_problems(config, config_path) if not one.warning]:
        raise ConfigError(problems)
    if shared := shared_addresses(config):
        note = "another process serves there too, and visitors reach either; stop the old one (SIGTERM)"
        log().warning("port_shared", listen=shared, note=note)
    load_keys(config)
    warn_of_unobserved(config)
    lines.flush()
    given = write_handover(watched, config, policies)
    module = "proxy.process.worker_main" if config.workers == 1 else "proxy.process.supervisor_main"
    program = command(module, str(config_path), str(rules_path), "--given", str(given))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program[0], program)  # noqa: S606 - ourselves
