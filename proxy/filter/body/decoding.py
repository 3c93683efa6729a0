"""Content codings read: gzip, deflate, br and zstd, one upon the other if need be, as browsers do.

Bodies come out in bounded pieces, so that a bomb never grows in our memory, and a clean
end is told from a cut one. What cannot be read raises Unreadable (threats T1-T3). What is cut is
read as far as it goes, and gzip's sums go unread: browsers show such pages (measured).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import brotli
from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
from isal import isal_zlib

from proxy.errors import Unreadable

PIECE = 65_536
"""A decoder hands out about this much at a time (brotli's own limit is soft: up to twice)."""

MAX_STACK = 4
"""More codings than this on one body is nobody's configuration."""

_BROTLI_KEPT = 1 << 20
_DAMAGED = cast(type[Exception], isal_zlib.error)  # its types call the class an instance
_MAX_HEADER = 80_000
_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SAME = {b"x-gzip": b"gzip"}
_LONGEST_KEPT = 128


@dataclass(frozen=True, slots=True)
class Cap:
    """How far a body may unfold: past `free` bytes at most `ratio` times what came, never past `size`."""

    free: int = 16 << 20
    ratio: int = 250
    size: int = 1 << 30


class Engine(Protocol):
    """One compressed stream being read: `eof` once it ended, then `unused` is what followed."""

    eof: bool
    unused: bytes

    def run(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes unfold to, in bounded pieces."""
        ...


class _Inflate:
    def __init__(self, wbits: int) -> None:
        self._stream = isal_zlib.decompressobj(wbits=wbits)
        self.eof = False
        self.unused = b""

    def run(self, data: bytes) -> Iterator[bytes]:
        stream = self._stream
        while True:
            try:
                out = stream.decompress(data, PIECE)
            except _DAMAGED as error:
                raise Unreadable(f"a gzip or deflate body is damaged: {error}") from error
            if out:
                yield out
            data = stream.unconsumed_tail
            if stream.eof:
                self.eof, self.unused = True, stream.unused_data
                return
            if not data and len(out) < PIECE:
                return


class _Gzip(_Inflate):
    """One member. No browser looks at its sum or its length (measured), so nobody does here."""

    def __init__(self, header: int) -> None:
        super().__init__(-15)
        self._header = header
        self._trailer = 8

    def run(self, data: bytes) -> Iterator[bytes]:
        data = data[self._header :]
        self._header = 0
        if not self._stream.eof:
            yield from super().run(data)
            data, self.eof = self.unused, False
            if not self._stream.eof:
                return
        skipped = min(self._trailer, len(data))
        self._trailer -= skipped
        self.eof, self.unused = not self._trailer, data[skipped:]


class _Zstd:
    def __init__(self) -> None:
        # RFC 9659: a web decoder need not hold a window above 8 MB, and browsers do not.
        self._stream = ZstdDecompressor(options={DecompressionParameter.window_log_max: 23})
        self.eof = False
        self.unused = b""

    def run(self, data: bytes) -> Iterator[bytes]:
        stream = self._stream
        while True:
            try:
                out = stream.decompress(data, PIECE)
            except ZstdError as error:
                raise Unreadable(f"a zstd body is damaged: {error}") from error
            data = b""
            if out:
                yield out
            if stream.eof:
                self.eof, self.unused = True, stream.unused_data
                return
            if stream.needs_input:
                return


class _Brotli:
    """Brotli's own reader fails on bytes after the end without giving the last piece.

    So the compressed bytes of a page are kept (up to a megabyte) and, only when it fails,
    read again, the last of them one at a time, to find where the stream ended.
    """

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._kept: list[bytes] | None = []
        self._room = _BROTLI_KEPT
        self._given = 0
        self.eof = False
        self.unused = b""

    def run(self, data: bytes) -> Iterator[bytes]:
        self._room -= len(data)
        if self._kept is not None:
            self._kept.append(data)
        if self._room < 0:
            self._kept = None
        try:
            for out in _drained(self._stream, data):
                self._given += len(out)
                yield out
            self.eof = self._stream.is_finished()
        except brotli.error as error:
            if self._kept is None:
                raise Unreadable("a br body is damaged, or has bytes after its end") from error
            yield from self._again(self._kept)

    def _again(self, kept: list[bytes]) -> Iterator[bytes]:
        """Yield what was not yet given of a stream that is followed by other bytes."""
        stream, skip, last = brotli.Decompressor(), self._given, kept[-1]
        tries = (*kept[:-1], *(last[at : at + 1] for at in range(len(last))))
        for data in tries:  # pragma: no branch - these very bytes failed before, so one is past the end
            try:
                for out in _drained(stream, data):
                    if len(out) > skip:
                        yield out[skip:]
                    skip = max(0, skip - len(out))
            except brotli.error as error:
                raise Unreadable(f"a br body is damaged: {error}") from error
            if stream.is_finished():
                break
        self.eof = stream.is_finished()


def _drained(stream: brotli.Decompressor, data: bytes) -> Iterator[bytes]:
    while True:
        out = stream.process(data, output_buffer_limit=PIECE)
        data = b""
        if out:
            yield out
        if stream.is_finished() or (len(out) < PIECE and stream.can_accept_more_data()):
            return


def _gzip_header(data: bytes) -> int | None:
    """Return the length of a member's header (RFC 1952); 0 where none begins, None while it may yet."""
    if not data.startswith(_GZIP_MAGIC[: len(data)]):
        return 0
    if len(data) < 12:
        return None
    flags, at = data[3], 10
    if flags & 4:  # FEXTRA
        at += 2 + int.from_bytes(data[10:12], "little")
    for text in (8, 16):  # FNAME, FCOMMENT
        if flags & text:
            end = data.find(b"\0", at)
            at = end + 1 if end >= 0 else len(data) + 1
    at += flags & 2  # FHCRC
    return at if len(data) >= at else (None if len(data) < _MAX_HEADER else 0)


def _zstd_begins(data: bytes) -> bool | None:
    if len(data) < 4:
        return None
    return data[:4] == _ZSTD_MAGIC or (0x50 <= data[0] <= 0x5F and data[1:4] == b"\x2a\x4d\x18")


def _two_bytes(data: bytes) -> bool | None:
    return True if len(data) > 1 else None


def _deflate(data: bytes) -> Engine:
    """Zlib's header is told by its check bits; without it the stream is raw (as browsers read it)."""
    wrapped = data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and not int.from_bytes(data[:2], "big") % 31
    return _Inflate(15 if wrapped else -15)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a coding is read: does a stream begin here, by which engine, may another follow."""

    begins: Callable[[bytes], int | None]
    engine: Callable[[bytes], Engine]
    many: bool


_WAYS: dict[bytes, _Way] = {
    b"gzip": _Way(_gzip_header, lambda data: _Gzip(_gzip_header(data) or 0), many=True),
    b"deflate": _Way(_two_bytes, _deflate, many=False),
    b"br": _Way(lambda _: True, lambda _: _Brotli(), many=False),
    b"zstd": _Way(_zstd_begins, lambda _: _Zstd(), many=True),
}


class _Layer:
    """One coding of a body: all its members, and nothing of what follows them."""

    def __init__(self, name: bytes, cap: Cap) -> None:
        self._name = name.decode()
        self._way = _WAYS[name]
        self._cap = cap
        self._engine: Engine | None = None
        self._held = b""
        self._seen = self._over = False
        self._came = self._gave = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what these bytes unfold to."""
        self._came += len(chunk)
        data, self._held = self._held + chunk, b""
        while data and not self._over:
            if self._engine is None:
                begins = self._way.begins(data)
                if begins is None:
                    self._held = data
                    return
                if not begins:
                    self._refuse_unless_read()
                    return
                self._engine, self._seen = self._way.engine(data), True
            for piece in self._engine.run(data):
                self._gave += len(piece)
                self._weigh()
                yield piece
            data = b""
            if self._engine.eof:
                data, self._engine, self._over = self._engine.unused, None, not self._way.many

    def close(self) -> bool:
        """Return whether the body came to its end; Unreadable where none of it could be read."""
        if self._held and not self._seen:
            raise Unreadable(f"the {self._name} body ended early")
        return self._engine is None

    def _refuse_unless_read(self) -> None:
        if not self._seen:
            raise Unreadable(f"the body says {self._name} and is not")
        self._over = True  # bytes after the last member: browsers ignore them

    def _weigh(self) -> None:
        cap = self._cap
        if self._gave > cap.size or (self._gave > cap.free and self._gave > self._came * cap.ratio):
            raise Unreadable(f"the {self._name} body unfolds too far: {self._came} bytes became {self._gave}")


class Decoder:
    """Reads a body through all its codings, the last applied first."""

    def __init__(self, names: list[bytes], cap: Cap) -> None:
        self._layers = [_Layer(name, cap) for name in reversed(names)]

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what these bytes unfold to, in pieces of bounded size."""
        return self._through(chunk, 0)

    def close(self) -> bool:
        """Return whether the body was whole, as an empty one is; Unreadable where none of it can be read."""
        return False not in [layer.close() for layer in self._layers]

    def _through(self, chunk: bytes, at: int) -> Iterator[bytes]:
        if at == len(self._layers):
            if chunk:
                yield chunk
            return
        for piece in self._layers[at].feed(chunk):
            yield from self._through(piece, at + 1)


class Deciding:
    """Reads a body whose codings have several readings: by the first that its first bytes fit."""

    def __init__(self, readings: tuple[tuple[bytes, ...], ...], cap: Cap) -> None:
        self._readings = readings
        self._cap = cap
        self._chosen: Decoder | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what these bytes unfold to, in pieces of bounded size."""
        if not chunk:
            return iter(())
        if self._chosen is None:
            self._chosen = self._choose(chunk)
        return self._chosen.feed(chunk)

    def close(self) -> bool:
        """Return whether the body was whole, as an empty one is; Unreadable where none of it can be read."""
        return self._chosen is None or self._chosen.close()

    def _choose(self, first: bytes) -> Decoder:
        for names in self._readings:
            try:
                for _ in Decoder(list(names), self._cap).feed(first):
                    pass
            except Unreadable:
                continue
            return Decoder(list(names), self._cap)
        raise Unreadable("the body fits no reading of its Content-Encoding")


_COMMON_START = Cap()
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
_WORDS = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").findall
_NEGOTIATED = frozenset({b"dcb", b"dcz", b"sdch"})
"""Codings that some browser reads by a dictionary that it has and we have not: never identity."""


@lru_cache(maxsize=64)  # sites have few, and long ones are never kept
def _readings(codings: bytes) -> tuple[tuple[bytes, ...], ...]:
    """Return the ways in which browsers may read a Content-Encoding, the likeliest first.

    Measured in Chromium and Firefox (tests/data/content-encodings.yaml): a single coding that is
    unknown is identity; of a list with an unknown member Firefox decodes the others, Chromium none.
    """
    if _CONTROL(codings):
        return ((),)
    parts = [part.strip(b" \t").lower() for part in codings.split(b",")]
    odd = (
        len(parts) == 1 and _WORDS(parts[0]) != parts
    )  # quotes, parameters, blanks: no coding has such a name
    if odd:
        parts = _WORDS(parts[0])
    if refused := _NEGOTIATED.intersection(parts):
        raise Unreadable(f"content coding {min(refused).decode()!r} cannot be read")
    names = [_SAME.get(part, part) for part in parts]
    known = [name for name in names if name in _WAYS]
    if len(known) > MAX_STACK:
        raise Unreadable(f"{len(known)} content codings on one body, {MAX_STACK} are read")
    ways = [tuple(known), tuple(dict.fromkeys(known))]
    if odd or len(known) < len(names):
        ways.append(())
    return tuple(dict.fromkeys(ways))


def readings(codings: bytes) -> tuple[tuple[bytes, ...], ...]:
    """Return the same for a value of any length; Unreadable names the coding that we cannot read."""
    return _readings(codings) if len(codings) <= _LONGEST_KEPT else _readings.__wrapped__(codings)


def kept_label(codings: bytes | None) -> bytes | None:
    """Return a Content-Encoding that no browser knows: it stays on a body that was read as it is."""
    if not codings or _CONTROL(codings) or codings.strip(b" \t").lower() == b"identity":
        return None
    return codings if readings(codings) == ((),) else None


def decoder(codings: bytes, cap: Cap | None = None) -> Decoder | Deciding:
    """Return a reader for a Content-Encoding value; Unreadable names the coding we cannot read."""
    if not codings:
        return Decoder([], cap or _COMMON_START)
    ways = readings(codings)
    return Decoder(list(ways[0]), cap or Cap()) if len(ways) == 1 else Deciding(ways, cap or Cap())
