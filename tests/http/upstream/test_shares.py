from proxy.http.upstream.shares import Shares

CROWD, VISITOR = "203.0.113.9", "198.51.100.4"


def taken(shares: Shares, visitor: str) -> int:
    """How many slots a visitor gets who asks for more than there are."""
    count = 0
    for _ in range(shares.limit + 2):
        shares.note(visitor)
        if shares.allows(visitor):
            shares.take(visitor)
            count += 1
    return count


def test_one_network_leaves_the_reserve_to_others():
    shares = Shares(8)

    assert taken(shares, CROWD) == 6
    assert taken(shares, "203.0.113.77") == 0
    assert taken(shares, VISITOR) == 1
    assert taken(shares, "192.0.2.1") == 1
    assert taken(shares, "2001:db8::1") == 0


def test_in_the_reserve_a_network_gets_a_sixteenth_of_all():
    shares = Shares(64)
    taken(shares, CROWD)

    assert taken(shares, VISITOR) == 4


def test_what_is_given_back_may_be_taken_again():
    shares = Shares(8)
    taken(shares, CROWD)
    shares.give_back(shares.take(VISITOR))

    assert shares.in_use == 6
    assert shares.allows(VISITOR)
    assert not shares.allows(CROWD)


def test_where_all_come_from_one_private_address_there_is_no_reserve():
    assert taken(Shares(8), "10.0.0.1") == 8
    assert taken(Shares(8), "") == 8


def test_a_second_visitor_brings_the_reserve_back():
    shares = Shares(8)
    shares.note("")
    shares.note("10.0.0.1")
    assert taken(shares, "10.0.0.1") == 8
    shares.note("10.0.1.1")

    for _ in range(2):
        shares.give_back("10.0.0.0/24")

    assert not shares.allows("10.0.0.1")
    assert shares.allows("10.0.1.1")


def test_the_smallest_pool_still_serves():
    assert taken(Shares(1), CROWD) == 1
