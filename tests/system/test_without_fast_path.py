"""The ordinary route serves everything: without the fast path's package, and on an aiohttp nobody knows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.unknown_aiohttp import unknown_aiohttp

ROOT = Path(__file__).parents[2]
SHORT = ["tests/http/test_server.py", "tests/http/test_message.py", "tests/http/test_websocket.py"]
LONG = ["tests/http", "tests/route", "tests/process", "tests/own", "tests/system"]


def run(mode: str, folder: Path, *tests: str) -> None:
    path = [str(unknown_aiohttp(folder))] if mode == "unknown" else []
    env = {**os.environ, "TEST_FAST_PATH": mode, "PYTHONPATH": os.pathsep.join([*path, str(ROOT)])}
    skipped = f"--deselect=tests/system/{Path(__file__).name}"
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", skipped, *tests]
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    skipped = re.search(r"(\d+) skipped", ran.stdout)
    assert skipped is not None, "the fast path was on"
    assert int(skipped[1]) >= 2, "the fast path was on"


@pytest.mark.parametrize("mode", ["absent", "unknown"])
@pytest.mark.timeout(300)
def test_the_server_serves(mode, tmp_path):
    run(mode, tmp_path, *(SHORT if mode == "absent" else SHORT[:1]), "tests/route/test_gates.py")


@pytest.mark.load
@pytest.mark.parametrize("mode", ["absent", "unknown"])
@pytest.mark.timeout(1800)
def test_every_test_of_the_server_passes_but_those_of_the_fast_path(mode, tmp_path):
    run(mode, tmp_path, *LONG)
