"""Answers as bytes: the head as it was given, framing of our own, one write for what is here."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamError
from proxy.http.server import Response
from tests.support.visitor import LAST, body_of, get, head_of, listening, status


def answering(make):
    async def answer(request):
        return await make(request) if asyncio.iscoroutinefunction(make) else make(request)

    return answer


async def asked(make, request: bytes = get(b"/", LAST)) -> bytes:
    async with listening(answering(make)) as here:
        return await here.ask(request)


async def test_a_head_goes_out_as_it_was_given_and_nothing_is_added_but_framing():
    headers = [(b"X-b", b"caf\xe9"), (b"Set-Cookie", b"a=\xff"), (b"set-COOKIE", b"b"), (b"X-Empty", b"")]
    answer = await asked(lambda _: Response(404, headers, b"gone", reason=b"Pas trouv\xe9"))

    assert answer == (
        b"HTTP/1.1 404 Pas trouv\xe9\r\nX-b: caf\xe9\r\nSet-Cookie: a=\xff\r\nset-COOKIE: b\r\nX-Empty: \r\n"
        b"Content-Length: 4\r\nConnection: close\r\n\r\ngone"
    )


async def test_framing_fields_of_the_upstream_are_not_passed_on():
    headers = [
        (b"Connection", b"close"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Upgrade", b"h2c"),
    ]
    head = head_of(await asked(lambda _: Response(200, headers, b"x")))

    assert head == [b"HTTP/1.1 200 OK", b"Content-Length: 1", b"Connection: close"]


async def stream(request) -> Response:
    answer = Response(200, [], b"one", complete=False)
    await answer.prepare(request)
    await answer.write(b"")
    await answer.write(b"two")
    await answer.finish(b"three")
    return answer


async def test_a_body_of_unknown_length_is_chunked():
    answer = await asked(stream)

    assert b"Transfer-Encoding: chunked" in head_of(answer)
    assert body_of(answer) == b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"


async def test_for_an_old_client_it_ends_with_the_connection():
    answer = await asked(stream, get(b"/", b"Connection: keep-alive", version=b"1.0"))

    assert head_of(answer) == [b"HTTP/1.1 200 OK", b"Connection: close"]
    assert body_of(answer) == b"onetwothree"


async def test_a_known_length_is_kept():
    async def known(request):
        answer = Response(200, [(b"content-length", b"6")], b"one", complete=False)
        await answer.prepare(request)
        await answer.write(b"two")
        return answer

    assert (await asked(known)).endswith(b"content-length: 6\r\nConnection: close\r\n\r\nonetwo")


@pytest.mark.parametrize("pieces", [(b"on",), (b"onetwo", b"!")])
async def test_a_body_that_differs_from_its_length_leaves_a_cut_connection(pieces):
    async def wrong(request):
        answer = Response(200, [(b"Content-Length", b"6")], complete=False)
        await answer.prepare(request)
        for piece in pieces:
            await answer.write(piece)
        return answer

    async with listening(wrong) as here:
        answer = await here.ask(get() + get(b"/second"))
        assert answer.count(b"HTTP/1.1") <= 1
        assert len(body_of(answer) if answer else b"") <= 6


async def test_the_bytes_here_go_out_in_one_write_with_the_head(monkeypatch):
    writes = []

    async def watched(request):
        transport = request.protocol.transport
        real = transport.write
        transport.write = lambda data: (writes.append(data), real(data))[1]
        return Response(200, [], b"whole")

    await asked(watched)
    assert len(writes) == 1
    assert writes[0].endswith(b"\r\n\r\nwhole")


@pytest.mark.parametrize(
    ("code", "method", "headers", "expected"),
    [
        (204, b"GET", [(b"Content-Length", b"9")], []),
        (304, b"GET", [(b"Content-Length", b"9"), (b"ETag", b'"x"')], [b"Content-Length: 9", b'ETag: "x"']),
        (200, b"HEAD", [(b"Content-Length", b"9")], [b"Content-Length: 9"]),
        (200, b"HEAD", [], [b"Content-Length: 4"]),
    ],
)
async def test_answers_without_a_body_have_none(code, method, headers, expected):
    answer = await asked(lambda _: Response(code, headers, b"body"), get(b"/", LAST, method=method))

    assert head_of(answer)[1:] == [*expected, b"Connection: close"]
    assert body_of(answer) == b""


async def test_an_answer_to_head_whose_length_is_unknown_claims_none():
    answer = await asked(lambda _: Response(200, [], complete=True), get(b"/", LAST, method=b"HEAD"))

    assert head_of(answer) == [b"HTTP/1.1 200 OK", b"Connection: close"]


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_a_cut_answer_looks_cut(version):
    async def cut(request):
        answer = Response(200, [], b"some", complete=False)
        await answer.prepare(request)
        await asyncio.sleep(0.02)
        answer.cut()
        return answer

    async with listening(cut) as here:
        reader, writer = await here.connect()
        writer.write(get(version=version))
        if version == b"1.0":  # a clean end would mean: that was all
            with pytest.raises(ConnectionResetError):
                while await reader.read(1000):
                    pass
        else:
            assert not (await reader.read()).endswith(b"0\r\n\r\n")
        writer.close()


async def test_an_unread_body_ends_the_connection_instead_of_becoming_a_request():
    async with listening(answering(lambda _: Response(200, [], b"no thanks"))) as here:
        smuggled = get(b"/smuggled")
        head = get(b"/", b"Content-Length: %d" % (len(smuggled) + 5), method=b"POST")
        reader, writer = await here.connect()
        writer.write(head)
        answer = await reader.readuntil(b"no thanks")
        writer.write(smuggled)

        assert b"Connection: close" in answer
        writer.close()


async def test_a_head_that_would_have_a_line_more_is_not_sent():
    answer = await asked(lambda _: Response(200, [(b"X", b"a\r\nSet-Cookie: evil=1")], b"x"))

    assert b"evil" not in answer


async def test_a_visitor_who_left_ends_the_answer():
    ended = asyncio.Event()

    async def long(request):
        answer = Response(200, [], b"x", complete=False)
        try:
            await answer.prepare(request)
            while True:
                await answer.write(b"x" * 1000)
                await asyncio.sleep(0.005)
        finally:
            ended.set()

    async with listening(long) as here:
        _, writer = await here.connect()
        writer.write(get())
        await asyncio.sleep(0.05)
        writer.close()
        async with asyncio.timeout(1):
            await ended.wait()


@given(st.lists(st.tuples(st.sampled_from([b"X-A", b"Set-Cookie"]), st.binary(max_size=30)), max_size=6))
def test_a_head_has_as_many_lines_as_fields_or_is_not_sent(headers):
    class Request:
        method, version, keep_alive, body_is_through = b"GET", (1, 1), True, True

    try:
        head = Response(200, headers)._head(Request, b"")
    except UpstreamError:
        return
    lines = head.split(b"\r\n")[1:-2]

    assert lines == [b"%b: %b" % pair for pair in headers] + [b"Content-Length: 0"]


async def test_a_status_without_a_known_phrase_has_an_empty_one():
    assert status(await asked(lambda _: Response(299, [], b""))) == 299
