import ipaddress

import pytest

from proxy.config.loading import load_config
from proxy.config.types import TrustedProxy
from proxy.http.forwarded import (
    CLOUDFLARE,
    LONGEST_CHAIN,
    Trust,
    Visitor,
    _told,
    forwarded_headers,
    is_claim,
    only_from_trusted,
)
from proxy.http.header_names import fields_of
from tests.support.proxying import config_text

OURS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))
TRUST = Trust((TrustedProxy(networks=OURS),))


def fields(*lines):
    return fields_of(list(lines))


def test_without_trusted_proxies_a_visitor_is_who_connects_whatever_they_claim():
    claims = fields(
        (b"X-Forwarded-For", b"1.2.3.4"), (b"X-Forwarded-Proto", b"https"), (b"CF-Connecting-IP", b"5.6.7.8")
    )

    assert Trust().visitor("203.0.113.9", claims, secure=False) == Visitor("203.0.113.9", secure=False)


def test_a_stranger_is_not_believed_where_only_our_proxies_are():
    claims = fields((b"X-Forwarded-For", b"1.2.3.4"), (b"X-Forwarded-Proto", b"https"))

    assert TRUST.visitor("203.0.113.9", claims, secure=False) == Visitor("203.0.113.9", secure=False)


def test_a_trusted_proxy_says_who_asks_and_over_what():
    claims = fields((b"X-Forwarded-For", b"203.0.113.9"), (b"X-Forwarded-Proto", b"https"))

    assert TRUST.visitor("10.0.0.1", claims, secure=False) == Visitor("203.0.113.9", True, ("203.0.113.9",))


def test_what_the_visitor_wrote_before_our_proxies_is_never_taken_for_them():
    claims = fields((b"X-Forwarded-For", b"6.6.6.6, 203.0.113.9"), (b"X-Forwarded-For", b"10.0.0.7"))

    visitor = TRUST.visitor("10.0.0.1", claims, secure=False)

    assert visitor.address == "203.0.113.9"
    assert visitor.chain == ("6.6.6.6", "203.0.113.9", "10.0.0.7")


def test_nonsense_in_the_chain_is_left_out():
    claims = fields((b"X-Forwarded-For", b"unknown, <script>, 203.0.113.9:1234, 198.51.100.7"))

    assert TRUST.visitor("10.0.0.1", claims, secure=False).chain == ("203.0.113.9", "198.51.100.7")


def test_what_stands_before_nonsense_is_not_taken_for_the_visitor():
    claims = fields((b"X-Forwarded-For", b"6.6.6.6, unknown, 10.0.0.7"))

    assert TRUST.visitor("10.0.0.1", claims, secure=False).address == "10.0.0.7"


def test_an_unknown_scheme_changes_nothing():
    claims = fields((b"X-Forwarded-Proto", b"gopher"))

    assert TRUST.visitor("10.0.0.1", claims, secure=True).secure is True


def test_cloudflare_is_believed_from_its_own_networks_and_only_if_the_config_says_so():
    claims = fields((b"CF-Connecting-IP", b"203.0.113.9"), (b"X-Forwarded-Proto", b"https"))
    edge = str(next(CLOUDFLARE[0].hosts()))

    trust = Trust.of(load_config(config_text("http://127.0.0.1:1", more="cloudflare: yes")))

    assert trust.visitor(edge, claims, secure=False).address == "203.0.113.9"
    assert trust.visitor("198.51.100.1", claims, secure=False).address == "198.51.100.1"
    assert Trust().visitor(edge, claims, secure=False).address == edge


def test_an_ipv4_address_in_ipv6_clothes_is_the_same_address():
    assert TRUST.believes("::ffff:10.1.2.3")


@pytest.mark.parametrize(
    "name",
    [b"X-Forwarded-For", b"x_forwarded_for", b"X-Forwarded_Host", b"FORWARDED", b"X-Real-IP", b"x_real_ip",
     b"X-Original-URL", b"X-Rewrite-URL", b"CF_Connecting_IP", b"True-Client_IP", b"client_ip"],
)  # fmt: skip
def test_claims_are_recognised_in_any_case_and_with_underscores(name):
    assert is_claim(name)


@pytest.mark.parametrize("name", [b"X-Forward", b"Host", b"X-Requested-With", b"Origin"])
def test_other_headers_are_no_claims(name):
    assert not is_claim(name)


@pytest.mark.parametrize(
    "name", [b"X-Forwarded-User", b"x-forwarded-protocol", b"X_Forwarded_Client_Cert"]
)  # fmt: skip
def test_what_else_is_said_of_the_way_here_counts_from_trusted_proxies_alone(name):
    assert only_from_trusted(name)
    assert not is_claim(name)


def test_the_upstream_is_told_who_asks():
    told = dict(forwarded_headers(Visitor("2001:db8::1", True, ("1.2.3.4",)), "10.0.0.1", b"callkom.io:8443"))

    assert told == {
        b"X-Forwarded-For": b"1.2.3.4, 10.0.0.1",
        b"X-Forwarded-Host": b"callkom.io:8443",
        b"X-Forwarded-Proto": b"https",
        b"X-Real-IP": b"2001:db8::1",
        b"Forwarded": b'for="[2001:db8::1]";host="callkom.io:8443";proto=https',
    }


def test_a_long_way_that_a_visitor_made_up_is_told_but_not_remembered():
    chain = tuple(f"6.6.6.{n}" for n in range(LONGEST_CHAIN + 1))
    before = _told.cache_info().currsize

    told = dict(forwarded_headers(Visitor("6.6.6.6", True, chain), "10.0.0.1", b"callkom.io"))

    assert told[b"X-Forwarded-For"] == ", ".join((*chain, "10.0.0.1")).encode()
    assert _told.cache_info().currsize == before


def test_an_address_with_a_zone_longer_than_any_interface_has_is_none():
    claims = fields((b"X-Forwarded-For", b"203.0.113.9"), (b"X-Forwarded-For", b"fe80::1%" + b"x" * 30_000))

    assert TRUST.visitor("10.0.0.1", claims, secure=False).chain == ("203.0.113.9",)


CDN_HEADERS = ["X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "Fastly-Client-IP", "X-Azure-ClientIP"]


@pytest.mark.parametrize("header", CDN_HEADERS)
def test_an_entry_believes_its_one_header_and_no_other(header):
    trust = Trust((TrustedProxy(networks=OURS, header=header),))
    others = [(other.encode(), b"6.6.6.6") for other in CDN_HEADERS if other != header]
    believed = (header.encode(), b"203.0.113.9")
    chain = (b"X-Forwarded-For", b"6.6.6.6")

    assert trust.visitor("10.0.0.1", fields(*others, chain, believed), secure=False) == Visitor(
        "203.0.113.9", False, ("203.0.113.9",)
    )
    assert trust.visitor("10.0.0.1", fields(*others, chain), secure=False).address == "10.0.0.1"
    assert trust.visitor("10.0.0.1", fields(believed, believed), secure=False).address == "10.0.0.1"
    assert trust.visitor("203.0.113.1", fields(believed), secure=False).address == "203.0.113.1"


def test_each_entry_has_its_own_header_and_all_of_them_are_ours_on_the_way():
    edge = (ipaddress.ip_network("198.51.100.0/24"),)
    trust = Trust((TrustedProxy(networks=edge, header="Fastly-Client-IP"), TrustedProxy(networks=OURS)))

    direct = fields((b"Fastly-Client-IP", b"203.0.113.9"), (b"X-Forwarded-For", b"6.6.6.6"))
    through = fields((b"Fastly-Client-IP", b"6.6.6.6"), (b"X-Forwarded-For", b"203.0.113.9, 198.51.100.4"))

    assert trust.visitor("198.51.100.4", direct, secure=False).address == "203.0.113.9"
    assert trust.visitor("10.0.0.1", through, secure=False).address == "203.0.113.9"


def test_cloudfront_says_the_port_too():
    trust = Trust((TrustedProxy(networks=OURS, header="CloudFront-Viewer-Address"),))

    for value, address in ((b"203.0.113.9:46532", "203.0.113.9"), (b"2001:db9::1:46532", "2001:db9::1")):
        claims = fields((b"CloudFront-Viewer-Address", value))
        assert trust.visitor("10.0.0.1", claims, secure=False).address == address


def test_forwarded_says_who_asks_and_over_what():
    trust = Trust((TrustedProxy(networks=OURS, header="Forwarded"),))
    claims = fields(
        (b"Forwarded", b'for=6.6.6.6;proto=http, for="[2001:db9::1]:4711";proto=https;by=x, for=10.0.0.7;proto=http'),
        (b"X-Forwarded-For", b"6.6.6.6"),
        (b"X-Forwarded-Proto", b"http"),
    )  # fmt: skip

    assert trust.visitor("10.0.0.1", claims, secure=False) == Visitor(
        "2001:db9::1", True, ("6.6.6.6", "2001:db9::1", "10.0.0.7")
    )


def test_a_cdns_own_header_is_shown_to_the_upstream_where_it_is_the_believed_one():
    trust = Trust((TrustedProxy(networks=OURS, header="CF-Connecting-IP"),))

    assert trust.passes("10.0.0.1", b"cf-connecting-ip")
    assert trust.passes("10.0.0.1", b"X-Forwarded-User")
    assert not trust.passes("10.0.0.1", b"True-Client-IP")
    assert not trust.passes("203.0.113.9", b"CF-Connecting-IP")
