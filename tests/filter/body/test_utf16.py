"""UTF-16 goes through a filter of UTF-8 and comes back unit for unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Unreadable
from proxy.filter.body.utf16 import Utf16

ENCODINGS = ["utf-16le", "utf-16be"]


class Through:
    """A filter that keeps everything, and hands it on in the pieces it likes."""

    def __init__(self, step: int = 0, *, broken: bool = False) -> None:
        self.seen = b""
        self._held = b""
        self._step = step
        self._broken = broken

    def feed(self, chunk: bytes) -> bytes:
        self.seen += chunk
        data = self._held + chunk
        cut = max(0, len(data) - self._step)
        self._held = data[cut:]
        return data[:cut]

    def close(self) -> bytes:
        return b"\xff" if self._broken else self._held


def run(data: bytes, encoding: str, sizes: list[int], inner: Through) -> bytes:
    stream, out, at = Utf16(inner, encoding), b"", 0
    for size in (*sizes, len(data)):
        out += stream.feed(data[at : at + size])
        at += size
    return out + stream.close()


UNITS = st.lists(
    st.sampled_from([0, 0x3C, 0x3E, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xFEFF, 0xFFFF, 0xE9, 0x20AC])
    | st.integers(0, 0xFFFF),
    max_size=40,
)


@given(
    UNITS,
    st.binary(max_size=1),
    st.sampled_from(ENCODINGS),
    st.lists(st.integers(0, 7), max_size=20),
    st.integers(0, 5),
)
def test_every_unit_and_the_odd_byte_come_back(
    units: list[int], odd: bytes, encoding: str, sizes: list[int], step: int
) -> None:
    """Lone surrogates, pairs cut in the middle, and half a unit at the end."""
    order = "little" if encoding == "utf-16le" else "big"
    data = b"".join(unit.to_bytes(2, order) for unit in units) + odd

    assert run(data, encoding, sizes, Through(step)) == data


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_filter_sees_utf_8(encoding: str) -> None:
    inner = Through()
    text = "\ufeff<p>Gérer 🍪</p>"
    run(text.encode(encoding.replace("16", "16-")), encoding, [1] * 30, inner)

    assert inner.seen.decode() == text


def test_output_that_is_no_utf_8_is_refused() -> None:
    stream = Utf16(Through(broken=True), "utf-16le")

    with pytest.raises(Unreadable):
        stream.close()
