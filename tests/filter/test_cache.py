"""What was judged is remembered within bounds, each memo's own and those of all together."""

import gc

from proxy.filter.cache import MAX_SEEN_ONCE, Cache, CacheBudget, lru_cache_of_short


def test_a_memo_empties_itself_when_it_is_full():
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
