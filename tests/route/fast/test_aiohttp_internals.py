"""A visitor's connection with a request on the fast path: what comes behind it, who leaves, what takes long."""

import asyncio
import contextlib
import json

import pytest

from proxy.http import listening
from proxy.http.upstream import pool
from tests.route.fast.test_fast_exchange import counted, more, said, short_guest
from tests.support.guest import guest, on_fast_path, raw_answer
from tests.support.origin import HANG, Origin, echo, ok, until
from tests.support.proxying import proxying, request


@pytest.fixture(autouse=True)
def _quick_ends(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)
    monkeypatch.setattr(listening, "GRACE", 0.1)


def asked(answer: bytes) -> dict:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def shown(answer: bytes) -> list[str]:
    """Target and what was told of the visitor, from an echo."""
    said = asked(answer)
    own = [": ".join(pair) for pair in said["headers"] if pair[0] in ("Cookie", "X-Foo", "X-Mine")]
    return [said["target"], *own]


# -- one request is one request ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /x HTTP/1.1\r\nCookie: session=theirs\r\nX-Foo: ",
        b"GET /x HTTP/1.1\r\nCookie: session=theirs\r\nX-Foo:",
        b"GET /x HTTP/1.1\r\nCookie: session=theirs; X-Foo=",
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
async def test_the_end_of_a_head_is_neither_a_request_nor_remembered_as_one(tmp_path, begun, known):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone, other = await short_guest(proxy, "X-Mine: 1"), await guest(proxy)
        if known:
            await other.ask(request("/"))
        someone.writer.write(request("/one", "X-Mine: 1") + begun)
        assert shown(await raw_answer(someone.reader)) == ["/one", "X-Mine: 1"]
        await asyncio.sleep(0.01)
        hidden = await someone.ask(request("/hidden"))
        assert shown(hidden)[0] == "/x"
        assert shown(await other.ask(request("/other"))) == ["/other"]
        assert shown(await other.ask(request("/other"))) == ["/other"]
        assert b"/hidden" not in [one.target for one in origin.seen]


async def test_the_end_of_a_head_that_began_behind_a_slow_request_is_no_request(tmp_path):
    def slow(seen):
        return [0.1, echo(seen)]

    async with Origin({b"/slow": slow}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        for posted in (False, True):
            someone.writer.write(request("/slow", method="POST" if posted else "GET"))
            await asyncio.sleep(0.03)
            someone.writer.write(b"GET /x HTTP/1.1\r\nX-Foo: ")
            assert shown(await raw_answer(someone.reader)) == ["/slow"]
            await asyncio.sleep(0.01)
            assert shown(await someone.ask(request("/hidden"))) == ["/x", "X-Foo: GET /hidden HTTP/1.1"]


async def test_a_body_that_looks_like_a_known_request_is_a_body(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        inner = request("/inner")
        for pause in (0, 0.03):
            someone.writer.write(request("/form", f"Content-Length: {len(inner)}", method="PUT"))
            await asyncio.sleep(pause)
            got = asked(await someone.ask(inner))
            assert (got["target"], got["length"]) == ("/form", len(inner))
            someone.writer.write(request("/form", "Transfer-Encoding: chunked", method="PUT"))
            await asyncio.sleep(pause)
            got = asked(await someone.ask(b"%x\r\n" % len(inner), inner, b"\r\n0\r\n\r\n"))
            assert (got["target"], got["length"]) == ("/form", len(inner))
            assert shown(await someone.ask(request("/next"))) == ["/next"]
        assert b"/inner" not in [one.target for one in origin.seen]


REFUSED = [
    request("/x").replace(b"\r\n\r\n", b"\n\n"),
    request("/x").replace(b"\r\n", b"\n"),
    request("/x").replace(b" HTTP/1.1", b"\0 HTTP/1.1"),
    request("/caf\xe9"),
    request("/x", "X: a\r\n folded"),
    request("/x", "X: a\0"),
    request("/x", "X : a"),
    request("/x", "X: a\rY: b"),
    request("/x", "X: a\nY: b"),
    request("/x", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    request("/x", "Content-Length: +5"),
    request("/x", "Host: evil"),
    request("/x").replace(b"1.1", b"1.2"),
    request("http://evil/x"),
    request("x"),
    request("/" + "a" * 17_000),
    b"\0" + request("/x"),
    b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
]


async def test_what_is_refused_is_refused_again_and_never_reaches_anybody(tmp_path):
    quick = "timeouts: { head: 0.05 }"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=quick) as proxy:
        for attack in REFUSED:
            for _ in range(2):
                someone = await short_guest(proxy)
                someone.writer.write(attack)
                with contextlib.suppress(ConnectionResetError, asyncio.IncompleteReadError):
                    assert (await raw_answer(someone.reader)).startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), (
                        attack
                    )
                assert {one.target for one in origin.seen} == {b"/warm"}, attack


async def test_a_line_longer_than_allowed_is_refused_whatever_is_known(tmp_path):
    async with (
        Origin() as origin,
        proxying(origin.url, folder=tmp_path, more="limits: { line: 200 }") as proxy,
    ):
        someone = await short_guest(proxy)
        assert (await someone.ask(request("/" + "a" * 500))).startswith(b"HTTP/1.1 414 ")


async def test_a_head_larger_than_allowed_is_refused_although_its_fields_are_known(tmp_path):
    async with (
        Origin() as origin,
        proxying(origin.url, folder=tmp_path, more="limits: { head: 500 }") as proxy,
    ):
        someone = await short_guest(proxy)
        assert shown(await someone.ask(request("/" + "a" * 300)))[0] == "/" + "a" * 300
        assert (await someone.ask(request("/" + "a" * 500))).startswith(b"HTTP/1.1 431 ")
        assert b"/" + b"a" * 500 not in [one.target for one in origin.seen]


async def test_a_known_head_in_two_pieces_is_one_request(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy, "X-Mine: 1")
        one = request("/x?y", "X-Mine: 1")
        for cut in (1, 14, 16, 30, -30, -4, -3, -2, -1):
            assert shown(await someone.ask(one[:cut], one[cut:])) == ["/x?y", "X-Mine: 1"], cut
            assert shown(await someone.ask(one)) == ["/x?y", "X-Mine: 1"], cut
    assert len(origin.seen) == 2 + 2 * 9


async def test_blank_lines_between_requests_are_nothing(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        for blank in (b"\r\n", b"\r\n\r\n"):
            assert shown(await someone.ask(request("/a") + blank)) == ["/a"]
            assert shown(await someone.ask(blank, request("/b"))) == ["/b"]
            assert shown(await someone.ask(request("/c"))) == ["/c"]


# -- what comes behind it ----------------------------------------------------------------------------------


def behind(name: str) -> tuple[list[bytes], list[str]]:
    """What is sent behind `/1` in one piece or more, and what is answered, in order."""
    known = request("/2") + request("/3")
    match name:
        case "same head":
            return [known], ["/2", "/3"]
        case "each in a piece":
            return [request("/2"), request("/3")], ["/2", "/3"]
        case "other heads":
            return [request("/2", "X: 1") + request("/3", "X: 2")], ["/2", "/3"]
        case "in odd pieces":
            return [known[:7], known[7:50], known[50:-3], known[-3:]], ["/2", "/3"]
        case "a body":
            return [request("/2", method="POST", body=b"abc" * 99)[:-5], b"bcabc" + request("/3")], [
                "/2",
                "/3",
            ]
        case "chunks":
            body = b"5\r\nGET /\r\n0\r\n\r\n"
            return [request("/2", "Transfer-Encoding: chunked", method="PUT") + body + request("/3")], [
                "/2",
                "/3",
            ]
        case "ours":
            return [request("/.consent/state") + request("/3")], ["", "/3"]
        case "refused":
            return [request("/metrics/collect") + request("/3")], ["", "/3"]
        case "garbage":
            return [request("/2"), b"\0\0\0 / HTTP/1.1\r\n\r\n" + request("/3")], ["refused"]
        case "garbage at once":
            return [b"\0\0\0 / HTTP/1.1\r\n\r\n"], ["refused"]
        case "the last one":
            return [request("/2", "Connection: close"), request("/3")], ["/2", "end"]
    raise AssertionError(name)


BEHIND = ("same head", "each in a piece", "other heads", "in odd pieces", "a body", "chunks", "ours", "refused",
          "garbage", "garbage at once", "the last one")  # fmt: skip


@pytest.mark.parametrize("late", [0, 0.02])
async def test_what_comes_behind_is_answered_behind_in_order(tmp_path, late):
    def answer(seen):
        return [late, echo(seen)] if late else echo(seen)

    async with Origin(otherwise=answer) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for name in BEHIND:
            await _answered_in_order(proxy, name, late)


async def _answered_in_order(proxy, name: str, late: float) -> None:
    someone = await short_guest(proxy)
    sent, expected = behind(name)
    someone.writer.write(request("/1"))
    if late:
        await until(lambda: on_fast_path(proxy))
    elif name in ("garbage at once", "garbage", "the last one"):
        await asyncio.sleep(0.01)  # llhttp forgets what stands before it in one piece
    for piece in sent:
        someone.writer.write(piece)
        await asyncio.sleep(0.005)
    assert shown(await raw_answer(someone.reader)) == ["/1"], name
    for target in expected:
        if target == "end":
            assert await asyncio.wait_for(someone.reader.read(), 5) == b""
            return
        if target == "refused":
            rest = await asyncio.wait_for(someone.reader.read(), 5)
            assert rest.rpartition(b"HTTP/1.1 ")[2].startswith((b"400", b"501")), name
            assert b'"/3"' not in rest
            return
        got = await raw_answer(someone.reader)
        assert not target or asked(got)["target"] == target, name
    assert shown(await someone.ask(request("/last"))) == ["/last"]


async def test_hundreds_behind_one_are_all_answered_in_order(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        many = [request(f"/{n}", *(["X: 1"] if n % 7 == 0 else [])) for n in range(400)]
        someone.writer.write(many[0])
        await asyncio.sleep(0)
        someone.writer.write(b"".join(many[1:200]))
        await asyncio.sleep(0.01)
        someone.writer.write(b"".join(many[200:]))
        assert [shown(await raw_answer(someone.reader))[0] for _ in many] == [f"/{n}" for n in range(400)]


async def test_what_comes_behind_a_silent_upstream_is_not_taken_without_end(tmp_path):
    async with Origin({b"/slow": [HANG]}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        someone.writer.write(request("/slow"))
        await until(lambda: on_fast_path(proxy))
        someone.writer.write(request("/behind") * 250_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(someone.writer.drain(), 0.3)
        someone.writer.transport.abort()


# -- who leaves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "held", [b"", request("/behind"), b"GET /beh"], ids=["alone", "one behind", "part behind"]
)
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
async def test_who_leaves_frees_the_upstream_and_is_recorded_once(tmp_path, held, reset):
    steps = [b"HTTP/1.1 200 OK\r\n", HANG] if reset else [HANG]
    async with (
        Origin({b"/slow": steps}, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        someone = await guest(proxy)
        await someone.ask(request("/warm"))
        before = counted(proxy)
        someone.writer.write(request("/slow", "X: 1"))  # the ordinary route
        await until(lambda: origin.seen[-1].target == b"/slow")
        someone.writer.transport.abort()
        await until(lambda: origin.open == 0, 2.0)
        long = more(counted(proxy), before)
        someone = await short_guest(proxy)
        before = counted(proxy)
        someone.writer.write(request("/slow"))
        await until(lambda: len(said(proxy)) == 4 and len(origin.seen) == 5)
        assert on_fast_path(proxy) == 1
        someone.writer.write(held)
        await asyncio.sleep(0.02)
        if reset:
            someone.writer.transport.abort()
        else:
            someone.writer.close()
        await until(lambda: origin.open == 0, 2.0)
        await asyncio.sleep(0.02)

        left = [one for one in said(proxy) if one["path"] == "/slow"]
        assert [one["status"] for one in left] == [499, 499]
        assert left[0] == left[1]
        assert more(counted(proxy), before) == long
        assert len(said(proxy)) == 5
        assert proxy.records("request_broken") == []


async def test_who_leaves_at_any_moment_is_counted_once_and_hurts_nobody(tmp_path):
    def answer(seen):
        number = len(origin.seen)
        return [0.0005 * (number % 4), ok(b"x" * 200)]

    async with Origin(otherwise=answer) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        stays = await short_guest(proxy)

        async def leaving():
            for n in range(60):
                someone = await guest(proxy)
                someone.writer.write(request(f"/leave/{n}") * (1 + n % 2))
                await asyncio.sleep(0.0004 * (n % 7))
                someone.writer.transport.abort()

        going = asyncio.gather(leaving(), leaving())
        while not going.done():
            assert (await stays.ask(request("/stay"))).endswith(b"x" * 200)
        await going
        await until(lambda: all(listener.http_server.busy == 0 for listener in proxy.server.listeners))
        ids = [one["request_id"] for one in proxy.records("request_relayed")]

        assert len(ids) == len(set(ids))
        seen = {one.get(b"X-Request-ID")[0].decode() for one in origin.seen}
        assert seen <= set(ids)
        assert proxy.records("request_broken") == []


# -- what takes long ---------------------------------------------------------------------------------------


async def test_an_answer_may_take_longer_than_a_connection_may_be_idle(tmp_path):
    async with (
        Origin({b"/slow": [0.25, ok(b"late")]}) as origin,
        proxying(origin.url, folder=tmp_path, more="timeouts: { keepalive: 0.1 }") as proxy,
    ):
        someone = await short_guest(proxy)
        for _ in range(2):
            assert (await someone.ask(request("/slow"))).endswith(b"late")
        assert await asyncio.wait_for(someone.reader.read(), 3) == b""  # and then it is idle


async def test_a_visitor_who_reads_nothing_of_whole_answers_is_given_up(tmp_path):
    big = b"x" * 60_000
    async with (
        Origin(otherwise=ok(big)) as origin,
        proxying(origin.url, folder=tmp_path, more="timeouts: { write: 0.3 }") as proxy,
    ):
        someone = await short_guest(proxy)
        someone.writer.transport.pause_reading()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                while True:
                    someone.writer.write(request("/"))
                    await asyncio.sleep(0.003)
                    if not proxy.server.listeners[0].http_server.connections:
                        break
        assert len(origin.seen) * len(big) < 30_000_000
        assert proxy.records("request_broken") == []


async def test_a_visitor_who_reads_slowly_gets_all_of_it(tmp_path):
    big = b"x" * 60_000
    async with (
        Origin(otherwise=ok(big)) as origin,
        proxying(origin.url, folder=tmp_path, more="timeouts: { write: 0.5 }") as proxy,
    ):
        someone = await short_guest(proxy)
        someone.writer.transport.pause_reading()

        async def asking():
            for _ in range(150):
                someone.writer.write(request("/"))
                await asyncio.sleep(0.001)

        went = asyncio.create_task(asking())
        await asyncio.sleep(0.3)
        someone.writer.transport.resume_reading()
        for _ in range(150):
            assert (await raw_answer(someone.reader)).endswith(b"\r\n" + big)
        await went


# -- the end -----------------------------------------------------------------------------------------------


async def test_draining_lets_it_be_answered_and_ends_its_connection(tmp_path):
    async with (
        Origin({b"/slow": [0.15, ok(b"late")]}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        someone, idle = await short_guest(proxy), await short_guest(proxy)
        someone.writer.write(request("/slow"))
        await until(lambda: on_fast_path(proxy))
        busy = await short_guest(proxy)
        busy.writer.write(request("/slow"))
        await until(lambda: on_fast_path(proxy) == 2)
        busy.writer.write(request("/behind"))
        await until(lambda: on_fast_path(proxy) == 1)
        stopping = asyncio.create_task(proxy.server.stop(5))
        answer = await asyncio.wait_for(someone.reader.read(), 5)

        assert answer.endswith(b"late")
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1") == 1
        assert (await asyncio.wait_for(busy.reader.read(), 5)).count(b"late") == 1
        assert await asyncio.wait_for(idle.reader.read(), 5) == b""
        assert await stopping == 0
        assert [one["status"] for one in said(proxy)][-1] == 200


async def test_what_does_not_end_in_time_is_cut_and_recorded(tmp_path):
    async with Origin({b"/slow": [HANG]}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        someone.writer.write(request("/slow"))
        await until(lambda: on_fast_path(proxy))
        assert await proxy.server.stop(0.1) == 1
        await until(lambda: origin.open == 0)
        await until(lambda: said(proxy)[-1]["status"] == 499)
        assert len(said(proxy)) == 3


async def test_thousands_of_heads_keep_memory_and_answers_as_they_are(tmp_path):
    async with Origin(otherwise=ok(b"fine")) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        heads = proxy.server._fast_path.heads
        filler = "a" * 3000
        for n in range(400):
            assert (await someone.ask(request("/", f"X: {n}", f"Y: {filler}"))).endswith(b"fine")
            assert sum(map(len, heads)) <= 512 << 10
        assert len(heads) < 400
