import pytest

from proxy.snapshot.rate_limit import RateLimit, RateLimitResult

ALLOWED, DENIED, ONE_PRIVATE_NETWORK = (
    RateLimitResult.ALLOWED,
    RateLimitResult.DENIED,
    RateLimitResult.ONE_PRIVATE_NETWORK,
)


def results(limit, address, times, now=0.0):
    return [limit.allows(address, now) for _ in range(times)]


def test_sixty_acceptances_of_one_network_pass_and_the_next_does_not():
    limit = RateLimit()
    limit.allows("192.0.2.1", 0.0)

    assert results(limit, "203.0.113.7", 60) == [ALLOWED] * 60
    assert limit.allows("203.0.113.250", 0.0) is DENIED
    assert limit.allows("203.0.114.7", 0.0) is ALLOWED


def test_a_minute_later_there_is_room_again_a_second_later_for_one():
    limit = RateLimit()
    limit.allows("192.0.2.1", 0.0)
    results(limit, "203.0.113.7", 61)

    assert results(limit, "203.0.113.7", 2, now=1.0) == [ALLOWED, DENIED]
    assert results(limit, "203.0.113.7", 61, now=61.0) == [ALLOWED] * 60 + [DENIED]


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:1:2::3", "2001:db8:1:ffff::9"), ("::ffff:203.0.113.7", "203.0.113.9")],
)
def test_an_ipv6_household_is_one_network_and_a_mapped_address_is_ipv4(one, other):
    limit = RateLimit(1)
    limit.allows("192.0.2.1", 0.0)

    assert [limit.allows(one, 0.0), limit.allows(other, 0.0)] == [ALLOWED, DENIED]


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::1", "fd00::1", "fe80::1%eth0", "", "unix:"])
def test_where_everybody_comes_from_one_private_address_nobody_is_refused_and_it_is_said(address):
    limit = RateLimit(2)

    assert results(limit, address, 4) == [ALLOWED, ALLOWED, ONE_PRIVATE_NETWORK, ONE_PRIVATE_NETWORK]


def test_a_private_network_among_others_is_limited():
    limit = RateLimit(2)
    limit.allows("203.0.113.7", 0.0)

    assert results(limit, "10.1.2.3", 3) == [ALLOWED, ALLOWED, DENIED]


def test_a_public_network_alone_is_limited():
    assert results(RateLimit(2), "203.0.113.7", 3) == [ALLOWED, ALLOWED, DENIED]


def test_zero_means_no_limit():
    assert results(RateLimit(0), "203.0.113.7", 1000) == [ALLOWED] * 1000


def test_a_clock_that_goes_back_gives_nothing_away():
    limit = RateLimit(1)
    limit.allows("192.0.2.1", 100.0)

    assert [limit.allows("203.0.113.7", now) for now in (100.0, 50.0)] == [ALLOWED, DENIED]


def test_a_flood_from_many_networks_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr("proxy.snapshot.rate_limit._MAX_NETWORKS", 100)
    limit = RateLimit(1)
    for number in range(1000):
        limit.allows(f"203.{number // 256}.{number % 256}.1", 0.0)

    assert len(limit._buckets) == 100
