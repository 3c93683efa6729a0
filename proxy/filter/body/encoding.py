"""Content codings: which to send, which to request upstream, and the encoders.

The decoders are in decoding.py; `decoder` and `Cap` are re-exported from there.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple, Protocol

import brotli
from backports.zstd import CompressionParameter, ZstdCompressor

from proxy.filter.body.decoding import Cap, Decoder, decoder

__all__ = ["Cap", "Decoder", "Encoder", "ask_upstream", "choose", "decoder", "encoder", "smallest"]

READS = (b"gzip", b"br", b"zstd", b"deflate")
"""The codings requested upstream for a visitor who accepts any, in this order."""

BLOCK = 16_384
"""Bytes of content in a zstd block: ended so often a page is 0.8 % larger, at 8 kB 2.3 %."""

MAX_WINDOW = 23
"""Browsers refuse zstd whose window is more than 8 MB (RFC 9659)."""

MAX_CACHED = 256
"""Longest Accept-Encoding that is cached."""

Choice = Callable[[bytes | None], bytes | None]

_ALIAS = {b"x-gzip": b"gzip"}
_QVALUE = re.compile(rb"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


class Encoder(Protocol):
    """Encodes a stream; after `flush` the visitor can decode all that was added."""

    def add(self, data: bytes) -> bytes:
        """Return what is ready to leave; some may wait for flush."""
        ...

    def flush(self) -> bytes:
        """Return all that waits."""
        ...

    def close(self) -> bytes:
        """Return the end of the stream."""
        ...


class _Plain:
    def add(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""

    def close(self) -> bytes:
        return b""


class _ZstdOut:
    """Ends a block every BLOCK bytes: browsers show nothing of a block before its last byte is there."""

    def __init__(self, stream: ZstdCompressor) -> None:
        self._stream = stream
        self._room = BLOCK

    def add(self, data: bytes) -> bytes:
        if len(data) < self._room:
            self._room -= len(data)
            return self._stream.compress(data)
        blocks, at = [], 0
        while len(data) - at >= self._room:
            end = at + self._room
            blocks.append(self._stream.compress(data[at:end], ZstdCompressor.FLUSH_BLOCK))
            at, self._room = end, BLOCK
        self._room -= len(data) - at
        blocks.append(self._stream.compress(data[at:]))
        return b"".join(blocks)

    def flush(self) -> bytes:
        self._room = BLOCK
        return self._stream.flush(ZstdCompressor.FLUSH_BLOCK)

    def close(self) -> bytes:
        return self._stream.flush(ZstdCompressor.FLUSH_FRAME)


class _BrotliOut:
    def __init__(self, quality: int) -> None:
        stream = brotli.Compressor(quality=quality)
        self.add, self.flush, self.close = stream.process, stream.flush, stream.finish


class _GzipOut:
    def __init__(self, level: int) -> None:
        self._stream = zlib.compressobj(level, zlib.DEFLATED, 31)

    def add(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(zlib.Z_SYNC_FLUSH)

    def close(self) -> bytes:
        return self._stream.flush(zlib.Z_FINISH)


# Levels by measurement (bench/weight.py), against the gzip-6 that an origin sends, bytes of 21 pages
# of 64 kB: zstd-3 +4.5 %, -6 -1.8 % (0.7 ms a page); brotli-3 +2 %, -5 -9 % (1.1 ms);
# isal-2 +13 % (0.1 ms), zlib-6 as large (1.1 ms). No page may become larger than it came.
_WRITERS: dict[bytes, Callable[[], Encoder]] = {
    b"zstd": lambda: _ZstdOut(ZstdCompressor(level=6)),
    b"br": lambda: _BrotliOut(5),
    b"gzip": lambda: _GzipOut(6),
}


def encoder(name: bytes | None) -> Encoder:
    """Return a writer of that coding (`zstd`, `br`, `gzip`); None writes as it is."""
    return _WRITERS[name]() if name else _Plain()


def smallest(name: bytes | None, data: bytes) -> bytes:
    """Return content in that coding at its highest level: 1 to 4 MB a second, for what is sent often."""
    write: Encoder
    match name:
        case b"zstd":
            size = max(10, min(MAX_WINDOW, (len(data) - 1).bit_length()))
            options: dict[int, int] = {
                CompressionParameter.compression_level: 19,
                CompressionParameter.window_log: size,
            }
            stream = ZstdCompressor(options=options)
            stream.set_pledged_input_size(len(data))
            write = _ZstdOut(stream)
        case b"br":
            write = _BrotliOut(11)
        case b"gzip":
            write = _GzipOut(9)
        case _:
            return data
    return write.add(data) + write.close()


class _Preference(NamedTuple):
    """One entry of Accept-Encoding: its coding, its weight in thousandths, and its own bytes."""

    name: bytes
    weight: int
    text: bytes


def _preferences(accept_encoding: bytes) -> list[_Preference]:
    found = []
    for part in accept_encoding.split(b","):
        name, _, rest = part.partition(b";")
        name = name.strip().lower()
        if name:
            found.append(_Preference(_ALIAS.get(name, name), _weight(rest), part.strip()))
    return found


def _cached(choice: Choice) -> Choice:
    """Cache the choice for the few values that browsers send, not for long ones."""
    known = lru_cache(maxsize=256)(choice)

    def chosen(accept_encoding: bytes | None) -> bytes | None:
        return (choice if accept_encoding and len(accept_encoding) > MAX_CACHED else known)(accept_encoding)

    return wraps(choice)(chosen)


def _weight(parameters: bytes) -> int:
    """Return q in thousandths; one that cannot be read refuses the coding: plain is always safe."""
    key, _, value = parameters.partition(b"=")
    if not parameters.strip():
        return 1000
    value = value.strip()
    if key.strip().lower() != b"q" or not _QVALUE.fullmatch(value):
        return 0
    return round(float(value) * 1000)


@_cached
def choose(accept_encoding: bytes | None) -> bytes | None:
    """Return the coding to write for this Accept-Encoding (RFC 9110 12.5.3), None for none.

    At equal weight zstd before br before gzip. Where only `*` allows them, gzip first:
    who says no more than that is an old client. A page that may be sent in no form at all
    is sent plain, as 12.5.3 allows, and plain wins where the visitor prefers it.
    """
    if not accept_encoding:
        return None
    weights: dict[bytes, int] = {}
    for preference in _preferences(accept_encoding):
        weights[preference.name] = max(preference.weight, weights.get(preference.name, 0))
    anything = weights.get(b"*", 0)
    ranked = [(weights[name], name) for name in _WRITERS if name in weights]
    ranked += [(anything, name) for name in (b"gzip", b"zstd", b"br") if name not in weights]
    weight, best = max(ranked, key=lambda pair: pair[0])
    return best if weight > 0 and weight >= weights.get(b"identity", 0) else None


@_cached
def ask_upstream(accept_encoding: bytes | None) -> bytes | None:
    """Return the Accept-Encoding for the server: what both the visitor and we can read.

    Never more than the visitor accepts, as what is no document passes unread. The very
    bytes that came where nothing has to change; None (send no such line) where none came.
    """
    if accept_encoding is None:
        return None
    preferences = _preferences(accept_encoding)
    named = {preference.name for preference in preferences}
    asked: list[bytes] = []
    for preference in preferences:
        if preference.name == b"*" and preference.weight:
            asked += [preference.text.replace(b"*", name, 1) for name in READS if name not in named]
        elif preference.name in READS or preference.name in (b"identity", b"*"):
            asked.append(preference.text)
    if asked == [preference.text for preference in preferences]:
        return accept_encoding
    return b", ".join(asked) or b"identity"
