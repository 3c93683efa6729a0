"""A visitor's request: bytes as they came, a body as it comes."""

import asyncio

import pytest

from proxy.errors import BadRequest
from proxy.http.server import RequestLimits, Response
from tests.support.origin import until
from tests.support.visitor import LAST, body_of, get, listening, status


async def reflect(request) -> Response:
    headers = b"".join(b"%b=%b|" % pair for pair in request.headers)
    about = b"%b %b %d.%d %b" % (request.method, request.target, *request.version, headers)
    return Response(200, [], about)


async def collect(request) -> Response:
    return Response(200, [], b"|".join([piece async for piece in request.body()]))


@pytest.mark.parametrize(
    "target",
    [b"/a%2fb", b"/a/../b", b"//a//b", b"/%41?u=%2F&[]", b"/?", b"/a?", b"/a?b#c", b"/a;b=c:d@e", b"/|{}^`'\"<>\\", b"/%zz",
     b"http://a.test/x?y", b"/a?b=http://c/"],
)  # fmt: skip
async def test_the_target_is_what_was_sent(target):
    async with listening(reflect) as here:
        assert body_of(await here.ask(get(target, LAST))).startswith(b"GET " + target + b" 1.1 ")


async def test_names_and_values_are_what_was_sent_in_order_and_case():
    fields = (b"x-LOW: caf\xe9", b"Cookie: a=\xff\xfe", b"Cookie: b", b"X-Empty:", b"X-Tab: a\tb")
    async with listening(reflect) as here:
        answer = body_of(await here.ask(get(b"/", *fields, LAST)))

        assert b"|x-LOW=caf\xe9|Cookie=a=\xff\xfe|Cookie=b|X-Empty=|X-Tab=a\tb|" in answer


@pytest.mark.parametrize("cut", [1, 5, 9])
async def test_a_body_comes_as_it_is_sent(cut):
    async with listening(collect) as here:
        head = get(b"/", b"Content-Length: 10", LAST, method=b"POST")
        assert body_of(await here.ask(head + b"0123456789"[:cut], 0.05, b"0123456789"[cut:])) == (
            b"0123456789"[:cut] + b"|" + b"0123456789"[cut:]
        )


@pytest.mark.parametrize(
    "body", [b"5\r\nhello\r\n0\r\n\r\n", b"3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"]
)
async def test_a_chunked_body_comes_without_its_framing_and_its_trailers(body):
    async with listening(collect) as here:
        answer = await here.ask(get(b"/", b"Transfer-Encoding: chunked", LAST, method=b"POST") + body)

        assert body_of(answer).replace(b"|", b"") == b"hello"


@pytest.mark.parametrize(
    "garbage",
    [
        b"zz\r\nhello\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5 \r\nhello\r\n",
        b"-1\r\n",
        b"5\nhello\n0\n\n",
        b"ffffffffffffffffff\r\n",
    ],
)
@pytest.mark.parametrize("pause", [0, 0.05], ids=["at once", "later"])
async def test_a_malformed_body_breaks_whoever_reads_it_at_once(garbage, pause):
    failed = asyncio.Event()

    async def reading(request):
        try:
            async for _ in request.body():
                pass
        except BadRequest:
            failed.set()
            raise
        return Response(200, [], b"taken for whole")

    async with listening(reading) as here:
        head = get(b"/", b"Transfer-Encoding: chunked", method=b"POST")
        answer = await here.ask(head + b"3\r\nabc\r\n", pause, garbage, seconds=2)

        assert b"taken for whole" not in answer
        assert status(answer) in (400, 0)
        assert failed.is_set() or not pause  # what comes with its head is refused before it is a request


async def test_a_body_that_stops_is_408():
    async with listening(collect, RequestLimits(idle_body=0.1)) as here:
        answer = await here.ask(get(b"/", b"Content-Length: 10", method=b"POST") + b"abc", until_closed=False)

        assert status(answer) == 408


async def test_a_body_larger_than_allowed_is_413_declared_or_not():
    async with listening(collect, RequestLimits(body=8)) as here:
        declared = await here.ask(get(b"/", b"Content-Length: 9", LAST, method=b"POST") + b"123456789")
        chunked = await here.ask(
            get(b"/", b"Transfer-Encoding: chunked", LAST, method=b"POST") + b"9\r\n123456789\r\n0\r\n\r\n"
        )
        fits = await here.ask(get(b"/", b"Content-Length: 8", LAST, method=b"POST") + b"12345678")

        assert [status(answer) for answer in (declared, chunked, fits)] == [413, 413, 200]


async def test_a_form_of_ours_is_read_whole_up_to_a_size():
    async def form(request):
        return Response(200, [], await request.whole_body(5))

    async with listening(form) as here:
        assert (
            body_of(await here.ask(get(b"/", b"Content-Length: 5", LAST, method=b"POST") + b"12345"))
            == b"12345"
        )
        assert (
            status(await here.ask(get(b"/", b"Content-Length: 6", LAST, method=b"POST") + b"123456")) == 413
        )


async def test_who_expects_100_gets_it_when_the_body_is_wanted():
    async def wanting(request) -> Response:
        request.ask_for_body()
        return await collect(request)

    async with listening(wanting) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", b"Expect: 100-Continue", b"Content-Length: 5", LAST, method=b"POST"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        assert (await reader.read()).endswith(b"\r\n\r\nhello")
        writer.close()


async def test_who_expects_100_and_is_refused_gets_only_the_refusal():
    async def refusing(_):
        raise BadRequest("no", 403)

    async with listening(refusing) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", b"Expect: 100-continue", b"Content-Length: 5", method=b"POST"))
        head = await reader.readuntil(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 403 ")
        assert b"Connection: close" in head
        writer.close()


async def test_an_old_client_is_not_told_to_continue():
    async with listening(collect) as here:
        answer = await here.ask(
            get(b"/", b"Expect: 100-continue", b"Content-Length: 2", version=b"1.0", method=b"POST") + b"hi"
        )
        assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_a_big_upload_waits_while_nobody_reads_it():
    go = asyncio.Event()

    async def later(request):
        await go.wait()
        total = 0
        async for piece in request.body():
            total += len(piece)
        return Response(200, [], b"%d" % total)

    async with listening(later) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", b"Content-Length: 30000000", LAST, method=b"POST"))
        sending = asyncio.create_task(_send(writer, 30_000_000))
        await asyncio.sleep(0.3)
        assert not sending.done()
        go.set()
        assert (await reader.read()).endswith(b"\r\n\r\n30000000")
        await sending
        writer.close()


async def _send(writer: asyncio.StreamWriter, count: int) -> None:
    for _ in range(count // 100_000):
        writer.write(bytes(100_000))
        await writer.drain()


async def test_a_request_knows_its_peer_and_whether_a_body_follows():
    seen = []

    async def look(request):
        seen.append((request.peer, request.secure, request.has_body, request.length))
        return Response(200, [], b"")

    async with listening(look) as here:
        await here.ask(get(b"/", LAST))
        await here.ask(get(b"/", b"Content-Length: 0", LAST, method=b"POST"))
        await here.ask(get(b"/", b"Content-Length: 2", LAST, method=b"POST") + b"hi")
        await until(lambda: len(seen) == 3)

    assert seen == [
        ("127.0.0.1", False, False, None),
        ("127.0.0.1", False, False, 0),
        ("127.0.0.1", False, True, 2),
    ]
