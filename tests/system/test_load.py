"""Long and heavy: bodies of any size in flat memory, reloads and signals under load."""

import asyncio
import functools
import gzip
import signal

import pytest

from tests.ports import free_port
from tests.support.origin import Origin, html
from tests.support.processes import keep_asking, running
from tests.support.proxying import PAGE, RULES, read_answer, read_head, request

pytestmark = [pytest.mark.load, pytest.mark.timeout(400)]

MB = 1_000_000
PIECE = b"x" * 100_000


def memory(pid, what="VmHWM"):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(what))


def big(kind, megabytes):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: %d\r\n\r\n" % (megabytes * MB)
        )
        for _ in range(megabytes * MB // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()

    return serve


@pytest.mark.parametrize("kind", [b"application/octet-stream", b"text/html"])
async def test_200_mb_pass_in_flat_memory(tmp_path, kind):
    async with Origin(serve=big(kind, 200)) as origin, running(origin.url, tmp_path) as proxy:
        before = memory(proxy.process.pid, "VmRSS")
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=2**20)
        writer.write(request("/", "Connection: close"))
        await read_head(reader)
        size = 0
        while piece := await reader.read(2**20):
            size += len(piece)
        writer.close()
        grown = memory(proxy.process.pid) - before
        print(f"{kind.decode()}: {size} bytes, {before // MB} MB before, {grown // MB} MB more at the peak")

    assert size >= 200 * MB
    assert grown < 24 * MB


async def test_an_upload_of_200_mb_passes_in_flat_memory(tmp_path):
    async def count(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(
            next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")).split(
                b":"
            )[1]
        )
        while size:
            size -= len(await reader.read(min(size, 2**20)))
        writer.write(html(b"all here"))

    async with Origin(serve=count) as origin, running(origin.url, tmp_path) as proxy:
        before = memory(proxy.process.pid, "VmRSS")
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: callkom.io\r\nContent-Length: %d\r\n\r\n" % (200 * MB))
        for _ in range(200 * MB // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()
        got = await read_answer(reader)
        writer.close()
        grown = memory(proxy.process.pid) - before

    assert got.status == 200
    assert grown < 24 * MB


async def test_what_strangers_send_at_length_stays_with_nobody(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, running(origin.url, tmp_path) as proxy:

        async def send(numbers):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=2**20)
            for number in numbers:
                long = f"{number:08d}" + "x" * 14_000
                writer.write(
                    request(
                        "/", f"Cookie: consent_callkom={long}; {long}=1", f"Accept-Language: {long}",
                        f"Accept-Encoding: {long}", f"X-{number:08d}-{long[:200]}: 1", f"Referer: {long}",
                    )
                )  # fmt: skip
                assert (await read_answer(reader)).status == 200
            writer.close()

        await send(range(50))
        before = memory(proxy.process.pid, "VmRSS")
        await asyncio.gather(*(send(range(start, start + 400)) for start in range(1000, 3000, 400)))
        grown = memory(proxy.process.pid, "VmRSS") - before
        print(f"2,000 heads of 84 kB: {grown // MB} MB more")

    assert grown < 24 * MB


async def test_a_visitor_who_stops_reading_costs_little(tmp_path):
    async with Origin(serve=big(b"video/mp4", 200)) as origin, running(origin.url, tmp_path) as proxy:
        before = memory(proxy.process.pid, "VmRSS")
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=2**16)
        writer.write(request("/"))
        await read_head(reader)
        await asyncio.sleep(3)
        grown = memory(proxy.process.pid) - before
        writer.transport.abort()

    assert grown < 12 * MB


@pytest.mark.parametrize("workers", [1, 2])
async def test_reloads_and_an_upgrade_under_load_fail_no_request(tmp_path, workers):
    """Of 20,000, compressed ones: each page is decoded, filtered and compressed again."""
    more = f"workers: {workers}\nlog: {{ requests: no }}"
    async with Origin({b"/": html(gzip.compress(PAGE), b"Content-Encoding: gzip")}) as origin:
        (tmp_path / "new").mkdir()
        async with running(origin.url, tmp_path, more=more) as old:
            failures, answers, over = [], [0], asyncio.Event()
            asks = functools.partial(keep_asking, old.port, over, answers, failures, coding=b"gzip")
            load = [asyncio.ensure_future(asks("Accept-Encoding: gzip")) for _ in range(16)]
            for number in range(10):
                (tmp_path / "rules.yaml").write_text(RULES.replace("2026-11-01", f"2026-11-{number + 1:02}"))
                old.tell(signal.SIGHUP)
                await asyncio.sleep(0.5)
            async with running(origin.url, tmp_path / "new", more=more, ports=(old.port, free_port())):
                assert await old.end() == 0
                while answers[0] < 20_000 and not failures:
                    await asyncio.sleep(0.5)
                over.set()
                await asyncio.gather(*load)

    assert failures == []
    print(f"{answers[0]} requests, {len(failures)} failures")
