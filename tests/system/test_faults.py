"""Faults on real sockets, through the whole product: what breaks behind us, who vanishes before us."""

import asyncio
import contextlib

import pytest

from proxy.http.upstream import pool
from tests.support.origin import CLOSE, HANG, RESET, Origin, html, ok, until
from tests.support.proxying import PAGE, proxying, read_answer, read_head, request

QUICK = "timeouts: { first_byte: 0.3, idle: 0.3, connect: 0.5, body: 0.3, write: 0.5, head: 0.5 }"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b\r\n\r\n"
LONG = b"Content-Length: 100000"


@pytest.fixture(autouse=True)
def _quick_sweep(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)


@pytest.mark.parametrize("kind", [b"text/html", b"image/png"])
@pytest.mark.parametrize("framing", [LONG, b"Transfer-Encoding: chunked"], ids=["length", "chunked"])
@pytest.mark.parametrize("end", [CLOSE, RESET, HANG], ids=["closed", "reset", "silent"])
async def test_an_upstream_that_fails_in_mid_answer_leaves_a_visibly_cut_one(tmp_path, kind, framing, end):
    piece = PAGE if framing == LONG else b"%x\r\n%b\r\n" % (len(PAGE), PAGE)
    steps = [HEAD % (kind, framing) + piece, 0.05, end]
    async with (
        Origin({b"/": steps, b"/next": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, more=QUICK) as proxy,
    ):
        got = await proxy.ask("/")

        assert got.status == 200
        assert not got.whole
        assert (await proxy.ask("/next")).whole


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ([CLOSE], 502),
        ([RESET], 502),
        ([b"SSH-2.0-OpenSSH\r\n", HANG], 502),
        ([b"\x15\x03\x01\x00\x02\x02\x28", CLOSE], 502),
        ([b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], 502),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"], 502),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"], 502),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\nContent-Length: 0\r\n\r\n"], 502),
        ([HANG], 504),
        ([step for n in range(200) for step in (b"HTTP/1.1 200 OK\r\nX-Drip: y\r\n"[n : n + 1] or b"a", 0.02)], 504),
    ],
    ids=["closed", "reset", "garbage", "tls", "half a head", "two lengths", "coding", "huge head", "silent", "dripping"],
)  # fmt: skip
async def test_an_upstream_without_a_proper_answer_is_our_own_page(tmp_path, answer, status):
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path, more=QUICK) as proxy:
        got = await proxy.ask("/")

        assert (got.status, got.whole) == (status, True)
        assert b'<a href="/.consent/?language=en">Manage my cookies</a>' in got.body
        assert not got.all(b"set-cookie")
        assert b'<script src="http' not in got.body
        assert proxy.records("upstream_failed")[0]["status"] == status


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([CLOSE], b"The site is not available just now."),
        ([RESET], b"The site is not available just now."),
        ([b"SSH-2.0-OpenSSH\r\n", HANG], b"The site sent an answer that cannot be shown safely."),
        ([HANG], b"The site takes too long to answer."),
    ],
    ids=["closed", "reset", "garbage", "silent"],
)
async def test_the_words_of_our_own_page_fit_what_the_upstream_did(tmp_path, answer, words):
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path, more=QUICK) as proxy:
        assert words in (await proxy.ask("/")).body


@pytest.mark.parametrize("late", [0.001, 0.02, 0.2, 0.5])
async def test_a_second_answer_nobody_asked_for_never_reaches_another_visitor(tmp_path, late):
    poison = html(b"<!doctype html><p>page of another visitor")
    answers = {b"/bait": [html(PAGE), late, poison], b"/next": html(PAGE)}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        assert (await proxy.ask("/bait")).status == 200
        await asyncio.sleep(late + 0.05)
        for _ in range(3):
            assert b"another visitor" not in (await proxy.ask("/next")).body


async def test_a_visitor_who_vanishes_frees_the_upstream_within_a_second(tmp_path):
    async with Origin({b"/": [HANG]}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        _, writer = await proxy.connect()
        writer.write(request("/"))
        await until(lambda: origin.seen)
        writer.transport.abort()
        await until(lambda: origin.open == 0, 1.0)


async def test_a_visitor_who_vanishes_in_mid_upload_leaves_no_whole_request(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        _, writer = await proxy.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: callkom.io\r\nContent-Length: 1000\r\n\r\nsome")
        await until(lambda: origin.seen)
        writer.transport.abort()
        await until(lambda: origin.open == 0, 1.0)

        assert not origin.seen[0].complete


async def test_a_malformed_upload_is_400_and_leaves_no_whole_request(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(
            b"POST / HTTP/1.1\r\nHost: callkom.io\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"
        )
        await until(lambda: origin.seen)
        writer.write(b"zz\r\n")
        got = await read_answer(reader)

        assert got.status == 400
        await until(lambda: origin.open == 0, 1.0)
        assert not origin.seen[0].complete


async def test_a_visitor_who_stops_uploading_is_408(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=QUICK) as proxy:
        reader, writer = await proxy.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: callkom.io\r\nContent-Length: 10\r\n\r\nsome")

        assert (await read_head(reader)).status == 408
        assert not origin.seen[0].complete


async def test_a_visitor_who_drips_a_head_is_cut_off(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=QUICK) as proxy:
        reader, writer = await proxy.connect()
        answer = b""
        with contextlib.suppress(ConnectionError):
            for byte in request("/" + "a" * 100):
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)
            async with asyncio.timeout(2):
                answer = await reader.read()

        assert answer == b""
        assert not origin.seen


@pytest.mark.parametrize("kind", [b"text/html", b"video/mp4"])
async def test_a_visitor_who_never_reads_is_given_up_and_the_upstream_freed(tmp_path, kind):
    async def pouring(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD % (kind, b"Transfer-Encoding: chunked"))
        piece = b"<p>" + b"words " * 10_000
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()

    async with Origin(serve=pouring) as origin, proxying(origin.url, folder=tmp_path, more=QUICK) as proxy:
        _, writer = await proxy.connect()
        writer.transport.pause_reading()
        writer.write(request("/"))
        await until(lambda: origin.open == 1)
        await until(lambda: origin.open == 0, 5.0)


async def test_an_upload_larger_than_allowed_is_413_and_never_whole_at_the_origin(tmp_path):
    async with (
        Origin() as origin,
        proxying(origin.url, folder=tmp_path, more="limits: { body: 1000 }") as proxy,
    ):
        declared = await proxy.ask("/", method="POST", body=b"x" * 1001)
        raw = (
            b"POST / HTTP/1.1\r\nHost: callkom.io\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        chunked = await proxy.ask(raw=raw + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", method="POST")
        fits = await proxy.ask("/", method="POST", body=b"x" * 1000)

        assert [declared.status, chunked.status, fits.status] == [413, 413, 200]
        assert [len(seen.body) for seen in origin.seen if seen.complete] == [1000]


async def test_the_next_upstream_answers_for_one_that_is_not_there(tmp_path):
    async with (
        Origin(otherwise=ok(b"here")) as origin,
        proxying("'http://127.0.0.1:9'", origin.url, folder=tmp_path) as proxy,
    ):
        for _ in range(5):
            got = await proxy.ask("/api", method="POST", body=b"x")
            assert (got.status, got.body) == (200, b"here")


async def test_a_websocket_through_the_whole_product(tmp_path):
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import serve

    def with_cookies(_connection, _request, answer):
        answer.headers["Set-Cookie"] = "_ga=1; Domain=callkom.io"
        answer.headers["Set-Cookie"] = "session=1"

    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async with serve(echo, "127.0.0.1", 0, process_response=with_cookies, max_size=2**24) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with proxying(url, folder=tmp_path) as proxy:
            async with connect(
                f"ws://callkom.io:{proxy.port}/", host="127.0.0.1", port=proxy.port, max_size=2**24
            ) as socket:
                await socket.send(b"x" * 5_000_000)
                assert await socket.recv() == b"x" * 5_000_000
                assert socket.response.headers.get_all("Set-Cookie") == ["session=1"]
