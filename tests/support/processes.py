"""The proxy as processes of its own, as operations run it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port
from tests.support.proxying import RULES, Got, read_answer, request

START = (
    "import sys; from pathlib import Path; from proxy.process.rules_tests import RulesTests;"
    "from proxy.process.start import run;"
    "run(Path(sys.argv[1]), Path(sys.argv[2]), *map(RulesTests, sys.argv[3:]))"
)


@dataclass
class Running:
    process: asyncio.subprocess.Process
    port: int
    admin: int
    folder: Path
    log: Path

    async def ask(self, target="/", *headers, port=0, **more) -> Got:
        reader, writer = await asyncio.open_connection("127.0.0.1", port or self.port)
        writer.write(request(target, *headers, **more))
        got = await read_answer(reader, more.get("method", "GET"))
        writer.close()
        return got

    async def admin_says(self, target) -> Got:
        return await self.ask(target, "Connection: close", port=self.admin, host="127.0.0.1")

    def records(self, event=None) -> list[dict]:
        records = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [one for one in records if event is None or one["event"] == event]

    def tell(self, number=signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def end(self) -> int:
        self.tell()
        return await asyncio.wait_for(self.process.wait(), 40)

    async def ready(self) -> None:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    if (await self.admin_says("/readyz")).status == 200:
                        return
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(
    upstream, folder: Path, *, more="", rules=RULES, ports=None, beside: Path | None = None, tests=()
) -> AsyncIterator[Running]:
    port, admin = ports or (free_port(), free_port())
    (folder / "config.yaml").write_text(
        f"listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{admin}\n"
        f"sites: [{{ hosts: [callkom.io, app.callkom.io], upstream: '{upstream}' }}]\n{more}\n"
    )
    (folder / "rules.yaml").write_text(rules)
    log = folder / f"log-{admin}"
    path = os.pathsep.join(map(str, filter(None, (beside, Path(__file__).parents[2]))))
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", START, str(folder / "config.yaml"), str(folder / "rules.yaml"), *tests,
            stdout=file, stderr=file, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
    started = Running(process, port, admin, folder, log)
    try:
        await started.ready()
        yield started
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()


async def keep_asking(port, over, answers, failures, *headers, coding=None):
    """Ask on a connection as long as it lasts, then on another, as browsers do."""
    reader = writer = None
    while not over.is_set():
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request("/", *headers))
            got = await read_answer(reader)
            answers[0] += 1
            if got.status != 200 or not got.whole or got.one(b"Content-Encoding") != coding:
                failures.append(got.status)
            if got.one(b"Connection") == b"close":
                writer.close()
                await writer.wait_closed()
                writer = None
        except (OSError, asyncio.IncompleteReadError) as error:
            failures.append(repr(error))
            writer.close()
            writer = None
    if writer is not None:
        writer.close()
