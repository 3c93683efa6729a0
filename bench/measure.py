"""Processes and what they cost: CPU of a whole tree, memory, and a load that counts its answers."""

import contextlib
import os
import re
import socket
import subprocess
import time
from pathlib import Path

from bench.peers import Peer


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU the tree has had, kernel time included."""
    total = 0
    for one in tree(pid):
        for task in Path(f"/proc/{one}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(task.read_text().split()[0])
    return total / 1e9


def memory(pid: int, what: str = "VmRSS") -> float:
    """Megabytes of the tree: VmRSS now, VmHWM at its peak."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            found = re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{one}/status").read_text())
            total += int(found[1]) if found else 0
    return total / 1024


def forget_peak(pid: int) -> None:
    """Have VmHWM of the tree begin anew at what is used now."""
    for one in tree(pid):
        with contextlib.suppress(OSError):
            Path(f"/proc/{one}/clear_refs").write_text("5")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Running:
    """A peer that runs pinned to one core; ended by its pid."""

    def __init__(self, peer: Peer, folder: Path, core: int) -> None:
        self.peer = peer
        self.log = folder / "out.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), *peer.command],
                stdout=log, stderr=log, cwd=folder, env={**os.environ, "PYTHONPATH": str(Path.cwd()), **peer.environment},
            )  # fmt: skip
        self.pid = self.process.pid

    def wait(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.peer.port), 1):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"{self.peer.name} did not start: {self.log.read_text()[-600:]}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def fetch(port: int, path: str) -> bytes:
    """Head and body of one answer, undecoded."""
    with socket.create_connection(("127.0.0.1", port), 10) as one:
        one.sendall(
            b"GET %b HTTP/1.1\r\nHost: callkom.io\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\n"
            b"Connection: close\r\n\r\n" % path.encode()
        )
        pieces = []
        while piece := one.recv(2**20):
            pieces.append(piece)
    return b"".join(pieces)


class Load:
    """What wrk found: answers, those that were no success, the median and 99th percentile in milliseconds.

    `new` names a field that says something else in each request.
    """

    def __init__(
        self, port: int, path: str, *, connections: int, seconds: float, core: int, new: str | None = None
    ) -> None:
        command = [
            "taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s",
            "-H", "Host: callkom.io", "-H", "Sec-Fetch-Dest: document",
            *(["-s", str(Path(__file__).with_name("new_heads.lua"))] if new else []),
            f"http://127.0.0.1:{port}{path}", *(["--", new] if new else []),
        ]  # fmt: skip
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.requests = int(re.search(r"(\d+) requests in", text)[1])
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        sockets = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        self.failed = int(bad[1]) if bad else 0
        self.failed += sum(map(int, sockets.groups())) if sockets else 0
        self.median = _milliseconds(text, "50%")
        self.high = _milliseconds(text, "99%")


def _milliseconds(text: str, mark: str) -> float:
    found = re.search(rf"{mark}\s+([\d.]+)(us|ms|s)", text)
    if not found:
        return float("nan")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]
