"""Requests as bytes: what was received goes out as it came, and nothing can add a line to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.http.upstream.exchange import UpstreamRequest, request_head


async def pieces(*parts: bytes):
    for part in parts:
        yield part


def test_target_names_and_values_go_out_byte_for_byte_in_their_order():
    headers = [(b"Host", b"a.test"), (b"x-LOWER", b"caf\xe9"), (b"Cookie", b"a=\xff; b"), (b"Cookie", b"c=1")]
    head = request_head(UpstreamRequest(b"GET", b"//a%2fb/../%41?u=%2F&[]", headers))

    assert head == (
        b"GET //a%2fb/../%41?u=%2F&[] HTTP/1.1\r\nHost: a.test\r\nx-LOWER: caf\xe9\r\nCookie: a=\xff; b\r\nCookie: c=1\r\n\r\n"
    )


def test_framing_fields_are_the_connections_own():
    headers = [
        (b"Host", b"a"),
        (b"Connection", b"close"),
        (b"Transfer-Encoding", b"gzip"),
        (b"TE", b"trailers"),
    ]

    assert request_head(UpstreamRequest(b"GET", b"/", headers)) == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_a_body_of_unknown_length_is_sent_chunked_and_one_of_known_length_is_not():
    assert b"Transfer-Encoding: chunked" in request_head(UpstreamRequest(b"POST", b"/", [], pieces(b"a")))
    with_length = UpstreamRequest(b"POST", b"/", [(b"Content-Length", b"3")], pieces(b"abc"))
    assert b"chunked" not in request_head(with_length)
    assert with_length.length == 3
    assert b"Content-Length: 3\r\n" in request_head(UpstreamRequest(b"POST", b"/", [], b"abc"))


@pytest.mark.parametrize("body", [None, b"ab", b"abcd"])
def test_a_length_without_that_body_is_refused(body):
    with pytest.raises(BadRequest):
        request_head(UpstreamRequest(b"POST", b"/", [(b"Content-Length", b"3")], body))


def test_a_websocket_is_asked_for_in_words_of_our_own():
    request = UpstreamRequest(
        b"GET", b"/", [(b"Upgrade", b"h2c"), (b"Sec-WebSocket-Key", b"k")], upgrade=True
    )

    assert request_head(request).endswith(
        b"Sec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("method", "target", "name", "value"),
    [
        (b"GET", b"/", b"X", b"a\r\nEvil: 1"),
        (b"GET", b"/", b"X", b"a\nEvil: 1"),
        (b"GET", b"/", b"X", b"a\rEvil: 1"),
        (b"GET", b"/", b"X\r\nEvil", b"a"),
        (b"GET", b"/", b"X", b"a\0"),
        (b"GET", b"/ HTTP/1.1\r\nEvil: 1\r\nX: ", b"X", b"a"),
        (b"GET", b"/a b", b"X", b"a"),
        (b"GET /evil", b"/", b"X", b"a"),
        (b"GET", b"", b"X", b"a\r\n\r\n"),
    ],
)
def test_nothing_can_add_a_line_or_a_word_to_a_request(method, target, name, value):
    with pytest.raises(BadRequest):
        request_head(UpstreamRequest(method, target, [(name, value)]))


_value = st.binary(max_size=30)


@given(st.lists(st.tuples(st.sampled_from([b"X-A", b"Cookie", b"Accept"]), _value), max_size=6), _value)
def test_a_head_has_as_many_lines_as_fields_or_is_refused(headers, target):
    try:
        head = request_head(UpstreamRequest(b"GET", b"/" + target, headers))
    except BadRequest:
        return
    lines = head.split(b"\r\n")

    assert lines[0] == b"GET /%b HTTP/1.1" % target
    assert [tuple(line.split(b": ", 1)) for line in lines[1:-2]] == headers


@pytest.mark.parametrize(
    ("method", "body", "may_repeat", "needs_fresh"),
    [
        (b"GET", None, True, False),
        (b"HEAD", None, True, False),
        (b"PUT", None, True, True),
        (b"POST", None, False, True),
        (b"PATCH", None, False, True),
        (b"GET", b"x", False, True),
        (b"PUT", b"x", False, True),
    ],
)
def test_only_what_has_no_body_and_does_the_same_twice_may_be_sent_twice(
    method, body, may_repeat, needs_fresh
):
    request = UpstreamRequest(method, b"/", [], body)

    assert (request.may_repeat, request.needs_fresh) == (may_repeat, needs_fresh)
