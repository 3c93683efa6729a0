import pytest

from proxy.config.consent_domain import consent_domain, shared_domain
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
