"""Laws of the head that the upstream gets, on made-up ones."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.judged_headers import end_to_end
from proxy.route.request_headers import ask_identity, build_upstream_head
from tests.support.heads import VALUES, context

REQUEST_NAMES = st.sampled_from(
    [b"X-A", b"x-a", b"Connection", b"Keep-Alive", b"TE", b"Cookie", b"cookie", b"Accept", b"X-Forwarded-For", b"x_real_ip",
     b"Proxy-Connection", b"Proxy", b"Upgrade-Insecure-Requests", b"Expect"]
)  # fmt: skip


@given(st.lists(st.tuples(REQUEST_NAMES, VALUES), max_size=8))
def test_whatever_ends_at_this_hop_is_not_passed_on(headers):
    seen = build_upstream_head(context(*headers)).headers
    passed = {name.lower() for name, _ in end_to_end(headers)}

    assert {name.lower() for name, _ in seen} <= passed | {
        b"host", b"cdn-loop", b"x-request-id", b"forwarded", b"x-real-ip", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"
    }  # fmt: skip
    assert [pair for pair in seen if pair[0].lower() == b"x-a"] == [
        pair for pair in end_to_end(headers) if pair[0].lower() == b"x-a"
    ]
    assert not [name for name, _ in seen if name.lower() in (b"x_real_ip", b"expect", b"te", b"proxy")]


@given(st.lists(st.tuples(REQUEST_NAMES, VALUES), max_size=6))
def test_a_refused_cookie_never_reaches_the_upstream(headers):
    seen = build_upstream_head(context((b"Cookie", b"a=1; _ga=GA1; b=2"), *headers)).headers

    assert not [value for name, value in seen if name.lower() == b"cookie" and b"_ga=" in value]


def test_a_second_try_asks_for_all_of_it_as_it_is():
    headers = [(b"Accept-Encoding", b"x-own"), (b"Range", b"bytes=0-1"), (b"If-Range", b'"a"'), (b"A", b"b")]

    assert ask_identity(headers) == [(b"A", b"b"), (b"Accept-Encoding", b"identity")]
