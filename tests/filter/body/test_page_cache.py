"""A page seen again comes from memory; one visitor's page is never another's."""

from proxy.filter.body.page_cache import ENTRY, PageCache

PAGE = b"<!doctype html><img src=//stats.example/p>"


def test_a_page_is_kept_when_it_is_seen_the_second_time():
    cache, out = PageCache(limit=10_000), (b"out", ())
    kept = []
    for _ in range(3):
        kept.append(cache.get("a", PAGE))
        cache.keep("a", PAGE, out)

    assert kept == [None, None, out]


def test_keys_keep_pages_apart():
    cache = PageCache(limit=10_000)
    for key, out in (
        ("none", b"held"),
        ("performance", b"free"),
        ("none", b"held"),
        ("performance", b"free"),
    ):
        cache.keep(key, PAGE, (out, ()))

    assert cache.get("none", PAGE) == (b"held", ())
    assert cache.get("performance", PAGE) == (b"free", ())
    assert cache.get("functional", PAGE) is None


def test_a_page_that_changed_by_a_byte_is_another():
    cache = PageCache(limit=10_000)
    for _ in range(2):
        cache.keep("a", PAGE, (b"old", ()))
    changed = PAGE.replace(b"/p>", b"/q>")

    assert cache.get("a", changed) is None
    for _ in range(2):
        cache.keep("a", changed, (b"new", ()))
    assert cache.get("a", changed) == (b"new", ())
    assert cache.get("a", PAGE) is None


def test_the_least_used_page_goes_first():
    cache = PageCache(limit=2 * (ENTRY + 40), seen=2)
    for name in "abc":
        for _ in range(2):
            cache.keep(name, name.encode() * 20, (b"x" * 20, ()))
        cache.get("a", b"a" * 20)

    assert [name for name in "abc" if cache.get(name, name.encode() * 20)] == ["a", "c"]


def test_what_is_seen_once_is_remembered_within_bounds():
    cache = PageCache(limit=100, seen=2)
    for name in "abcdef":
        cache.keep(name, b"", (b"", ()))

    assert len(cache._seen_once) == 2


def test_many_small_pages_count_for_what_they_cost_not_for_their_bytes():
    cache = PageCache(limit=10_000)
    names = [b"%d" % number for number in range(1_000)]
    for name in names:
        for _ in range(2):
            cache.keep(name, b"", (b"", ()))

    assert 0 < sum(cache.get(name, b"") is not None for name in names) <= 20
