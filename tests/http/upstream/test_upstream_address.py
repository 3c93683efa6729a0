"""Which addresses are public: whatever an operator or a rule lets us connect to by name is one of these."""

import pytest

from proxy.http.upstream.upstream_address import is_public_address


@pytest.mark.parametrize("address", ["8.8.8.8", "104.16.1.1", "2606:4700::1111"])
def test_addresses_of_the_open_internet_are_public(address):
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "localhost", "",
        "fec0::1", "192.88.99.1",
    ],
)  # fmt: skip
def test_every_other_address_is_not(address):
    assert not is_public_address(address)
