"""What an audit is told to visit, and what it makes of it."""

from dataclasses import replace

import pytest

from proxy.audit.plan import (
    Plan,
    PlanError,
    as_of,
    checked_address,
    checked_resolve,
    checked_states,
    grants_of,
    is_loopback,
    purposes_of,
    resolver_rules,
)
from proxy.commands.terminal import read_policy
from proxy.policy.own_hosts import OwnHosts
from tests.audit.planted_site import RULES


def test_addresses_are_made_whole_or_refused():
    assert checked_address("callkom.io") == "https://callkom.io/"
    assert checked_address("http://callkom.io:8080/a?b=1#c") == "http://callkom.io:8080/a?b=1"
    for wrong in ("ftp://a.io/", "https://", "https://a:99999/", "https://me:pw@a.io/"):
        with pytest.raises(PlanError, match="cannot be visited"):
            checked_address(wrong)


def test_resolve_is_written_as_curl_has_it_and_every_other_host_comes_last():
    rules = [checked_resolve("*:*:127.0.0.1:9"), checked_resolve("callkom.io:443:127.0.0.1:8443")]

    assert resolver_rules(rules) == "MAP callkom.io:443 127.0.0.1:8443, MAP * 127.0.0.1:9, EXCLUDE 127.0.0.1"
    assert resolver_rules([]) == ""
    for wrong in ("callkom.io", "callkom.io:x:127.0.0.1", ":443:127.0.0.1"):
        with pytest.raises(PlanError, match="HOST:PORT:ADDRESS"):
            checked_resolve(wrong)


def test_only_the_given_hosts_and_ports_are_visited():
    plan = Plan(("https://callkom.io/", "http://app.callkom.io:8080/"), ("none",))

    assert plan.may_visit("https://callkom.io/x")
    assert plan.may_visit("https://callkom.io:443/x")
    assert not plan.may_visit("https://callkom.io:8443/x")
    assert not plan.may_visit("https://www.callkom.io/x")
    assert plan.own.owns("www.callkom.io")


def test_sites_of_this_machine_need_no_pause_and_others_do():
    here = Plan(("http://callkom.localhost:1/",), ("none",))
    away = Plan(("https://callkom.io/",), ("none",))
    sent_here = Plan(
        ("https://callkom.io/",), ("none",), resolve=(checked_resolve("callkom.io:443:127.0.0.1:1"),)
    )

    assert not here.is_polite("http://callkom.localhost:1/")
    assert away.is_polite("https://callkom.io/")
    assert not sent_here.is_polite("https://callkom.io/")
    assert not Plan(("https://callkom.io/",), ("none",), ours=True).is_polite("https://callkom.io/")
    assert [is_loopback(one) for one in ("[::1]:8", "127.8.0.1", "127.0.0.1.example", "10.0.0.1")] == [
        True,
        True,
        False,
        False,
    ]


def test_states_are_those_of_the_policy():
    policy = read_policy(RULES)

    assert checked_states(None, policy) == (
        "none",
        "refuse",
        "accept",
        "functional",
        "performance",
        "marketing",
        "withdraw",
    )
    assert checked_states("none, functional+marketing", policy) == ("none", "functional+marketing")
    assert purposes_of("accept", policy) == ("functional", "performance", "marketing")
    assert grants_of("refuse", policy) == frozenset()
    assert {pair.purpose for pair in grants_of("functional+marketing", policy)} == {"functional", "marketing"}
    for wrong in ("functoinal", "", "none+x"):
        with pytest.raises(PlanError, match="state"):
            checked_states(wrong, policy)


def test_rules_of_another_domain_are_read_as_of_the_audited_one():
    policy = read_policy(RULES)
    here, written_for = as_of(policy, OwnHosts(frozenset({"callkom.localhost"}), "callkom.localhost"))

    assert written_for == "callkom.io"
    assert {domain for row in here.providers[0].cookies for domain in row.domains} == {
        "callkom.localhost",
        ".callkom.localhost",
    }
    assert as_of(policy, OwnHosts(frozenset({"callkom.io"}), "callkom.io")) == (policy, "")


def test_a_purpose_that_no_rule_uses_is_no_state():
    policy = read_policy(RULES)
    unused = replace(policy, purposes=(*policy.purposes, replace(policy.purposes[-1], id="unused")))

    assert checked_states(None, unused) == checked_states(None, policy)
