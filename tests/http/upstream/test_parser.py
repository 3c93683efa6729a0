"""Answers of an upstream, without a socket: strict where two parsers could differ, alike for every cut."""

import asyncio
import itertools

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import UpstreamError
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.parser import HEAD_BYTES, HEAD_FIELDS, ResponseParser


def read(
    *pieces: bytes, method: bytes = b"GET", upgrade: bool = False, key: bytes = b"", observed: bool = False
) -> tuple[UpstreamResponse, ResponseParser]:
    """Feed the pieces to a parser; what it made of them."""

    async def inside() -> tuple[UpstreamResponse, ResponseParser]:
        headers = [(b"Host", b"a.test")] + ([(b"Sec-WebSocket-Key", key)] if key else [])
        upstream_response, parser = (
            UpstreamResponse(UpstreamRequest(method, b"/", headers, upgrade=upgrade, observed=observed)),
            ResponseParser(),
        )
        parser.begin(upstream_response)
        for piece in pieces:
            parser.feed(piece)
        return upstream_response, parser

    return asyncio.run(inside())


def refused(*pieces: bytes, method: bytes = b"GET") -> str:
    with pytest.raises(UpstreamError) as caught:
        read(*pieces, method=method)
    assert caught.value.status == 502
    return str(caught.value)


HEAD = b"HTTP/1.1 200 OK\r\n"


def test_a_head_keeps_order_case_and_every_byte_of_its_values():
    upstream_response, _ = read(
        HEAD
        + b'X-A: caf\xe9\r\nSet-Cookie: a=1\r\nx-EMPTY:\r\nSet-Cookie: b="2" \t\r\nContent-Length: 0\r\n\r\n'
    )

    assert upstream_response.headers == [
        (b"X-A", b"caf\xe9"),
        (b"Set-Cookie", b"a=1"),
        (b"x-EMPTY", b""),
        (b"Set-Cookie", b'b="2"'),
        (b"Content-Length", b"0"),
    ]


@pytest.mark.parametrize("odd", [b"\x01", b"\x1b[2J", b"\x7f", b"\x00"])
def test_a_reason_phrase_with_a_control_character_is_left_out(odd):
    assert read(b"HTTP/1.1 200 O" + odd + b"K\r\nContent-Length: 0\r\n\r\n")[0].reason == b""


def test_a_reason_phrase_is_kept_and_may_be_missing():
    assert read(b"HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 0\r\n\r\n")[0].reason == b"Tr\xe8s bien"
    assert read(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")[0].reason == b""


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: \r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Content-Length: +3\r\n\r\nabc",
        HEAD + b"Content-Length: -3\r\n\r\nabc",
        HEAD + b"Content-Length: 0x3\r\n\r\nabc",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\nabc",
        HEAD + b"Content-Length : 3\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        HEAD + b"Content-Length: 3, 4\r\n\r\nabcd",
        HEAD + b"Content-Length: 3\r\nContent-Length: 03\r\n\r\nabc",
        HEAD + b"Content-Length: \r\n\r\nabc",
        HEAD + b"Content-Length: 3\x01\r\n\r\nabc",
        HEAD + b"Content-Length\x01: 3\r\n\r\nabc",
        HEAD + b"Content-Length:\r\n 3\r\n\r\nabc",
        HEAD + b"X-A: a\rContent-Length: 3\r\n\r\nabc",
        HEAD + b"X-A: a\nTransfer-Encoding: chunked\r\n\r\nabc",
        HEAD + b"\x0bTransfer-Encoding: chunked\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\x7f\r\n\r\nabc",
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Connection: close\x01\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"Connection : close\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"Content-Type: text/html\0\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"Content-Type : text/plain\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"Content-Type:\r\n text/plain\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"Content-Security-Policy: a\rb\r\nContent-Length: 0\r\n\r\n",
        HEAD + b" Content-Length: 3\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"X-A: a\n\nContent-Length: 0\r\n\r\n",
        HEAD + b"X-A: a\n\r\nX-B: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;a\rb\r\nabc\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_an_answer_that_two_parsers_could_read_differently_is_refused(answer):
    refused(answer)


PLAIN = (b"Content-Length", b"3")
CHUNKED = (b"Transfer-Encoding", b"chunked")


@pytest.mark.parametrize(
    ("response", "headers"),
    [
        (HEAD + b"X-A: a\x01b\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"X-A: a\x7fb\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"X-A: a\0b\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"X-A: a\rX-B: b\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"X-A: a\nX-B: b\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"Set-Cookie: a=b\x01c\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (
            HEAD + b"Location: /a\x01\x7fb\r\nContent-Length: 3\r\n\r\nabc",
            [(b"Location", b"/a%01%7Fb"), PLAIN],
        ),
        (HEAD + b"Location: /a\0b\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"X-\xc3\x9c: 1\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"X Y: 1\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b": 1\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"Nothing\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"X-A : 1\r\nContent-Length: 3\r\n\r\nabc", [(b"X-A", b"1"), PLAIN]),
        (HEAD + b"X-A: 1\r\n\t 2\r\n  3\r\nContent-Length: 3\r\n\r\nabc", [(b"X-A", b"1 2 3"), PLAIN]),
        (HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"content-length: 3, 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 3\n\nabc", [(b"X-A", b"1"), PLAIN]),
        (b"HTTP/1.1 200 OK\nX-A: 1\r\nContent-Length: 3\n\r\nabc", [(b"X-A", b"1"), PLAIN]),
        (b"\r\n" + HEAD + b"Content-Length: 3\r\n\r\nabc", [PLAIN]),
        (b"HTTP/1.1 600 Odd\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 3\r\n\r\nabc", [PLAIN]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3 \t\r\nabc\r\n0  \r\n\r\n", [CHUNKED]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n00000000000000003\r\nabc\r\n000\r\n\r\n", [CHUNKED]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3 ;a=b\r\nabc\r\n0\r\n\r\n", [CHUNKED]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", [CHUNKED]),
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", [CHUNKED]),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_has_one_reading_is_read_and_a_line_that_is_no_field_costs_that_line(response, headers, step):
    pieces = [response[at : at + step] for at in range(0, len(response), step)]
    upstream_response, parser = read(*pieces)

    assert upstream_response.headers == headers
    assert parser.ended
    assert not parser.excess
    assert asyncio.run(_taken(upstream_response)) == b"abc"


@pytest.mark.parametrize("start", [b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"])
@pytest.mark.parametrize("pieces", [[b"<p>plain</p>"], [b"<", b"p>plain", b"</p>"]])
def test_a_body_of_http_1_0_that_says_chunked_and_is_not_lasts_until_its_end(start, pieces):
    upstream_response, parser = read(start, *pieces)

    assert asyncio.run(_taken(upstream_response)) == b"<p>plain</p>"
    assert (parser.framing.until_eof, parser.framing.persistent) == (True, False)


def test_transfer_encoding_identity_without_a_length_lasts_until_its_end():
    upstream_response, parser = read(HEAD + b"Transfer-Encoding: identity\r\n\r\nabc")

    assert (upstream_response.headers, parser.framing.until_eof) == ([], True)


@pytest.mark.parametrize(
    "line",
    [b"Content-Type: text/html\x01", b"Content-Encoding: gzip\x7f", b"X-Frame-Options: \x01DENY",
     b"Content-Security-Policy: a\x02b", b"X-Content-Type-Options: nosniff\x01"],
)  # fmt: skip
def test_a_field_that_decides_what_a_body_is_stays_for_whoever_judges_it(line):
    upstream_response, _ = read(HEAD + line + b"\r\nContent-Length: 0\r\n\r\n")

    name, _, value = line.partition(b": ")
    assert upstream_response.fields[name.lower()] == [value]


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (
            HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"abc",
        ),
        (HEAD + b"Transfer-Encoding: \r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (HEAD + b"Transfer-Encoding: own\r\nContent-Length: 2\r\n\r\nabc", b"abc"),
        (HEAD + b"Connection: close\x01\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (HEAD + b"Content-Type: text/html\0\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    ],
)
def test_where_a_site_is_observed_a_doubtful_response_is_read_as_browsers_read_it(response, body):
    upstream_response, parser = read(response, observed=True)

    assert asyncio.run(_taken(upstream_response)) == body
    assert refused(response)
    assert b"connection" not in upstream_response.fields
    assert parser.ended or parser.framing.until_eof
    assert not (parser.framing.persistent and b"Transfer-Encoding" in response)


def test_an_interim_answer_is_dropped_with_all_its_fields():
    early = b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: _ga=1\r\nLink: </a.js>; rel=preload\r\n\r\n"
    upstream_response, parser = read(
        b"HTTP/1.1 100 Continue\r\n\r\n" + early + HEAD + b"Content-Length: 2\r\n\r\nhi"
    )

    assert upstream_response.headers == [(b"Content-Length", b"2")]
    assert parser.ended
    assert upstream_response.reason == b"OK"


def test_trailers_of_a_chunked_body_are_dropped():
    upstream_response, parser = read(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nSet-Cookie: _ga=1\r\n\r\n"
    )

    assert upstream_response.headers == [(b"Transfer-Encoding", b"chunked")]
    assert parser.ended


@pytest.mark.parametrize(
    ("flood", "rest"),
    [
        (HEAD + b"X-A: ", b"a" * 1000),
        (HEAD, b"X-A: b\r\n"),
        (b"", b"HTTP/1.1 103 Hm\r\nX: y\r\n\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"extension=" * 100),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: " + b"a" * 500 + b"\r\n"),
    ],
    ids=["one field", "fields", "interim answers", "a chunk extension", "trailers"],
)
def test_a_head_interim_answers_extensions_and_trailers_are_bounded(flood, rest):
    refused(flood, *[rest] * (HEAD_BYTES // len(rest) + 50))


def test_a_head_larger_than_the_limit_is_refused_also_when_it_comes_in_one_piece_with_its_body():
    refused(
        HEAD
        + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(270))
        + b"Content-Length: 2\r\n\r\nhi"
    )


def test_a_head_of_twelve_kilobytes_or_of_a_hundred_cookies_passes():
    assert read(HEAD + b"X-A: " + b"a" * 12_000 + b"\r\nContent-Length: 0\r\n\r\n")[1].ended
    assert read(HEAD + b"Set-Cookie: a=b\r\n" * 100 + b"Content-Length: 0\r\n\r\n")[1].ended
    refused(HEAD + b"Set-Cookie: a=b\r\n" * (HEAD_FIELDS + 1) + b"Content-Length: 0\r\n\r\n")


def test_a_big_body_is_no_flood():
    upstream_response, parser = read(
        HEAD + b"Content-Length: 300000\r\n\r\n" + b"a" * 200_000, b"a" * 100_000
    )

    assert parser.ended
    assert upstream_response.buffered == 300_000


@pytest.mark.parametrize(
    ("answer", "method", "persistent", "until_eof"),
    [
        (HEAD + b"Content-Length: 0\r\n\r\n", b"GET", True, False),
        (HEAD + b"Content-Length: 0\r\nConnection: close\r\n\r\n", b"GET", False, False),
        (HEAD + b"Content-Length: 0\r\nConnection: x, CLOSE\r\n\r\n", b"GET", False, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", b"GET", False, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", b"GET", True, False),
        (HEAD + b"\r\n", b"GET", False, True),
        (HEAD + b"\r\n", b"HEAD", True, False),
        (b"HTTP/1.1 204 No\r\n\r\n", b"GET", True, False),
        (b"HTTP/1.1 304 No\r\n\r\n", b"GET", True, False),
    ],
)
def test_whether_a_connection_may_live_on_follows_from_the_head(answer, method, persistent, until_eof):
    _, parser = read(answer, method=method)

    assert (parser.framing.persistent, parser.framing.until_eof) == (persistent, until_eof)


def test_an_event_stream_may_be_silent():
    assert read(HEAD + b"Content-Type: Text/Event-Stream; charset=utf-8\r\n\r\n")[1].framing.endless
    assert not read(HEAD + b"Content-Type: text/event-streams\r\n\r\n")[1].framing.endless


@pytest.mark.parametrize(
    ("first", "method"),
    [
        (HEAD + b"Content-Length: 2\r\n\r\nhi", b"GET"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"GET"),
        (HEAD + b"Content-Length: 44\r\n\r\n", b"HEAD"),
        (HEAD + b"\r\n", b"HEAD"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"HEAD"),
        (b"HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", b"GET"),
        (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", b"GET"),
        (HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi", b"GET"),
    ],
)
@pytest.mark.parametrize("more", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", b"\0", b"x"])
def test_bytes_behind_an_answer_are_noticed_and_are_not_its_body(first, method, more):
    upstream_response, parser = read(first + more, method=method)

    assert parser.ended
    assert parser.excess
    assert b"poison" not in asyncio.run(_taken(upstream_response))


async def _taken(upstream_response: UpstreamResponse) -> bytes:
    return upstream_response.arrived()[0]


def test_each_answer_to_head_leaves_the_parser_ready_for_the_next():
    async def inside() -> tuple[bool, bytes]:
        parser = ResponseParser()
        for _ in range(2):
            parser.begin(UpstreamResponse(UpstreamRequest(b"HEAD", b"/", [])))
            parser.feed(HEAD + b"Content-Length: 44\r\n\r\n")
            assert parser.ended
        upstream_response = UpstreamResponse(UpstreamRequest(b"GET", b"/", []))
        parser.begin(upstream_response)
        parser.feed(HEAD + b"Content-Length: 2\r\n\r\nhi")
        return parser.excess, upstream_response.arrived()[0]

    assert asyncio.run(inside()) == (False, b"hi")


KEY, ACCEPT = b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"


def test_a_switch_that_was_asked_for_and_is_proven_opens_a_tunnel_for_any_bytes():
    upstream_response, _ = read(
        SWITCH % ACCEPT + b"\x81\x02hi", b"HTTP/1.1 nonsense\r\n", upgrade=True, key=KEY
    )

    assert upstream_response.status == 101
    assert asyncio.run(_taken(upstream_response)) == b"\x81\x02hiHTTP/1.1 nonsense\r\n"


@pytest.mark.parametrize(
    ("accept", "upgrade", "key"), [(ACCEPT, False, KEY), (b"x" * 28, True, KEY), (ACCEPT, True, b"")]
)
def test_a_switch_unasked_or_unproven_is_refused(accept, upgrade, key):
    with pytest.raises(UpstreamError):
        read(SWITCH % accept, upgrade=upgrade, key=key)


ANSWERS = [
    HEAD + b"Content-Type: text/html\r\nSet-Cookie: a=\xe9\r\nContent-Length: 11\r\n\r\nhello world",
    HEAD + b'Transfer-Encoding: chunked\r\n\r\n5;x="y"\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n',
    b"HTTP/1.1 103 E\r\nLink: <a>\r\n\r\n" + HEAD + b"Content-Length: 11\r\n\r\nhello world",
    b"HTTP/1.1 404 \xe9\xe8\r\nContent-Length: 11\r\nX-Empty:\r\n\r\nhello world",
    HEAD + b"\r\nhello world",
]


@settings(max_examples=200, deadline=None)
@given(answer=st.sampled_from(ANSWERS), cuts=st.lists(st.integers(1, 150), max_size=12))
def test_no_cut_changes_what_an_answer_says(answer, cuts):
    whole, whole_parser = read(answer)
    edges = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})
    cut, cut_parser = read(*[answer[a:b] for a, b in itertools.pairwise(edges)])

    assert (cut.status, cut.reason, cut.headers) == (whole.status, whole.reason, whole.headers)
    assert asyncio.run(_taken(cut)) == asyncio.run(_taken(whole)) == b"hello world"
    assert (cut_parser.ended, cut_parser.excess) == (whole_parser.ended, whole_parser.excess)


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=200), cut=st.integers(0, 200))
def test_no_bytes_whatever_make_anything_but_an_answer_or_a_fault(noise, cut):
    for start in (b"", b"HTTP/1.1 ", HEAD, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"):
        try:
            upstream_response, _ = read((start + noise)[:cut], (start + noise)[cut:])
        except UpstreamError:
            continue
        assert upstream_response.status == 0 or 200 <= upstream_response.status <= 999


def outcome(*pieces: bytes) -> tuple[object, ...]:
    try:
        upstream_response, parser = read(*pieces)
    except UpstreamError:
        return ("refused",)
    body, complete = upstream_response.arrived()
    said = (
        upstream_response.status,
        upstream_response.reason,
        upstream_response.headers,
        upstream_response.fields,
        upstream_response.bodiless,
        body,
    )
    return (*said, complete, parser.framing, parser.headed, parser.ended, parser.excess)


NEARLY_LINES = st.one_of(
    st.sampled_from(
        [b"Content-Length: 3", b"content-length: 03", b"Content-Length: +3", b"Content-Length: 3, 3", b"Connection: close",
         b"Content-Length:3", b"Transfer-Encoding: chunked", b"Upgrade: h2c", b"Connection: upgrade", b"X: caf\xe9", b"X:",
         b"X: ", b"X:  a", b"X: a ", b"X: a\tb", b"X : a", b" folded: x", b"X", b"", b": a", b"X: \x00", b"X: a\rb", b"X: a\nY: b",
         b"Set-Cookie: a=1", b"Content-Type: text/event-stream", b"Content-Length: " + b"9" * 30, b"X: \x7f", b"Keep-Alive: x"]
    ),
    st.binary(max_size=12),
)  # fmt: skip
STARTS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.1 204 No", b"HTTP/1.1 304 X", b"HTTP/1.1 404 \xe8", b"HTTP/1.0 200 OK",
     b"HTTP/1.1 100 Go", b"HTTP/1.1 101 Switch", b"HTTP/1.1 2000 OK", b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b"HTTP/1.1 200\tOK", b"HTTP/1.1 600 X"]
)  # fmt: skip


@settings(max_examples=500)
@given(
    start=STARTS,
    lines=st.lists(NEARLY_LINES, max_size=5),
    body=st.sampled_from([b"", b"abc", b"abcd", b"3\r\nabc\r\n0\r\n\r\n"]),
)
def test_an_answer_that_comes_at_once_is_read_as_one_that_comes_byte_by_byte(start, lines, body):
    """One that comes at once may be read in one step, one that drips never is."""
    whole = b"\r\n".join([start, *lines]) + b"\r\n\r\n" + body
    cut = [whole[at : at + 1] for at in range(len(whole))]

    assert outcome(whole) == outcome(*cut)


class Llhttp:
    """What llhttp, strict, makes of a response: None where it refuses it or waits for more."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.done = self.headed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.headed:
            self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.done = True


def by_llhttp(data: bytes) -> tuple[object, ...] | None:
    found = Llhttp()
    parser = httptools.HttpResponseParser(found)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    if not found.done or parser.get_http_version() not in ("1.0", "1.1"):
        return None
    return parser.get_status_code(), found.headers, found.body


CHUNKS = st.lists(
    st.sampled_from([b"3\r\nabc\r\n", b"0\r\n\r\n", b"3;a=b\r\nabc\r\n", b"A\r\n0123456789\r\n", b"0\r\nX-T: 1\r\n\r\n", b"03\r\nabc\r\n", b"3\r\nabcd", b"\r\n"]),
    max_size=4,
).map(b"".join)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(
    start=STARTS,
    lines=st.lists(NEARLY_LINES, max_size=4),
    framing=st.sampled_from([b"Content-Length: 3", b"Transfer-Encoding: chunked", b"X: y"]),
    body=st.one_of(st.just(b"abc"), CHUNKS),
)
def test_whatever_llhttp_takes_is_read_as_llhttp_reads_it_or_refused(start, lines, framing, body):
    data = b"\r\n".join([start, framing, *lines]) + b"\r\n\r\n" + body
    expected = by_llhttp(data)
    if expected is None or expected[0] < 200:
        return
    try:
        upstream_response, parser = read(data)
    except UpstreamError:
        return
    status, headers, body = expected
    assert parser.ended
    assert (upstream_response.status, asyncio.run(_taken(upstream_response))) == (status, body)
    assert [pair for pair in headers if pair in upstream_response.headers] == upstream_response.headers
