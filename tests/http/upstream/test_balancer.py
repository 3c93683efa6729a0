"""Fetching from real sockets: framing, retries, uploads, silence, and the answer nobody asked for."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest
import trustme

from proxy.errors import BadRequest, UpstreamError
from proxy.http.upstream import pool
from proxy.http.upstream.balancer import (
    UpstreamRequest,
    Upstreams,
    UpstreamTimeouts,
    default_tls,
)
from tests.support.origin import CLOSE, HANG, RESET, Origin, chunked, ok, until


@pytest.fixture(autouse=True)
def _quick_sweep(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)


@asynccontextmanager
async def reaching(*origins, **options):
    upstreams = Upstreams([o if isinstance(o, str) else o.url for o in origins], **options)
    try:
        yield upstreams
    finally:
        await upstreams.close()


def get(target: bytes = b"/", *headers: tuple[bytes, bytes], method: bytes = b"GET", body=None, **more):
    return UpstreamRequest(method, target, [(b"Host", b"a.test"), *headers], body, **more)


async def whole(upstream_response) -> bytes:
    body = b""
    while piece := await upstream_response.read():
        body += piece
    return body


async def page(upstreams, *args, **more) -> bytes:
    return await whole(await upstreams.fetch(get(*args, **more)))


async def test_an_answer_arrives_whole_and_its_connection_is_used_again():
    async with (
        Origin({b"/": ok(b"hello"), b"/c": chunked(b"he", b"llo")}) as origin,
        reaching(origin) as upstreams,
    ):
        for target in (b"/", b"/c", b"/", b"/c"):
            assert await page(upstreams, target) == b"hello"

        assert origin.connections == 1


async def test_what_has_arrived_is_there_without_waiting():
    steps = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", HANG]
    async with Origin({b"/": steps, b"/all": ok(b"whole")}) as origin, reaching(origin) as upstreams:
        upstream_response = await upstreams.fetch(get())
        assert upstream_response.arrived() == (b"hello", False)
        upstream_response.abort()

        assert (await upstreams.fetch(get(b"/all"))).arrived() == (b"whole", True)


async def test_an_answer_to_head_has_no_body_whatever_its_length_says():
    async with Origin() as origin, reaching(origin) as upstreams:
        for _ in range(3):
            upstream_response = await upstreams.fetch(get(method=b"HEAD"))
            assert upstream_response.arrived() == (b"", True)
            assert dict(upstream_response.headers)[b"Content-Length"] != b"0"
        assert b'"connection": 1' in await page(upstreams)


async def test_a_body_that_lasts_until_the_end_is_whole_only_after_a_clean_end():
    head = b"HTTP/1.1 200 OK\r\n\r\nhello"
    async with (
        Origin({b"/": [head, CLOSE], b"/reset": [head, 0.05, RESET]}) as origin,
        reaching(origin) as upstreams,
    ):
        assert await page(upstreams) == b"hello"
        with pytest.raises(UpstreamError, match="mid-response"):
            await page(upstreams, b"/reset")


@pytest.mark.parametrize(
    "cut",
    [b"Content-Length: 10\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"Content-Le"],
)
@pytest.mark.parametrize("end", [CLOSE, RESET])
async def test_a_cut_answer_is_never_taken_for_a_whole_one(cut, end):
    async with (
        Origin({b"/": [b"HTTP/1.1 200 OK\r\n" + cut, 0.02, end]}) as origin,
        reaching(origin) as upstreams,
    ):
        with pytest.raises(UpstreamError) as caught:
            await page(upstreams)

        assert caught.value.status == 502


# -- the answer nobody asked for --------------------------------------------------------------------------

POISON = ok(b"POISON of another visitor")


@pytest.mark.parametrize("late", [0.001, 0.005, 0.02, 0.1, 0.3, 0.5])
async def test_a_second_answer_that_comes_late_never_reaches_the_next_request(late):
    answers = {b"/bait": [ok(b"bait"), late, POISON], b"/next": ok(b"next"), b"/after": ok(b"after")}
    async with Origin(answers) as origin, reaching(origin) as upstreams:
        assert await page(upstreams, b"/bait") == b"bait"
        await asyncio.sleep(late + 0.05)

        assert await page(upstreams, b"/next") == b"next"
        assert await page(upstreams, b"/after") == b"after"
        assert origin.connections == 2


async def test_bytes_that_wait_unread_at_checkout_spoil_a_connection():
    """Released, poisoned and wanted again before the loop has read the poison."""
    async with (
        Origin({b"/bait": ok(b"bait"), b"/next": ok(b"next")}) as origin,
        reaching(origin) as upstreams,
    ):
        assert await page(upstreams, b"/bait") == b"bait"
        writer = origin.seen[0].writer
        writer.get_extra_info("socket")._sock.send(POISON)  # now in our socket, and no loop has run

        assert await page(upstreams, b"/next") == b"next"
        assert origin.connections == 2


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_bytes_behind_an_answer_in_the_same_read_spoil_its_connection(method):
    first = ok(b"") if method == b"HEAD" else ok(b"bait")
    async with (
        Origin({b"/bait": first + POISON, b"/next": ok(b"next")}) as origin,
        reaching(origin) as upstreams,
    ):
        assert b"POISON" not in await page(upstreams, b"/bait", method=method)

        assert await page(upstreams, b"/next") == b"next"
        assert origin.connections == 2


async def test_a_connection_with_an_unread_body_is_not_used_again():
    steps = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", 0.05, b"world"]
    async with Origin({b"/": steps, b"/next": ok(b"next")}) as origin, reaching(origin) as upstreams:
        upstream_response = await upstreams.fetch(get())
        upstream_response.abort()

        assert await page(upstreams, b"/next") == b"next"
        assert origin.connections == 2


# -- retries ----------------------------------------------------------------------------------------------


def dies_on_reuse(seen):
    return ok(b"first") if seen.target == b"/first" else ([CLOSE] if seen.connection == 1 else ok(b"second"))


@pytest.mark.parametrize("method", [b"GET", b"OPTIONS"])
async def test_a_reused_connection_that_died_unheard_is_replaced_once_for_what_can_be_repeated(method):
    async with Origin(otherwise=dies_on_reuse) as origin, reaching(origin) as upstreams:
        assert await page(upstreams, b"/first") == b"first"

        assert await page(upstreams, b"/x", method=method) == b"second"
        assert len(origin.seen) == 3


@pytest.mark.parametrize(
    ("method", "body"), [(b"POST", None), (b"POST", b"a"), (b"PATCH", None), (b"PUT", b"a"), (b"GET", b"a")]
)
async def test_what_cannot_be_repeated_is_never_sent_twice(method, body):
    async with Origin(otherwise=dies_on_reuse) as origin, reaching(origin) as upstreams:
        assert await page(upstreams, b"/first") == b"first"
        with pytest.raises(UpstreamError):
            await page(upstreams, b"/x", method=method, body=body)

        assert [seen.target for seen in origin.seen] == [b"/first", b"/x"]


async def test_a_fresh_connection_that_died_is_no_reason_to_try_again():
    async with Origin(otherwise=[CLOSE]) as origin, reaching(origin) as upstreams:
        with pytest.raises(UpstreamError):
            await page(upstreams)

        assert len(origin.seen) == 1


async def test_nothing_is_repeated_once_a_byte_of_an_answer_came():
    async with (
        Origin(
            otherwise=lambda seen: ok(b"first") if seen.target == b"/first" else [b"H", 0.02, CLOSE]
        ) as origin,
        reaching(origin) as upstreams,
    ):
        await page(upstreams, b"/first")
        with pytest.raises(UpstreamError):
            await page(upstreams, b"/x")

        assert len(origin.seen) == 2


async def test_a_request_that_cannot_be_repeated_gets_a_connection_that_is_hardly_idle(monkeypatch):
    monkeypatch.setattr(pool, "YOUNG", 0.05)
    async with Origin() as origin, reaching(origin) as upstreams:
        await page(upstreams)
        await asyncio.sleep(0.1)
        assert b'"connection": 2' in await page(upstreams, method=b"POST", body=b"x")
        assert b'"connection": 2' in await page(upstreams, method=b"POST", body=b"x")
        assert origin.connections == 2


# -- several upstreams ------------------------------------------------------------------------------------


async def test_an_upstream_that_refuses_connections_is_passed_over_for_any_request():
    async with Origin(otherwise=ok(b"here")) as origin, reaching("http://127.0.0.1:9", origin) as upstreams:
        for _ in range(4):
            assert await page(upstreams, method=b"POST", body=b"x") == b"here"

        down, up = upstreams.snapshot()
        assert (down.up, up.up) in {(True, True), (False, True)}


async def test_after_three_failures_in_a_row_an_upstream_rests():
    async with Origin(otherwise=ok(b"here")) as origin, reaching("http://127.0.0.1:9", origin) as upstreams:
        for _ in range(12):
            await page(upstreams)
        down = upstreams.snapshot()[0]

        assert not down.up
        assert "127.0.0.1:9" in down.why


async def test_when_all_are_down_all_are_tried():
    async with Origin(otherwise=ok(b"here")) as origin, reaching(origin, origin) as upstreams:
        for one in upstreams._pools:
            for _ in range(3):
                one.health.failed(asyncio.get_running_loop().time(), "ill")

        assert not upstreams.is_up()
        assert await page(upstreams) == b"here"
        assert upstreams.is_up()


async def test_nobody_there_is_502_and_says_where():
    async with reaching("http://127.0.0.1:9") as upstreams:
        with pytest.raises(UpstreamError, match=r"http://127\.0\.0\.1:9") as caught:
            await page(upstreams)

        assert caught.value.status == 502


# -- time -------------------------------------------------------------------------------------------------


async def test_an_answer_that_does_not_come_in_time_is_504():
    async with (
        Origin({b"/": [HANG]}) as origin,
        reaching(origin, timeouts=UpstreamTimeouts(first_byte=0.1)) as upstreams,
    ):
        with pytest.raises(UpstreamError) as caught:
            await page(upstreams)

        assert caught.value.status == 504
        await until(lambda: origin.open == 0)


async def test_a_dripping_head_does_not_move_its_deadline():
    drip = [step for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 99 for step in (bytes([byte]), 0.03)]
    async with (
        Origin({b"/": drip}) as origin,
        reaching(origin, timeouts=UpstreamTimeouts(first_byte=0.3)) as upstreams,
    ):
        with pytest.raises(UpstreamError) as caught:
            async with asyncio.timeout(2):
                await page(upstreams)

        assert caught.value.status == 504


async def test_a_request_may_wait_longer_than_others():
    async with (
        Origin({b"/": [0.3, ok(b"late")]}) as origin,
        reaching(origin, timeouts=UpstreamTimeouts(first_byte=0.1)) as upstreams,
    ):
        assert await page(upstreams, first_byte=5.0) == b"late"


async def test_a_body_that_falls_silent_is_an_error_but_an_event_stream_may():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
    end = [0.4, b"0\r\n\r\n"]
    answers = {b"/page": [head % b"text/html", *end], b"/sse": [head % b"text/event-stream", *end]}
    async with Origin(answers) as origin, reaching(origin, timeouts=UpstreamTimeouts(idle=0.15)) as upstreams:
        assert await page(upstreams, b"/sse") == b"hi"
        with pytest.raises(UpstreamError):
            await page(upstreams, b"/page")


async def test_a_visitor_who_reads_slowly_is_not_the_upstreams_fault():
    async with (
        Origin({b"/": ok(b"a" * 2_000_000)}) as origin,
        reaching(origin, timeouts=UpstreamTimeouts(idle=0.1)) as upstreams,
    ):
        upstream_response = await upstreams.fetch(get())
        await asyncio.sleep(0.4)
        assert upstream_response.buffered < 1_000_000
        assert len(await whole(upstream_response)) == 2_000_000


async def test_each_event_is_here_before_the_next_one_is_sent():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    async with (
        Origin({b"/": [head, b"data: 1\n\n", 0.1, b"data: 2\n\n", 0.1, CLOSE]}) as origin,
        reaching(origin) as upstreams,
    ):
        upstream_response = await upstreams.fetch(get())
        first = upstream_response.arrived()[0] or await upstream_response.read()
        assert first == b"data: 1\n\n"
        assert await upstream_response.read() == b"data: 2\n\n"
        assert await upstream_response.read() == b""


async def test_giving_up_on_a_request_closes_its_connection_at_once():
    async with Origin({b"/": [HANG]}) as origin, reaching(origin) as upstreams:
        task = asyncio.create_task(page(upstreams))
        await until(lambda: origin.seen)
        task.cancel()
        await until(lambda: origin.open == 0, 1.0)
        assert upstreams.snapshot()[0].connections == 0


# -- TLS --------------------------------------------------------------------------------------------------


def certified(name: str) -> tuple[trustme.CA, ssl.SSLContext]:
    ca = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(server)
    return ca, server


async def test_tls_is_verified_against_our_own_ca_and_the_name_we_were_told(tmp_path):
    ca, server = certified("shop.internal")
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = default_tls(str(tmp_path / "ca.pem"))
    async with Origin(otherwise=ok(b"safe"), tls=server) as origin:
        async with reaching(origin, tls=tls, server_name="shop.internal") as upstreams:
            assert await page(upstreams) == b"safe"
        for wrong in (
            {"tls": tls, "server_name": "other.internal"},
            {"tls": tls},
            {"server_name": "shop.internal"},
        ):
            async with reaching(origin, **wrong) as upstreams:
                with pytest.raises(UpstreamError, match="certificate"):
                    await page(upstreams)


# -- uploads ----------------------------------------------------------------------------------------------


async def slowly(*pieces: bytes, pause: float = 0.01):
    for piece in pieces:
        await asyncio.sleep(pause)
        yield piece


@pytest.mark.parametrize("headers", [(), ((b"Content-Length", b"11"),)], ids=["chunked", "length"])
async def test_an_upload_arrives_byte_for_byte(headers):
    async with Origin() as origin, reaching(origin) as upstreams:
        for _ in range(3):
            await page(upstreams, b"/", *headers, method=b"POST", body=slowly(b"hello", b"", b" world"))

        assert [seen.body for seen in origin.seen] == [b"hello world"] * 3
        assert origin.connections == 1


@pytest.mark.parametrize("pieces", [(b"hell",), (b"hell", b"ox")])
async def test_an_upload_that_differs_from_its_length_is_not_completed(pieces):
    async with Origin() as origin, reaching(origin) as upstreams:
        with pytest.raises(BadRequest):
            await page(upstreams, b"/", (b"Content-Length", b"5"), method=b"POST", body=slowly(*pieces))

        await until(lambda: origin.open == 0)
        assert not any(seen.complete for seen in origin.seen)


async def test_what_breaks_the_upload_breaks_the_exchange():
    async def broken():
        yield b"some"
        raise BadRequest("the chunked body is malformed")

    async with Origin() as origin, reaching(origin) as upstreams:
        with pytest.raises(BadRequest, match="malformed"):
            await page(upstreams, method=b"POST", body=broken())

        await until(lambda: origin.open == 0)
        assert not origin.seen[0].complete


async def test_an_answer_before_the_end_of_the_upload_ends_the_upload_and_the_connection():
    ended = asyncio.Event()

    async def endless():
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.005)
        finally:
            ended.set()

    refusal = ok(b"too much", status=b"413 Too Large")
    async with (
        Origin({b"/": refusal, b"/next": ok(b"next")}, early=True) as origin,
        reaching(origin) as upstreams,
    ):
        upstream_response = await upstreams.fetch(get(method=b"POST", body=endless()))
        assert upstream_response.status == 413
        assert await whole(upstream_response) == b"too much"
        async with asyncio.timeout(2):
            await ended.wait()

        assert await page(upstreams, b"/next") == b"next"
        assert origin.connections == 2


async def test_an_upload_and_its_answer_flow_at_the_same_time():
    """The origin answers the head at once and echoes; the next piece is only sent when the last came back."""
    back: asyncio.Queue[bytes] = asyncio.Queue()

    async def in_turns():
        for piece in (b"one", b"two", b"three"):
            yield piece
            assert await back.get() == piece

    async def echoing(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while size := int((await reader.readline()).strip() or b"0", 16):
            piece = (await reader.readexactly(size + 2))[:-2]
            writer.write(b"%x\r\n%b\r\n" % (size, piece))
        await reader.readline()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with Origin(serve=echoing) as origin, reaching(origin) as upstreams:
        upstream_response = await upstreams.fetch(get(method=b"POST", body=in_turns()))
        got = []
        while piece := await upstream_response.read():
            got.append(piece)
            back.put_nowait(piece)

    assert got == [b"one", b"two", b"three"]


async def test_an_upload_waits_while_the_upstream_does_not_read():
    sent = 0

    async def big():
        nonlocal sent
        for _ in range(800):
            sent += 65536
            yield bytes(65536)

    async def deaf(reader, writer):
        await asyncio.sleep(0.5)
        while await reader.read(2**20):
            pass

    async with Origin(serve=deaf) as origin, reaching(origin) as upstreams:
        task = asyncio.create_task(page(upstreams, method=b"POST", body=big()))
        await asyncio.sleep(0.3)
        held = sent
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert held < 20_000_000


async def test_an_upstream_that_never_reads_an_upload_is_504():
    async def big():
        for _ in range(800):
            yield bytes(65536)

    async def deaf(_reader, writer):
        await asyncio.sleep(1.5)

    async with (
        Origin(serve=deaf) as origin,
        reaching(origin, timeouts=UpstreamTimeouts(idle=0.2)) as upstreams,
    ):
        with pytest.raises(UpstreamError) as caught:
            await page(upstreams, method=b"POST", body=big())

    assert caught.value.status == 504
