"""Content codings: which to send, which to request upstream, and the encoders.

The decoders are in decoding.py; `decoder` and `Cap` are re-exported from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple, Protocol

import brotli
from backports.zstd import ZstdCompressor
from isal import isal_zlib

from proxy.filter.body.decoding import Cap, Decoder, decoder

__all__ = ["Cap", "Decoder", "Encoder", "ask_upstream", "choose", "decoder", "encoder"]

READS = (b"gzip", b"br", b"zstd", b"deflate")
"""The codings requested upstream for a visitor who accepts any, in this order."""

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

    close = flush


class _ZstdOut:
    def __init__(self) -> None:
        self._stream = ZstdCompressor(level=3)

    def add(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(ZstdCompressor.FLUSH_BLOCK)

    def close(self) -> bytes:
        return self._stream.flush(ZstdCompressor.FLUSH_FRAME)


class _BrotliOut:
    def __init__(self) -> None:
        stream = brotli.Compressor(quality=3)
        self.add, self.flush, self.close = stream.process, stream.flush, stream.finish


class _GzipOut:
    def __init__(self) -> None:
        self._stream = isal_zlib.compressobj(2, isal_zlib.DEFLATED, 31)

    def add(self, data: bytes) -> bytes:
        out: bytes = self._stream.compress(data)
        return out

    def flush(self) -> bytes:
        out: bytes = self._stream.flush(isal_zlib.Z_SYNC_FLUSH)
        return out

    def close(self) -> bytes:
        out: bytes = self._stream.flush(isal_zlib.Z_FINISH)
        return out


# Levels by measurement: zstd-3 is smaller than zlib-6 at six times its speed, brotli-3 the
# smallest that keeps up, isal-2 nine times zlib-6.
_WRITERS: dict[bytes, Callable[[], Encoder]] = {b"zstd": _ZstdOut, b"br": _BrotliOut, b"gzip": _GzipOut}


def encoder(name: bytes | None) -> Encoder:
    """Return a writer of that coding (`zstd`, `br`, `gzip`); None writes as it is."""
    return _WRITERS[name]() if name else _Plain()


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
