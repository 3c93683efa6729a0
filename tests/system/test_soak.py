"""A soak: one `consent-proxy serve` under all kinds of visits at once, for as long as one likes.

Nothing fails that was not made to fail, no descriptor and no thread stays behind, memory stays flat, and
the log holds no error. SOAK_MINUTES says how long (a minute unless it does); `make soak` takes ten.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.support import soak_origin
from tests.support.origin import Origin
from tests.support.processes import Running
from tests.support.proxying import RULES
from tests.support.soak_guest import World
from tests.support.soak_visitors import WEIGHTS, Visitor

MINUTES = float(os.environ.get("SOAK_MINUTES", "0.8"))
VISITORS = 16
STORE = 6
"""Connections that the store of proofs keeps open at most, with some to spare."""

pytestmark = [pytest.mark.load, pytest.mark.timeout(int(MINUTES * 60) + 240)]


@contextlib.asynccontextmanager
async def serving(folder: Path, steady: Origin, shaken: Origin):
    """The product as operations start it, its log and its complaints in one file."""
    port, admin = free_port(), free_port()
    (folder / "rules.yaml").write_text(RULES)
    (folder / "config.yaml").write_text(
        f"listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{admin}\ntrusted_proxies: 127.0.0.0/8\n"
        f"timeouts: {{ keepalive: 5 s }}\nconsent: {{ acceptances_per_minute: no limit }}\nsites:\n"
        f"  - {{ hosts: [callkom.io, www.callkom.io], upstream: '{steady.url}' }}\n"
        f"  - {{ hosts: legacy.callkom.io, upstream: '{steady.url}', mode: observe }}\n"
        f"  - {{ hosts: app.callkom.io, upstream: '{shaken.url}' }}\n"
    )
    log = folder / "log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy", "serve",
            "--config", str(folder / "config.yaml"), "--rules", str(folder / "rules.yaml"),
            stdout=file, stderr=file,
        )  # fmt: skip
    here = Running(process, port, admin, folder, log)
    try:
        await here.ready()
        yield here
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Watch:
    """What the process weighs, second by second."""

    def __init__(self, pid: int) -> None:
        self.pid, self.began = pid, time.monotonic()
        self.points: list[tuple[float, float, int, int]] = []  # seconds, MB, descriptors, threads

    def look(self) -> tuple[float, float, int, int]:
        said = dict(re.findall(r"(VmRSS|Threads):\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text()))
        files = self.files().total()
        return time.monotonic() - self.began, int(said["VmRSS"]) / 1024, files, int(said["Threads"])

    def files(self) -> Counter[str]:
        """What the descriptors point to, sockets and pipes without their numbers."""
        names: Counter[str] = Counter()
        for number in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                names[os.readlink(f"/proc/{self.pid}/fd/{number}").partition(":")[0]] += 1
        return names

    async def keep_looking(self) -> None:
        while True:
            self.points.append(self.look())
            await asyncio.sleep(0.5)

    def third(self, number: int) -> float:
        """The median memory of the first, second or last third, in MB."""
        size = len(self.points) // 3
        return statistics.median(point[1] for point in self.points[(number - 1) * size : number * size])

    def curve(self) -> str:
        rows = self.points[:: max(1, len(self.points) // 20)]
        return "\n".join(
            f"{at:7.0f} s {mb:7.1f} MB {files:5d} files {threads:3d} threads"
            for at, mb, files, threads in rows
        )


async def reload_again_and_again(here: Running, told: dict[str, int]) -> None:
    """New rules by SIGHUP; every fourth time they are faulty, and the old ones stay."""
    for number in itertools.count(1):
        await asyncio.sleep(max(4, MINUTES))
        faulty = number % 4 == 0
        text = RULES.replace("2026-11-01", f"2026-11-{number % 28 + 1:02}") + ("oops: 1\n" if faulty else "")
        (here.folder / "rules.yaml").write_text(text)
        here.tell(signal.SIGHUP)
        told["faulty" if faulty else "sound"] += 1


async def restart_again_and_again(shaken: Origin) -> None:
    while True:
        await asyncio.sleep(5)
        await shaken.__aexit__()
        await asyncio.sleep(0.5)
        await shaken.__aenter__()


async def left_open(
    here: Running, watch: Watch, files: Counter[str], seconds: float = 40
) -> tuple[Counter[str], list[object]]:
    """Return the descriptors beyond those of before, and upstream connections, once none or time is up.

    Not those of the store of proofs: it opens a few connections when it first needs them, and keeps them.
    """
    end = time.monotonic() + seconds
    while True:
        left = Counter(
            {name: more for name, more in (watch.files() - files).items() if "proofs.db" not in name}
        )
        sites = (await here.admin_says("/status")).json["sites"]
        upstreams = [one for site in sites for one in site["upstreams"] if one["connections"]]
        if not (left or upstreams) or time.monotonic() > end:
            return left, upstreams
        await asyncio.sleep(0.5)  # in which the connection that asked is gone, too


def total(figures: str, name: str, *labels: str) -> float:
    """The sum over all lines of a counter that carry these labels."""
    lines = re.findall(rf"^consent_proxy_{name}(\{{[^}}]*\}})? ([0-9.e+]+)$", figures, re.MULTILINE)
    return sum(float(value) for said, value in lines if all(label in said for label in labels))


async def test_a_soak_leaves_nothing_behind(tmp_path, capsys):
    shaken = Origin(serve=soak_origin.serve)
    async with Origin(serve=soak_origin.serve) as steady, shaken:
        async with serving(tmp_path, steady, shaken) as here:
            world, told = World(here.port), {"faulty": 0, "sound": 0}
            first = Visitor(world, 0)
            for name in WEIGHTS:  # everything once: what is opened and kept for good is open now
                await first.do(name)
            first.leave()
            assert world.failures == []
            watch = Watch(here.process.pid)
            await asyncio.sleep(7)
            (_, _, _, threads), files = watch.look(), watch.files()
            series = len((await here.admin_says("/metrics")).body.splitlines())

            side = [
                asyncio.ensure_future(task)
                for task in (
                    watch.keep_looking(),
                    reload_again_and_again(here, told),
                    restart_again_and_again(shaken),
                )
            ]
            staying = [asyncio.ensure_future(Visitor(world, n + 1).stay(WEIGHTS)) for n in range(VISITORS)]
            await asyncio.sleep(MINUTES * 60)
            world.over.set()
            await asyncio.gather(*staying)
            for task in side:
                task.cancel()
            ended = await asyncio.gather(*side, return_exceptions=True)
            left, upstreams = await left_open(here, watch, files)
            figures = (await here.admin_says("/metrics")).body.decode()
            _, _, _, threads_left = watch.look()
            total_of_store = sum(count for name, count in watch.files().items() if "proofs.db" in name)
            (here.folder / "rules.yaml").write_text(RULES)
            assert await here.end() == 0

    with capsys.disabled():
        print(f"\n{watch.curve()}\n{world.sent} requests, {dict(world.asked)}, {told}")
        print(f"medians of the thirds: {watch.third(1):.1f} {watch.third(2):.1f} {watch.third(3):.1f} MB")
    assert world.failures == [], "\n".join(world.failures)
    assert [one for one in ended if not isinstance(one, asyncio.CancelledError)] == []

    records = [json.loads(line) for line in here.log.read_bytes().splitlines()]
    errors = [one for one in records if one["level"] == "error" and one["event"] != "policy_refused"]
    assert errors == []
    assert [one for one in records if one["event"] == "request_broken"] == []

    assert not left, left
    assert threads_left <= threads + STORE  # each of the store's connections has one
    assert total_of_store <= 2 * STORE
    assert upstreams == []

    assert world.answered <= total(figures, "requests_total") <= world.sent
    assert total(figures, "answers_total") == world.choices
    assert len(figures.splitlines()) < series * 2
    assert total(figures, "reloads_total", "refused") == told["faulty"]

    assert watch.third(3) <= watch.third(2) + max(6, watch.third(2) * 0.05)
