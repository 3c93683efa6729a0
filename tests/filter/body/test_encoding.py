"""Which coding is written, which is asked for, and that what is written can be read."""

import gzip

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.filter.body.decoding import decoder
from proxy.filter.body.encoding import BLOCK, ask_upstream, choose, encoder, smallest

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


PAGE = b"".join(b"<p class=entry id=e%d>Entry %d, %x</p>" % (n, n, n * 2654435761) for n in range(4000))


def test_a_browser_can_show_zstd_before_the_last_byte_is_there():
    write = encoder(b"zstd")
    coded = write.add(PAGE) + write.close()

    shown = []
    for part in (0.25, 0.5, 0.75):
        stream = zstd.ZstdDecompressor()
        shown.append(len(stream.decompress(coded[: int(len(coded) * part)])) / len(PAGE))

    assert [had > part - 0.15 for had, part in zip(shown, (0.25, 0.5, 0.75), strict=True)] == [True] * 3
    assert zstd.decompress(coded) == PAGE


@pytest.mark.parametrize("piece", [1, 999, BLOCK, BLOCK + 1, 200_000])
def test_zstd_blocks_hold_16_kb_however_the_content_comes(piece):
    write = encoder(b"zstd")
    coded = b"".join(write.add(PAGE[at : at + piece]) for at in range(0, len(PAGE), piece)) + write.close()

    assert [size for size in block_sizes(coded) if size > BLOCK] == []
    assert zstd.decompress(coded) == PAGE


def block_sizes(coded: bytes) -> list[int]:
    """Return how much each prefix of whole blocks decodes to, as steps (RFC 8878 3.1.1.2)."""
    header = (
        5
        + (0 if coded[4] & 0x20 else 1)
        + (0, 2, 4, 8)[coded[4] >> 6]
        + (coded[4] >> 5 & 1 and not coded[4] >> 6)
    )
    at, ends = header, []
    while True:
        block = int.from_bytes(coded[at : at + 3], "little")
        at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        ends.append(at)
        if block & 1:
            break
    stream, before, sizes = zstd.ZstdDecompressor(), 0, []
    for end in ends:
        sizes.append(len(stream.decompress(coded[before:end])))
        before = end
    return sizes


@pytest.mark.parametrize("coding", CODINGS)
def test_the_smallest_form_is_the_same_content_in_fewer_bytes(coding):
    write = encoder(coding)
    usual = write.add(PAGE) + write.close()
    small = smallest(coding, PAGE)

    assert READ[coding](small) == PAGE
    assert len(small) < len(usual) or coding is None


def test_no_page_leaves_in_gzip_or_zstd_noticeably_larger_than_an_origin_sends_it():
    usual = len(gzip.compress(PAGE, 6))

    for coding in (b"gzip", b"br", b"zstd"):
        write = encoder(coding)
        assert len(write.add(PAGE) + write.close()) <= usual * 1.02


def test_an_empty_page_has_a_smallest_form_too():
    assert [READ[coding](smallest(coding, b"")) for coding in CODINGS] == [b""] * 4
