import pytest

from proxy.http.address_headers import Hop, read_address, read_chain, read_forwarded, read_single


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (b"203.0.113.7", "203.0.113.7"),
        (b" 203.0.113.7:51234\t", "203.0.113.7"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"[2001:db8::1]", "2001:db8::1"),
        (b"[2001:db8::1]:443", "2001:db8::1"),
        (b'"[2001:db8::1]:443"', "2001:db8::1"),
        (b'"203.0.113.7"', "203.0.113.7"),
        (b"fe80::1%eth0", "fe80::1%eth0"),
        (b"unknown", None),
        (b"_hidden", None),
        (b"203.0.113.7:", None),
        (b"203.0.113.7:port", None),
        (b"203.0.113.700", None),
        (b"[2001:db8::1", None),
        (b"[203.0.113.7]:1:2", None),
        (b"", None),
        (b"fe80::1%" + b"x" * 80, None),
    ],
)
def test_an_address_is_read_as_proxies_write_it(written, address):
    assert read_address(written) == address


def test_every_element_of_a_chain_counts_also_one_that_cannot_be_read():
    assert read_chain([b"203.0.113.7:1, unknown,", b"[2001:db8::1]"]) == (
        Hop("203.0.113.7"), Hop(None), Hop("2001:db8::1")
    )  # fmt: skip


@pytest.mark.parametrize("lines", [[], [b"203.0.113.7", b"203.0.113.7"], [b"203.0.113.7, 203.0.113.8"]])
def test_a_header_that_names_one_address_holds_exactly_one(lines):
    assert read_single(b"x-real-ip", lines) is None


@pytest.mark.parametrize(
    ("line", "hops"),
    [
        (b"for=203.0.113.7", (Hop("203.0.113.7"),)),
        (b'For="[2001:db8::1]:4711"; PROTO=https', (Hop("2001:db8::1", b"https"),)),
        (b'by="a,b;c";for=203.0.113.7, for=_x', (Hop("203.0.113.7"), Hop(None))),
        (b'proto="https";host=a', (Hop(None, b"https"),)),
        (b'for=6.6.6.6;host="a, for=203.0.113.7', (Hop("6.6.6.6"), Hop(None))),
        (b'for="203.0.113.7', (Hop(None), Hop(None))),
        (b"for=6.6.6.6;for=203.0.113.7", (Hop("6.6.6.6"),)),
        (b", ,", ()),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(line, hops):
    assert read_forwarded([line]) == hops
