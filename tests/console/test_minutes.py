from collections import Counter

import pytest

from proxy.console.metric_lines import Counted
from proxy.console.minutes import MOST, Minutes, quantile

INF = float("inf")


def at(requests, documents=0, failed=0, upstream=None):
    return Counted(requests, documents, failed, upstream=Counter(upstream or {}))


def test_each_minute_has_what_was_counted_in_it_and_the_last_is_the_present_one():
    minutes = Minutes(1205.0)
    minutes.note(1259.9, at(4))
    minutes.note(1260.1, at(10, 2))
    minutes.note(1320.0, at(11, 2, 1))
    columns = minutes.columns(1350.0, at(14, 5, 1))

    assert columns["at"] == [1200, 1260, 1320]
    assert columns["requests"] == [10, 1, 3]
    assert columns["documents"] == [2, 0, 3]
    assert columns["failed"] == [0, 1, 0]


def test_what_is_asked_for_before_the_minute_was_closed_closes_it():
    minutes = Minutes(1200.0)
    columns = minutes.columns(1261.0, at(7))

    assert (columns["at"], columns["requests"]) == ([1200, 1260], [7, 0])


def test_a_day_is_remembered_and_not_more():
    minutes = Minutes(0.0)
    for number in range(1, 2 * MOST):
        minutes.note(number * 60.0, at(number))
    columns = minutes.columns(2 * MOST * 60.0, at(2 * MOST))

    assert len(columns["at"]) == MOST
    assert columns["at"][-1] - columns["at"][0] == (MOST - 1) * 60
    assert sum(columns["requests"]) == MOST - 1


def test_times_are_those_of_the_minute_alone():
    minutes = Minutes(0.0)
    minutes.note(60.0, at(1, upstream={0.1: 100, 0.2: 100, INF: 100}))
    columns = minutes.columns(61.0, at(1, upstream={0.1: 100, 0.2: 110, INF: 110}))

    assert columns["upstream_ms"] == {"p50": [50.0, 150.0], "p95": [95.0, 195.0]}
    assert columns["own_ms"] == {"p50": [None, None], "p95": [None, None]}


@pytest.mark.parametrize(
    ("part", "buckets", "ms"),
    [
        (0.5, [], None),
        (0.5, [(0.1, 0), (INF, 0)], None),
        (0.5, [(0.1, 0), (0.2, 1), (INF, 1)], 150.0),
        (0.5, [(0.1, 0), (0.2, 0), (INF, 3)], 200.0),
        (0.95, [(0.1, 50), (0.2, 100), (INF, 100)], 190.0),
    ],
)
def test_a_quantile_lies_in_its_bucket(part, buckets, ms):
    assert quantile(part, buckets) == ms
