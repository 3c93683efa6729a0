"""A host in a rule is a name or a glob within a label, and never wider than one owner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.patterns import Glob
from proxy.policy.hosts import covers, domain_fault, glob_covers, host_fault, registrable


@pytest.mark.parametrize(
    "host",
    [
        "hubspot.com",
        "track*.hubspot.com",
        "js.cdn.monitor.azure.com",
        "localhost",
        "127.0.0.1",
        "vendor.test",
        "a_b.example.com",
        "callkom.localhost",
        "x.github.io",
    ],
)
def test_hosts_of_one_owner_are_accepted(host):
    assert host_fault(host) is None


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("https://js.hs-scripts.com/1.js", "did you mean 'js.hs-scripts.com'?"),
        ("//js.hs-scripts.com", "did you mean 'js.hs-scripts.com'?"),
        ("googletagmanager.com/gtag/", "did you mean 'googletagmanager.com' with path: \"/gtag/*\"?"),
        ("hubspot.com?x", "did you mean 'hubspot.com' with path"),
        ("hubspot.com:443", "did you mean 'hubspot.com'?"),
        (".hubspot.com", "did you mean 'hubspot.com'?"),
        ("*.hubspot.com", "did you mean 'hubspot.com'?"),
        ("HubSpot.com", "did you mean 'hubspot.com'?"),
        ("hub spot.com", "is no host"),
        ("hubspot..com", "is no host"),
        ("-x.com", "is no host"),
        ("a." * 130 + "com", "is no host"),
        ("com", "a public suffix"),
        ("co.uk", "a public suffix"),
        ("github.io", "a public suffix"),
        ("*.com", "hosts of many owners"),
        ("*.co.uk", "hosts of many owners"),
        ("track*.com", "hosts of many owners"),
        ("*", "hosts of many owners"),
        ("hubspot.*", "hosts of many owners"),
    ],
)
def test_a_host_that_cannot_be_meant_says_what_was(host, told):
    assert told in host_fault(host)


def test_a_cookies_domain_may_begin_with_a_dot_but_hold_no_star():
    assert domain_fault(".callkom.io") is None
    assert domain_fault("m.stripe.com") is None
    assert (
        domain_fault("*.callkom.io")
        == "is '*.callkom.io'; a leading dot covers the subdomains: '.callkom.io'"
    )
    assert "public suffix" in domain_fault(".co.uk")


def test_the_registrable_domain_is_the_shortest_that_somebody_owns():
    assert registrable("app.callkom.io") == "callkom.io"
    assert registrable("callkom.co.uk") == "callkom.co.uk"
    assert registrable("co.uk") is None


@pytest.mark.parametrize(
    ("wide", "narrow", "answer"),
    [
        ("hubspot.com", "track.hubspot.com", True),
        ("hubspot.com", "hubspot.com", True),
        ("track.hubspot.com", "hubspot.com", False),
        ("spot.com", "hubspot.com", False),
        ("track*.hubspot.com", "track-eu1.hubspot.com", True),
        ("track*.hubspot.com", "x.track*.hubspot.com", True),
        ("track-eu*.hubspot.com", "track*.hubspot.com", False),
        ("hubspot.com", "track*.hubspot.com", True),
    ],
)
def test_a_host_covers_its_subdomains(wide, narrow, answer):
    assert covers(wide, narrow) is answer


globs = st.text("ab*", max_size=6)


@given(globs, globs, st.text("ab", max_size=8))
def test_a_glob_that_covers_another_matches_whatever_that_matches(wide, narrow, text):
    if glob_covers(wide, narrow) and Glob.of(narrow).matches(text):
        assert Glob.of(wide).matches(text)


def test_globs_cover_what_they_evidently_do():
    assert glob_covers("*", "_ga_*")
    assert glob_covers("_ga*", "_ga_*")
    assert glob_covers("*a*b*", "xa*yb")
    assert glob_covers("*a*b", "ab")
    assert not glob_covers("_ga_*", "_gat")
    assert not glob_covers("_ga_*", "_ga*")
    assert not glob_covers("a*a", "a")
