"""A page seen again comes from memory; one visitor's page is never another's."""

from proxy.filter.pages import PageMemo
from tests.filter.pages import filtered, judge

PAGE = b"<!doctype html><img src=//stats.example/p>"


def test_a_page_is_kept_when_it_is_seen_the_second_time():
    memo = PageMemo(limit=10_000)
    digest = memo.digest(PAGE, b"")
    outs = []
    for _ in range(3):
        outs.append(memo.filtered(judge(), PAGE, inject=None, key=b""))
        outs.append(memo.get(digest) is not None)

    assert [out for out in outs if isinstance(out, bool)] == [False, True, True]
    assert outs[0] == outs[2] == outs[4]
    assert outs[0][0] == filtered(PAGE)
    assert len(outs[4][1]) == 1


def test_keys_keep_pages_apart():
    memo = PageMemo(limit=10_000)
    for _ in range(3):
        refused = memo.filtered(judge(), PAGE, inject=None, key=b"none")
        granted = memo.filtered(judge("performance"), PAGE, inject=None, key=b"performance")

    assert refused[0] != granted[0] == PAGE
    assert memo.digest(b"bc", b"a") != memo.digest(b"c", b"ab")
    assert memo.digest(PAGE, b"") != PageMemo(limit=1).digest(PAGE, b"")


def test_the_least_used_page_goes_first():
    memo = PageMemo(limit=1_500, seen=2)
    for body in (b"a" * 40, b"b" * 40, b"c" * 40):
        for _ in range(2):
            memo.filtered(judge(), body, inject=None, key=b"")
        memo.get(memo.digest(b"a" * 40, b""))

    assert memo.get(memo.digest(b"a" * 40, b"")) is not None
    assert memo.get(memo.digest(b"b" * 40, b"")) is None
    assert memo.get(memo.digest(b"c" * 40, b"")) is not None


def test_many_small_pages_count_for_what_they_cost_not_for_their_bytes():
    memo = PageMemo(limit=10_000)
    names = [b"%d" % number for number in range(1_000)]
    for _ in range(2):
        for name in names:
            memo.keep(memo.digest(b"", name), b"", [])

    assert 0 < sum(memo.get(memo.digest(b"", name)) is not None for name in names) <= 20
