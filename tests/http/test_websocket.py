"""WebSockets through the tunnel, with strangers at both ends: `websockets` and aiohttp."""

import asyncio
import contextlib
from contextlib import asynccontextmanager

import aiohttp
import pytest
import websockets
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from proxy.http.server import RequestLimits
from proxy.http.upstream import upstream_connection
from tests.support.origin import HANG, Origin, ok, until
from tests.support.thin import relaying
from tests.support.visitor import get, status


@asynccontextmanager
async def echoing(**options):
    async def echo(socket):
        async for message in socket:
            if message == "bye":
                await socket.close(4001, "good bye")
                return
            await socket.send(message)

    async with serve(echo, "127.0.0.1", 0, max_size=2**26, **options) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_text_binary_and_big_messages_pass_both_ways():
    async with (
        echoing() as url,
        relaying(url) as here,
        connect(f"ws://127.0.0.1:{here.port}/", max_size=2**26) as socket,
    ):
        for message in ("h\u00e9llo", b"\0\xff", "", b"x" * 200, "y" * 70_000, b"z" * 10_000_000):
            await socket.send(message)
            assert await socket.recv() == message
        await (await socket.ping(b"alive"))

    assert not here.errors


async def test_the_close_code_and_its_reason_come_through():
    async with echoing() as url, relaying(url) as here:
        async with connect(f"ws://127.0.0.1:{here.port}/") as socket:
            await socket.send("bye")
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()

            assert (socket.close_code, socket.close_reason) == (4001, "good bye")
        await until(lambda: here.upstreams.snapshot()[0].connections == 0)


async def test_the_subprotocol_is_agreed_between_the_two_ends():
    async with echoing(subprotocols=["chat.v2"]) as url, relaying(url) as here:
        async with connect(f"ws://127.0.0.1:{here.port}/", subprotocols=["chat.v1", "chat.v2"]) as socket:
            assert socket.subprotocol == "chat.v2"


async def test_aiohttp_at_both_ends_with_compression_of_their_own():
    async def handler(request):
        socket = web.WebSocketResponse(compress=True, max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data[::-1])
        return socket

    app = web.Application()
    app.router.add_get("/ws", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        async with relaying(f"http://127.0.0.1:{port}") as here, aiohttp.ClientSession() as session:
            async with session.ws_connect(f"http://127.0.0.1:{here.port}/ws", compress=15) as socket:
                assert socket.compress == 15
                await socket.send_str("abc" * 1000)
                assert await socket.receive_str() == "cba" * 1000
                await socket.close(code=4002)
    finally:
        await runner.cleanup()


async def test_what_the_upstream_sets_in_its_101_is_shown_only_as_far_as_it_may_be():
    def response(_connection, _request, answer):
        answer.headers["Set-Cookie"] = "_ga=1"
        answer.headers["X-Ok"] = "yes"

    def visible(headers):
        return [pair for pair in headers if pair[0].lower() != b"set-cookie"]

    async with echoing(process_response=response) as url, relaying(url, visible) as here:
        async with connect(f"ws://127.0.0.1:{here.port}/") as socket:
            assert "Set-Cookie" not in socket.response.headers
            assert socket.response.headers["X-Ok"] == "yes"


async def test_a_visitor_who_vanishes_frees_the_upstream():
    async with echoing() as url, relaying(url) as here:
        socket = await connect(f"ws://127.0.0.1:{here.port}/")
        await socket.send("x")
        await socket.recv()
        socket.transport.abort()
        await until(lambda: here.upstreams.snapshot()[0].connections == 0, 2)


async def test_an_upstream_that_vanishes_ends_the_visitors_connection():
    held = []

    async def hold(socket):
        held.append(socket)
        await socket.wait_closed()

    async with serve(hold, "127.0.0.1", 0) as server:
        async with relaying(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as here:
            async with connect(f"ws://127.0.0.1:{here.port}/") as socket:
                await until(lambda: held)
                held[0].transport.abort()
                async with asyncio.timeout(2):
                    await socket.wait_closed()
                assert socket.close_code == 1006


async def test_a_slow_visitor_and_a_slow_upstream_hold_little_memory():
    async def flood(socket):
        try:
            while True:
                await socket.send(b"x" * 100_000)
        except websockets.ConnectionClosed:
            pass

    async with serve(flood, "127.0.0.1", 0, compression=None) as server:
        async with relaying(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as here:
            reader, writer = await here.connect(limit=1000)
            writer.write(get(b"/", *HANDSHAKE))
            await asyncio.sleep(0.5)
            carrying = next(iter(here.upstreams._pools[0]._long_lived))
            assert carrying._reading_paused
            writer.close()
            await asyncio.sleep(0.05)
            del reader


async def test_an_upstream_that_does_not_read_makes_the_visitor_wait():
    async def deaf(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Upgrade: websocket" in head
        writer.write(SWITCH)
        await asyncio.sleep(3)

    async with Origin(serve=deaf) as origin, relaying(origin.url) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", *HANDSHAKE))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        sent = 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    writer.write(bytes(100_000))
                    await writer.drain()
                    sent += 100_000
        assert sent < 30_000_000
        writer.transport.abort()


async def test_a_tunnel_whose_visitor_left_ends_though_its_upstream_never_reads(monkeypatch):
    monkeypatch.setattr(upstream_connection, "LINGER", 0.2)

    async def deaf(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCH)
        writer.transport.pause_reading()
        await asyncio.sleep(20)

    impatient = RequestLimits(idle_write=0.2)
    async with Origin(serve=deaf) as origin, relaying(origin.url, allowance=impatient) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", *HANDSHAKE))
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.5):
                while True:
                    writer.write(bytes(100_000))
                    await writer.drain()
        writer.transport.abort()

        await until(lambda: here.upstreams.snapshot()[0].connections == 0)


HANDSHAKE = (
    b"Upgrade: websocket",
    b"Connection: keep-alive, Upgrade",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


async def test_bytes_sent_before_the_switch_wait_for_it_and_the_rest_of_its_read_is_delivered():
    async with Origin({b"/": [0.1, SWITCH + b"first", HANG]}) as origin, relaying(origin.url) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", *HANDSHAKE) + b"early")
        answer = await reader.readuntil(b"first")

        assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"Connection: Upgrade" in answer
        writer.close()


@pytest.mark.parametrize(
    "fields",
    [
        HANDSHAKE[1:],
        (HANDSHAKE[0], *HANDSHAKE[2:]),
        HANDSHAKE[:3],
        (*HANDSHAKE, HANDSHAKE[3]),
        (b"Upgrade: h2c", *HANDSHAKE[1:]),
    ],
    ids=["no upgrade", "no connection", "no key", "two keys", "h2c"],
)
async def test_what_is_no_handshake_is_an_ordinary_request(fields):
    async with Origin(otherwise=ok(b"page")) as origin, relaying(origin.url) as here:
        answer = await here.ask(get(b"/", *fields)[:-2] + b"X: y\r\n\r\n", until_closed=False)

        assert status(answer) in {200, 400}
        assert all(not seen.get(b"upgrade") for seen in origin.seen)


async def test_a_refused_handshake_leaves_no_tunnel():
    refusal = ok(b"no", b"Sec-WebSocket-Version: 13", status=b"426 Upgrade Required")
    async with Origin(otherwise=refusal) as origin, relaying(origin.url) as here:
        answer = await here.ask(get(b"/", *HANDSHAKE), 0.05, b"\0RAW\r\n\r\n", until_closed=False)

        assert status(answer) == 426
        assert len(origin.seen) == 1


@pytest.mark.parametrize(
    "switch",
    [
        SWITCH.replace(b"s3pP", b"xxxx"),
        SWITCH.replace(b"Sec-WebSocket-Accept", b"X"),
        SWITCH.replace(b"Connection: Upgrade\r\n", b""),
    ],
)
async def test_a_switch_that_is_not_proven_is_502(switch):
    async with Origin({b"/": [switch, HANG]}) as origin, relaying(origin.url) as here:
        assert status(await here.ask(get(b"/", *HANDSHAKE), until_closed=False)) == 502


async def test_an_open_websocket_does_not_hold_up_the_end_of_the_program():
    async with echoing() as url, relaying(url) as here, connect(f"ws://127.0.0.1:{here.port}/") as socket:
        await socket.send("x")
        await socket.recv()
        began = asyncio.get_running_loop().time()
        assert await here.http_server.drain(5) == 0
        assert asyncio.get_running_loop().time() - began < 3
