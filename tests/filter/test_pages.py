"""A page seen again comes from memory; one visitor's page is never another's."""

from proxy.filter.pages import ENTRY, PageMemo

PAGE = b"<!doctype html><img src=//stats.example/p>"


def test_a_page_is_kept_when_it_is_seen_the_second_time():
    memo, out = PageMemo(limit=10_000), (b"out", ())
    kept = []
    for _ in range(3):
        kept.append(memo.get("a", PAGE))
        memo.keep("a", PAGE, out)

    assert kept == [None, None, out]


def test_keys_keep_pages_apart():
    memo = PageMemo(limit=10_000)
    for key, out in (
        ("none", b"held"),
        ("performance", b"free"),
        ("none", b"held"),
        ("performance", b"free"),
    ):
        memo.keep(key, PAGE, (out, ()))

    assert memo.get("none", PAGE) == (b"held", ())
    assert memo.get("performance", PAGE) == (b"free", ())
    assert memo.get("functional", PAGE) is None


def test_a_page_that_changed_by_a_byte_is_another():
    memo = PageMemo(limit=10_000)
    for _ in range(2):
        memo.keep("a", PAGE, (b"old", ()))
    changed = PAGE.replace(b"/p>", b"/q>")

    assert memo.get("a", changed) is None
    for _ in range(2):
        memo.keep("a", changed, (b"new", ()))
    assert memo.get("a", changed) == (b"new", ())
    assert memo.get("a", PAGE) is None


def test_the_least_used_page_goes_first():
    memo = PageMemo(limit=2 * (ENTRY + 40), seen=2)
    for name in "abc":
        for _ in range(2):
            memo.keep(name, name.encode() * 20, (b"x" * 20, ()))
        memo.get("a", b"a" * 20)

    assert [name for name in "abc" if memo.get(name, name.encode() * 20)] == ["a", "c"]


def test_what_is_seen_once_is_remembered_within_bounds():
    memo = PageMemo(limit=100, seen=2)
    for name in "abcdef":
        memo.keep(name, b"", (b"", ()))

    assert len(memo._once) == 2


def test_many_small_pages_count_for_what_they_cost_not_for_their_bytes():
    memo = PageMemo(limit=10_000)
    names = [b"%d" % number for number in range(1_000)]
    for name in names:
        for _ in range(2):
            memo.keep(name, b"", (b"", ()))

    assert 0 < sum(memo.get(name, b"") is not None for name in names) <= 20
