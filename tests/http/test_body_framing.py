"""A chunked body's framing, read beside aiohttp's parser: malformed where it is, in whatever pieces it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http.body_framing import ChunkedFraming, SizedFraming

GOOD = [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n",
    b"00a\r\n0123456789\r\n0;last\r\n\r\n",
    b"4\r\n\r\n\r\n\r\n0\r\n\r\n",
    b"1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: next\r\n\r\n",
]
BAD = [
    b"zz\r\nhello\r\n",
    b"5\r\nhelloXX0\r\n\r\n",
    b"5\r\nhello\rX",
    b"5 \r\nhello\r\n",
    b"-1\r\n",
    b"\r\n",
    b"5\nhello\n0\n\n",
    b"ffffffffffffffffff\r\n",
]


def taken(pieces) -> bool:
    framing = ChunkedFraming()
    return all(framing.feed(piece) is not None for piece in pieces)


def cut(data: bytes, places) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in zip(ends, ends[1:], strict=False)]


PLACES = st.lists(st.integers(0, 60), max_size=6)


@given(st.sampled_from(GOOD), PLACES)
def test_a_well_formed_body_is_taken_in_any_pieces(body, places):
    assert taken(cut(body, places))


@given(st.sampled_from(BAD), PLACES)
def test_a_malformed_body_is_seen_in_any_pieces(body, places):
    assert not taken(cut(body, places))


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), PLACES)
def test_what_is_in_a_chunk_is_nothing_to_the_framing(chunks, places):
    body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"

    assert taken(cut(body, places))


def test_a_size_without_an_end_is_not_kept_without_end():
    framing = ChunkedFraming()

    assert all(framing.feed(b"1" * 1000) == 1000 for _ in range(1000))
    assert not framing.ended
    assert len(framing._line) < 20_000


@pytest.mark.parametrize("size", [b"1", b"ff", b"FFFFFFFFFFFFFFFF"])
def test_a_size_is_hexadecimal(size):
    assert taken([size + b"\r\n"])


@given(
    st.sampled_from(GOOD), st.sampled_from([b"", b"GET / HTTP/1.1\r\n\r\n", b"\r\n", b"0\r\n\r\n"]), PLACES
)
def test_what_stands_behind_a_chunked_body_is_not_taken(body, behind, places):
    framing = ChunkedFraming()
    own = body.partition(b"GET")[0]

    taken = sum(framing.feed(piece) for piece in cut(own + behind, places))

    assert (taken, framing.ended) == (len(own), True)


@given(st.integers(0, 50), st.binary(max_size=80), PLACES)
def test_a_body_with_a_length_has_so_many_bytes(length, data, places):
    framing = SizedFraming(length)

    taken = sum(framing.feed(piece) for piece in cut(data, places))

    assert taken == min(length, len(data))
    assert framing.ended is (len(data) >= length)
