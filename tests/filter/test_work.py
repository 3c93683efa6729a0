"""Twice the input, about twice the work, whatever the input: counted in bytes looked at and steps taken."""

import pytest

from proxy.errors import Unreadable
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.size_limits import MAX_CODE_TAG
from tests.filter.hostile import HOSTILE
from tests.filter.pages import Marks, judge

PAIRS = [(8_000, 1_447), (150_000, 1_447), (400_000, 16_384), (3_000, 1)]


def work(name: str, size: int, piece: int) -> int:
    """Return what a page of that kind and size costs."""
    data = HOSTILE[name](size)
    page = HtmlFilter(judge("performance"), inject=Marks())
    judge("performance").empty_caches()
    total = 0
    try:
        for at in range(0, len(data), piece):
            total += len(page._pending) + piece + 20
            before, waiting, pieces = page._run, page._incomplete._size, len(page._incomplete._pieces)
            out = page.feed(data[at : at + piece])
            joined = pieces and len(page._incomplete._pieces) != pieces + 1
            total += len(out) + (before is not page._run) + (waiting + piece) * bool(joined)
        total += len(page.close())
    except Unreadable:
        pass
    return total


@pytest.mark.parametrize(("size", "piece"), PAIRS)
@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_input_is_about_twice_the_work(name, size, piece):
    once_over_a_cap = MAX_CODE_TAG if size > MAX_CODE_TAG // 4 else 0

    assert work(name, 2 * size, piece) <= 2.3 * work(name, size, piece) + once_over_a_cap


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_held_does_not_grow_with_the_page(name):
    data = HOSTILE[name](600_000)
    page = HtmlFilter(judge("performance"))
    most = 0
    try:
        for at in range(0, len(data), 16_384):
            page.feed(data[at : at + 16_384])
            held = (
                len(page._pending) + sum(map(len, page._incomplete._pieces)) + sum(map(len, page._out.pieces))
            )
            held += sum(map(len, getattr(page._consumer, "_parts", ())))
            most = max(most, held)
    except Unreadable:
        pass

    assert most <= 256 * 1024 + 64 * 1024 + 2 * 16_384
