"""Laws of the response's head, on made-up ones."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamError
from proxy.route.response_headers import _judged_with_care, judged
from tests.support.heads import VALUES, context

NAMES = st.sampled_from(
    [b"Set-Cookie", b"set-cookie", b"Link", b"Connection", b"Keep-Alive", b"Content-Type", b"X-A", b"x-a", b"Alt-Svc",
     b"Content-Length", b"Refresh", b"Report-To", b"NEL", b"Trailer", b"Upgrade", b"Proxy-Authenticate", b"ETag", b"X A", b""]
)  # fmt: skip
HEADS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


def outcome(function, headers):
    try:
        return function(headers, context())
    except UpstreamError as error:
        return str(error)


@given(HEADS)
def test_the_quick_walk_over_an_answer_does_what_the_careful_one_does(headers):
    assert outcome(judged, headers) == outcome(_judged_with_care, headers)
