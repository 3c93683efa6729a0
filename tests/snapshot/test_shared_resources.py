"""What outlives a reload: one rate limit for each name and size, and the defaults of a process alone."""

from proxy.snapshot.rate_limit import RateLimitResult
from proxy.snapshot.shared_resources import SharedResources


def shared() -> SharedResources:
    return SharedResources((b"k" * 32,), None, None, None)


def test_a_limit_of_one_name_and_size_is_the_same_after_a_reload():
    one = shared()

    assert one.limit("acceptances", 60) is one.limit("acceptances", 60)
    assert one.limit("acceptances", 60) is not one.limit("refusals", 60)
    assert one.limit("acceptances", 60) is not one.limit("acceptances", 30)


def test_it_limits_as_much_as_it_says():
    limit = shared().limit("acceptances", 2)
    limit.allows("192.0.2.1", 0.0)

    results = [limit.allows("203.0.113.7", 0.0) for _ in range(3)]
    assert results == [RateLimitResult.ALLOWED] * 2 + [RateLimitResult.DENIED]


def test_two_processes_share_nothing():
    one, other = shared(), shared()

    assert one.limit("acceptances", 60) is not other.limit("acceptances", 60)
    assert one.presumed is not other.presumed
    assert one.sightings is not other.sightings
