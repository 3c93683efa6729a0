"""Time of hostile inputs, doubled below and above the caps: everything should cost about twice as much.

python bench/hostile.py [--chunk 1447]
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder, whose html.py hides the library's

import argparse
import contextlib
import time
import tracemalloc
from itertools import pairwise

from bench.readers import READERS, Reader
from proxy.errors import BadRequest, Unreadable
from proxy.filter.html.scanner import HtmlFilter
from tests.filter.hostile import HOSTILE
from tests.filter.judging import judge

MOST = 2.3
"""What twice the input may cost; more is marked."""


class Injected:
    """Marks at the three places."""

    always = False

    def head(self, _page) -> bytes:
        return b"<script></script>"

    body = foot = head

    def placeholder(self, _verdict, _facts) -> bytes:
        return b""


def seconds(data: bytes, size: int) -> float:
    best = float("inf")
    for _ in range(2):
        judge("performance").empty_caches()
        page = HtmlFilter(judge("performance"), inject=Injected())
        start = time.thread_time()
        try:
            for at in range(0, len(data), size):
                page.feed(data[at : at + size])
            page.close()
        except Unreadable:
            pass
        best = min(best, time.thread_time() - start)
    return best


def peak(data: bytes, size: int) -> int:
    page = HtmlFilter(judge("performance"), inject=Injected())
    tracemalloc.start()
    try:
        for at in range(0, len(data), size):
            page.feed(data[at : at + size])
        page.close()
    except Unreadable:
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def reading(reader: Reader, piece: bytes, size: int) -> float:
    """Return the seconds that the cheapest of three runs takes, each over an input of its own."""
    best = float("inf")
    for _ in range(3):
        data = (piece * (size // len(piece) + 1))[:size]
        start = time.thread_time()
        with contextlib.suppress(Unreadable, BadRequest, ValueError):
            reader(data)
        best = min(best, time.thread_time() - start)
    return best


def readers(only: str) -> None:
    """Print what twice the input costs each reader of heads, cookies, styles, policies, JSON and reports."""
    sizes = (32_000, 64_000, 128_000)
    print(f"{'':56}" + "".join(f"{size // 1000:>8} kB" for size in sizes) + "    worst x")
    for name, (reader, pieces) in READERS.items():
        for piece in pieces if only in name else ():
            times = [reading(reader, piece, size) for size in sizes]
            shown = " ".join((name, repr(piece)))[:54]
            # below a tenth of a millisecond the clock is measured
            worst = max((b / a for a, b in pairwise(times) if b > 1e-4), default=0.0)
            row = "".join(f"{time_ * 1e3:9.2f}ms" for time_ in times)
            print(f"{shown:56}{row}{worst:10.2f}{'  !' if worst > MOST else ''}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunk", type=int, default=1_447)
    parser.add_argument("--only", default="")
    parser.add_argument("--readers", action="store_true", help="only what is read beside the page")
    given = parser.parse_args()
    readers(given.only)
    if given.readers:
        return
    sizes = (
        (16_000, 32_000, 500_000, 1_000_000, 2_000_000)
        if given.chunk > 1
        else (8_000, 16_000, 200_000, 400_000)
    )
    print(f"{'':24}" + "".join(f"{size // 1000:>8} kB" for size in sizes) + "   x below  x above  memory")
    for name, make in HOSTILE.items():
        if given.only not in name:
            continue
        times = [seconds(make(size), given.chunk) for size in sizes]
        below, above = times[1] / times[0], times[-1] / times[-2]
        memory = peak(make(sizes[-2]), given.chunk)
        row = "".join(f"{time_ * 1e3:9.1f}ms" for time_ in times)
        print(f"{name:24}{row}{below:10.2f}{above:9.2f}{memory / 1e6:7.1f}MB", flush=True)


if __name__ == "__main__":
    main()
