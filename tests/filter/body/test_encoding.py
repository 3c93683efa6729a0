"""Which coding is written, which is asked for, and that what is written can be read."""

import gzip

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.filter.body.decoding import decoder
from proxy.filter.body.encoding import ask_upstream, choose, encoder

READ = {b"gzip": gzip.decompress, b"br": brotli.decompress, b"zstd": zstd.decompress, None: bytes}
CODINGS = [None, b"gzip", b"br", b"zstd"]

CHOICES = [
    (None, None),
    (b"", None),
    (b"gzip", b"gzip"),
    (b"x-gzip", b"gzip"),
    (b"gzip, deflate, br, zstd", b"zstd"),
    (b"gzip, deflate, br", b"br"),
    (b"deflate", None),
    (b"GZIP;Q=0.8 , br ; q=0.9", b"br"),
    (b"zstd;q=0.1, gzip;q=0.9", b"gzip"),
    (b"zstd;q=0, br;q=0, gzip;q=0", None),
    (b"*", b"gzip"),
    (b"*;q=0", None),
    (b"gzip;q=0, *", b"zstd"),
    (b"gzip;q=0, *;q=0.5", b"zstd"),
    (b"br;q=0.5, *;q=0.9", b"gzip"),
    (b"identity", None),
    (b"identity, gzip;q=0.5", None),
    (b"identity;q=0.5, gzip;q=0.5", b"gzip"),
    (b"identity;q=0", None),
    (b"identity;q=0, gzip;q=0.001", b"gzip"),
    (b"identity;q=0, *;q=0", None),
    (b"gzip;q=1.5", None),
    (b"gzip;q=half, br", b"br"),
    (b"gzip;q=", None),
    (b"gzip;level=9", None),
    (b"gzip;q=0, gzip;q=1", b"gzip"),
    (b",,gzip,,", b"gzip"),
    (b"dcb, dcz", None),
]


@pytest.mark.parametrize(("accepted", "chosen"), CHOICES)
def test_the_coding_is_chosen_by_weight(accepted: bytes | None, chosen: bytes | None) -> None:
    assert choose(accepted) == chosen


UPSTREAM = [
    (None, None),
    (b"", b""),
    (b"gzip, deflate, br, zstd", b"gzip, deflate, br, zstd"),
    (b"gzip,deflate;q=0.5 ,br", b"gzip,deflate;q=0.5 ,br"),
    (b"gzip, deflate, br, zstd, dcb, dcz", b"gzip, deflate, br, zstd"),
    (b"compress;q=0.9, x-gzip;q=0.8", b"x-gzip;q=0.8"),
    (b"sdch", b"identity"),
    (b"*", b"gzip, br, zstd, deflate"),
    (b"*;q=0.5, br", b"gzip;q=0.5, zstd;q=0.5, deflate;q=0.5, br"),
    (b"gzip, *;q=0", b"gzip, *;q=0"),
    (b"identity;q=0, dcb", b"identity;q=0"),
    (b"identity", b"identity"),
]


@pytest.mark.parametrize(("accepted", "asked"), UPSTREAM)
def test_the_server_is_asked_for_what_the_visitor_and_we_read(
    accepted: bytes | None, asked: bytes | None
) -> None:
    assert ask_upstream(accepted) == asked


@given(st.binary(max_size=60))
def test_no_accept_encoding_raises(accepted: bytes) -> None:
    assert choose(accepted) in CODINGS
    assert ask_upstream(accepted) is not None


WORD = st.sampled_from([b"gzip", b"br", b"zstd", b"deflate", b"identity", b"*", b"dcz", b"x-gzip"])
WEIGHT = st.sampled_from([b"", b";q=0", b";q=0.5", b";q=1", b"; q=0.001"])


@given(st.lists(st.tuples(WORD, WEIGHT), max_size=5, unique_by=lambda pair: pair[0]))
def test_never_is_more_asked_than_the_visitor_accepts(wishes: list[tuple[bytes, bytes]]) -> None:
    accepted = b", ".join(name + weight for name, weight in wishes)
    weights = dict(wishes)
    asked = ask_upstream(accepted) or b""

    for part in asked.split(b", ") if wishes else []:
        name = part.split(b";")[0]
        assert name == b"identity" or name in weights or b"*" in weights
        assert name != b"dcz"
        if name not in weights and b"*" in weights:
            assert part == name + weights[b"*"]


@given(st.lists(st.binary(max_size=2000), max_size=6), st.sampled_from(CODINGS))
@settings(deadline=None)
def test_what_is_written_can_be_read(chunks: list[bytes], coding: bytes | None) -> None:
    writer = encoder(coding)
    out = b"".join(writer.add(chunk) + writer.flush() for chunk in chunks) + writer.close()

    assert READ[coding](out) == b"".join(chunks)


@pytest.mark.parametrize("coding", CODINGS)
def test_what_was_written_is_readable_before_the_end(coding: bytes | None) -> None:
    """A page that the server writes in parts is seen in parts."""
    writer, reader = encoder(coding), decoder(coding or b"")
    for part in (b"<p>one", b"<p>two", b"<p>three"):
        sent = writer.add(part) + writer.flush()

        assert b"".join(reader.feed(sent)) == part


@pytest.mark.parametrize("coding", CODINGS)
def test_a_writer_that_got_nothing_writes_an_empty_body(coding: bytes | None) -> None:
    assert READ[coding](encoder(coding).close()) == b""
