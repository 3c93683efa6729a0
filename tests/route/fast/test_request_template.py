"""What a head comes to holds for one snapshot, address, scheme and minute, and for no other."""

from types import SimpleNamespace

import pytest

from proxy.route.fast.request_template import RequestTemplate

SNAPSHOT = object()


def template(**facts) -> RequestTemplate:
    nothing = dict.fromkeys(
        ("request", "site", "upstreams", "reading", "decision", "variant", "ask", "words", "lines", "order")
    )
    return RequestTemplate(
        **nothing, **{"snapshot": SNAPSHOT, "peer": "203.0.113.9", "secure": True, "minute": 5, **facts}
    )


@pytest.mark.parametrize(
    "other", [{}, {"snapshot": object()}, {"peer": "203.0.113.8"}, {"secure": False}, {"minute": 4}]
)
def test_it_holds_as_long_as_nothing_changed_on_which_it_depends(other):
    connection = SimpleNamespace(peer="203.0.113.9", secure=True)

    assert template(**other).holds(SNAPSHOT, connection, 5 * 60 + 59) is (other == {})
