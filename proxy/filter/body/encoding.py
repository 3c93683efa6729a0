"""Content codings: which to write for a visitor, which to ask of a server, and the writers.

The readers are in decoding.py; `decoder` and `Cap` are handed on from there.
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
"""What is asked of a server for a visitor who accepts anything, in this order."""

LONGEST = 256
"""Bytes of an Accept-Encoding that is worth remembering."""

Choice = Callable[[bytes | None], bytes | None]

_ALIAS = {b"x-gzip": b"gzip"}
_QVALUE = re.compile(rb"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


class Encoder(Protocol):
    """Writes a coding. What was fed is decodable by the visitor at once: pages stream visibly."""

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


class _Wish(NamedTuple):
    """One entry of Accept-Encoding: its coding, its weight in thousandths, and its own bytes."""

    name: bytes
    weight: int
    text: bytes


def _wishes(accept_encoding: bytes) -> list[_Wish]:
    found = []
    for part in accept_encoding.split(b","):
        name, _, rest = part.partition(b";")
        name = name.strip().lower()
        if name:
            found.append(_Wish(_ALIAS.get(name, name), _weight(rest), part.strip()))
    return found


def _remembered(choice: Choice) -> Choice:
    """Remember what is chosen for the few lines that browsers send, and nothing of long ones."""
    known = lru_cache(maxsize=256)(choice)

    def chosen(accept_encoding: bytes | None) -> bytes | None:
        return (choice if accept_encoding and len(accept_encoding) > LONGEST else known)(accept_encoding)

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


@_remembered
def choose(accept_encoding: bytes | None) -> bytes | None:
    """Return the coding to write for this Accept-Encoding (RFC 9110 12.5.3), None for none.

    At equal weight zstd before br before gzip. Where only `*` allows them, gzip first:
    who says no more than that is an old client. A page that may be sent in no form at all
    is sent plain, as 12.5.3 allows, and plain wins where the visitor prefers it.
    """
    if not accept_encoding:
        return None
    weights: dict[bytes, int] = {}
    for wish in _wishes(accept_encoding):
        weights[wish.name] = max(wish.weight, weights.get(wish.name, 0))
    anything = weights.get(b"*", 0)
    ranked = [(weights[name], name) for name in _WRITERS if name in weights]
    ranked += [(anything, name) for name in (b"gzip", b"zstd", b"br") if name not in weights]
    weight, best = max(ranked, key=lambda pair: pair[0])
    return best if weight > 0 and weight >= weights.get(b"identity", 0) else None


@_remembered
def ask_upstream(accept_encoding: bytes | None) -> bytes | None:
    """Return the Accept-Encoding for the server: what both the visitor and we can read.

    Never more than the visitor accepts, as what is no document passes unread. The very
    bytes that came where nothing has to change; None (send no such line) where none came.
    """
    if accept_encoding is None:
        return None
    wishes = _wishes(accept_encoding)
    named = {wish.name for wish in wishes}
    asked: list[bytes] = []
    for wish in wishes:
        if wish.name == b"*" and wish.weight:
            asked += [wish.text.replace(b"*", name, 1) for name in READS if name not in named]
        elif wish.name in READS or wish.name in (b"identity", b"*"):
            asked.append(wish.text)
    if asked == [wish.text for wish in wishes]:
        return accept_encoding
    return b", ".join(asked) or b"identity"
