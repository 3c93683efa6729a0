"""Chunked bodies are read the same however they are cut, and what has two readings is refused."""

import pytest

from proxy.errors import UpstreamError
from proxy.http.upstream.chunked_body import ChunkedBody


def read(body: bytes, size: int) -> tuple[bytes, bytes | None]:
    """Return the content of a body that comes in pieces of that size, and what stands behind it."""
    chunks, taken = ChunkedBody(), bytearray()
    for at in range(0, len(body), size):
        behind = chunks.feed(body[at : at + size], taken.extend)
        if behind is not None:
            return bytes(taken), behind + body[at + size :]
    return bytes(taken), None


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("body", "content", "behind"),
    [
        (b"0\r\n\r\n", b"", b""), (b"3\r\nabc\r\n0\r\n\r\n", b"abc", b""), (b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\nHTTP/1.1", b"abc0123456789abcdef", b"HTTP/1.1"),
        (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", b""), (b"0003 \t\r\nabc\r\n000\r\n\r\n", b"abc", b""), (b"3;a=b;c\r\nabc\r\n0;x\r\n\r\n", b"abc", b""), (b"3\nabc\n0\n\n", b"abc", b""),
        (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n", b""), (b"0\r\nTrailer: x\r\nOther: 5\r\n\r\nbehind", b"", b"behind"), (b"3\r\nabc\r\n", b"abc", None), (b"3\r\nab", b"ab", None), (b"0\r\nTrailer: x\r\n", b"", None),
    ],
)  # fmt: skip
def test_the_content_is_what_stands_in_the_chunks(body, content, behind, size):
    assert read(body, size) == (content, behind)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"x\r\n", "the size of a chunk"), (b"-1\r\n", "the size of a chunk"), (b"0x3\r\nabc\r\n", "the size of a chunk"), (b" 3\r\nabc\r\n", "the size of a chunk"), (b"\r\n", "the size of a chunk"), (b"3 a\r\nabc\r\n", "the size of a chunk"),
        (b"3;a\rb\r\nabc\r\n", "the size of a chunk"), (b"1234567890abcdef1\r\n", "the size of a chunk"), (b"3\r\nabcd\r\n", "not as long as it says"), (b"3\r\nabc 0\r\n", "not as long as it says"), (b"3\r\nabc\r\r\n0\r\n\r\n", "not as long as it says"),
    ],
)  # fmt: skip
def test_what_is_in_doubt_is_refused(body, says, size):
    with pytest.raises(UpstreamError, match=says):
        read(body, size)


@pytest.mark.parametrize("begun", [b"x", b" ", b"\r", b"HTTP/1.1 200"])
def test_what_cannot_become_a_size_is_refused_at_once(begun):
    with pytest.raises(UpstreamError, match="the size of a chunk"):
        ChunkedBody().feed(begun, bytearray().extend)


def test_what_cannot_become_the_end_of_a_chunk_is_refused_at_once():
    chunks = ChunkedBody()
    chunks.feed(b"1\r\na\r", bytearray().extend)
    with pytest.raises(UpstreamError, match="not as long as it says"):
        ChunkedBody().feed(b"1\r\nab", bytearray().extend)


def test_content_is_handed_on_as_it_comes_and_a_cut_line_is_held():
    chunks, pieces = ChunkedBody(), []

    assert not chunks.began
    assert chunks.feed(b"5\r\nab", pieces.append) is None
    assert chunks.began
    assert chunks.feed(b"c", pieces.append) is None
    assert chunks.feed(b"de\r\n0", pieces.append) is None
    assert (pieces, chunks.rest()) == ([b"ab", b"c", b"de"], b"0")
    assert chunks.feed(b"\r\n\r\nnext", pieces.append) == b"next"
    assert chunks.rest() == b""
