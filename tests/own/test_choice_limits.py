"""One network grants and refuses as often as people do: beyond that, grants are put off and refusals counted."""

import pytest

from proxy.config.types import ConsentConfig
from proxy.own.choice_limits import ChoiceLimits
from proxy.snapshot.shared_resources import SharedResources
from proxy.telemetry.logs import start_logs
from tests.support.visits import request


@pytest.fixture
def limits():
    config = ConsentConfig(acceptances_per_minute=2, refusals_per_minute=3)
    made = ChoiceLimits(SharedResources((b"k" * 32,), None, None, None), config)
    for ask in (made.takes, made.stores):  # a second network is known: no load balancer
        ask(request(peer="192.0.2.1"))
    return made


def test_acceptances_and_refusals_are_limited_each_by_its_own_number(limits):
    assert [limits.takes(request()) for _ in range(4)] == [True, True, False, False]
    assert [limits.stores(request()) for _ in range(4)] == [True, True, True, False]


def test_another_network_is_not_limited_by_it(limits):
    for _ in range(3):
        limits.takes(request())

    assert not limits.takes(request(peer="203.0.113.200"))
    assert limits.takes(request(peer="198.51.100.1"))


def test_behind_a_load_balancer_that_nobody_named_all_pass_and_it_is_said():
    import io
    import json

    log = io.BytesIO()
    lines = start_logs("info", stream=log)
    shared = SharedResources((b"k" * 32,), None, None, None)
    alone = ChoiceLimits(shared, ConsentConfig(acceptances_per_minute=1))
    taken = [alone.takes(request(peer="10.0.0.1")) for _ in range(3)]
    lines.flush()
    events = [json.loads(line)["event"] for line in log.getvalue().splitlines()]

    assert taken == [True, True, True]
    assert events == ["consent_limit_blind"] * 2


def test_a_reload_does_not_begin_to_count_anew():
    shared, config = SharedResources((b"k" * 32,), None, None, None), ConsentConfig(acceptances_per_minute=2)
    first = ChoiceLimits(shared, config)
    first.takes(request(peer="192.0.2.1"))
    first.takes(request())
    first.takes(request())

    assert not ChoiceLimits(shared, config).takes(request())
