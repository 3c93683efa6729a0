"""The field that tells a site's server what was agreed: signed over all it says, good for a minute or two."""

import hmac

import pytest

from proxy.consent.upstream_header import VALID, UpstreamHeader

HEADER = UpstreamHeader(b"X-Consent", b"a key of its own")
NOON = 1_795_428_000


def test_it_says_site_purposes_and_until_when_in_one_order():
    said, _, signature = HEADER.value("callkom.io", ["performance", "functional"], NOON + 7).partition(
        b"; sig="
    )

    assert said == b"v=1; site=callkom.io; purposes=functional performance; until=%d" % (NOON + 2 * VALID)
    assert signature == hmac.new(b"a key of its own", said, "sha256").hexdigest().encode()


def test_who_agreed_to_nothing_is_told_so():
    assert b"; purposes=; until=" in HEADER.value("callkom.io", (), NOON)


def test_a_value_is_good_for_a_minute_at_least_and_the_same_within_one():
    values = {HEADER.value("callkom.io", ["functional"], NOON + second) for second in range(VALID)}

    assert len(values) == 1
    assert HEADER.value("callkom.io", ["functional"], NOON + VALID) not in values
    until = int(values.pop().partition(b"until=")[2].partition(b";")[0])
    assert until - (NOON + VALID - 1) >= VALID


def test_another_key_another_site_and_another_purpose_sign_otherwise():
    signatures = {
        header.value(site, purposes, NOON).rpartition(b"=")[2]
        for header in (HEADER, UpstreamHeader(b"X-Consent", b"another key"))
        for site in ("callkom.io", "app.callkom.io")
        for purposes in ((), ("functional",))
    }

    assert len(signatures) == 8


@pytest.mark.parametrize(
    ("field", "named"),
    [(b"X-Consent", True), (b"x-consent", True), (b"X_CONSENT", True), (b"X-Consents", False), (b"X-Consen", False), (b"Y-Consent", False)],
)  # fmt: skip
def test_it_is_known_in_any_spelling_that_a_server_takes_for_it(field, named):
    assert HEADER.is_named(field) is named
