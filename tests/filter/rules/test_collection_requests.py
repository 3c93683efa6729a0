"""First-party collection is refused at the door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.rules.collection_requests import RequestRules, refused_request
from proxy.filter.verdict import KEEP, Does
from proxy.policy.scope import scope_of
from tests.policy.rules import policy_of

REQUESTS = """
- { path: /metrics/health, purpose: necessary }
- { path: /metrics/*, purpose: performance }
- { path: "/gtm.js?id=GTM-*", purpose: performance }
- { path: /collect*, host: metrics.example.com, purpose: [functional, performance] }
- { path: "*/pixel.gif", purpose: performance }
"""
POLICY = policy_of(requests=REQUESTS)
RULES = RequestRules(POLICY)
HOST = "www.example.com"


def does(target, *granted, host=HOST):
    return refused_request(RULES, host, target, scope_of(POLICY).granted(granted)).does


@pytest.mark.parametrize(
    "target",
    [b"/metrics/", b"/metrics/a/b?c=d", b"/gtm.js?id=GTM-X", b"/a/pixel.gif", b"/a/pixel.gif?uid=1"],
)
def test_a_refused_address_is_answered_and_a_granted_one_passes(target):
    assert does(target) is Does.ANSWER
    assert does(target, "functional") is Does.ANSWER
    assert does(target, "performance") is Does.KEEP


@pytest.mark.parametrize(
    "target", [b"/%6detrics/x", b"//metrics/x", b"/metrics%2Fx", b"/metrics//x", b"/a/pixel%2egif"]
)
def test_another_spelling_that_servers_read_the_same_is_the_same_address(target):
    assert does(target) is Does.ANSWER


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"*",
        b"/metric",
        b"/x/metrics/",
        b"/METRICS/x",
        b"/gtm.js",
        b"/gtm.js?id=X",
        b"/x?/metrics/",
        b"\xff",
    ],
)
def test_every_other_address_passes(target):
    assert refused_request(RULES, HOST, target, frozenset()) == KEEP


def test_a_row_of_one_host_speaks_of_it_and_what_is_below():
    assert does(b"/collect", host="metrics.example.com") is Does.ANSWER
    assert does(b"/collect", host="eu.metrics.example.com") is Does.ANSWER
    assert does(b"/collect", host="xmetrics.example.com") is Does.KEEP


def test_the_first_row_that_speaks_decides():
    assert does(b"/metrics/health") is Does.KEEP


def test_the_verdict_names_what_is_missing_and_the_line():
    verdict = refused_request(
        RULES, "metrics.example.com", b"/collect", scope_of(POLICY).granted(["functional"])
    )

    assert (verdict.needs, verdict.provider) == (("performance",), "acme")
    assert verdict.because == POLICY.providers[0].requests[3].place


def test_a_policy_without_such_rows_refuses_nothing():
    rules = RequestRules(
        policy_of(cookies="- { name: aa, domain: .x.com, purpose: necessary, lasts: Session, why: x }")
    )

    assert refused_request(rules, HOST, b"/metrics/x", frozenset()) is KEEP


@given(st.binary(max_size=80))
def test_any_target_can_be_judged(target):
    refused_request(RULES, HOST, target, frozenset())
