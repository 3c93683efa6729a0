"""Applications from their registries, installed once into .tests/apps and served from there."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import until
from tests.ports import free_port
from tests.shared import ROOT

CACHE = ROOT / ".tests" / "apps"
DATA = ROOT / "tests" / "data" / "apps"


def unavailable(why: str) -> None:
    """Skip with the reason; under CI a missing application is a failure."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def _once(folder: Path, wanted: str, commands: list[list[str]]) -> Path:
    """Run these commands in a folder unless they were run there for the same; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "installed"
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            for command in commands:
                done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
                if done.returncode:
                    unavailable(f"{' '.join(command)}: {(done.stderr or done.stdout)[-400:]}")
            stamp.write_text(wanted)
    return folder


def from_pypi(name: str, *packages: str) -> Path:
    """Return the folder of executables of an environment with these packages."""
    folder = CACHE / name
    python = str(folder / "bin" / "python")
    commands = [
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "-q", *packages],
    ]
    return _once(folder, " ".join(packages), commands) / "bin"


def from_npm(name: str, *packages: str) -> Path:
    """Return a folder with these packages and the application's own files from tests/data/apps."""
    npm = shutil.which("npm")
    if npm is None:
        unavailable(f"{name} comes from npm, which is not installed")
    folder = CACHE / name
    command = [npm, "install", "--no-audit", "--no-fund", "--no-save", *packages]
    _once(folder, " ".join(packages), [command])
    shutil.copytree(DATA / name, folder, dirs_exist_ok=True)
    return folder


def from_debian(*packages: str) -> None:
    """Make sure that these packages of the distribution are there."""
    if all(_has(package) for package in packages):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        unavailable(f"not installed: sudo apt-get install {' '.join(packages)}")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        unavailable(f"{' '.join(command)}: {done.stderr[-400:]}")


def _has(package: str) -> bool:
    command = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    if not shutil.which("dpkg-query"):
        return False
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "installed"


@contextlib.contextmanager
def serving(*command: str | Path, cwd: Path, port: int | None = None, **environment: str) -> Iterator[int]:
    """Run a server; {port} in its command is a free port. Gives that port while it runs."""
    port = port or free_port()
    line = [str(word).replace("{port}", str(port)) for word in command]
    environment = {key: value.replace("{port}", str(port)) for key, value in environment.items()}
    log_path = cwd / f"server-{port}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            line,
            cwd=cwd,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        try:
            assert until(lambda: process.poll() is not None or listens(port), most=300)
            assert process.poll() is None, log_path.read_text()[-2000:]
            yield port
        finally:
            _end(process)


def _end(process: subprocess.Popen) -> None:
    """End a server and what it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return


def listens(port: int) -> bool:
    """True when somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
