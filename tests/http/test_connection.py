"""A visitor's connection: what is refused, how long we wait, how it ends."""

import asyncio
import gc

import pytest

from proxy.http import half_close
from proxy.http.server import RequestLimits, Response
from tests.support.origin import until
from tests.support.visitor import LAST, get, head_of, hello, listening, status


async def whole(request):
    async for _ in request.body():
        pass
    return await hello(request)


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", {505, 400}),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", {505, 400}),
        (b"GET /\r\n\r\n", {505, 400}),
        (get(method=b"TRACE"), {501}),
        (b"CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n", {501}),
        (get(method=b"trace"), {501}),
        (get(method=b"B(EW"), {501, 400}),
        (get(method=b"A" * 65), {501, 400}),
        (b"BREW / HTTP/2.0\r\nHost: a\r\n\r\n", {400, 505}),
        (b"BREW\t/ HTTP/1.1\r\nHost: a\r\n\r\n", {400, 501}),
        (get(b"/", b"Expect: 200-maybe", LAST), {417}),
        (get(b"/", b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", {400, 501}),
        (get(b"/", b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n", {400}),
        (get(b"/", b"Transfer-Encoding: chunked", version=b"1.0") + b"0\r\n\r\n", {400}),
        (get(b"/", b"Content-Length: 5", b"Content-Length: 5") + b"hello", {400}),
        (get(b"/", b"Content-Length: +5") + b"hello", {400}),
        (get(b"/", b"X-A : b"), {400}),
        (get(b"/", b"X-A: b\r\n c"), {400}),
        (get(b"/", b"X-A: b\0c"), {400}),
        (get(b"/", b"X-A: b\rc"), {400}),
        (get(b"/caf\xe9"), {400}),
        (b"GET / HTTP/1.1\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00", {400, 501}),
    ],
)
async def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_ends(request_bytes, expected):
    async with listening() as here:
        answer = await here.ask(request_bytes, seconds=3)

        assert status(answer) in expected
        assert b"Connection: close" in head_of(answer)
        assert not here.errors


@pytest.mark.parametrize(
    "request_bytes",
    [
        get(b"/<script>alert(1)</script>", b"X-A : <script>"),
        b"GET /<script> HTTP/1.1\r\nHost: a\r\nX\0: <script>\r\n\r\n",
    ],
)
async def test_a_refusal_repeats_nothing_of_the_request(request_bytes):
    async with listening() as here:
        assert b"script" not in await here.ask(request_bytes)


async def test_heads_have_limits_and_what_is_below_them_passes():
    async with listening() as here:
        assert status(await here.ask(get(b"/" + b"a" * 16_000, LAST))) == 200
        assert status(await here.ask(get(b"/" + b"a" * 17_000, LAST))) == 414
        assert status(await here.ask(get(b"/", b"Cookie: " + b"a" * 32_000, LAST))) == 200
        assert status(await here.ask(get(b"/", b"Cookie: " + b"a" * 33_000, LAST))) == 431
        assert status(await here.ask(get(b"/", *[b"X: y"] * 250, LAST))) == 200
        assert status(await here.ask(get(b"/", *[b"X: y"] * 300, LAST))) == 431


@pytest.mark.parametrize(("line", "expected"), [(b"GET /" + b"a" * 70_000, 414), (get()[:-2] + b"X: ", 431)])
async def test_who_sends_on_behind_a_head_that_is_too_large_gets_the_refusal(line, expected):
    async with listening() as here:
        async with asyncio.timeout(5):
            reader, writer = await here.connect()
            writer.write(line)
            for _ in range(40):
                writer.write(b"a" * 50_000)
                await writer.drain()
                await asyncio.sleep(0.002)
            answer = await reader.read()
        assert status(answer) == expected
        assert answer.endswith(b"\n")
        writer.close()
        await until(lambda: not here.http_server.connections)


def sized(size: int, field: int = 30_000) -> bytes:
    """Return a request whose head has so many bytes."""
    left = size - len(get(b"/", LAST))
    fields = []
    while left:
        length = min(left, field) if left - field >= 7 or left <= field else left - 7
        fields.append(b"X-A: ".ljust(length - 2, b"a"))
        left -= length
    return get(b"/", *fields, LAST)


@pytest.mark.parametrize("pause", [(), (0.02,)])
async def test_a_whole_head_has_a_limit_that_none_of_its_parts_reaches(pause):
    async with listening() as here:
        for size, expected in ((65_536, 200), (65_537, 431), (100_000, 431)):
            head = sized(size)
            assert len(head) == size
            answer = await here.ask(head[:40_000], *pause, head[40_000:])
            assert status(answer) == expected, size
            assert b"Connection: close" in head_of(answer)
        assert not here.errors


async def test_a_head_without_an_end_is_refused_once_it_is_too_large():
    async with listening(allowance=RequestLimits(head_size=1_000)) as here:
        begun = get(b"/", b"X-A: " + b"a" * 900)[:-4]
        reader, writer = await here.connect()
        writer.write(begun)
        await asyncio.sleep(0.05)
        writer.write(b"a" * 100)

        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 431 ")
        assert await reader.read() == b"431 Request Header Fields Too Large\n"
        assert not here.errors
        writer.close()


async def test_a_body_and_the_next_request_count_for_no_head():
    async with listening(answer=whole, allowance=RequestLimits(head_size=1_000)) as here:
        post = get(b"/", b"Content-Length: 5000", method=b"POST") + b"b" * 5_000
        answer = await here.ask(post, post[:500], 0.02, post[500:], get() * 9, get(b"/", LAST))

        assert answer.count(b"HTTP/1.1 200 OK") == 12


async def test_an_error_in_mid_answer_leaves_a_visibly_cut_answer():
    async def breaks(request):
        answer = Response(200, [], b"some", complete=False)
        await answer.prepare(request)
        raise KeyError("late")

    async with listening(breaks) as here:
        answer = await here.ask(get())

        assert b"0\r\n\r\n" not in answer
        assert [type(error) for error in here.errors] == [KeyError]


async def test_a_connection_carries_many_requests_and_pipelined_ones_in_order():
    async def echo(request):
        return Response(200, [], request.target)

    async with listening(echo) as here:
        answer = await here.ask(get(b"/1") + get(b"/2"), 0.02, get(b"/3", LAST))

        assert [part.rsplit(b"\r\n", 1)[-1] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [
            b"/1",
            b"/2",
            b"/3",
        ]


METHODS = [
    *(b"GET", b"POST", b"PROPFIND", b"M-SEARCH", b"UNLINK", b"SOURCE"),  # llhttp knows these
    *(
        b"FOO",
        b"QUERY",
        b"VERSION-CONTROL",
        b"BASELINE-CONTROL",
        b"UPDATEREDIRECTREF",
        b"PRI",
        b"get",
        b"GETX",
    ),
    *(b"PLAY", b"REDIRECT", b"!#$%&'*+-.^_`|~09azAZ", b"A" * 64),
]


async def shown(request):
    body = b"".join([piece async for piece in request.body()])
    return Response(200, [], b"%b %b %b\n" % (request.method, request.target, body))


def texts(answer: bytes) -> list[bytes]:
    """The last line of each body in what came."""
    return [part.rsplit(b"\r\n", 1)[-1].strip() for part in answer.split(b"HTTP/1.1 200 OK")[1:]]


@pytest.mark.parametrize("method", METHODS)
async def test_a_method_that_is_a_token_reaches_the_handler_as_it_came(method):
    async with listening(shown) as here:
        expected = [b"%b /1" % method, b"%b /2" % method, b"GET /3"]
        three = get(b"/1", method=method), get(b"/2", method=method), get(b"/3", LAST)

        assert texts(await here.ask(*three)) == expected
        assert texts(await here.ask(b"".join(three))) == expected
        assert texts(await here.ask(three[0], 0.02, three[1], 0.02, three[2])) == expected
        slowly = [step for byte in three[0] for step in (bytes([byte]), 0.0)]
        assert texts(await here.ask(*slowly, three[1] + three[2])) == expected
        assert here.errors == []


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((b"Content-Length: 14",), b"FOO / HTTP/1.1"),
        ((b"Transfer-Encoding: chunked",), b"6\r\nFOO / \r\n8\r\nHTTP/1.1\r\n0\r\nX: FOO\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("method", [b"POST", b"FOO", b"BREW"])
async def test_a_method_is_read_behind_a_body_and_nothing_in_a_body_is_one(method, fields, body):
    async with listening(shown) as here:
        first, then = get(b"/1", *fields, method=method) + body, get(b"/2", method=b"BAR") + get(b"/3", LAST)
        expected = [b"%b /1 FOO / HTTP/1.1" % method, b"BAR /2", b"GET /3"]

        assert texts(await here.ask(first + then)) == expected
        for cut in (1, 5, 20, len(first) - len(body), len(first) - 3, len(first), len(first) + 2):
            assert texts(await here.ask((first + then)[:cut], 0.01, (first + then)[cut:])) == expected, cut


async def test_a_body_that_is_malformed_where_its_head_is_here_reaches_no_handler():
    async def reached(request):
        raise AssertionError(request.target)

    async with listening(reached) as here:
        for body in (
            b"5 \r\nhello\r\n0\r\n\r\n",
            b"5\r\nhelloX",
            b"0\r\nX : y\r\n\r\n",
            b"5;\0\r\nhello\r\n",
        ):
            for name in (b"Transfer-Encoding", b"transfer-ENCODING"):
                head = get(b"/", name + b": chunked", method=b"POST")
                assert status(await here.ask(head + body)) == 400, body
                assert status(await here.ask(head[:50], 0.01, head[50:] + body)) == 400, body
        assert here.errors == []


async def test_what_only_looks_like_chunks_is_a_body_like_any_other():
    async with listening(shown) as here:
        fields = b"X-A: transfer-encoding", b"Content-Length: %d"
        for body in (b"5\r\nhello\r\n0\r\n\r\n", b"zz", b"5\r\nhello\r\n0\r\n\r\nmore"):
            sent = get(b"/1", *fields, method=b"POST") % len(body) + body + get(b"/2", LAST)
            assert texts(await here.ask(sent))[-1] == b"GET /2"
            assert (await here.ask(sent)).count(body) == 1


async def test_blank_lines_before_a_method_are_skipped():
    async with listening(shown) as here:
        asked = get(b"/1", method=b"FOO"), b"\r\n", 0.01, b"\r\n" + get(b"/2", LAST, method=b"BAR")
        assert texts(await here.ask(b"\r\n", 0.01, *asked)) == [b"FOO /1", b"BAR /2"]


async def test_a_method_that_never_ends_has_the_time_of_a_head():
    async with listening(shown, RequestLimits(head=0.2)) as here:
        assert await here.ask(b"FO") == b""


async def half_closed(here, *sent: bytes, seconds: float = 8.0) -> bytes:
    """Send, close that half, and return all that comes."""
    async with asyncio.timeout(seconds):
        reader, writer = await here.connect()
        for piece in sent:
            writer.write(piece)
            await asyncio.sleep(0.01)
        writer.write_eof()
        try:
            return await reader.read()
        finally:
            writer.transport.abort()


def endless(ended: asyncio.Event | None = None, *, begins: bool = False):
    """Return what never ends a response, if it begins one, and sets `ended` when nobody waits for it."""

    async def respond(request):
        if begins:
            await Response(200, [], b"some", complete=False).prepare(request)
        try:
            await asyncio.sleep(30)
        finally:
            if ended is not None:
                ended.set()
        raise AssertionError

    return respond


async def slowly(request):
    await asyncio.sleep(float(request.target[1:]))
    return await shown(request)


@pytest.mark.parametrize("seconds", [b"/0", b"/0.1"])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_who_closes_their_half_gets_the_response_and_the_connection_ends(seconds, version):
    async with listening(slowly) as here:
        answer = await half_closed(here, get(seconds, version=version))

        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert texts(answer) == [b"GET " + seconds]
        await until(lambda: not here.http_server.connections)


async def test_a_response_that_is_late_is_preceded_by_one_that_clients_skip():
    async with listening(slowly) as here:
        answer = await half_closed(here, get(b"/0.8"))

        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert (await half_closed(here, get(b"/0.8", version=b"1.0"))).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_who_closes_their_half_behind_several_requests_gets_all_responses():
    async with listening(slowly) as here:
        post = get(b"/0.01", b"Content-Length: 4", method=b"POST") + b"data"
        answer = await half_closed(here, get(b"/0.05") + post + get(b"/0", method=b"FOO"))

        assert texts(answer) == [b"GET /0.05", b"POST /0.01 data", b"FOO /0"]
        await until(lambda: not here.http_server.connections)


@pytest.mark.parametrize(
    "sent",
    [
        (),
        (b"GET / HT",),
        (get()[:-2],),
        (get(b"/", b"Content-Length: 10", method=b"POST") + b"12345",),
        (get(b"/", b"Transfer-Encoding: chunked", method=b"POST"), b"5\r\nhello\r\n"),
    ],
)
async def test_who_closes_their_half_before_a_request_is_whole_is_let_go_at_once(sent):
    async with listening(shown) as here:
        assert await half_closed(here, *sent, seconds=2) == b""
        await until(lambda: not here.http_server.connections)
        assert here.errors == []


async def test_a_beginning_behind_the_last_request_holds_no_connection():
    async with listening(slowly) as here:
        answer = await half_closed(here, get(b"/0.05") + b"GET /ne", seconds=3)

        assert texts(answer) == [b"GET /0.05"]
        await until(lambda: not here.http_server.connections)


async def test_who_closed_their_half_and_then_leaves_frees_the_upstream(monkeypatch):
    monkeypatch.setattr(half_close, "AGAIN", 0.2)
    ended = asyncio.Event()

    async with listening(endless(ended)) as here:
        reader, writer = await here.connect()
        writer.write(get())
        writer.write_eof()
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert not ended.is_set()
        writer.transport.abort()
        await asyncio.wait_for(ended.wait(), 2)
        await until(lambda: not here.http_server.connections)


async def test_who_closed_their_half_and_is_sent_nothing_for_long_is_let_go():
    async with listening(endless(begins=True), RequestLimits(idle_write=0.2)) as here:
        assert (await half_closed(here, get())).endswith(b"some\r\n")
        await until(lambda: not here.http_server.connections)


async def test_a_browser_that_closes_a_stream_frees_the_upstream_at_once():
    ended = asyncio.Event()

    async with listening(endless(ended, begins=True)) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", b"Sec-Fetch-Mode: cors"))
        await reader.readuntil(b"some")
        writer.close()
        await asyncio.wait_for(ended.wait(), 2)


async def test_http_1_0_is_answered_and_closed_unless_it_asks_to_stay():
    async with listening() as here:
        assert b"Connection: close" in head_of(await here.ask(get(version=b"1.0")))
        reader, writer = await here.connect()
        for _ in range(2):
            writer.write(get(b"/", b"Connection: keep-alive", version=b"1.0"))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert b"Connection: keep-alive" in head
            await reader.readexactly(5)
        writer.close()


async def test_a_head_that_drips_is_cut_off_whatever_its_speed():
    async with listening(allowance=RequestLimits(head=0.3)) as here:
        began = asyncio.get_running_loop().time()
        drip = [step for byte in get(b"/" + b"a" * 200) for step in (bytes([byte]), 0.02)]
        answer = await here.ask(*drip)

        assert answer == b""
        assert asyncio.get_running_loop().time() - began < 3


async def test_a_head_in_two_pieces_is_taken_and_the_next_one_has_its_own_deadline():
    async with listening(allowance=RequestLimits(head=0.4)) as here:
        one = get()
        answer = await here.ask(one[:10], 0.2, one[10:], 0.3, one[:10], 0.2, one[10:], 0.1, get(b"/", LAST))

        assert answer.count(b"HTTP/1.1 200 OK") == 3


async def test_an_idle_connection_is_closed_after_its_time():
    async with listening(allowance=RequestLimits(keepalive=0.2)) as here:
        assert (await here.ask(get())).endswith(b"hello")
        assert await here.ask() == b""


async def test_a_visitor_who_leaves_cancels_the_answer_at_once():
    ended = asyncio.Event()

    async with listening(endless(ended)) as here:
        _, writer = await here.connect()
        writer.write(get())
        await until(lambda: here.http_server.busy)
        writer.close()
        async with asyncio.timeout(1):
            await ended.wait()
        await until(lambda: not here.http_server.busy)


async def test_a_visitor_who_leaves_in_mid_answer_is_no_fault_to_report():
    left = asyncio.Event()

    async def pour(request):
        response = Response(200, [], complete=False)
        await response.prepare(request)
        request.protocol.transport.abort()  # as the loop does where the other side has reset
        try:
            for _ in range(100):
                await response.write(b"x" * 65536)
        finally:
            left.set()

    async with listening(pour) as here:
        _, writer = await here.connect()
        writer.write(get())
        await asyncio.wait_for(left.wait(), 5)
        await asyncio.sleep(0.05)
        writer.transport.abort()

        assert here.errors == []


async def test_a_visitor_who_never_reads_is_given_up_and_holds_little_memory():
    sent = 0

    async def much(request):
        nonlocal sent
        answer = Response(200, [], complete=False)
        await answer.prepare(request)
        for _ in range(2000):
            await answer.write(bytes(65536))
            sent += 65536
        return answer

    async with listening(much, RequestLimits(idle_write=0.3)) as here:
        reader, writer = await here.connect(limit=1024)
        writer.write(get())
        await until(lambda: here.http_server.busy)
        await until(lambda: not here.http_server.busy, 5)

        assert 0 < sent < 20_000_000
        writer.close()
        del reader


async def test_a_visitor_who_leaves_while_they_are_waited_for_leaves_no_word_in_the_log(caplog):
    async def much(request):
        answer = Response(200, [], complete=False)
        await answer.prepare(request)
        while True:
            await answer.write(bytes(65536))

    async with listening(much) as here:
        _, writer = await here.connect(limit=1024)
        writer.write(get())
        await until(lambda: any(one.writing_paused for one in here.http_server.connections))
        writer.transport.abort()
        await until(lambda: not here.http_server.connections)
        await asyncio.sleep(0.05)
        gc.collect()

    assert "never retrieved" not in caplog.text


async def test_a_visitor_who_reads_slowly_but_reads_is_not_given_up():
    async def much(request):
        answer = Response(200, [], complete=False)
        await answer.prepare(request)
        for _ in range(100):
            await answer.write(bytes(65536))
        await answer.finish()
        return answer

    async with listening(much, RequestLimits(idle_write=1.0)) as here:
        reader, writer = await here.connect(limit=2**16)
        writer.write(get(b"/", LAST))
        got = 0
        while piece := await reader.read(131_072):
            got += len(piece)
            await asyncio.sleep(0.02)

        assert got > 6_553_600
        writer.close()


async def test_a_parser_error_behind_a_good_request_answers_the_good_one_or_none():
    async with listening(hello) as here:
        answer = await here.ask(get() + b"\0\0\0 / HTTP/1.1\r\n\r\n")

        assert answer.count(b"HTTP/1.1") <= 2
        assert b"Connection: close" in answer
