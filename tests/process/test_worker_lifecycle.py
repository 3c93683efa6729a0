"""A worker serves until it is told to stop, says meanwhile how it is, and drains."""

import asyncio
import json
import os
import signal
import sys

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.errors import StartError
from proxy.policy.load import load_policy
from proxy.process.worker_channel import WorkerChannel
from proxy.process.worker_lifecycle import run_here, serve
from tests.ports import free_port
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, config_text, read_answer, request

POLICY = Policies.given(load_policy(RULES, catalogue=shipped_catalogue()))


@pytest.fixture
def served(tmp_path):
    """A worker that serves on a port of its own until `over`."""

    def begin(origin: str, **how):
        port = free_port()
        text = config_text(origin).replace("127.0.0.1:0", f"127.0.0.1:{port}")
        over = asyncio.Event()
        config = load_config(text, folder=tmp_path)
        return port, over, asyncio.ensure_future(serve(config, POLICY, until=over, **how))

    return begin


async def asked(port: int):
    async with asyncio.timeout(20):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.write(request())
            got = await read_answer(reader)
            writer.close()
            return got


async def test_it_serves_until_it_is_told_and_then_nobody_listens(served):
    async with Origin({b"/": html(PAGE)}) as origin:
        port, over, serving = served(origin.url)
        got = await asked(port)
        over.set()
        await serving

    assert got.status == 200
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_sigterm_is_that_word(served):
    async with Origin({b"/": html(PAGE)}) as origin:
        port, over, serving = served(origin.url)
        await asked(port)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serving, 20)

    assert over.is_set()


async def test_one_that_cannot_start_says_why(tmp_path):
    text = config_text("http://127.0.0.1:1", more="tls: { certificate: gone.pem, key: gone.pem }")

    with pytest.raises(StartError, match=r"gone\.pem"):
        await serve(load_config(text, folder=tmp_path), POLICY, until=asyncio.Event())


async def test_its_supervisor_hears_that_it_is_ready_and_that_it_stops(served, monkeypatch):
    reading, writing = os.pipe()
    lives, supervisor = os.pipe()
    monkeypatch.setattr("sys.stdin", os.fdopen(lives))
    async with Origin({b"/": html(PAGE)}) as origin:
        port, over, serving = served(origin.url, channel=WorkerChannel(writing), number=3, admin=False)
        await asked(port)
        over.set()
        await serving
    os.close(supervisor)
    os.close(writing)
    with os.fdopen(reading) as told:
        states = [json.loads(line) for line in told]
    while not sys.stdin.buffer.closed:  # its end is seen in the loop
        await asyncio.sleep(0.01)

    assert [state["ready"] for state in states][0 :: max(1, len(states) - 1)] == [True, False]


async def test_one_whose_supervisor_has_ended_ends_too(served, monkeypatch):
    reading, writing = os.pipe()
    lives, supervisor = os.pipe()
    monkeypatch.setattr("sys.stdin", os.fdopen(lives))
    async with Origin({b"/": html(PAGE)}) as origin:
        port, over, serving = served(origin.url, channel=WorkerChannel(writing), admin=False)
        await asked(port)
        os.close(supervisor)
        await asyncio.wait_for(serving, 20)

    assert not over.is_set()
    for one in (reading, writing):
        os.close(one)


def test_the_demo_runs_in_a_process_in_which_other_things_run(tmp_path):
    (tmp_path / "config.yaml").write_text("listen: x\n")
    (tmp_path / "rules.yaml").write_text(RULES)

    from proxy.errors import ConfigError

    with pytest.raises(ConfigError, match="listen is 'x'"):
        run_here(tmp_path / "config.yaml", tmp_path / "rules.yaml")
