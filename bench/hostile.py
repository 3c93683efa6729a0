"""Time of hostile inputs, doubled below and above the caps: everything should cost about twice as much.

python bench/hostile.py [--chunk 1447]
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # not this folder, whose html.py hides the library's

import argparse
import time
import tracemalloc

from proxy.errors import Unreadable
from proxy.filter.html.scanner import HtmlFilter
from tests.filter.hostile import HOSTILE
from tests.filter.judging import judge


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunk", type=int, default=1_447)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
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
