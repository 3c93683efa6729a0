"""The connections to one upstream: the youngest first, never more than a limit, no slot ever lost."""

import asyncio
import random

import pytest
import uvloop

from proxy.errors import UpstreamError
from proxy.http.upstream import pool
from proxy.http.upstream.balancer import UpstreamRequest, Upstreams, UpstreamTimeouts
from proxy.http.upstream.pool import Shares
from proxy.http.upstream.upstream_address import UpstreamAddress
from tests.support.origin import CLOSE, HANG, Origin, ok, until


@pytest.fixture(autouse=True)
def _quick_sweep(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)


def get(target: bytes = b"/") -> UpstreamRequest:
    return UpstreamRequest(b"GET", target, [(b"Host", b"a")])


async def page(upstreams: Upstreams, target: bytes = b"/") -> bytes:
    upstream_response = await upstreams.fetch(get(target))
    body = b""
    while piece := await upstream_response.read():
        body += piece
    return body


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:9001", UpstreamAddress("127.0.0.1", 9001)),
        ("http://app", UpstreamAddress("app", 80)),
        ("https://app/", UpstreamAddress("app", 443, secure=True)),
        ("http://[::1]:8080", UpstreamAddress("::1", 8080)),
    ],
)
def test_an_address_is_a_host_and_a_port(url, address):
    assert UpstreamAddress.parse(url) == address
    assert UpstreamAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "url", ["app:80", "ftp://app", "http://", "http://app/path", "http://me@app", "http://app?x"]
)
def test_anything_else_is_none(url):
    with pytest.raises(ValueError, match="upstream"):
        UpstreamAddress.parse(url)


async def test_no_more_connections_are_opened_than_allowed_and_all_are_answered():
    async with Origin(otherwise=[0.002, ok(b"x")]) as origin:
        upstreams = Upstreams([origin.url], limit=2)
        pages = await asyncio.gather(*(page(upstreams) for _ in range(200)))

        assert pages == [b"x"] * 200
        assert origin.connections == 2
        await upstreams.close()


async def test_who_waits_too_long_for_a_connection_gets_503():
    async with Origin({b"/": [HANG]}) as origin:
        upstreams = Upstreams([origin.url], limit=1, timeouts=UpstreamTimeouts(queue=0.1))
        first = asyncio.create_task(page(upstreams))
        await until(lambda: origin.seen)
        with pytest.raises(UpstreamError) as caught:
            await page(upstreams)

        assert caught.value.status == 503
        assert upstreams.is_up()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await upstreams.close()


async def test_no_slot_leaks_when_requests_are_cancelled_fail_or_hang():
    chance = random.Random(4)

    def answer(seen):
        return chance.choice([ok(b"x"), [0.003, ok(b"x")], [CLOSE], b"garbage\r\n\r\n", [HANG]])

    async with Origin(otherwise=answer) as origin:
        upstreams = Upstreams([origin.url], limit=4, timeouts=UpstreamTimeouts(first_byte=0.1, queue=0.5))
        tasks = []
        for _ in range(600):
            task = asyncio.create_task(page(upstreams))
            tasks.append(task)
            if chance.random() < 0.23:
                asyncio.get_running_loop().call_later(chance.random() * 0.02, task.cancel)
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(lambda: upstreams.snapshot()[0].busy == 0)
        origin.otherwise = ok(b"well")

        assert await asyncio.gather(*(page(upstreams) for _ in range(20))) == [b"well"] * 20
        assert upstreams.snapshot()[0].connections <= 4
        assert upstreams.snapshot()[0].waiting == 0
        await upstreams.close()


async def test_the_youngest_idle_connection_is_taken_first():
    async with Origin(otherwise=lambda seen: [0.05, ok(b"%d" % seen.connection)]) as origin:
        upstreams = Upstreams([origin.url])
        await asyncio.gather(*(page(upstreams) for _ in range(3)))
        pages = [await page(upstreams) for _ in range(3)]

        assert len(set(pages)) == 1
        await upstreams.close()


async def test_idle_connections_end_before_the_upstream_would_end_them():
    async with Origin(otherwise=ok(b"x")) as origin:
        upstreams = Upstreams([origin.url], timeouts=UpstreamTimeouts(keepalive=0.05))
        await page(upstreams)
        await until(lambda: origin.open == 0, 2)

        assert upstreams.snapshot()[0].connections == 0
        await upstreams.close()


async def test_the_sweep_rests_when_there_is_nothing_to_sweep():
    async with Origin(otherwise=ok(b"x")) as origin:
        upstreams = Upstreams([origin.url], timeouts=UpstreamTimeouts(keepalive=0.02))
        await page(upstreams)
        await until(lambda: upstreams._pools[0]._sweeper is None)
        assert await page(upstreams) == b"x"
        await upstreams.close()


async def test_requests_timed_round_the_end_of_idle_connections_never_fail():
    """The origin ends idle connections after 30 ms; sixty requests come 24 to 36 ms apart."""

    async def hasty(reader, writer):
        try:
            while True:
                async with asyncio.timeout(0.03):
                    await reader.readuntil(b"\r\n\r\n")
                writer.write(ok(b"x"))
        except (TimeoutError, asyncio.IncompleteReadError):
            return

    async with Origin(serve=hasty) as origin:
        upstreams = Upstreams([origin.url])
        for n in range(60):
            assert await page(upstreams) == b"x"
            await asyncio.sleep(0.024 + n * 0.0002)
        await upstreams.close()


async def test_a_name_with_several_addresses_is_tried_address_by_address(monkeypatch):
    async with Origin(otherwise=ok(b"here")) as origin:
        upstreams = Upstreams([f"http://several.test:{origin.port}"])

        async def resolved(*_args, **_more):
            return [(2, 1, 6, "", (ip, origin.port)) for ip in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
        assert await page(upstreams) == b"here"
        await upstreams.close()


async def test_a_name_nobody_knows_is_502():
    upstreams = Upstreams(["http://no-such-name.invalid"], timeouts=UpstreamTimeouts(connect=3))
    with pytest.raises(UpstreamError) as caught:
        await page(upstreams)

    assert caught.value.status in {502, 504}
    await upstreams.close()


async def test_a_connection_that_is_not_accepted_in_time_is_504():
    """A listener whose backlog is full neither accepts nor refuses."""
    import socket

    http_server = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(http_server.getsockname())
    upstreams = Upstreams(
        [f"http://127.0.0.1:{http_server.getsockname()[1]}"], timeouts=UpstreamTimeouts(connect=0.3)
    )
    with pytest.raises(UpstreamError) as caught:
        await page(upstreams)

    assert caught.value.status == 504
    await upstreams.close()
    for one in (*fillers, http_server):
        one.close()


async def test_event_streams_take_no_place_from_others():
    stream = [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n", HANG]
    async with Origin({b"/events": stream, b"/": ok(b"page")}) as origin:
        upstreams = Upstreams([origin.url], limit=2, timeouts=UpstreamTimeouts(queue=0.3))
        streams = [await upstreams.fetch(get(b"/events")) for _ in range(10)]

        assert await page(upstreams) == b"page"
        assert upstreams.snapshot()[0].connections == 11
        for one in streams:
            one.abort()
        await until(lambda: upstreams.snapshot()[0].connections == 1)
        await upstreams.close()


async def test_a_connection_that_opens_as_its_request_is_cancelled_does_not_stay():
    async with Origin(otherwise=ok(b"x")) as origin:
        upstreams = Upstreams([origin.url], timeouts=UpstreamTimeouts(connect=0.2))
        for turns in range(12):  # wherever the cancellation falls
            task = asyncio.create_task(page(upstreams))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await until(lambda: upstreams.snapshot()[0].connections == upstreams.snapshot()[0].idle)

        assert upstreams.snapshot()[0].busy == 0
        await upstreams.close()


async def test_retired_upstreams_finish_what_has_begun_and_keep_nothing():
    answers = {
        b"/slow": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", 0.2, b"world"],
        b"/": ok(b"page"),
    }
    async with Origin(answers) as origin:
        upstreams = Upstreams([origin.url])
        slow = await upstreams.fetch(get(b"/slow"))
        assert await page(upstreams) == b"page"
        await upstreams.retire()
        body = b""
        while piece := await slow.read():
            body += piece

        assert body == b"helloworld"
        assert await page(upstreams) == b"page"  # by a request that began before and asks only now
        await until(lambda: upstreams.snapshot()[0].connections == 0)
        await upstreams.close()


def test_visitors_who_leave_while_a_connection_is_made_take_no_place_for_good():
    """uvloop says connection_made, and never connection_lost, of one whose maker was cancelled in between."""

    async def leave_at_every_moment():
        async with Origin({b"/": ok(b"hello")}) as origin:
            upstreams = Upstreams([origin.url], timeouts=UpstreamTimeouts(connect=0.2), limit=8)
            for turns in range(60):
                asking = asyncio.ensure_future(upstreams.fetch(get()))
                for _ in range(turns % 12):
                    await asyncio.sleep(0)
                if turns > 30:
                    await asyncio.sleep(0.0001 * (turns % 12))
                asking.cancel()
                await asyncio.wait([asking])
                if not asking.cancelled():
                    asking.result().abort()
            await until(lambda: upstreams.snapshot()[0].connections == 0)
            await upstreams.close()

    uvloop.run(leave_at_every_moment())


CROWD, VISITOR = "203.0.113.9", "198.51.100.4"


def taken(shares: Shares, visitor: str) -> int:
    """How many slots a visitor gets who asks for more than there are."""
    count = 0
    for _ in range(shares.limit + 2):
        shares.note(visitor)
        if shares.allows(visitor):
            shares.take(visitor)
            count += 1
    return count


def test_one_network_leaves_the_reserve_to_others():
    shares = Shares(8)

    assert taken(shares, CROWD) == 6
    assert taken(shares, "203.0.113.77") == 0
    assert taken(shares, VISITOR) == 1
    assert taken(shares, "192.0.2.1") == 1
    assert taken(shares, "2001:db8::1") == 0


def test_in_the_reserve_a_network_gets_a_sixteenth_of_all():
    shares = Shares(64)
    taken(shares, CROWD)

    assert taken(shares, VISITOR) == 4


def test_what_is_given_back_may_be_taken_again():
    shares = Shares(8)
    taken(shares, CROWD)
    shares.give_back(shares.take(VISITOR))

    assert shares.in_use == 6
    assert shares.allows(VISITOR)
    assert not shares.allows(CROWD)


def test_where_all_come_from_one_private_address_there_is_no_reserve():
    assert taken(Shares(8), "10.0.0.1") == 8
    assert taken(Shares(8), "") == 8


def test_a_second_visitor_brings_the_reserve_back():
    shares = Shares(8)
    shares.note("")
    shares.note("10.0.0.1")
    assert taken(shares, "10.0.0.1") == 8
    shares.note("10.0.1.1")

    for _ in range(2):
        shares.give_back("10.0.0.0/24")

    assert not shares.allows("10.0.0.1")
    assert shares.allows("10.0.1.1")


def test_the_smallest_pool_still_serves():
    assert taken(Shares(1), CROWD) == 1
