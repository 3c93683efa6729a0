"""What a head comes to holds for one House, address, scheme and minute, and for no other."""

from types import SimpleNamespace

import pytest

from proxy.server.standing import Standing

HOUSE = object()


def standing(**facts) -> Standing:
    nothing = dict.fromkeys(
        ("visit", "site", "reach", "reading", "decision", "variant", "ask", "words", "lines", "order")
    )
    return Standing(
        **nothing, **{"house": HOUSE, "peer": "203.0.113.9", "secure": True, "minute": 5, **facts}
    )


@pytest.mark.parametrize(
    "other", [{}, {"house": object()}, {"peer": "203.0.113.8"}, {"secure": False}, {"minute": 4}]
)
def test_it_holds_as_long_as_nothing_changed_on_which_it_depends(other):
    connection = SimpleNamespace(peer="203.0.113.9", secure=True)

    assert standing(**other).holds(HOUSE, connection, 5 * 60 + 59) is (other == {})
