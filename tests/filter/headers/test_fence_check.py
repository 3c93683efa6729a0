"""What the fence says of one address is what a browser makes of the header, with the rules that decide."""

import pytest

from proxy.filter.headers.fence_check import FenceCheck, FenceStop, lets
from proxy.filter.syntax.urls import url_of
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from proxy.problems import Place
from tests.policy.rules import policy_of

POLICY = policy_of(
    neutral="- { from: fonts.example, why: x }\n- { from: cdn.shared.example, why: y }",
    tags="""
- { from: stats.example, purpose: performance }
- { from: maps.shared.example, purpose: functional }
""",
)
OWN = OwnHosts(frozenset({"example.com"}), "example.com")
KEPT = Place("rules.yaml", 99)


def check(*granted: str) -> FenceCheck:
    return FenceCheck(POLICY, OWN, scope_of(POLICY).granted(granted))


def line(of: str) -> int:
    return next(n for n, text in enumerate(POLICY.text.splitlines(), 1) if of in text)


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://a.example/x", True),
        ("https://sub.a.example/x", False),
        ("https://b.wide.example/x", True),
        ("https://wide.example/x", False),
        ("https://p.example/exact", True),
        ("https://p.example/exact?q=1", True),
        ("https://p.example/exact/more", False),
        ("https://p.example/dir/more", True),
        ("https://p.example/dirs", False),
        ("https://w.example/x", False),
        ("https://other.example/", False),
    ],
)
def test_a_source_matches_as_csp_says(url, passes):
    header = (
        "default-src 'self' blob: wss://w.example https://a.example:* https://*.wide.example:*"
        " https://p.example:*/exact https://p.example:*/dir/; script-src https://other.example"
    )

    assert lets(header, url_of(url)) is passes


def test_what_is_granted_and_what_is_the_sites_own_is_not_stopped():
    assert check("performance").stop(url_of("https://a.stats.example/x")) is None
    assert check().stop(url_of("https://www.example.com/x")) is None
    assert check().stop(url_of("/relative")) is None


def test_a_refused_host_is_closed_by_the_rule_that_names_it():
    stop = check().stop(url_of("https://a.stats.example/x"), KEPT)

    assert stop == FenceStop("a.stats.example", KEPT, Place("rules.yaml", line("stats.example"), 9))
    assert str(stop) == f"the fence stops a.stats.example, closed by rules.yaml:{line('stats.example')}, kept by rules.yaml:99"  # fmt: skip


def test_a_host_that_no_rule_names_is_closed_by_one_of_its_domain_or_by_none():
    domain = check().stop(url_of("https://other.shared.example/"))
    nobody = check().stop(url_of("https://nobody.example/"))

    assert domain.closed.line == line("maps.shared.example")
    assert (nobody.kept, nobody.closed) == (None, None)
    assert str(nobody) == "the fence stops nobody.example, which no granted rule names by its host"


def test_the_rule_that_keeps_an_address_is_not_the_one_that_closes_it():
    closing = Place("rules.yaml", line("stats.example"), 9)

    assert check().stop(url_of("https://stats.example/"), closing).closed is None
