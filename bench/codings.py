"""Speed of every content coding beside zlib-6: `python -m bench.codings [PAGES...]`.

Pages are streamed in 16 kB writes with a flush after each, as the relay does; all codings
take turns in each round and the best round counts. Without arguments it reads the pages of
the shared corpus, else a page of its own.
"""

import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
from backports import zstd
from isal import isal_zlib

from proxy.filter.body.decoding import decoder
from proxy.filter.body.encoding import encoder

CHUNK = 16_384
ROUNDS = 5
SHARED = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "pages"
OWN = b"".join(
    b'<li class="entry"><a href="/posts/%d">Post %d</a> <time>2026-%02d-%02d</time><p>%x</p></li>\n'
    % (n, n, n % 12 + 1, n % 28 + 1, n * n * 2654435761 % 2**64)
    for n in range(3000)
)


def pages() -> list[bytes]:
    named = [Path(name) for name in sys.argv[1:]] or sorted(SHARED.glob("*.html"))
    found = [path.read_bytes() for path in named]
    return [page for page in found if len(page) > 15_000] or [OWN]


def zlib_6(page: bytes) -> bytes:
    stream = zlib.compressobj(6, zlib.DEFLATED, 31)
    out = [stream.compress(c) + stream.flush(zlib.Z_SYNC_FLUSH) for c in chunks(page)]
    return b"".join(out) + stream.flush()


def isal_2(page: bytes) -> bytes:
    stream = isal_zlib.compressobj(2, isal_zlib.DEFLATED, 31)
    out = [stream.compress(c) + stream.flush(isal_zlib.Z_SYNC_FLUSH) for c in chunks(page)]
    return b"".join(out) + stream.flush()


def ours(name: bytes) -> Callable[[bytes], bytes]:
    def write(page: bytes) -> bytes:
        stream = encoder(name)
        out = [stream.add(c) + stream.flush() for c in chunks(page)]
        return b"".join(out) + stream.close()

    return write


def chunks(data: bytes) -> list[bytes]:
    return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]


def read(name: bytes) -> Callable[[bytes], int]:
    def unfold(coded: bytes) -> int:
        stream, size = decoder(name), 0
        for chunk in chunks(coded):
            for piece in stream.feed(chunk):
                size += len(piece)
        stream.close()
        return size

    return unfold


def zlib_read(coded: bytes) -> int:
    stream = zlib.decompressobj(31)
    return sum(len(stream.decompress(chunk)) for chunk in chunks(coded)) + len(stream.flush())


def best(rows: dict[str, Callable[[], object]]) -> dict[str, float]:
    found = dict.fromkeys(rows, float("inf"))
    for _ in range(ROUNDS):
        for name, job in rows.items():
            began = time.process_time()
            job()
            found[name] = min(found[name], time.process_time() - began)
    return found


def main() -> None:
    plain = pages()
    size = sum(map(len, plain))
    writers = {
        "zlib 6": zlib_6,
        "gzip": ours(b"gzip"),
        "br": ours(b"br"),
        "zstd": ours(b"zstd"),
        "bare isal 2": isal_2,
    }
    readers: dict[str, tuple[Callable[[bytes], int], Callable[[bytes], bytes]]] = {
        "zlib gunzip": (zlib_read, zlib_6),
        "gzip": (read(b"gzip"), zlib_6),
        "deflate": (read(b"deflate"), lambda page: zlib.compress(page, 6)),
        "br": (read(b"br"), lambda page: brotli.compress(page, quality=5)),
        "zstd": (read(b"zstd"), lambda page: zstd.compress(page, 3)),
        "gzip, br": (read(b"gzip, br"), lambda page: brotli.compress(zlib_6(page), quality=3)),
    }
    print(f"{len(plain)} pages, {size / 1e6:.2f} MB, {CHUNK // 1024} kB writes, best of {ROUNDS} rounds\n")
    took = best({name: lambda w=w: [w(page) for page in plain] for name, w in writers.items()})
    print(f"{'write':16}{'MB/s':>8}{'x zlib 6':>10}{'ratio':>8}")
    for name, seconds in took.items():
        ratio = size / sum(len(writers[name](page)) for page in plain)
        print(f"{name:16}{size / seconds / 1e6:8.0f}{took['zlib 6'] / seconds:10.1f}{ratio:8.2f}")
    coded = {name: [write(page) for page in plain] for name, (_, write) in readers.items()}
    took = best(
        {name: lambda n=name, r=r: [r(page) for page in coded[n]] for name, (r, _) in readers.items()}
    )
    print(f"\n{'read':16}{'MB/s':>8}{'x zlib':>10}")
    for name, seconds in took.items():
        print(f"{name:16}{size / seconds / 1e6:8.0f}{took['zlib gunzip'] / seconds:10.1f}")


if __name__ == "__main__":
    main()
