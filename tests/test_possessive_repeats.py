"""Patterns match what they say on every Python that the product runs on."""

import os
import re
import subprocess
import sys

import pytest

import proxy.possessive_repeats
from tests.shared import ROOT

MATCHES = [
    ("(?:ab?c)*+", "a", ""),
    ("(?:ab?c)++", "acacab", "acac"),
    ("--(?:[^-]++|-(?!->))*+-->", "-- a-b -->", "-- a-b -->"),
]
ASK = f"import re; print([re.match(pattern, text)[0] for pattern, text, _ in {MATCHES!r}])"


def asked(python: str, first: str) -> str:
    """Return what a new interpreter says it matches, after `first`."""
    run = [python, "-S", "-c", f"{first}; {ASK}"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_a_repeat_that_fails_half_way_gives_back_what_that_round_took():
    assert proxy.possessive_repeats.are_right()
    assert all(re.match(pattern, text)[0] == matched for pattern, text, matched in MATCHES)


def test_what_the_repair_compiles_matches_the_same_as_a_python_that_is_right():
    assert asked(sys.executable, "import proxy.possessive_repeats as it; it.repair()") == str(
        [matched for *_, matched in MATCHES]
    )


def test_the_repair_reaches_repeats_of_every_depth_and_leaves_simple_ones():
    ask = "import proxy.possessive_repeats as it; it.repair(); it.re.compile('(?:x(?:ab?c)*+|[^y]*+)', it.re.DEBUG)"
    run = [sys.executable, "-S", "-c", ask]
    shown = subprocess.run(run, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    code = shown.stdout.partition("\n\n")[2]

    assert (code.count("ATOMIC_GROUP"), code.count("POSSESSIVE_REPEAT_ONE")) == (1, 1), code
    assert code.count("POSSESSIVE_REPEAT") == 1, code


def has_such_repeats(python: str) -> bool:
    asked = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return os.access(python, os.X_OK) and subprocess.run(asked, check=False).returncode == 0


@pytest.mark.skipif(
    not has_such_repeats("/usr/bin/python3"), reason="no Python of the distribution's, or an old one"
)
def test_the_python_of_the_distribution_is_right_once_the_package_is_imported():
    assert asked("/usr/bin/python3", "import proxy") == str([matched for *_, matched in MATCHES])
