"""The end of a certificate and its hosts are those OpenSSL wrote into it."""

import ssl
from datetime import UTC, datetime

import pytest
import trustme

from proxy.errors import StartError
from proxy.http.certificate_facts import certificate_facts

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def issued(*hosts: str, ends: datetime) -> bytes:
    leaf = trustme.CA().issue_cert(*hosts, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=ends)
    return b"".join(pem.bytes() for pem in leaf.cert_chain_pems)


@pytest.mark.parametrize(
    "ends",
    [
        datetime(2026, 12, 10, 12, tzinfo=UTC),
        datetime(2049, 12, 31, tzinfo=UTC),
        datetime(2055, 1, 1, tzinfo=UTC),
    ],
    ids=["UTCTime", "its last year", "GeneralizedTime"],
)
def test_the_end_is_read_in_both_ways_of_writing_it(ends):
    assert certificate_facts(issued("callkom.io", ends=ends)).ends == ends


def test_days_left_go_below_zero_once_it_has_ended():
    facts = certificate_facts(issued("callkom.io", ends=datetime(2026, 11, 29, 12, tzinfo=UTC)))

    assert facts.days_left(NOW) == -0.5


def test_it_covers_its_names_one_label_under_a_wildcard_and_addresses():
    facts = certificate_facts(issued("callkom.io", "*.callkom.io", "192.0.2.1", "::1", ends=NOW))
    asked = ["callkom.io", "www.callkom.io", "a.b.callkom.io", "callkom.com", "192.0.2.1", "[::1]"]

    assert [host for host in asked if facts.covers(host)] == [
        "callkom.io",
        "www.callkom.io",
        "192.0.2.1",
        "[::1]",
    ]


def test_names_without_a_byte_are_said_in_a_sentence():
    whole = ssl.PEM_cert_to_DER_cert(
        trustme.CA().issue_cert("callkom.io").cert_chain_pems[0].bytes().decode()
    )
    names = b"\x04\x0e\x30\x0c\x82\x0acallkom.io"
    emptied = whole.replace(names, b"\x04\x0c" + names[2:-2] + b"\x04\x00")

    assert emptied != whole
    with pytest.raises(StartError, match="the certificate cannot be read"):
        certificate_facts(ssl.DER_cert_to_PEM_cert(emptied).encode())


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMA\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_is_said_in_a_sentence(pem):
    with pytest.raises(StartError, match="the certificate cannot be read"):
        certificate_facts(pem)
