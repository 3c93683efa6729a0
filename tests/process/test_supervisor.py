"""Processes: one or several, signals, drains, a worker that dies, an upgrade beside the old."""

import asyncio
import os
import re
import signal
import sys

import asyncpg
import pytest

from proxy.records.migrations import VERSIONS
from tests.process.test_rules_tests import FAILING, LINE
from tests.records.conftest import postgres
from tests.support.origin import Origin, html
from tests.support.processes import START, running
from tests.support.proxying import PAGE, RULES

__all__ = ["postgres"]

pytestmark = pytest.mark.timeout(150)


async def until(check, seconds=40):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.05)


def slow_page(gate):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await gate.wait()
        writer.write(html(PAGE))

    return serve


async def test_sigterm_lets_the_request_in_flight_finish_and_ends_with_success(tmp_path):
    gate = asyncio.Event()
    async with Origin(serve=slow_page(gate)) as origin, running(origin.url, tmp_path) as proxy:
        asking = asyncio.ensure_future(proxy.ask("/"))
        await until(lambda: origin.connections)
        ending = asyncio.ensure_future(proxy.end())
        await asyncio.sleep(0.3)
        assert not asking.done()
        gate.set()

        assert (await asking).status == 200
        assert await ending == 0
        assert proxy.records("serving_stopped")[0]["cut"] == 0


async def test_sighup_reads_the_rules_again_and_a_fault_keeps_the_old(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, running(origin.url, tmp_path) as proxy:
        (tmp_path / "rules.yaml").write_text(RULES + "oops: 1\n")
        proxy.tell(signal.SIGHUP)
        await until(lambda: proxy.records("policy_refused"))
        got = await proxy.ask("/")
        doubts = (await proxy.admin_says("/readyz")).json["doubts"]
        (tmp_path / "rules.yaml").write_text(FAILING + "# edited\n")
        proxy.tell(signal.SIGHUP)
        await until(lambda: len(proxy.records("policy_refused")) >= 2)

    assert b'type="text/plain"' in got.body
    assert "oops" in doubts["rules"]


async def test_several_workers_share_a_port_reload_together_and_count_together(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(origin.url, tmp_path, more="workers: 2") as proxy,
    ):
        await until(lambda: len(proxy.records("serving_started")) == 2)
        for _ in range(20):
            assert (await proxy.ask("/")).status == 200
        (tmp_path / "rules.yaml").write_text(RULES.replace("version: 2026-11-01", "version: 2026-12-01"))
        proxy.tell(signal.SIGHUP)
        await until(lambda: len(proxy.records("policy_loaded")) >= 2)
        await asyncio.sleep(1.5)  # workers hand their figures over once a second
        figures = (await proxy.admin_says("/metrics")).body.decode()
        status = (await proxy.admin_says("/status")).json

        assert 'consent_proxy_requests_total{kind="document",site="callkom.io",status="2xx"} 20.0' in figures
        for line in (
            "ready 1.0",
            "workers_configured 2.0",
            "workers_alive 2.0",
            "workers_ready 2.0",
            "rules_refused 0.0",
        ):
            assert f"\nconsent_proxy_{line}\n" in figures
        assert {one["policy"]["version"] for one in status["workers"]} == {"2026-12-01"}
        assert await proxy.end() == 0


async def test_a_worker_that_dies_is_started_again(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(origin.url, tmp_path, more="workers: 2") as proxy,
    ):
        await until(lambda: len(proxy.records("serving_started")) == 2)
        victim = proxy.records("worker_started")[0]["process"]
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(proxy.records("serving_started")) == 3)

        assert proxy.records("worker_ended")[0]["status"] == -signal.SIGKILL
        assert (await proxy.ask("/")).status == 200


async def test_a_reload_ends_no_worker_that_is_starting_and_is_not_lost_on_it(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(origin.url, tmp_path, more="workers: 2") as proxy,
    ):
        await until(lambda: len(proxy.records("serving_started")) == 2)
        os.kill(proxy.records("worker_started")[0]["process"], signal.SIGKILL)
        await until(lambda: len(proxy.records("worker_started")) == 3)
        (tmp_path / "rules.yaml").write_text(RULES.replace("version: 2026-11-01", "version: 2026-12-01"))
        proxy.tell(signal.SIGHUP)
        await until(lambda: len(proxy.records("serving_started")) == 3)
        async with asyncio.timeout(40):
            while True:
                workers = (await proxy.admin_says("/status")).json["workers"]
                if [one.get("policy", {}).get("version") for one in workers] == ["2026-12-01"] * 2:
                    break
                await asyncio.sleep(0.05)

    assert [one["status"] for one in proxy.records("worker_ended")] == [-signal.SIGKILL]


async def test_rules_whose_tests_fail_start_on_demand_and_readyz_doubts_them(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(origin.url, tmp_path, more="workers: 2", rules=FAILING, tests=["warn"]) as proxy,
    ):
        doubts = (await proxy.admin_says("/readyz")).json["doubts"]
        (tmp_path / "rules.yaml").write_text(RULES)
        proxy.tell(signal.SIGHUP)
        await until(lambda: len(proxy.records("policy_loaded")) >= 2)
        async with asyncio.timeout(20):
            while "rules" in (await proxy.admin_says("/readyz")).json["doubts"]:
                await asyncio.sleep(0.05)

    assert f"rules.yaml:{LINE}:" in doubts["rules"]
    assert proxy.records("policy_doubted")[0]["level"] == "warning"


async def test_a_worker_started_again_beside_refused_files_serves_what_the_start_read(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(origin.url, tmp_path, more="workers: 2") as proxy,
    ):
        await until(lambda: len(proxy.records("serving_started")) == 2)
        (tmp_path / "rules.yaml").write_text(FAILING)
        await until(lambda: len(proxy.records("policy_refused")) == 2)
        os.kill(proxy.records("worker_started")[0]["process"], signal.SIGKILL)
        await until(lambda: len(proxy.records("serving_started")) == 3)
        got = await proxy.ask("/")
        doubted = proxy.records("policy_doubted")
        figures = (await proxy.admin_says("/metrics")).body.decode()

        assert "\nconsent_proxy_rules_refused 1.0\n" in figures
        assert b'type="text/plain"' in got.body
        assert f"rules.yaml:{LINE}:" in doubted[0]["why"]
        assert await proxy.end() == 0


async def test_workers_end_when_their_supervisor_is_gone(tmp_path):
    async with Origin() as origin, running(origin.url, tmp_path, more="workers: 2") as proxy:
        await until(lambda: len(proxy.records("serving_started")) == 2)
        workers = [one["process"] for one in proxy.records("worker_started")]
        proxy.process.kill()
        await until(lambda: not any(is_alive(pid) for pid in workers))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_worker_that_can_never_start_ends_it_all_with_a_sentence(tmp_path, postgres):
    url = await postgres.fresh()
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE TABLE {VERSIONS} AS SELECT '9999' AS version_num")
    await connection.close()
    (tmp_path / "config.yaml").write_text(
        f"listen: 127.0.0.1:0\nworkers: 2\nrecords: {url}\n"
        "sites: [{ hosts: a.io, upstream: 'http://127.0.0.1:1' }]\n"
    )
    (tmp_path / "rules.yaml").write_text(RULES)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, str(tmp_path / "config.yaml"), str(tmp_path / "rules.yaml"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, words = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 78
    assert b"it was written by a newer consent-proxy" in words


def test_workers_are_told_apart_in_no_label():
    from proxy.telemetry.metrics import _COUNTERS, _HISTOGRAMS

    assert not [
        name
        for _, labels in (*_COUNTERS.values(), *_HISTOGRAMS.values())
        for name in labels
        if re.search("worker|host|path|address|visitor", name)
    ]
