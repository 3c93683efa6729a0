"""A crowd on one worker of the installed product: idle connections and WebSockets, and what they take."""

import asyncio
import contextlib
import resource
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.support.origin import HANG, Origin, ok
from tests.system.test_battery import RULES, answers, running

pytestmark = [pytest.mark.load, pytest.mark.timeout(240)]

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"


def files_allowed() -> int:
    """Raise our own limit as far as it goes; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1_000_000


def memory(pid: int) -> float:
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024


@contextlib.asynccontextmanager
async def product(folder: Path, origin: Origin):
    port = free_port()
    (folder / "rules.yaml").write_text(RULES)
    (folder / "config.yaml").write_text(
        f"listen: 127.0.0.1:{port}\nsites:\n  - {{ hosts: [example.test], upstream: '{origin.url}' }}\n"
        "records: sqlite:///proofs.db\ntimeouts: { keepalive: 600 }\nlog: { requests: no }\n"
    )
    paths = ["--config", str(folder / "config.yaml"), "--rules", str(folder / "rules.yaml")]
    async with running(sys.executable, "-m", "proxy", "serve", *paths) as process:
        await answers(port)
        yield port, process.pid


async def opened(port: int, count: int, first: bytes, until: bytes):
    """So many connections that have each had their answer."""

    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        await reader.readuntil(until)
        return writer

    found = []
    for start in range(0, count, 100):
        found += await asyncio.gather(*(one() for _ in range(start, min(start + 100, count))))
    return found


async def test_ten_thousand_idle_visitors_cost_little_and_a_new_one_is_served(tmp_path, capsys):
    count = min(10_000, files_allowed() - 500)
    async with Origin({b"/": ok(b"hello")}) as origin, product(tmp_path, origin) as (port, pid):
        (await opened(port, 1, GET, b"hello"))[0].close()
        before = memory(pid)
        idle = await opened(port, count, GET, b"hello")
        each = (memory(pid) - before) / count * 1024
        with capsys.disabled():
            print(f"\n{count} idle connections: {memory(pid) - before:.0f} MB, {each:.1f} kB each")
        async with asyncio.timeout(5):
            idle += await opened(port, 1, GET, b"hello")
        for writer in idle:
            writer.transport.abort()

        assert each < 32


async def test_a_thousand_websockets_cost_little_and_a_new_visitor_is_served(tmp_path, capsys):
    count = min(1_000, (files_allowed() - 500) // 4)
    async with (
        Origin({b"/": ok(b"hello"), b"/ws": [SWITCH, HANG]}) as origin,
        product(tmp_path, origin) as (port, pid),
    ):
        (await opened(port, 1, GET, b"hello"))[0].close()
        before = memory(pid)
        sockets = await opened(port, count, HANDSHAKE, b"\r\n\r\n")
        each = (memory(pid) - before) / count * 1024
        with capsys.disabled():
            print(f"\n{count} WebSockets: {memory(pid) - before:.0f} MB, {each:.1f} kB each")
        async with asyncio.timeout(5):
            sockets += await opened(port, 1, GET, b"hello")
        for writer in sockets:
            writer.transport.abort()

        assert each < 96


async def test_beside_idle_and_slow_ones_no_ordinary_request_fails():
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.crowd", "--seconds", "8"),
        *("--idle", "1000", "--slow", "300", "--visitors", "50"),
        stdout=asyncio.subprocess.PIPE,
    )
    said = (await bench.communicate())[0].decode()

    assert "1300 connections, all there" in said, said
    assert said.count("requests, 0 failed") == 2, said
