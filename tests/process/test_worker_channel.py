"""What a worker tells its supervisor, and hears of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys

from proxy.process.worker_channel import WorkerChannel, on_signals, orphaned


def test_what_has_not_changed_is_not_said_again():
    reading, writing = os.pipe()
    channel = WorkerChannel(writing)
    for ready in (False, False, True, True):
        channel.report({"ready": ready})
    os.close(writing)

    with os.fdopen(reading) as told:
        assert [json.loads(line) for line in told] == [{"ready": False}, {"ready": True}]


def test_who_has_no_supervisor_or_one_that_ended_says_nothing():
    reading, writing = os.pipe()
    os.close(reading)

    WorkerChannel(None).report({"ready": True})
    WorkerChannel(writing).report({"ready": True})
    os.close(writing)


async def test_the_end_of_the_supervisor_is_the_end_of_standard_input(monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(reading) as lives:
        monkeypatch.setattr("sys.stdin", lives)
        waiting = asyncio.ensure_future(orphaned())
        os.write(writing, b"what is written there is read and says nothing")
        await asyncio.sleep(0.05)
        assert not waiting.done()

        os.close(writing)
        await asyncio.wait_for(waiting, 20)


async def test_term_and_int_stop_and_hup_reloads():
    heard: list[str] = []
    on_signals(lambda: heard.append("stop"), lambda: heard.append("reload"))
    try:
        async with asyncio.timeout(20):
            for said, number in enumerate((signal.SIGHUP, signal.SIGTERM, signal.SIGINT), 1):
                os.kill(os.getpid(), number)
                while len(heard) < said:
                    await asyncio.sleep(0.01)
    finally:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)

    assert heard == ["reload", "stop", "stop"]


HELD = """
import asyncio, os, signal
from proxy.process.worker_channel import hold_reloads, on_signals
hold_reloads()
os.kill(os.getpid(), signal.SIGHUP)

async def serve():
    reloaded = asyncio.Event()
    on_signals(print, reloaded.set)
    await asyncio.wait_for(reloaded.wait(), 20)
    print("reloaded")

asyncio.run(serve())
"""


def test_a_reload_that_is_asked_for_during_the_start_waits_for_its_handler():
    ended = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (0, "reloaded\n"), ended.stderr
