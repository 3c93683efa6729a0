"""What becomes of a field, by its name."""

import pytest

from proxy.http.header_names import KEPT, REQUEST_FIELDS, RESPONSE_FIELDS, Fate


def test_names_are_remembered_without_bound_by_nobody():
    for known in (REQUEST_FIELDS, RESPONSE_FIELDS):
        for number in range(KEPT + 10):
            assert known[b"X-%d" % number] == (b"x-%d" % number, Fate.PASS)
        assert known[b"X" * 1000] == (b"x" * 1000, Fate.PASS)

        assert len(known) <= KEPT
        assert b"X" * 1000 not in known


@pytest.mark.parametrize(
    ("name", "fate"),
    [
        (b"Set-Cookie", Fate.COOKIE),
        (b"LINK", Fate.JUDGED),
        (b"te", Fate.GONE),
        (b"X-A", Fate.PASS),
        (b"X A", Fate.BROKEN),
    ],
)
def test_a_name_has_one_fate_in_any_case(name, fate):
    assert RESPONSE_FIELDS[name][1] is fate
    assert RESPONSE_FIELDS[name.swapcase()][1] is fate
