"""Methods that llhttp does not know get another in their place, all else stays as it came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http.request_line import LONGEST_METHOD, STAND_IN, split_method

TOKEN = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=LONGEST_METHOD).map(str.encode)


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PATCH", b"TRACE", b"CONNECT"])
def test_a_common_method_stays(method):
    assert split_method(method + b" / HTTP/1.1") == (method + b" / HTTP/1.1", b"")


@given(TOKEN.filter(lambda method: method.upper() != method or len(method) > 7))
def test_any_other_token_is_replaced(method):
    assert split_method(method + b" /a b") == (STAND_IN + b" /a b", method)


@given(TOKEN)
def test_a_method_may_go_on_until_its_blank(begun):
    assert split_method(begun) is None


@pytest.mark.parametrize(
    "begun", [b"\x16\x03\x01", b"B(EW / ", b"A" * 65, b"A" * 65 + b" /", b" /", b"FOO\t/", b"F\r"]
)
def test_what_is_no_token_is_for_the_parser_to_refuse(begun):
    assert split_method(begun) == (begun, b"")
