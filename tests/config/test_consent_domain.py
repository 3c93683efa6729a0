import pytest

from proxy.config.consent_domain import consent_domain, cookie_domain, shared_domain, site_domain
from proxy.config.loading import load_config

CONFIG = "listen: 127.0.0.1:8080\nsites: [{ hosts: [a.callkom.io], upstream: 'http://127.0.0.1:1' }]\n"


@pytest.mark.parametrize(
    ("hosts", "domain"),
    [
        (["callkom.io", "www.callkom.io", "app.callkom.io"], "callkom.io"),
        (["app.callkom.io"], "app.callkom.io"),
        (["a.eu.callkom.io", "b.eu.callkom.io"], "eu.callkom.io"),
        (["callkom.localhost", "app.callkom.localhost"], "callkom.localhost"),
        (["callkom.io", "callkom.fr"], None),
        (["a.co.uk", "b.co.uk"], None),
        (["one.github.io", "two.github.io"], None),
        (["localhost"], None),
        (["127.0.0.1"], None),
        (["10.0.0.1", "10.0.0.2"], None),
        (["10.0.0.1", "callkom.io"], None),
    ],
)
def test_the_consent_domain_is_the_longest_parent_that_no_stranger_shares(hosts, domain):
    assert shared_domain(hosts) == domain


def test_a_configured_domain_wins():
    assert consent_domain(load_config(CONFIG + "consent: { domain: callkom.io }\n")) == "callkom.io"


def sites_of(*sites: str):
    lines = "".join(f"  - {{ hosts: [{hosts}], upstream: 'http://127.0.0.1:1' }}\n" for hosts in sites)
    config = load_config(f"listen: 127.0.0.1:8080\nsites:\n{lines}")
    return [site_domain(config, site) for site in config.sites]


def test_where_all_hosts_share_a_domain_every_site_has_it():
    assert sites_of("callkom.io", "app.callkom.io") == ["callkom.io", "callkom.io"]


def test_hosts_of_one_domain_share_an_answer_beside_those_of_another():
    found = sites_of("callkom.io, www.callkom.io", "shop.example.fr", "app.callkom.io", "www.example.fr")

    assert found == ["callkom.io", "example.fr", "callkom.io", "example.fr"]


@pytest.mark.parametrize(
    "mixed", ["callkom.io, example.fr", "10.0.0.1, callkom.io", "a.co.uk, co.uk", "10.0.0.1"]
)
def test_hosts_of_several_domains_in_one_site_share_none(mixed):
    assert sites_of(mixed, "www.example.com") == [None, "www.example.com"]


def test_a_host_that_shares_an_answer_with_no_other_keeps_its_cookie_to_itself():
    config = load_config(
        "listen: 127.0.0.1:8080\nsites:\n"
        + "".join(
            f"  - {{ hosts: [{host}], upstream: 'http://127.0.0.1:1' }}\n"
            for host in ("callkom.io", "app.callkom.io", "www.example.fr", "10.0.0.1")
        )
    )
    lone = load_config(CONFIG)

    assert [cookie_domain(config, site) for site in config.sites] == ["callkom.io", "callkom.io", None, None]
    assert [site_domain(config, site) for site in config.sites][2] == "www.example.fr"
    assert cookie_domain(lone, lone.sites[0]) == "a.callkom.io"
