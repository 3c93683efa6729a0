"""kill -9 at random moments: every acceptance that a visitor saw has its record."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from proxy.records.store import RecordStore
from tests.records.answers import KEY

ROOT = Path(__file__).resolve().parents[2]


async def one_round(url: str, lives: float, clerks: int) -> list[str]:
    """Let some processes record for a while, kill them, and return what they had answered."""
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.records.clerk",
            url,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(clerks)
    ]
    for clerk in running:
        assert (await clerk.stdout.readline()) == b"open\n"
    await asyncio.sleep(lives)
    for clerk in running:
        clerk.kill()
    said = [await clerk.stdout.read() for clerk in running]
    for clerk in running:
        await clerk.wait()
    # A line that the kill cut in two was answered to nobody.
    return [
        line for lines in said for line in lines.decode().splitlines(keepends=True) if line.endswith("\n")
    ]


async def rounds(url: str, count: int, clerks: int, seed: int) -> None:
    chance = random.Random(seed)
    answered: set[str] = set()
    for number in range(count):
        answered |= {line.strip() for line in await one_round(url, chance.uniform(0.05, 0.8), clerks)}
        store = await RecordStore.open(url, keys=[KEY])
        try:
            there = {record.id async for record in store.every()}
            found = await store.verify()
        finally:
            await store.close()
        assert answered <= there, f"round {number} lost {len(answered - there)} of {len(answered)}"
        assert found.faults == [], f"round {number}"
    assert len(answered) > count


async def test_a_killed_proxy_has_answered_nothing_that_it_did_not_record(url):
    await rounds(url, 3, 2, seed=1)


@pytest.mark.load
@pytest.mark.timeout(900)
async def test_fifty_killed_proxies_have_answered_nothing_that_they_did_not_record(url):
    await rounds(url, 50, 2, seed=2)
