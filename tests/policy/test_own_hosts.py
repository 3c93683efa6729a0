"""The site's own files are those of its hosts and of every host under its domain."""

from proxy.policy.own_hosts import OwnHosts


def test_configured_hosts_and_those_under_the_domain_are_own():
    own = OwnHosts(frozenset({"callkom.io", "shop.example"}), "callkom.io")

    assert own.owns("callkom.io")
    assert own.owns("cdn.callkom.io")
    assert own.owns("shop.example")


def test_hosts_beside_those_named_are_not_the_sites_own():
    own = OwnHosts(frozenset({"callkom.io", "shop.example"}), "callkom.io")

    assert not own.owns("cdn.shop.example")
    assert not own.owns("notcallkom.io")
    assert not own.owns("callkom.io.example")
    assert not OwnHosts(frozenset({"a.example"})).owns("b.example")
