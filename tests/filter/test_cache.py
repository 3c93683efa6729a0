"""What was judged is remembered within bounds, each cache's own and those of all together."""

import gc

from proxy.filter.cache import (
    MAX_SEEN_ONCE,
    PAGE_ENTRY_SIZE,
    Cache,
    CacheBudget,
    PageCache,
    lru_cache_of_short,
)


def test_a_cache_empties_itself_when_it_is_full():
    cache: Cache[bytes, int] = Cache(limit=1_000, longest=400)
    for number in range(20):
        cache.store(b"%d" % number, number)
    cache.store(b"x" * 401, 1)

    assert 0 < len(cache) <= 4
    assert b"x" * 401 not in cache


def test_it_empties_itself_when_it_has_as_many_entries_as_it_may():
    cache: Cache[tuple[str, int], int] = Cache(10)
    for number in range(25):
        assert cache.store(("key", number), number) == number

        assert 1 <= len(cache) <= 10

    assert cache[("key", 24)] == 24


def test_a_key_of_which_strangers_choose_too_much_is_not_stored():
    cache: Cache[tuple[str, str], int] = Cache(10, longest=20)

    assert cache.store(("short", "x" * 20), 1, 20) == 1
    assert cache.store(("long", "x" * 21), 2, 21) == 2
    assert cache == {("short", "x" * 20): 1}


def test_what_comes_once_is_not_worth_remembering():
    cache: Cache[bytes, int] = Cache(limit=10_000_000, longest=400)
    for number in range(20_000):
        cache.store_repeated(b"%050d" % number, number)
    cache.store_repeated(b"again" * 10, 1)
    cache.store_repeated(b"again" * 10, 1)
    cache.store_repeated(b"short", 2)

    assert cache == {b"again" * 10: 1, b"short": 2}
    assert len(cache._seen_once) <= MAX_SEEN_ONCE


def test_memos_in_one_room_weigh_no_more_than_the_room_holds():
    budget = CacheBudget(limit=10_000)
    caches: list[Cache[bytes, int]] = [Cache(limit=8_000, longest=1_000, budget=budget) for _ in range(50)]
    for number in range(2_000):
        caches[number % 50].store(b"%d" % number, number)

        assert sum(cache.weight for cache in caches) <= 10_000

    assert sum(len(cache) for cache in caches) > 10
    assert all(sum(len(key) + 200 for key in cache) == cache.weight for cache in caches)


def test_the_heaviest_memo_makes_room_and_the_others_keep_what_they_know():
    budget = CacheBudget(limit=10_000)
    small: Cache[bytes, int] = Cache(limit=10_000, longest=1_000, budget=budget)
    large: Cache[bytes, int] = Cache(limit=10_000, longest=1_000, budget=budget)
    small.store(b"known", 1)
    for number in range(200):
        large.store(b"%d" % number, number)

    assert small == {b"known": 1}


def test_memos_that_are_gone_take_no_room():
    budget = CacheBudget(limit=10_000)
    for _ in range(20):
        gone: Cache[bytes, int] = Cache(limit=8_000, longest=1_000, budget=budget)
        for number in range(35):
            gone.store(b"%d" % number, number)
        del gone
        gc.collect()
    here: Cache[bytes, int] = Cache(limit=8_000, longest=1_000, budget=budget)
    for number in range(35):
        here.store(b"%d" % number, number)

    assert len(here) == 35


def test_what_is_long_is_found_anew_and_never_stored():
    asked = []
    found = lru_cache_of_short(8, 10)(lambda text, *_: asked.append(text) or len(text))

    assert [found(b"short", (b"ab", 1)) for _ in range(3)] == [5, 5, 5]
    assert [found(b"short", (b"abcdef",)) for _ in range(2)] == [5, 5]
    assert len(asked) == 1 + 2


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
    cache = PageCache(limit=2 * (PAGE_ENTRY_SIZE + 40), seen=2)
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
