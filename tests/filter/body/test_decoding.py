"""Whatever a server compressed is read whole, or refused in words; a bomb stays small."""

import gzip
import random
import tracemalloc
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import Unreadable
from proxy.filter.body.decoding import PIECE, Cap, decoder, kept_label

TEXT = b"<p>Une page \xe2\x80\x94 ni vide ni courte.</p>\n" * 400


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


WRITE = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"DEFLATE ": raw_deflate,
    b"br": brotli.compress,
    b"zstd": zstd.compress,
    b"identity": bytes,
    b"": bytes,
}


def read(codings: bytes, coded: bytes, step: int = 1 << 30, cap: Cap | None = None) -> bytes:
    reader = decoder(codings, cap)
    out = b"".join(p for at in range(0, len(coded), step) for p in reader.feed(coded[at : at + step]))
    assert reader.close(), "the body was whole"
    return out


def read_cut(codings: bytes, coded: bytes, step: int = 1 << 30) -> bytes:
    reader = decoder(codings)
    out = b"".join(p for at in range(0, len(coded), step) for p in reader.feed(coded[at : at + step]))
    assert not reader.close(), "the body was cut"
    return out


@pytest.mark.parametrize("coding", WRITE)
@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 1 << 30])
def test_every_coding_is_read_at_every_cut(coding: bytes, step: int) -> None:
    assert read(coding, WRITE[coding](TEXT), step) == TEXT


@given(st.binary(max_size=3000), st.sampled_from(sorted(WRITE)), st.integers(1, 500))
@settings(deadline=None)
def test_what_was_encoded_is_decoded(data: bytes, coding: bytes, step: int) -> None:
    assert read(coding, WRITE[coding](data), step) == data


@given(
    st.binary(max_size=400),
    st.lists(st.sampled_from([b"gzip", b"br", b"zstd", b"deflate"]), max_size=4),
    st.integers(1, 60),
)
@settings(deadline=None)
def test_stacked_codings_are_taken_off_in_reverse_order(data: bytes, stack: list[bytes], step: int) -> None:
    coded = data
    for name in stack:
        coded = WRITE[name](coded)

    assert read(b", ".join(stack), coded, step) == data


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
@given(cut=st.integers(1, 10_000))
@settings(deadline=None, max_examples=60)
def test_a_cut_body_is_read_as_far_as_it_goes_and_never_taken_for_a_whole_one(
    coding: bytes, cut: int
) -> None:
    """As browsers do, but where nothing of it can be read."""
    coded = WRITE[coding](TEXT)
    cut = 1 + cut % (len(coded) - 1)

    try:
        assert TEXT.startswith(read_cut(coding, coded[:cut], 7))
    except Unreadable:
        assert cut < 12


def test_an_empty_body_is_whole_in_any_coding() -> None:
    """As answers to HEAD and sloppy servers have it."""
    assert read(b"gzip, br", b"") == b""


def test_no_bytes_are_no_piece() -> None:
    assert list(decoder(b"").feed(b"")) == []


@pytest.mark.parametrize("step", [1, 5, 1 << 30])
def test_all_members_of_a_gzip_body_are_read(step: int) -> None:
    coded = gzip.compress(b"<a>") + gzip.compress(b"") + gzip.compress(TEXT)

    assert read(b"gzip", coded, step) == b"<a>" + TEXT


@pytest.mark.parametrize("step", [1, 5, 1 << 30])
def test_all_frames_of_a_zstd_body_are_read(step: int) -> None:
    skippable = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"

    assert read(b"zstd", zstd.compress(b"<a>") + skippable + zstd.compress(TEXT), step) == b"<a>" + TEXT


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
@pytest.mark.parametrize(
    "garbage", [b"\0", b"\0\0\0\0\0\0", b"<script src=//evil></script>", b"\x1f", b"\x28\xb5"]
)
@pytest.mark.parametrize("step", [1, 13, 1 << 30])
def test_what_follows_the_end_is_dropped(coding: bytes, garbage: bytes, step: int) -> None:
    assert read(coding, WRITE[coding](TEXT) + garbage, step) == TEXT


def test_brotli_finds_its_end_also_behind_many_pieces() -> None:
    data = bytes(300_000) + TEXT

    assert read(b"br", brotli.compress(data) + b"garbage") == data


@pytest.mark.parametrize("step", [500, 1 << 30])
def test_brotli_finds_its_end_behind_many_chunks(step: int) -> None:
    data = random.Random(1).randbytes(100_000)

    assert read(b"br", brotli.compress(data) + b"garbage", step) == data


def test_garbage_behind_a_very_long_brotli_body_is_refused() -> None:
    """More than is kept to find its end again."""
    data = random.Random(1).randbytes(2 << 20)

    with pytest.raises(Unreadable, match="bytes after its end"):
        read(b"br", brotli.compress(data, quality=1) + b"garbage", 10_000)


def test_a_second_member_that_is_cut_counts_as_cut() -> None:
    assert read_cut(b"gzip", gzip.compress(b"<a>") + gzip.compress(TEXT)[:-3]) == b"<a>" + TEXT


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(deadline=None, max_examples=60)
def test_a_damaged_body_raises_nothing_but_unreadable(coding: bytes, at: int, bit: int) -> None:
    coded = bytearray(WRITE[coding](TEXT))
    coded[at % len(coded)] ^= 1 << bit
    reader = decoder(coding)
    try:
        for byte in coded:
            list(reader.feed(bytes([byte])))
        reader.close()
    except Unreadable:
        return


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
def test_a_body_that_is_not_what_it_says_is_refused(coding: bytes) -> None:
    with pytest.raises(Unreadable, match="and is not"):
        read(coding, b"<html>plain after all")


@pytest.mark.parametrize("coding", [b"deflate", b"zstd"])
def test_a_changed_checksum_is_noticed_where_browsers_notice_it(coding: bytes) -> None:
    summed = {zstd.CompressionParameter.checksum_flag: 1}
    coded = bytearray(zlib.compress(TEXT) if coding == b"deflate" else zstd.compress(TEXT, options=summed))
    coded[-3] ^= 1

    with pytest.raises(Unreadable, match="damaged"):
        read(coding, bytes(coded))


@pytest.mark.parametrize("at", [-6, -2])
@pytest.mark.parametrize("step", [1, 3, 1 << 30])
def test_sum_and_length_of_a_gzip_member_are_not_looked_at(at: int, step: int) -> None:
    coded = bytearray(gzip.compress(TEXT))
    coded[at] ^= 1

    assert read(b"gzip", bytes(coded) + gzip.compress(b"<b>"), step) == TEXT + b"<b>"


@pytest.mark.parametrize("codings", [b"dcb", b"gzip, dcb", b"DCZ", b"sdch, gzip", b'"dcb"'])
def test_a_coding_that_some_browser_reads_and_we_do_not_is_named(codings: bytes) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        decoder(codings)


@pytest.mark.parametrize(
    ("codings", "kept"),
    [(b"compress", True), (b"aes128gcm", True), (b"utf-8", True), (b"g\xffzip", True), (b"none, other", True),
     (b"identity", False), (b"", False), (b"gzip\x01", False)],
)  # fmt: skip
def test_a_coding_that_no_browser_knows_is_none(codings: bytes, kept: bool) -> None:
    assert read(codings, TEXT) == TEXT
    assert kept_label(codings) == (codings if kept else None)


@pytest.mark.parametrize(
    "codings", [b"gzip, own", b"own, gzip", b"gzip, identity", b"gzip,", b",gzip", b"gzip;q=1"]
)
@pytest.mark.parametrize("step", [40, 1 << 30])
def test_a_list_with_unknown_members_is_read_by_what_decodes(codings: bytes, step: int) -> None:
    assert read(codings, gzip.compress(TEXT), step) == TEXT
    assert read(codings, TEXT, step) == TEXT
    assert read(codings, b"") == b""
    assert kept_label(codings) is None


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_a_list_that_repeats_a_coding_is_read_by_what_decodes(coding: bytes) -> None:
    twice = coding + b", " + coding

    assert read(twice, WRITE[coding](WRITE[coding](TEXT))) == TEXT
    assert read(twice, WRITE[coding](TEXT)) == TEXT
    with pytest.raises(Unreadable, match="no reading"):
        read(twice, TEXT)


def test_a_tower_of_codings_is_refused() -> None:
    with pytest.raises(Unreadable, match="5 content codings"):
        decoder(b"gzip, gzip, gzip, gzip, gzip")


@given(st.binary(max_size=80))
def test_any_content_encoding_is_read_or_refused(codings: bytes) -> None:
    try:
        decoder(codings)
    except Unreadable:
        return


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_a_bomb_comes_out_in_small_pieces_and_memory_stays_flat(coding: bytes) -> None:
    bomb = WRITE[coding](bytes(15 << 20))
    sizes = []
    tracemalloc.start()
    try:
        for piece in decoder(coding).feed(bomb):
            sizes.append(len(piece))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (sum(sizes), max(sizes) <= 2 * PIECE) == (15 << 20, True)
    assert peak < 4 << 20


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
def test_a_bomb_is_refused_once_it_unfolds_too_far(coding: bytes) -> None:
    cap = Cap(free=1 << 20, ratio=100, size=1 << 30)

    with pytest.raises(Unreadable, match="unfolds too far"):
        read(coding, WRITE[coding](bytes(8 << 20)), cap=cap)


def test_no_body_may_pass_the_whole_size() -> None:
    with pytest.raises(Unreadable, match="unfolds too far"):
        read(b"gzip", gzip.compress(TEXT), cap=Cap(free=1 << 30, ratio=1000, size=len(TEXT) - 1))


def test_a_page_that_compresses_well_is_no_bomb() -> None:
    table = b"<tr><td>0</td><td>0</td></tr>\n" * 200_000

    assert read(b"gzip", gzip.compress(table)) == table


def test_a_window_larger_than_browsers_hold_is_refused() -> None:
    coded = zstd.compress(
        bytes(1000),
        options={zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0},
    )
    stream = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    coded = stream.compress(TEXT, stream.FLUSH_BLOCK) + stream.flush()

    with pytest.raises(Unreadable, match="zstd"):
        read(b"zstd", coded)


@pytest.mark.parametrize("step", [1, 3, 1 << 30])
@pytest.mark.parametrize("flags", range(32))
def test_every_optional_field_of_a_gzip_header_is_skipped(flags: int, step: int) -> None:
    """FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT (RFC 1952), in all combinations."""
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff"
    head += b"\x05\x00extra" if flags & 4 else b""
    head += b"name.html\0" if flags & 8 else b""
    head += b"a comment\0" if flags & 16 else b""
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") if flags & 2 else b""
    tail = zlib.crc32(TEXT).to_bytes(4, "little") + len(TEXT).to_bytes(4, "little")

    assert read(b"gzip", head + raw_deflate(TEXT) + tail, step) == TEXT


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED])
@given(
    data=st.lists(st.sampled_from([b"<p>", b"abc", bytes(50), b"\xff\xfe", b"x" * 300]), max_size=60).map(
        b"".join
    ),
    step=st.integers(1, 70),
)
@settings(deadline=None, max_examples=25)
def test_whatever_zlib_writes_is_read(level: int, strategy: int, data: bytes, step: int) -> None:
    for wbits in (31, 15, -15, 25, 9):
        stream = zlib.compressobj(level, zlib.DEFLATED, wbits, 8, strategy)
        cut = len(data) // 2
        coded = (
            stream.compress(data[:cut])
            + stream.flush(zlib.Z_FULL_FLUSH)
            + stream.compress(data[cut:])
            + stream.flush()
        )

        assert read(b"gzip" if wbits > 16 else b"deflate", coded, step) == data


def test_a_gzip_header_without_end_is_refused() -> None:
    with pytest.raises(Unreadable, match="and is not"):
        read(b"gzip", b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"a" * 100_000, 5_000)


def test_a_gzip_header_that_is_cut_is_a_cut_body() -> None:
    with pytest.raises(Unreadable, match="ended early"):
        read(b"gzip", b"\x1f\x8b\x08\x08\0\0\0\0\0\xffname.ht")
