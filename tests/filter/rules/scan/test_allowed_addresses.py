"""What the scanner passes by unasked is what nobody would have minded."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.rules.scan.allowed_addresses import AllowedAddresses
from proxy.filter.syntax.attributes import attribute_value
from proxy.filter.syntax.urls import srcset_addresses, url_of

PASSING = AllowedAddresses(("own.example", "cdn.example"), ("/gtm.js?id=", "track=", "/pixel/"))
ADDRESS = re.compile(PASSING.address(rb"\""))
LIST = re.compile(PASSING.candidates(rb"\""))


def passes(pattern: re.Pattern[bytes], value: str) -> bool:
    found = pattern.match(value.encode() + b'"')
    return found is not None and found.end() == len(value.encode())


@pytest.mark.parametrize(
    "address",
    [
        "/a.js", "a.js", "./a", "../a/b.png?v=1", "/x?a=1&amp;b=2", "/x?a&#038;b", "https://own.example", "https://own.example/a/b", "//cdn.example/x.png#y",
        "http://own.example?x", "/gtm.js", "/p/ixel/", "/x/é",
    ],
)  # fmt: skip
def test_an_own_address_in_the_usual_spelling_passes(address):
    assert passes(ADDRESS, address)


@pytest.mark.parametrize(
    "address",
    [
        "", "/", "//evil.example/", "https://evil.example/", "https://own.example.evil/", "https://own.example:81/", "https://u@own.example/", "https://own.example@evil/",
        "HTTPS://own.example/", "/\\evil", "\\\\evil", "/\tx", " /x", "data:x", "javascript:x", "/x&y", "&#47;/evil", "/gtm.js?id=1", "/x?track=1", "a/pixel/b",
        "https://own.example/pixel/b", "/" + "a/" * 20_000, "https://xown.example/", "https://own.examples/",
    ],
)  # fmt: skip
def test_any_other_is_asked_about(address):
    assert not passes(ADDRESS, address)


@pytest.mark.parametrize(
    ("value", "free"),
    [
        ("/a.png 1x, /b.png 2x", True), ("https://own.example/a.png 1x,\n https://cdn.example/b.png 2x", True), ("a.png", True),
        ("/a.png 1x, //evil/b.png 2x", False), ("/a 1x, https://evil.example/b 2x", False), ("/a 1x, https://own.example/pixel/ 2x", False), ("/a\\b", False), ("x:y", False),
        ("", False), ("https:/own.example/a", False), ("ftp://own.example/a", False), ("//own.example/a", False), ("https://own.example", False),
    ],
)  # fmt: skip
def test_a_list_passes_when_every_candidate_does(value, free):
    assert passes(LIST, value) is free


def test_words_with_an_ampersand_leave_no_reference_unread():
    pattern = re.compile(AllowedAddresses((), ("a&b=",)).address(rb"\""))

    assert not passes(pattern, "/x?a&amp;b=1")
    assert passes(pattern, "/x?a=1")


PIECES = st.sampled_from(
    ["https:", "http:", "//", "/", "own.example", "cdn.example", "evil.example", ".", "a", "?", "#", "=", "&amp;", "&", "&#47;", ":", "\\", "\t", " ", ",", "@", "%2f", "pixel", "track", "gtm.js?id", "'", "<", "1x", "é"]
)  # fmt: skip


def unminded(address: str) -> bool:
    url = url_of(address)
    own = url is None or url.host in ("", *PASSING.hosts)
    return own and not any(word in address for word in PASSING.words)


@given(st.lists(PIECES, max_size=9).map("".join))
def test_no_address_passes_that_somebody_would_mind(value):
    if passes(ADDRESS, value):
        assert unminded(attribute_value(value.encode()))


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_list_passes_with_a_candidate_that_somebody_would_mind(value):
    if passes(LIST, value):
        assert all(unminded(address) for address in srcset_addresses(attribute_value(value.encode())))
