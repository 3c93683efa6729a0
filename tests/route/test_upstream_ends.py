"""Responses that are longer or shorter than they say, or whose connection ends otherwise than it should.

What nginx-tests checks of them (docs/nginx-tests.md), by raw socket.
"""

import asyncio

import pytest

from tests.support.origin import CLOSE, HANG, RESET, Origin
from tests.support.proxying import proxying, read_answer, request

OK = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n"
KINDS = [b"text/plain", b"text/html", b"application/zip"]
NEXT = OK % b"text/plain" + b"Content-Length: 4\r\n\r\nnext"


async def ask_twice(tmp_path, response, *, method="GET", kind=b"text/plain"):
    """Ask for the response, then for another one; return both, and how many connections it took."""
    steps = response if isinstance(response, list) else [response]
    steps = [step % kind if isinstance(step, bytes) and b"%b" in step else step for step in steps]
    async with (
        Origin({b"/odd": steps, b"/next": NEXT}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(request("/odd", "Sec-Fetch-Dest: empty", method=method))
        first = await read_answer(reader, method)
        second = await proxy.ask("/next")
        connections = origin.connections
    await asyncio.sleep(0.02)  # the loop closes what was aborted
    return first, second, connections


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("method", "sent", "body"),
    [
        ("GET", b"Content-Length: 8\r\n\r\nSEE-THIS-BUT-NOT-THIS", b"SEE-THIS"),
        ("GET", b"Content-Length: 0\r\n\r\nNOT-THIS", b""),
        ("GET", b"Transfer-Encoding: chunked\r\n\r\n8\r\nSEE-THIS\r\n0\r\n\r\nNOT-THIS", b"SEE-THIS"),
        ("HEAD", b"Content-Length: 8\r\n\r\nSEE-THIS-BUT-NOT-THIS", b""),
        ("HEAD", b"Content-Length: 8\r\n\r\nSEE-THIS", b""),
    ],
)
async def test_what_stands_behind_a_response_reaches_nobody(tmp_path, kind, method, sent, body):
    first, second, connections = await ask_twice(tmp_path, OK + sent, method=method, kind=kind)

    assert (first.status, first.body, second.body, connections) == (200, body, b"next", 2)


@pytest.mark.parametrize("kind", KINDS[:1] + KINDS[2:])
@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 100\r\n\r\nSEE-THIS",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\nSEE-THIS\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n64\r\nSEE-THIS",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\nSEE-THIS\r\n0\r\n",
    ],
)
async def test_a_response_that_is_too_short_looks_cut(tmp_path, kind, end, sent):
    first, second, _ = await ask_twice(tmp_path, [OK + sent, 0.05, end], kind=kind)

    assert (first.status, first.whole) in ((200, False), (502, True))
    assert first.status == 502 or first.body == b"SEE-THIS"
    assert second.body == b"next"


@pytest.mark.parametrize(
    "sent",
    [b"Content-Length: 100\r\n\r\n", b"Content-Length: 100\r\nX-A: 1\r\n\r\n"],
    ids=["short", "fields"],
)
async def test_a_short_response_to_head_is_whole(tmp_path, sent):
    first, second, connections = await ask_twice(tmp_path, OK + sent, method="HEAD")

    assert (first.status, first.one(b"Content-Length")) == (200, b"100")
    assert (second.body, connections) == (b"next", 1)


@pytest.mark.parametrize(
    ("version", "field"),
    [(b"HTTP/1.1", b"Connection: close\r\n"), (b"HTTP/1.0", b""), (b"HTTP/1.0", b"X: 1\r\n")],
)
async def test_an_upstream_that_never_closes_holds_up_nobody_who_has_the_whole_response(
    tmp_path, version, field
):
    head = version + OK[8:] + field + b"Content-Length: 8\r\n\r\n"
    first, second, _ = await ask_twice(tmp_path, [head, 0.02, b"SEE-", 0.02, b"THIS", HANG])

    assert (first.body, first.whole, second.body) == (b"SEE-THIS", True, b"next")


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 8\r\n\r\nSEE-THIS",
        b"Transfer-Encoding: chunked\r\n\r\n8\r\nSEE-THIS\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
    ],
)
async def test_a_whole_response_leaves_its_connection_for_the_next(tmp_path, sent):
    first, second, connections = await ask_twice(tmp_path, OK + sent)

    assert (first.status, second.body, connections) == (200, b"next", 1)


async def test_a_304_leaves_its_connection_for_the_next(tmp_path):
    response = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'
    first, second, connections = await ask_twice(tmp_path, response)

    assert (first.status, second.body, connections) == (304, b"next", 1)


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: foo\r\n\r\n",
        b"Transfer-Encoding: foo\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    ],
)
async def test_framing_that_is_said_twice_or_not_understood_is_502(tmp_path, fields):
    first, second, _ = await ask_twice(tmp_path, OK + fields)

    assert (first.status, second.body) == (502, b"next")
