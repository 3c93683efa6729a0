"""Looking up, taking out and cutting header fields, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.fields import (
    cut_at_commas,
    fault_in,
    is_token,
    list_of,
    value_of,
    values_of,
    without,
)

HEADERS = [(b"A", b"1"), (b"x-B", b"2"), (b"a", b" 3"), (b"C", b"")]


def test_fields_are_found_whatever_their_case() -> None:
    assert values_of(HEADERS, b"a") == [b"1", b" 3"]
    assert value_of(HEADERS, b"a") == b"1"
    assert value_of(HEADERS, b"c") == b""
    assert value_of(HEADERS, b"d") is None


def test_taking_fields_out_leaves_order_and_bytes() -> None:
    assert without(HEADERS, (b"x-b", b"c")) == [(b"A", b"1"), (b"a", b" 3")]


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ([b"a, b ,,c"], [b"a", b"b", b"c"]),
        ([b"a", b"b"], [b"a", b"b"]),
        ([b'a="x,y", b'], [b'a="x,y"', b"b"]),
        ([b'a="x\\",y", b'], [b'a="x\\",y"', b"b"]),
        ([b'a="x, b'], [b'a="x, b']),
        ([b""], []),
        ([b"\t ,\t"], []),
    ],
)
def test_lists_are_cut_at_commas_outside_quotes(values: list[bytes], parts: list[bytes]) -> None:
    assert list_of(values) == parts


@given(st.binary(max_size=100))
def test_the_parts_of_a_list_are_all_of_its_bytes(value: bytes) -> None:
    assert b",".join(part for _, part in cut_at_commas(value)) == value
    assert all(value[at : at + len(part)] == part for at, part in cut_at_commas(value))


@pytest.mark.parametrize(
    "name", [b"", b"X A", b"X-A ", b"X(A)", b"X\0A", b"X\xc3\xa9", b'"X"', b"X:", b"\tX"]
)
def test_a_name_that_is_no_token_is_a_fault(name: bytes) -> None:
    assert not is_token(name)
    assert "is no token" in (fault_in([(b"Host", b"a"), (name, b"1")]) or "")


@pytest.mark.parametrize("value", [b"a\0b", b"a\rb", b"a\nb", b"a\x01", b"\x7f", b"\x0b"])
def test_a_control_character_is_a_fault_everywhere_but_in_a_cookie_line(value: bytes) -> None:
    assert "control character" in (fault_in([(b"X-A", value)]) or "")
    assert fault_in([(b"Set-Cookie", value)]) is None


def test_tabs_and_bytes_beyond_ascii_are_no_fault() -> None:
    assert fault_in([(b"X-A", b"a\tb"), (b"X-B", b"caf\xe9 \xc3\xa9"), (b"!#$%&'*+.^_`|~", b"")]) is None


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=5))
def test_no_headers_of_strangers_raise_an_error(headers: list[tuple[bytes, bytes]]) -> None:
    assert fault_in(headers) is None or isinstance(fault_in(headers), str)
