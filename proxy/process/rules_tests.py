"""Runs the tests written in rules.yaml before the rules are served.

After a reload each worker of a supervisor reads the rules; the first runs the tests and
stores the result in the folder that they share.
"""

from __future__ import annotations

import enum
import fcntl
import hashlib
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.telemetry.metrics import FOLDER

if TYPE_CHECKING:
    from proxy.policy.model import Policy
    from proxy.problems import Problem


class RulesTests(enum.StrEnum):
    """What happens to rules whose own tests fail."""

    REFUSE = "refuse"
    WARN = "warn"


def failed_tests(policy: Policy) -> tuple[Problem, ...]:
    """Return the failed tests; the result of another worker for the same rules is reused."""
    from proxy.filter.inline_tests import run_examples  # noqa: PLC0415 - nobody who serves needs it

    shared = os.environ.get(FOLDER)
    if shared is None:
        return run_examples(policy)
    with Path(shared, "rules.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = Path(shared, f"rules.{_name_of(policy)}.tested")
        if result.exists():
            found: tuple[Problem, ...] = pickle.loads(result.read_bytes())  # noqa: S301 - from ourselves
            return found
        problems = run_examples(policy)
        result.write_bytes(pickle.dumps(problems))
        return problems


def _name_of(policy: Policy) -> str:
    """Return a name for these rules in this file: the places of problems name the file."""
    return hashlib.sha256(f"{policy.place.file}\n{policy.digest}".encode()).hexdigest()[:16]


def doubt_of(problems: tuple[Problem, ...]) -> str:
    """Return the /readyz warning for rules that are in force although their tests fail."""
    if not problems:
        return ""
    return f"rules are in force although {len(problems)} of their own tests fail: {problems[0]}"
