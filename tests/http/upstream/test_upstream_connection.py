"""One connection: memory stays flat whatever its size, buffered bytes outlive it, TLS keeps its promises."""

import asyncio
import resource
import ssl

import pytest
import trustme

from proxy.errors import UpstreamError
from proxy.http.upstream import pool, upstream_connection
from proxy.http.upstream.balancer import UpstreamRequest, Upstreams, default_tls
from tests.support.origin import CLOSE, HANG, Origin, chunked, ok, until

MEGABYTE = 1024 * 1024


def get(target: bytes = b"/", body=None, method: bytes = b"GET", *headers) -> UpstreamRequest:
    return UpstreamRequest(method, target, [(b"Host", b"a"), *headers], body)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def pouring(reader, writer):
    """Two hundred megabytes, as fast as they are taken."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 * MEGABYTE))
    piece = bytes(MEGABYTE)
    for _ in range(200):
        writer.write(piece)
        await writer.drain()
    await reader.read()


async def test_two_hundred_megabytes_down_take_constant_memory():
    async with Origin(serve=pouring) as origin:
        upstreams = Upstreams([origin.url])
        upstream_response = await upstreams.fetch(get())
        before, got = peak(), 0
        while piece := await upstream_response.read():
            got += len(piece)
            assert len(piece) < 2 * MEGABYTE
        await upstreams.close()

        assert got == 200 * MEGABYTE
        assert peak() - before < 30 * MEGABYTE


async def test_two_hundred_megabytes_up_take_constant_memory():
    got = 0

    async def drain(reader, writer):
        nonlocal got
        await reader.readuntil(b"\r\n\r\n")
        while got < 200 * MEGABYTE:
            got += len(await reader.read(MEGABYTE))
        writer.write(ok(b"thanks"))
        await reader.read()

    async def much():
        piece = bytes(256 * 1024)
        for _ in range(800):
            yield piece

    async with Origin(serve=drain) as origin:
        upstreams = Upstreams([origin.url])
        before = peak()
        upstream_response = await upstreams.fetch(
            get(b"/", much(), b"PUT", (b"Content-Length", b"%d" % (200 * MEGABYTE)))
        )
        assert await upstream_response.read() == b"thanks"
        await upstreams.close()

        assert got == 200 * MEGABYTE
        assert peak() - before < 30 * MEGABYTE


async def test_a_reader_that_stops_stops_the_upstream():
    async with Origin(serve=pouring) as origin:
        upstreams = Upstreams([origin.url])
        upstream_response = await upstreams.fetch(get())
        await asyncio.sleep(0.2)
        held = upstream_response.buffered
        await asyncio.sleep(0.2)

        assert upstream_response.buffered == held < 2 * MEGABYTE
        upstream_response.abort()
        await upstreams.close()


async def test_buffered_bytes_belong_to_the_reply_and_its_connection_serves_others_meanwhile():
    async with Origin({b"/slow": ok(b"s" * 300_000), b"/": ok(b"quick")}) as origin:
        upstreams = Upstreams([origin.url])
        slow = await upstreams.fetch(get(b"/slow"))
        first, complete = slow.arrived()
        while not complete:
            more, complete = await slow.read(), False
            first += more
            if not more:
                break
        later = [await upstreams.fetch(get()) for _ in range(3)]  # all replies unread until now

        assert len(first) == 300_000
        assert [await upstream_response.read() for upstream_response in later] == [b"quick"] * 3
        assert origin.connections == 1
        await upstreams.close()


async def test_a_reader_is_woken_once_for_all_that_came_in_one_read():
    async with Origin({b"/": [chunked(*[b"x"] * 500)]}) as origin:
        upstreams = Upstreams([origin.url])
        upstream_response = await upstreams.fetch(get())

        assert upstream_response.arrived() == (b"x" * 500, True)
        await upstreams.close()


async def test_an_upstream_that_ends_its_side_after_an_answer_is_not_asked_again():
    async with Origin({b"/": [ok(b"x"), CLOSE]}) as origin:
        upstreams = Upstreams([origin.url])
        for _ in range(3):
            assert await (await upstreams.fetch(get())).read() == b"x"
            await asyncio.sleep(0.02)

        assert origin.connections == 3
        assert len(origin.seen) == 3
        await upstreams.close()


async def test_garbage_is_502_and_ends_the_connection():
    async with Origin({b"/": [b"SSH-2.0-OpenSSH\r\n", HANG]}) as origin:
        upstreams = Upstreams([origin.url])
        with pytest.raises(UpstreamError, match=r"not HTTP/1\.1"):
            await upstreams.fetch(get())
        await until(lambda: origin.open == 0)
        await upstreams.close()


async def test_over_tls_bytes_nobody_asked_for_are_noticed_too():
    ca, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("a.test").configure_cert(server)
    tls = default_tls()
    ca.configure_trust(tls)
    async with Origin({b"/bait": [ok(b"bait"), 0.02, ok(b"POISON")], b"/": ok(b"x")}, tls=server) as origin:
        upstreams = Upstreams([origin.url], tls=tls, server_name="a.test")
        assert await (await upstreams.fetch(get(b"/bait"))).read() == b"bait"
        await asyncio.sleep(0.1)
        for _ in range(3):
            assert await (await upstreams.fetch(get())).read() == b"x"
        await upstreams.close()


async def test_a_connection_that_stalls_while_its_reader_waits_ends_by_the_sweep(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
    async with Origin({b"/": [half, HANG]}) as origin:
        upstreams = Upstreams([origin.url], timeouts=upstream_connection.UpstreamTimeouts(idle=0.1))
        upstream_response = await upstreams.fetch(get())
        assert upstream_response.arrived()[0] == b"hello"
        with pytest.raises(UpstreamError) as caught:
            await upstream_response.read()

        assert caught.value.status == 504
        await upstreams.close()
