"""Answers read without llhttp, against llhttp: whatever is taken is what it would have made of it."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import UpstreamError
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.parser import (
    HEAD_FIELDS,
    LINE_CACHE_SIZE,
    PARSED_LINES,
    ResponseParser,
    parse_complete_response,
)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def read(loop, data: bytes, *, by_parser: bool) -> tuple[object, ...]:
    """All that is made of an answer."""
    upstream_response, parser = UpstreamResponse(UpstreamRequest(b"GET", b"/", []), loop), ResponseParser()
    parser.begin(upstream_response)
    parser.heard = by_parser  # only what comes first may be read without it
    try:
        parser.feed(data)
    except UpstreamError as error:
        return ("refused", str(error))
    body, _ = upstream_response.arrived()
    said = (
        upstream_response.status,
        upstream_response.reason,
        upstream_response.headers,
        upstream_response.fields,
        upstream_response.bodiless,
        body,
    )
    return (*said, parser.framing, parser.headed, parser.ended, parser.excess, parser.heard)


def agree(loop, data: bytes) -> bool:
    """Read an answer both ways; True when it was taken in one step."""
    found = parse_complete_response(data)
    by_parser = read(loop, data, by_parser=True)
    if found is None:
        return False
    assert by_parser[:4] == found[:4], data
    assert by_parser[5] == found[4], data
    assert by_parser[7:10] == (True, True, False), data  # a head, all of it, and nothing behind it
    assert read(loop, data, by_parser=False) == by_parser, data
    return True


REAL = [
    OK + b"Server: nginx/1.24.0\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n"
    b'Content-Length: 11\r\nLast-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\nConnection: keep-alive\r\nETag: "abc-1f"\r\n'
    b"Accept-Ranges: bytes\r\n\r\nhello world",
    OK + b"Content-Type: application/json\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/; HttpOnly\r\n"
    b"Vary: Accept-Encoding\r\nvary: Cookie\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n006\r\n world\r\n0\r\n\r\n",
    b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nDate: x\r\n\r\n',
    b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 11\r\n\r\n',
    b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\n\r\n",
    b"HTTP/1.1 404 Nicht da \xfc\r\nX-A: \tb \t\r\nContent-Length: 3\r\nContent-Type: text/event-stream\r\n\r\nabc",
    b"HTTP/1.1 500 \r\nConnection: keep-alive, x\r\nContent-Length: 000000000000000003\r\n\r\nabc",
    CHUNKED + b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
    CHUNKED + b"00\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("answer", [*REAL[:6], REAL[7], *REAL[8:]])
def test_answers_that_sites_give_are_taken_whole_and_as_the_parser_reads_them(loop, answer):
    assert agree(loop, answer)


@pytest.mark.parametrize(
    "body",
    [
        b"3;x=y\r\nabc\r\n0\r\n\r\n",
        b'3;x="\r\n"\r\nabc\r\n0\r\n\r\n',
        b"3\r\nabc\r\n0;x\r\n\r\n",
        b"3\r\nabc\r\n0\r\nX: y\r\n\r\n",
        b"3\r\nabc\r\n0\r\nSet-Cookie: _ga=1\r\n\r\n",
        b"+3\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"3_0\r\n" + b"a" * 48 + b"\r\n0\r\n\r\n",
        b" 3\r\nabc\r\n0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"3\t\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\n0\r\n\r\n",
        b"3\r\nabc\r\n0\n\n",
        b"3\r\nabc\r\n0\r\n\n",
        b"3\r\nabc0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nab\r\n0\r\n\r\n",
        b"3\r\nabc\r\n",
        b"3\r\nabc\r\n0",
        b"3\r\nabc\r\n0\r\n",
        b"3\r\nabc\r\n0\r\n\r",
        b"0\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\n\r\nx",
        b"3\r\nabc\r\n0\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        b"\r\n0\r\n\r\n",
        b"",
        b"\r\n",
        b"g\r\nabc\r\n0\r\n\r\n",
        b"\xb3\r\nabc\r\n0\r\n\r\n",
        b"3\0\r\nabc\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        b"00000000000000003\r\nabc\r\n0\r\n\r\n",
        b"80000003\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_chunks_in_doubt_are_left_to_the_parser(loop, body):
    assert not agree(loop, CHUNKED + body)
    assert read(loop, CHUNKED + body, by_parser=False) == read(loop, CHUNKED + body, by_parser=True)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        OK + b"Content-Length: 3\r\ncontent-length: 4\r\n\r\nabc",
        OK + b"Content-Length: 3, 3\r\n\r\nabc",
        OK + b"Content-Length: +3\r\n\r\nabc",
        OK + b"Content-Length: 0x3\r\n\r\nabc",
        OK + b"Content-Length: 1_0\r\n\r\n0123456789",
        OK + b"Content-Length: \xb2\r\n\r\nab",
        OK + b"Content-Length: 3 \r\n\r\nabc",
        OK + b"Content-Length: 0000000000000000003\r\n\r\nabc",
        OK + b"Content-Length: 3\r\n\r\nab",
        OK + b"Content-Length: 3\r\n\r\nabcd",
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\n",
        b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 304 No\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\nX: y\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\r b\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\0\r\nContent-Length: 0\r\n\r\n",
        OK + b"X : a\r\nContent-Length: 0\r\n\r\n",
        OK + b"X\xe9: a\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 3\n\nabc\r\n\r\n",
        OK + b"\r\n",
        OK + b"Content-Type: text/html\r\n\r\nuntil the end",
        OK + b"X: y\r\n" * HEAD_FIELDS + b"Content-Length: 0\r\n\r\n",
        OK + b"X: " + b"a" * 270_000 + b"\r\nContent-Length: 0\r\n\r\n",
    ],
)  # fmt: skip
def test_answers_in_doubt_are_left_to_the_parser(loop, answer):
    assert not agree(loop, answer)
    assert read(loop, answer, by_parser=False) == read(loop, answer, by_parser=True)


SCRAPS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\0", b":", b": ", b"0", b"3", b"+3", b"0x3", b"3_0", b";x", b"a", b"A", b"\xe9", b"\x7f", b"-", b",",
    b"Content-Length: 3\r\n", b"Content-Length: 11\r\n", b"content-length:0\r\n", b"Transfer-Encoding: chunked\r\n", b"transfer-encoding:  chunked \r\n",
    b"Transfer-Encoding: Chunked\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: upgrade\r\n", b"Upgrade: h2c\r\n", b"Set-Cookie: a=1\r\n",
    b"X: y\r\n", b"x: y \r\n", b"X:\r\n", b"X:y\r\n", b" folded\r\n", b"Trailer: x\r\n", b"0\r\n\r\n", b"3\r\nabc\r\n", b"00\r\n", b"f\r\n", b"HTTP/1.1 200 OK\r\n", b"200", b"204",
    b"304", b"205", b"101", b"100", b"599", b"600", b"1.0", b"9", b"ffffffff",
]  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    """An answer of a site with some bytes cut, doubled, moved or put in."""
    data = bytearray(rng.choice(REAL))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        at = rng.randrange(len(data) + 1)
        if rng.random() < 0.5:  # where something begins or ends, most is at stake
            breaks = [n for n in range(len(data)) if data[n : n + 2] == b"\r\n"] or [0]
            at = min(len(data), rng.choice(breaks) + rng.choice((0, 0, 1, 2, 2, 2, 3)))
        match rng.randrange(6):
            case 0:
                del data[at : at + rng.choice((1, 1, 2, 4, 20))]
            case 1:
                data[at:at] = data[at : at + rng.randrange(30)]
            case 2 if data:
                data[at : at + 1] = bytes([rng.choice((rng.randrange(256), rng.randrange(32, 127)))])
            case 3:
                other = rng.choice(REAL)
                begin = rng.randrange(len(other))
                data[at:at] = other[begin : begin + rng.randrange(40)]
            case _:
                data[at:at] = rng.choice(SCRAPS)
    return bytes(data)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**64))
def test_whatever_becomes_of_an_answer_it_is_read_alike(loop, seed):
    rng = random.Random(seed)
    for _ in range(100):
        data = mutated(rng)
        if not agree(loop, data):
            assert read(loop, data, by_parser=False) == read(loop, data, by_parser=True), data


@given(
    reason=st.binary(max_size=4),
    lines=st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.binary(max_size=4)), max_size=3),
    body=st.binary(max_size=4),
    status=st.integers(190, 610),
)
def test_no_byte_in_a_head_is_read_otherwise_than_by_parser(loop, reason, lines, body, status):
    head = b"HTTP/1.1 %d %b\r\n" % (status, reason)
    fields = b"".join(b"%b: %b\r\n" % line for line in lines)
    agree(loop, head + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("half", [range(128), range(128, 256)])
def test_each_byte_in_each_place_of_a_line_is_read_as_the_parser_reads_it(loop, half):
    for number in half:
        _try_everywhere(loop, bytes([number]))


def _try_everywhere(loop, byte: bytes) -> None:
    end = b"\r\nContent-Length: 0\r\n\r\n"
    for line in (b"%b", b"A%b", b"A%b: b", b"%bA: b", b"A:%bb", b"A: %bb", b"A: b%b", b"A: b%bc", b"A: %b"):
        agree(loop, OK + line % byte + end)
    for first in (
        b"HTTP/1.1 200%b",
        b"HTTP/1.1 200 %b",
        b"HTTP/1.1 200 a%bb",
        b"HTTP/1.1%b200 OK",
        b"%bHTTP/1.1 200 OK",
    ):
        agree(loop, first % byte + end)
    for size in (b"%b", b"%b3", b"3%b", b"0%b3"):
        agree(loop, CHUNKED + size % byte + b"\r\nabc\r\n0\r\n\r\n")


def test_lines_are_remembered_within_bounds(loop):
    for n in range(LINE_CACHE_SIZE + 100):
        assert agree(loop, OK + b"X-A: %d\r\nContent-Length: 0\r\n\r\n" % n)
        assert len(PARSED_LINES) <= LINE_CACHE_SIZE
