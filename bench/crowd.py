"""Whether a crowd is felt: 10,000 idle connections and 1,000 slow ones beside 100 ordinary visitors.

    python -m bench.crowd [--seconds 60] [--idle 10000] [--slow 1000] [--visitors 100]

First the visitors alone, then with the crowd, for as long each; all on loopback, by four processes of its own, which end
with it. A visitor asks for a page of 15 kB, reads it, and waits about a second. Of the slow ones a third reads a large
file at 500 bytes a second, a third sends a body at 100, a third waits for a response that comes in half a minute. They
come from 20 networks, the visitors from one each (X-Forwarded-For of a trusted proxy). It fails where an ordinary
request fails, or their p99 is more than 5 times that of the quiet phase.
"""

import argparse
import asyncio
import contextlib
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench.measure import cpu, free_port, memory
from bench.pages import page

PAGE = page(15_000)
BIG = b"x" * 65_536
REPOSITORY = Path(__file__).resolve().parents[1]
GOAL = 5.0
ARRIVES = 3.0
"""Seconds in which visitors come, connect, and are not counted, in both phases."""

SETTLES = 20.0
"""Seconds until the buffers of the system between a file and its slow readers are full: that is no crowd yet."""


def allow_files(count: int) -> None:
    """Raise the limit on open files of this process; the ones that it starts have it too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"{count} open files are needed, and the system allows {hard}: raise ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, limit=2**16)


def request(target: str, address: str, *more: str, method: str = "GET") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: callkom.io", f"X-Forwarded-For: {address}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def read_page(reader: asyncio.StreamReader) -> bool:
    """Read one response; whether it is a whole page."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    return head.startswith(b"HTTP/1.1 200 ") and b"</html>" in body


# -- the origin -------------------------------------------------------------------------------------------


async def serve(port: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1]
                if target == b"/big":
                    writer.write(
                        b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n"
                        % (len(BIG) * 160)
                    )
                    for _ in range(160):
                        writer.write(BIG)
                        await writer.drain()
                    continue
                if target == b"/upload":
                    await reader.readexactly(1_000_000)
                if target == b"/poll":
                    await asyncio.sleep(30)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(PAGE), PAGE)
                )
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


# -- the crowd --------------------------------------------------------------------------------------------


async def read_slowly(port: int, address: str) -> None:
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # else the system reads ahead for it
    sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.sock_sendall(sock, request("/big", address))
    while await loop.sock_recv(sock, 500):
        await asyncio.sleep(1)


async def send_slowly(port: int, address: str) -> None:
    reader, writer = await connected(port)
    writer.write(request("/upload", address, "Content-Length: 1000000", method="POST"))
    while not (reader.at_eof() or writer.is_closing()):
        writer.write(b"x" * 100)
        await asyncio.sleep(1)
    raise ConnectionError((await reader.read())[:200])


async def wait_long(port: int, address: str) -> None:
    reader, writer = await connected(port)
    while True:
        writer.write(request("/poll", address))
        await read_page(reader)


async def idle(port: int, address: str) -> None:
    reader, writer = await connected(port)
    writer.write(request("/", address))
    await read_page(reader)
    await reader.read(1)  # for as long as the proxy keeps it


async def crowd(port: int, idle_ones: int, slow_ones: int) -> None:
    """Come 250 a second, say so when all are there, and stay."""
    slow = (read_slowly, send_slowly, wait_long)
    tasks: list[tuple[str, asyncio.Task[None]]] = []
    for number in range(idle_ones + slow_ones):
        kind = slow[number % 3] if number < slow_ones else idle
        network = number % 20 if number < slow_ones else 20 + number % 200
        one = asyncio.ensure_future(kind(port, f"203.{network}.113.{number % 250}"))
        tasks.append((kind.__name__, one))
        if number % 50 == 49:
            await asyncio.sleep(0.2)
    await asyncio.sleep(SETTLES)
    gone = Counter(f"{name}: {task.exception()!r}" for name, task in tasks if task.done())
    print(len(tasks) - gone.total(), "connections,", dict(gone.most_common(3)) or "all there", flush=True)
    await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)


# -- the visitors -----------------------------------------------------------------------------------------


@dataclass
class Phase:
    """What visitors of one phase met: seconds of each request, and what failed."""

    counts_from: float
    until: float
    took: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


async def visitor(port: int, number: int, phase: Phase) -> None:
    address = f"198.51.{number}.7"
    await asyncio.sleep(random.random())
    reader, writer = await connected(port)
    while (began := time.perf_counter()) < phase.until:
        try:
            writer.write(request("/", address))
            if not await read_page(reader):
                phase.failed.append("no page")
        except (OSError, asyncio.IncompleteReadError) as error:
            phase.failed.append(repr(error))
            reader, writer = await connected(port)
        if began > phase.counts_from:
            phase.took.append(time.perf_counter() - began)
        await asyncio.sleep(random.uniform(0.5, 1.5))
    writer.close()


async def visit(port: int, visitors: int, seconds: float) -> Phase:
    begins = time.perf_counter() + ARRIVES
    phase = Phase(begins, begins + seconds)
    await asyncio.gather(*(visitor(port, number, phase) for number in range(visitors)))
    return phase


def said(name: str, phase: Phase, busy: float) -> float:
    """Print what a phase was like; return its p99."""
    took, failed = phase.took, phase.failed
    cuts = statistics.quantiles(took, n=100)
    print(
        f"{name:12} {len(took):6} requests, {len(failed)} failed {failed[:2]}, median {cuts[49] * 1000:6.1f} ms, "
        f"p99 {cuts[98] * 1000:7.1f} ms, longest {max(took) * 1000:7.1f} ms, "
        f"{busy:.1f} s of CPU"
    )
    return cuts[98]


def config(folder: Path, port: int, origin: int, admin: int) -> list[str]:
    (folder / "config.yaml").write_text(
        f"listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{admin}\ntrusted_proxies: 127.0.0.1\n"
        f"sites: [{{ hosts: [callkom.io], upstream: 'http://127.0.0.1:{origin}' }}]\n"
        "records: sqlite:///proofs.db\ntimeouts: { keepalive: 600 }\nlog: { requests: no }\n"
    )
    paths = ["--config", str(folder / "config.yaml"), "--rules", str(REPOSITORY / "rules.yaml")]
    return [sys.executable, "-m", "proxy", "serve", *paths]


@contextlib.contextmanager
def started(*command: str, output: int = subprocess.DEVNULL):
    process = subprocess.Popen(command, stdout=output, text=True, cwd=REPOSITORY)
    try:
        yield process
    finally:
        process.kill()  # the proxy would wait for the slow ones to end
        process.wait()


async def answers(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                (await connected(port))[1].close()
                return
            await asyncio.sleep(0.1)


async def in_use(admin: int) -> str:
    """Return what the metrics say of connections to the upstream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", admin, limit=2**20)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    text = await reader.read()
    lines = [line for line in text.decode().splitlines() if line.startswith("consent_proxy_upstream_")]
    return ", ".join(line.removeprefix("consent_proxy_") for line in lines if "_seconds" not in line)


async def measure(options: argparse.Namespace, folder: Path) -> bool:
    """Run both phases; True where nobody failed and the goal is met."""
    port, origin, admin = free_port(), free_port(), free_port()
    itself = [sys.executable, "-m", "bench.crowd"]
    with started(*itself, "--origin", str(origin)), started(*config(folder, port, origin, admin)) as proxy:
        await answers(origin)
        await answers(port)
        before = cpu(proxy.pid)
        quiet = await visit(port, options.visitors, options.seconds)
        alone = said("quiet", quiet, cpu(proxy.pid) - before)
        sizes = ["--idle", str(options.idle), "--slow", str(options.slow)]
        with started(*itself, "--crowd", str(port), *sizes, output=subprocess.PIPE) as coming:
            assert coming.stdout is not None
            there = await asyncio.to_thread(coming.stdout.readline)
            print(f"the crowd: {there.strip()}, proxy {memory(proxy.pid):.0f} MB, {await in_use(admin)}")
            before = cpu(proxy.pid)
            busy = await visit(port, options.visitors, options.seconds)
            beside = said("with crowd", busy, cpu(proxy.pid) - before)
            print(f"then: {await in_use(admin)}")
    print(f"p99 {beside / alone:.1f} times that of the quiet phase (goal: below {GOAL})")
    return not quiet.failed and not busy.failed and beside < GOAL * alone


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--idle", type=int, default=10_000)
    options.add_argument("--slow", type=int, default=1_000)
    options.add_argument("--visitors", type=int, default=100)
    options.add_argument("--origin", type=int, help=argparse.SUPPRESS)
    options.add_argument("--crowd", type=int, help=argparse.SUPPRESS)
    found = options.parse_args()
    allow_files(found.idle + 3 * found.slow + 1000)
    if found.origin:
        uvloop.run(serve(found.origin))
    elif found.crowd:
        uvloop.run(crowd(found.crowd, found.idle, found.slow))
    else:
        with tempfile.TemporaryDirectory() as folder:
            sys.exit(0 if uvloop.run(measure(found, Path(folder))) else 1)


if __name__ == "__main__":
    main()
