"""Shapes of providers' tags under a site's own name: each has an address that only it knows."""

import pytest

from proxy.filter.patterns import Glob
from proxy.policy.first_party import FIRST_PARTY

LOADED = {
    "google-analytics": ["/metrics/gtag/js?id=G-1", "/x/gtag/destination?id=AW-1&l=dataLayer"],
    "google-tag-manager": [
        "/x/gtm.js?id=GTM-1",
        "/tags/ns.html?id=GTM-1",
        "/t/_/service_worker/5a0/sw_iframe.html?origin=1",
    ],
    "hubspot": [
        "/hs/scriptloader/145986844.js",
        "/hs/hsstatic/cookie-banner-public/v1.1/b.js",
        "/hs/hsstatic/content-cwv-embed/static-1.1/embed.js",
    ],
}
COLLECTED = {
    "google-analytics": [
        "/metrics/g/collect?v=2&tid=G-1",
        "/metrics/g/s/collect?v=2",
        "/a/b/j/collect?t=dc&v=1",
        "/a/r/collect?t=dc&v=1",
        "/metrics/ccm/collect?en=page_view",
        "/metrics/rmkt/collect/1/?random=1",
    ],
    "google-tag-manager": [],
    "hubspot": ["/__ptq.gif?k=1", "/_hcms/perf/v2", "/_hcms/analytics/search"],
}
SHAPES = [
    (name, kind, glob)
    for kind, table in (("loads", LOADED), ("collects", COLLECTED))
    for name in table
    for glob in getattr(FIRST_PARTY[name], kind)
]


def test_every_word_that_like_takes_is_in_the_tables():
    assert LOADED.keys() == COLLECTED.keys() == FIRST_PARTY.keys()


@pytest.mark.parametrize(("name", "kind", "glob"), SHAPES)
def test_each_shape_knows_an_address_that_no_other_knows(name, kind, glob):
    addresses = (LOADED if kind == "loads" else COLLECTED)[name]
    others = [Glob.of(other) for other in getattr(FIRST_PARTY[name], kind) if other != glob]
    alone = [one for one in addresses if not any(other.matches(one) for other in others)]

    assert any(Glob.of(glob).matches(one) for one in alone)


@pytest.mark.parametrize(
    ("name", "kind", "address"),
    [
        (name, kind, address)
        for kind, table in (("loads", LOADED), ("collects", COLLECTED))
        for name, addresses in table.items()
        for address in addresses
    ],
)
def test_each_of_these_addresses_is_known(name, kind, address):
    assert any(Glob.of(glob).matches(address) for glob in getattr(FIRST_PARTY[name], kind))
