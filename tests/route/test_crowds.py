"""A crowd of slow visitors of one network does not take the site from everybody else."""

import asyncio
import socket

import pytest

from proxy.http.upstream import pool
from tests.support.origin import HANG, Origin, html, ok, until
from tests.support.proxying import proxying, read_answer, read_head, request

SMALL = (
    "trusted_proxies: 127.0.0.1\nlimits: { connections: 8 }\n"
    "timeouts: { queue: 300 ms, write: 500 ms, first_byte: 20 s }"
)
CROWD, VISITOR = "X-Forwarded-For: 203.0.113.%d", "X-Forwarded-For: 198.51.100.7"
PAGE = html(b"<!doctype html><title>A</title>")


@pytest.fixture(autouse=True)
def _quick_sweep(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)


async def send(proxy, target: str, number: int):
    reader, writer = await proxy.connect()
    writer.write(request(target, CROWD % number))
    return reader, writer


async def test_ten_hanging_polls_of_one_network_leave_the_site_to_the_others(tmp_path):
    answers = {b"/poll": [HANG], b"/": PAGE}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path, more=SMALL) as proxy:
        crowd = [await send(proxy, "/poll", number) for number in range(10)]
        await until(lambda: len(origin.seen) == 6)

        visits = [await proxy.ask("/", VISITOR) for _ in range(5)]
        assert [visit.status for visit in visits] == [200] * 5
        turned_away = [await read_answer(reader) for reader, _ in crowd[6:]]
        assert [got.status for got in turned_away] == [503] * 4
        assert (await proxy.ask("/", CROWD % 77)).status == 503
        await until(lambda: "consent_proxy_upstream_in_use 6.0" in proxy.figures())
        assert 'upstream_failures_total{site="callkom.io",status="503"} 5.0' in proxy.figures()


async def test_who_waits_in_line_is_counted_and_served_when_a_slot_is_free(tmp_path):
    more = SMALL.replace("300 ms", "20 s")
    answers = {b"/poll": [HANG], b"/": PAGE}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        crowd = [await send(proxy, "/poll", number) for number in range(6)]
        await until(lambda: len(origin.seen) == 6)
        reader, _ = await send(proxy, "/", 99)
        await until(lambda: "consent_proxy_upstream_waiting 1.0" in proxy.figures())
        crowd[0][1].close()

        assert (await read_answer(reader)).status == 200
        await until(lambda: "consent_proxy_upstream_waiting 0.0" in proxy.figures())


async def test_where_all_come_from_one_private_address_every_connection_is_used(tmp_path):
    more = SMALL.replace("trusted_proxies: 127.0.0.1", "trusted_proxies: 192.0.2.1")
    async with (
        Origin({b"/poll": [HANG]}) as origin,
        proxying(origin.url, folder=tmp_path, more=more) as proxy,
    ):
        for number in range(10):
            await send(proxy, "/poll", number)

        await until(lambda: len(origin.seen) == 8)


LARGE = ok(bytes(64) * 500_000, b"Content-Type: application/octet-stream")


async def slow_reader(proxy, number: int) -> socket.socket:
    """Somebody who asks for 32 MB and can take next to nothing at once."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", proxy.port))
    await loop.sock_sendall(sock, request("/large", CROWD % number))
    return sock


async def test_ten_readers_who_read_nothing_leave_the_site_to_the_others_and_are_let_go(tmp_path):
    answers = {b"/large": LARGE, b"/": PAGE}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path, more=SMALL) as proxy:
        crowd = [await slow_reader(proxy, number) for number in range(10)]
        await until(lambda: len(origin.seen) >= 6)

        assert (await proxy.ask("/", VISITOR)).status == 200
        async with asyncio.timeout(20):
            while (await proxy.ask("/", CROWD % 77)).status != 200:  # turned away until they are let go
                await asyncio.sleep(0.05)
        for sock in crowd:
            sock.close()


async def trickle(sock: socket.socket, pieces: int) -> int:
    """Take some bytes now and then; return how often that went well."""
    loop, taken = asyncio.get_running_loop(), 0
    try:
        for _ in range(pieces):
            if not await loop.sock_recv(sock, 2048):
                break
            taken += 1
            await asyncio.sleep(0.1)
    except ConnectionError:
        pass
    return taken


@pytest.mark.parametrize(("slowest", "kept"), [("10 MB", False), ("10 B", True)])
async def test_a_reader_below_the_minimal_rate_is_let_go(tmp_path, slowest, kept):
    more = SMALL.replace("connections: 8", f"connections: 8, slowest: {slowest}")
    async with (
        Origin({b"/large": LARGE}) as origin,
        proxying(origin.url, folder=tmp_path, more=more) as proxy,
    ):
        sock = await slow_reader(proxy, 1)
        taken = await trickle(sock, 40)

        assert (taken == 40) is kept
        sock.close()


async def test_a_poll_that_is_answered_late_is_answered(tmp_path):
    async with (
        Origin({b"/poll": [0.4, ok(b"news")]}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(request("/poll"))

        assert (await read_head(reader)).status == 200
        assert proxy.server.config.timeouts.first_byte == 90
