"""Heads that came before, against aiohttp's compiled parser: what is found in them is what it would find."""

import asyncio
from types import SimpleNamespace

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from aiohttp.streams import EMPTY_PAYLOAD
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.http.header_names import fields_of
from proxy.route.fast.request_head_cache import KEPT, LONGEST, MOST, RequestHeadCache, RequestTemplate

USUAL = (
    b"Host: callkom.io",
    b"User-Agent: Mozilla/5.0 (X11)",
    b"Accept: */*",
    b"Cookie: session=1; _ga=GA1.2",
)


@pytest.fixture(scope="module")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def parsed(loop, *pieces: bytes) -> list:
    """What aiohttp's parser finds in the last piece, after the ones before; nothing where it objects."""
    parser = HttpRequestParser(
        BaseProtocol(loop),
        loop,
        2**16,
        max_line_size=16_384,
        max_field_size=32_768,
        max_headers=256,
        auto_decompress=False,
    )
    found: list = []
    try:
        for piece in pieces:
            found, _, _ = parser.feed_data(piece)
    except HttpProcessingError:
        return []
    return found


def learned(loop, *pieces: bytes) -> RequestHeadCache:
    """What is remembered of a request, all of it in the last piece as far as its connection can tell."""
    heads = RequestHeadCache()
    found = parsed(loop, *pieces)
    if len(found) == 1 and found[0][1] is EMPTY_PAYLOAD:
        heads.learn(pieces[-1], found[0][0])
    return heads


def request(*lines: bytes, first: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join([first, *lines]) + b"\r\n\r\n"


def test_a_head_that_came_is_found_again_whatever_it_asks_for(loop):
    heads = learned(loop, request(*USUAL, b"X-A: caf\xe9 \t", b"x-a:", b"X-A: 2"))
    again = request(
        *USUAL,
        b"X-A: caf\xe9 \t",
        b"x-a:",
        b"X-A: 2",
        first=b"GET /a%20b/?c=d&e[]=/../ HTTP/1.1".replace(b"[]", b""),
    )
    head, target, news = heads.find(again)

    assert target == b"/a%20b/?c=d&e=/../"
    assert news == ()
    assert head.headers == list(parsed(loop, again)[0][0].raw_headers)
    assert head.fields[b"x-a"] == [b"caf\xe9", b"", b"2"]


def test_a_head_is_known_whatever_its_trace_says_and_is_not_kept_twice(loop):
    heads = RequestHeadCache()
    for n in range(50):
        data = request(USUAL[0], b"CF-Ray: %d-CDG" % n, *USUAL[1:], b"traceparent: 00-%d-01" % n)
        if n:
            head, _, news = heads.find(data)
            assert news == (b"%d-CDG" % n, b"00-%d-01" % n)
            assert head.filled(news)[0] == list(parsed(loop, data)[0][0].raw_headers)
        heads.learn(data, parsed(loop, data)[0][0])

    assert len(heads) == 1


@pytest.mark.parametrize(
    "lines",
    [
        [b"CF-Ray: a", b"CF-Ray: b"],
        [b"CF-Ray: a", b"cf-ray: b c"],
        [b"traceparent:", b"traceparent: a"],
    ],
)
def test_what_is_new_and_said_twice_is_left_to_the_parser(loop, lines):
    assert not learned(loop, request(*USUAL, *lines))


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ([b"X: a", b"X-Request-ID: b"], [b"X: aX-", b"Request-ID: b"]),
        ([b"X: aX-", b"Request-ID: b"], [b"X: a", b"X-Request-ID: b"]),
        ([b"CF-Ray: a", b"traceparent: b"], [b"traceparent: a", b"CF-Ray: b"]),
        ([b"CF-Ray: a"], [b"cf-ray: a"]),
        ([b"CF-Ray: a"], [b"CF-Ray: \0"]),
        ([b"CF-Ray: a"], [b"CF-Ray:"]),
        ([b"CF-Ray: a"], [b"CF-Ray: "]),
        ([b"CF-Ray: a"], [b"CF-Ray: a b"]),
        ([b"CF-Ray: a"], [b"CF-Ray:  a"]),
        ([b"CF-Ray: a"], [b"X-CF-Ray: a"]),
        ([b"CF-Ray: a"], [b"CF-Ray : a"]),
        ([b"CF-Ray: a"], [b" CF-Ray: a"]),
        ([b"CF-Ray: a", b"X-Request-ID: b"], [b"CF-Ray: \0", b"X-Request-ID: b"]),
        ([b"X: a", b"CF-Ray: a"], [b"X: b", b"CF-Ray: a"]),
    ],
)
def test_only_what_the_trace_says_may_differ(loop, known, other):
    heads = learned(loop, request(*USUAL, *known))

    assert len(heads) == 1
    assert heads.find(request(*USUAL, *known)) is not None
    assert heads.find(request(*USUAL, *other)) is None


@pytest.mark.parametrize(
    "other",
    [
        request(*USUAL, first=b"HEAD / HTTP/1.1"),
        request(*USUAL, first=b"POST / HTTP/1.1"),
        request(*USUAL, first=b"get / HTTP/1.1"),
        request(*USUAL, first=b"GET / HTTP/1.0"),
        request(*USUAL, first=b"GET / HTTP/2.0"),
        request(*USUAL, first=b"GET / http/1.1"),
        request(*USUAL, first=b"GET /"),
        request(*USUAL, first=b"GET  / HTTP/1.1"),
        request(*USUAL, first=b"GET / HTTP/1.1 "),
        request(*USUAL, first=b" GET / HTTP/1.1"),
        request(*USUAL, first=b"\r\nGET / HTTP/1.1"),
        request(*USUAL, first=b"GET /\tHTTP/1.1"),
        request(*USUAL, first=b"GET http://callkom.io/ HTTP/1.1"),
        request(*USUAL, first=b"GET callkom.io/ HTTP/1.1"),
        request(*USUAL, first=b"GET * HTTP/1.1"),
        request(*USUAL, first=b"GET  HTTP/1.1"),
        request(*USUAL, first=b"GET /#a HTTP/1.1"),
        request(*USUAL, first=b"GET /\\a HTTP/1.1"),
        request(*USUAL, first=b"GET /caf\xe9 HTTP/1.1"),
        request(*USUAL, first=b"GET /\0 HTTP/1.1"),
        request(*USUAL, first=b"GET /\x7f HTTP/1.1"),
        request(*USUAL, first=b"GET /a\nb HTTP/1.1"),
        request(*USUAL, first=b"GET /a\rb HTTP/1.1"),
        request(*USUAL, first=b"GET /a b HTTP/1.1"),
        request(*USUAL, first=b'GET /<">{}|^` HTTP/1.1'),
        request(*USUAL, first=b"GET /" + b"a" * 5000 + b" HTTP/1.1"),
        request(*USUAL[1:]),
        request(*USUAL, b"X: 1"),
        request(*reversed(USUAL)),
        request(*USUAL).replace(b"Host", b"host"),
        request(*USUAL).replace(b"_ga=GA1", b"_ga=ga1"),
        request(*USUAL).replace(b"Accept: ", b"Accept:  "),
        request(*USUAL) + b"\r\n",
        request(*USUAL) + b"x",
        request(*USUAL) * 2,
        request(*USUAL)[:-2],
        request(*USUAL)[:-1] + b"\r",
        request(*USUAL).replace(b"\r\n", b"\n"),
        b"\r\n" + request(*USUAL),
        request(*USUAL)[1:],
        request(*USUAL)[15:],
        b"",
        b"\r\n\r\n",
    ],
)
def test_what_differs_in_one_byte_that_counts_is_not_found(loop, other):
    heads = learned(loop, request(*USUAL))

    assert len(heads) == 1
    assert heads.find(other) is None


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: 0"],
        [b"content-length: 0"],
        [b"Transfer-Encoding: chunked"],
        [b"If-None-Match: x"],
        [b"IF-MODIFIED-SINCE: x"],
        [b"If-Match: x"],
        [b"If-Unmodified-Since: x"],
        [b"If-Range: x"],
        [b"Range: bytes=0-"],
        [b"Expect: 100-continue"],
        [b"Expect:"],
        [b"Upgrade: websocket"],
        [b"Upgrade: websocket", b"Connection: Upgrade"],
        [b"TE: trailers"],
        [b"Connection: close"],
        [b"Connection: X, close"],
        [b"X: " + b"a" * LONGEST],
    ],
)
def test_a_head_that_says_more_than_what_is_wanted_is_not_remembered(loop, lines):
    assert not learned(loop, request(*USUAL, *lines))


@pytest.mark.parametrize(
    "first",
    [b"GET / HTTP/1.0", b"HEAD / HTTP/1.1", b"POST / HTTP/1.1", b"OPTIONS * HTTP/1.1", b"\r\nGET / HTTP/1.1"],
)
def test_what_is_no_plain_get_is_not_remembered(loop, first):
    assert not learned(loop, request(*USUAL, first=first))


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /x HTTP/1.1\r\nCookie: session=theirs\r\nX: ",
        b"GET /x HTTP/1.1\r\nX:",
        b"GET /x HTTP/1.1\r\nCookie: a=b; X=",
        b"GET /x?",
        b"G",
        b"GET /x HTTP/1.1\r\n",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"GET /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_the_end_of_a_head_that_began_before_is_not_taken_for_a_head(loop, begun):
    assert not learned(loop, begun, request(*USUAL))


NEWS = [
    b"CF-Ray: 8e3f-CDG",
    b"cf-ray: a",
    b"traceparent: 00-1-2-01",
    b"X-Request-ID: a",
    b"Request-Id: |1.2",
    b"tracestate: a=b,c=d",
]
SAID = [b"x", b"8e40-CDG", b"!~", b"CF-Ray:", b"", b" ", b" a", b"a ", b"a b", b"\t", b"a\0", b"\0", b"a\r", b"a\nB: c", b"a\r\n", b"a\r\nB: c",
        b"a\r\nRequest-Id: b", b"a\r\n\r\n", b"caf\xe9", b"a\x7f", b"a" * 256, b"a" * 257]  # fmt: skip
FINE = st.sampled_from(
    [*NEWS, b"A: X-", b"CF-Ray:a", b"CF-Ray: a ", b"CF-Ray: a b", b"Connection: CF-Ray", b"Accept: */*", b"Cookie: a=b; c=d", b"A:b", b"A: ", b"A:", b"A: b ", b"A:\tb", b"A: b\tc", b"A: caf\xe9", b"A: a: b", b"!#$%&'*+-.^_`|~: b",
     b"Connection: keep-alive", b"Connection: A", b"Keep-Alive: 5", b"Sec-WebSocket-Key: a", b"X: GET /y HTTP/1.1", b"Max-Forwards: 0"]
)  # fmt: skip
ODD = st.one_of(
    st.sampled_from(
        [b"A : b", b" A: b", b"\tb", b"A", b"", b": a", b"A: \0", b"A: a\rB: b", b"A: a\nB: b", b"A: a\n", b"A: a\r", b"A: \x7f",
         b"A\xe9: b", b"Connection: Upgrade", b"Connection: close", b"Upgrade: h2c", b"Content-Length: 0", b"Content-Length: 3",
         b"Content-Length: +0", b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"TE: trailers", b"Expect: 100-continue",
         b"Range: bytes=0-1", b"A: b\r\n c", b'If-None-Match: "a"', b"Proxy-Connection: close", b"HTTP2-Settings: a", b"GET /y HTTP/1.1"]
    ),
    st.binary(max_size=10),
)  # fmt: skip
PLAIN = st.text(alphabet="ab/.?%&=:@;,+~!$'()*-_", max_size=12).map(
    lambda t: b"GET /%b HTTP/1.1" % t.encode()
)
FIRSTS = st.one_of(
    PLAIN,
    PLAIN,
    st.sampled_from(
        [b"GET //a HTTP/1.1", b"GET /:80 HTTP/1.1", b"GET //user:pw@[::1]:99999999/ HTTP/1.1", b"GET / HTTP/1.0", b"GET /%00 HTTP/1.1",
         b"GET http://a/ HTTP/1.1", b"GET /# HTTP/1.1", b"GET / HTTP/1.1\n", b"PRI * HTTP/2.0", b"CONNECT a:1 HTTP/1.1"]
    ),
    st.text(alphabet='ab/#[]\\"<>{}|^` \t\x7f\0', max_size=5).map(lambda t: b"GET /%b HTTP/1.1" % t.encode()),
    st.binary(max_size=8).map(lambda target: b"GET /%b HTTP/1.1" % target),
)  # fmt: skip
FINES = st.lists(FINE, max_size=4).map(lambda lines: [b"Host: a", *lines])
HEADS = st.one_of(FINES, FINES, st.tuples(FINES, ODD).map(lambda parts: [*parts[0], parts[1], b"B: c"]))


@st.composite
def renewed(draw, lines):
    """The same lines, some of which say something else."""
    return [
        line.partition(b" ")[0] + b" " + draw(st.sampled_from(SAID))
        if line in NEWS and draw(st.booleans())
        else line
        for line in lines
    ]


BEFORE = st.sampled_from(
    [()] * 20 + [(b"\r\n",), (b"GET /x HTTP/1.1\r\nX: ",), (b"GET /x HTTP/1.1\r\n",), (b"GET /",)]
)
END = st.sampled_from([b""] * 20 + [b"\r\n", b"\n", b"0", b"abc", b"GET / HTTP/1.1\r\n\r\n"])


@settings(max_examples=1200)
@given(before=BEFORE, lines=HEADS, end=END, data=st.data())
def test_what_is_found_is_what_the_compiled_parser_finds_and_nothing_else(loop, before, lines, end, data):
    heads = learned(loop, *before, request(*lines) + end)
    other = data.draw(st.one_of(st.just(lines), renewed(lines), renewed(lines), HEADS))
    asked = request(*other, first=data.draw(FIRSTS)) + end
    found = heads.find(asked)
    if found is None:
        return
    head, target, news = found
    headers, fields = head.filled(news)
    messages = parsed(loop, asked)

    assert len(messages) == 1
    message, payload = messages[0]
    assert (message.method, message.path.encode("utf-8", "surrogateescape")) == ("GET", target)
    assert headers == list(message.raw_headers)
    assert fields == fields_of(headers)
    assert tuple(message.version) == (1, 1)
    assert [message.should_close, message.upgrade, message.chunked] == [False] * 3
    assert payload is EMPTY_PAYLOAD
    # nor does it wait for more: what comes next is read as a request of its own
    assert [one.path for one, _ in parsed(loop, asked, request(*USUAL, first=b"GET /next HTTP/1.1"))] == [
        "/next"
    ]


def test_thousands_of_heads_stay_below_their_bound_and_the_last_ones_are_known(loop):
    heads = RequestHeadCache()
    for n in range(5000):
        data = request(b"Host: a", b"X: %d" % n, b"Cookie: " + b"a" * 300)
        heads.learn(data, parsed(loop, data)[0][0])
        assert sum(map(len, heads)) <= heads.weight <= KEPT

    assert heads.find(data) is not None


def test_a_head_that_is_known_already_is_not_counted_again(loop):
    heads = RequestHeadCache()
    data = request(*USUAL)
    message = parsed(loop, data)[0][0]
    heads.learn(data, message)
    head, weight = heads.find(data)[0], heads.weight
    for _ in range(3):
        heads.learn(data, message)

    assert heads.weight == weight
    assert heads.find(data)[0] is head


@pytest.mark.parametrize(("fields", "known"), [(MOST, True), (MOST + 1, False)])
def test_of_heads_with_very_many_fields_none_is_remembered(loop, fields, known):
    heads = RequestHeadCache()
    data = request(b"Host: callkom.io", *[b"X-%d: 1" % number for number in range(fields - 1)])
    heads.learn(data, parsed(loop, data)[0][0])

    assert (heads.find(data) is not None) is known


SNAPSHOT = object()


def template(**facts) -> RequestTemplate:
    nothing = dict.fromkeys(
        (
            "request",
            "site",
            "upstreams",
            "reading",
            "decision",
            "variant",
            "tag",
            "mode",
            "ask",
            "words",
            "lines",
            "order",
        )
    )
    return RequestTemplate(
        **nothing, **{"snapshot": SNAPSHOT, "peer": "203.0.113.9", "secure": True, "minute": 5, **facts}
    )


@pytest.mark.parametrize(
    "other", [{}, {"snapshot": object()}, {"peer": "203.0.113.8"}, {"secure": False}, {"minute": 4}]
)
def test_it_holds_as_long_as_nothing_changed_on_which_it_depends(other):
    connection = SimpleNamespace(peer="203.0.113.9", secure=True)

    assert template(**other).holds(SNAPSHOT, connection, 5 * 60 + 59) is (other == {})
