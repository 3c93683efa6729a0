import pytest

from proxy.snapshot.acceptance_limit import AcceptanceLimit, LimitOutcome

YES, NO, BLIND = LimitOutcome.YES, LimitOutcome.NO, LimitOutcome.BLIND


def asked(limit, address, times, now=0.0):
    return [limit.allows(address, now) for _ in range(times)]


def test_sixty_acceptances_of_one_network_pass_and_the_next_does_not():
    limit = AcceptanceLimit()
    limit.allows("192.0.2.1", 0.0)

    assert asked(limit, "203.0.113.7", 60) == [YES] * 60
    assert limit.allows("203.0.113.250", 0.0) is NO
    assert limit.allows("203.0.114.7", 0.0) is YES


def test_a_minute_later_there_is_room_again_a_second_later_for_one():
    limit = AcceptanceLimit()
    limit.allows("192.0.2.1", 0.0)
    asked(limit, "203.0.113.7", 61)

    assert asked(limit, "203.0.113.7", 2, now=1.0) == [YES, NO]
    assert asked(limit, "203.0.113.7", 61, now=61.0) == [YES] * 60 + [NO]


def test_an_ipv6_household_is_one_network_and_a_mapped_address_is_ipv4():
    limit = AcceptanceLimit(1)
    households = [
        "2001:db8:1:2::3",
        "2001:db8:1:ffff::9",
        "2001:db8:2::",
        "::ffff:203.0.113.7",
        "203.0.113.9",
    ]

    assert [limit.allows(address, 0.0) for address in households] == [YES, NO, YES, YES, NO]


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "127.0.0.1", "fd00::1", "fe80::1%eth0", "::ffff:10.1.2.3", "", "unix:"]
)
def test_where_everybody_comes_from_one_private_address_nobody_is_refused_and_it_is_said(address):
    limit = AcceptanceLimit(2)

    assert asked(limit, address, 4) == [YES, YES, BLIND, BLIND]


def test_a_private_network_among_others_is_limited():
    limit = AcceptanceLimit(2)
    limit.allows("203.0.113.7", 0.0)

    assert asked(limit, "10.1.2.3", 3) == [YES, YES, NO]


def test_a_public_network_alone_is_limited():
    assert asked(AcceptanceLimit(2), "203.0.113.7", 3) == [YES, YES, NO]


def test_zero_means_no_limit():
    assert asked(AcceptanceLimit(0), "203.0.113.7", 1000) == [YES] * 1000


def test_a_clock_that_goes_back_gives_nothing_away():
    limit = AcceptanceLimit(1)
    limit.allows("192.0.2.1", 100.0)

    assert [limit.allows("203.0.113.7", now) for now in (100.0, 50.0)] == [YES, NO]


def test_a_flood_from_many_networks_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr("proxy.snapshot.acceptance_limit._MOST", 100)
    limit = AcceptanceLimit(1)
    for number in range(1000):
        limit.allows(f"203.{number // 256}.{number % 256}.1", 0.0)

    assert len(limit._buckets) == 100
