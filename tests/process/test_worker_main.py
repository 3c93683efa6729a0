"""What a process that serves carries for months, asked of the real one while it serves."""

import asyncio
import json
import os
import signal

import pytest

from proxy.process.worker_main import WorkerOptions, worker_options
from tests.support.origin import Origin, html
from tests.support.processes import running
from tests.support.proxying import PAGE, RULES

pytestmark = pytest.mark.timeout(150)

TELLS = """
import json, os, sys, threading, time

def tell(wanted=os.environ["TELL"]):
    mine = f"{wanted}-{os.getpid()}"
    while True:
        time.sleep(0.05)
        if os.path.exists(wanted) and not os.path.exists(mine):
            with open(mine + ".new", "w") as file:
                json.dump(sorted(sys.modules), file)
            os.rename(mine + ".new", mine)

threading.Thread(target=tell, daemon=True).start()
"""
"""Loaded by every Python beside it (sitecustomize): on demand it says what it has imported."""

READS = {"babel", "yaml", "pydantic", "pydantic_core", "typer", "click", "rich", "pygments", "difflib"}
MIGRATES = {"sqlalchemy", "greenlet", "alembic", "mako", "aiosqlite"}
OURS = {
    "proxy.cli",
    "proxy.policy.rules_schema",
    "proxy.policy.load",
    "proxy.process.read_files",
    "proxy.filter.inline_tests",
    "proxy.console.app",
    "proxy.process.console",
}
STOOD_IN_FOR = {
    "argparse",
    "bz2",
    "lzma",
    "email.policy",
    "http.client",
    "http.server",
    "typing_extensions",
    "urllib.request",
    "wsgiref.simple_server",
}
UNUSED = READS | MIGRATES | OURS | STOOD_IN_FOR | {"asyncpg"}
"""asyncpg: where the records are in SQLite."""


@pytest.fixture
def telling(tmp_path, monkeypatch):
    """Return how to ask processes, by their numbers, for the modules they have imported."""
    (tmp_path / "telling").mkdir()
    (tmp_path / "telling" / "sitecustomize.py").write_text(TELLS)
    wanted = tmp_path / "wanted"
    monkeypatch.setenv("TELL", str(wanted))

    async def ask(*processes):
        wanted.touch()
        told = [wanted.with_name(f"wanted-{process}") for process in processes]
        async with asyncio.timeout(20):
            while not all(path.exists() for path in told):
                await asyncio.sleep(0.05)
        return [set(json.loads(path.read_text())) for path in told]

    return ask


def carried(modules):
    """Return what is there of what nobody who serves needs."""
    return {name for name in modules if name in UNUSED or name.partition(".")[0] in UNUSED}


async def used(proxy, folder):
    """Have everything done that a site's visitors and its operator do."""
    assert (await proxy.ask("/")).status == 200
    choice = await proxy.ask(
        "/.consent/choice",
        "Sec-Fetch-Site: same-origin",
        "Content-Type: application/x-www-form-urlencoded",
        method="POST",
        body=b"choice=accept&return=/",
    )
    assert choice.status == 303
    cookie = choice.one(b"Set-Cookie").split(b";")[0].decode()
    assert (
        b"granted"
        in (await proxy.ask("/.consent/receipt", "Accept: application/json", f"Cookie: {cookie}")).body
    )
    for target in ("/.consent/", "/.consent/policy", "/nothing", "/"):
        await proxy.ask(target, f"Cookie: {cookie}")
    (folder / "rules.yaml").write_text(RULES + "\n# changed\n")
    proxy.tell(signal.SIGHUP)
    async with asyncio.timeout(40):
        while not proxy.records("policy_loaded"):
            await asyncio.sleep(0.05)
    (folder / "rules.yaml").write_text(RULES + "\noops: 1\n")
    proxy.tell(signal.SIGHUP)
    async with asyncio.timeout(40):
        while not proxy.records("policy_refused"):
            await asyncio.sleep(0.05)


async def test_a_process_that_serves_has_imported_nothing_that_only_reading_and_migrating_need(
    tmp_path, telling
):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(origin.url, tmp_path, beside=tmp_path / "telling") as proxy,
    ):
        await used(proxy, tmp_path)
        (modules,) = await telling(proxy.process.pid)

        assert "proxy.route.relay" in modules
        assert "proxy.process.supervisor" not in modules
        assert carried(modules) == set()


def test_a_worker_reads_the_command_lines_of_the_start_and_of_the_supervisor():
    assert worker_options(["c.yaml", "r.yaml", "--given", "3"]) == WorkerOptions(given=3)
    first = ["c.yaml", "r.yaml", "--say", "7", "--worker", "1", "--given", "3"]
    assert worker_options(first) == WorkerOptions(given=3, say=7, worker=1)
    assert worker_options([*first, "--again"]) == WorkerOptions(given=3, say=7, worker=1, again=True)


@pytest.mark.parametrize("rest", [[], ["--given"], ["--given", "x"], ["--other", "1", "--given", "3"]])
def test_a_worker_refuses_any_other_command_line(rest):
    with pytest.raises((TypeError, ValueError)):
        worker_options(["c.yaml", "r.yaml", *rest])


async def test_nor_have_workers_nor_whoever_looks_after_them(tmp_path, telling):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(origin.url, tmp_path, more="workers: 2", beside=tmp_path / "telling") as proxy,
    ):
        async with asyncio.timeout(40):
            while len(proxy.records("serving_started")) < 2:
                await asyncio.sleep(0.05)
        workers = [one["process"] for one in proxy.records("worker_started")]
        os.kill(workers[0], signal.SIGKILL)  # one that is started again reads the files anew
        async with asyncio.timeout(40):
            while len(proxy.records("serving_started")) < 3:
                await asyncio.sleep(0.05)
        await used(proxy, tmp_path)
        alive = [proxy.process.pid, *(one["process"] for one in proxy.records("worker_started")[1:])]

        supervisor, *workers = await telling(*alive)
        assert "proxy.process.supervisor" in supervisor
        for modules in (supervisor, *workers):
            assert "proxy.process.worker_channel" in modules
            assert carried(modules) - ({"argparse"} if modules is supervisor else set()) == set()
        assert not any("proxy.process.supervisor" in modules for modules in workers)
