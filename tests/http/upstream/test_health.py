"""Which upstream gets the next request."""

import asyncio

from proxy.http.upstream.balancer import Upstreams
from proxy.http.upstream.health import COOL_OFF, FAILURES, HealthCheck, UpstreamHealth, order
from tests.support.origin import Origin, ok, until


def test_one_lost_connection_is_no_illness_but_three_in_a_row_are():
    state = UpstreamHealth()
    for _ in range(FAILURES - 1):
        state.failed(100.0, "refused")
    assert state.is_up(100.0)
    state.failed(100.0, "refused")

    assert not state.is_up(100.0)
    assert state.why == "refused"


def test_what_has_rested_gets_requests_again_and_is_told_as_down_until_it_responds():
    state = UpstreamHealth()
    for _ in range(FAILURES):
        state.failed(100.0, "refused")

    assert state.is_up(100.0 + COOL_OFF)
    assert (state.responds, state.why) == (False, "refused")
    state.worked()
    assert (state.responds, state.why) == (True, "")


def test_an_answer_ends_the_count():
    state = UpstreamHealth()
    state.failed(1.0, "x")
    state.failed(1.0, "x")
    state.worked()
    state.failed(1.0, "x")

    assert state.is_up(1.0)


def test_the_active_check_decides_alone_until_it_succeeds():
    state = UpstreamHealth()
    state.checked(False, "/health responds 500", 2)
    assert state.is_up(1.0)
    state.checked(False, "/health responds 500", 2)
    assert not state.is_up(1.0)
    state.worked()
    assert not state.is_up(1.0)
    state.checked(True, "", 2)
    assert state.is_up(1.0)


def test_what_is_up_comes_first_then_the_least_busy_then_each_in_turn():
    assert order([(False, 0), (True, 9), (True, 1)], 0) == [2, 1, 0]
    assert [order([(True, 0)] * 3, turn)[0] for turn in range(4)] == [0, 1, 2, 0]


async def test_an_upstream_whose_check_fails_gets_no_requests_until_it_is_well_again():
    status = b"500 Ill"
    async with (
        Origin({b"/health": lambda _: ok(status=status)}, otherwise=ok(b"1")) as ill,
        Origin({b"/health": ok()}, otherwise=ok(b"2")) as well,
    ):
        check = HealthCheck("/health", every=0.02, host="shop.test")
        upstreams = Upstreams([ill.url, well.url], health=check)
        try:
            await until(lambda: not upstreams.snapshot()[0].up)
            assert upstreams.snapshot()[0].why == "/health responds 500"
            assert upstreams.snapshot()[1].up
            assert ill.seen[0].get(b"host") == [b"shop.test"]
            status = b"204 Well"
            await until(lambda: upstreams.snapshot()[0].up)
        finally:
            await upstreams.close()
    assert not [task for task in asyncio.all_tasks() if "_keep_asking" in repr(task)]


async def test_a_check_that_finds_nobody_means_ill():
    upstreams = Upstreams(["http://127.0.0.1:9"], health=HealthCheck("/", every=0.02, timeout=5.0))
    try:
        await until(lambda: not upstreams.is_up())
        assert "127.0.0.1:9" in upstreams.snapshot()[0].why
    finally:
        await upstreams.close()
