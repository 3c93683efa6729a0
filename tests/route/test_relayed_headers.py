"""Laws of both heads, on made-up ones."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.loading import load_config
from proxy.errors import UpstreamError
from proxy.filter.headers.judged import end_to_end
from proxy.http.header_names import ANSWERED, ASKED, KEPT, Fate
from proxy.policy.load import load_policy
from proxy.route.context import RequestContext
from proxy.route.relayed_headers import _judged_with_care, ask_identity, asked, judged
from proxy.snapshot.sites import build_sites
from tests.support.proxying import RULES, config_text
from tests.support.visits import request

CONFIG = load_config(
    config_text("http://127.0.0.1:1", more="consent: { domain: callkom.io }"), folder=Path("/nowhere")
)
SITE = build_sites(CONFIG, load_policy(RULES), (b"k" * 32,)).match("callkom.io")


def context(*headers, target=b"/"):
    seen = request(target, *headers)
    reading, decision = SITE.settle(seen)
    return RequestContext(
        None, None, seen, SITE, reading, decision, SITE.variant(decision.grants, secure=True), 0.0
    )


NAMES = st.sampled_from(
    [b"Set-Cookie", b"set-cookie", b"Link", b"Connection", b"Keep-Alive", b"Content-Type", b"X-A", b"x-a", b"Alt-Svc",
     b"Content-Length", b"Refresh", b"Report-To", b"NEL", b"Trailer", b"Upgrade", b"Proxy-Authenticate", b"ETag", b"X A", b""]
)  # fmt: skip
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
VALUES = st.one_of(
    st.sampled_from(
        [b"_ga=1; Domain=.callkom.io", b"session=1", b"a=b", b"close", b"X-A", b"keep-alive, x-a", b"<https://hsforms.net/x>; rel=preload",
         b"0; url=https://hsforms.net", b"", b'{"group":"a","endpoints":[]}', b"caf\xe9"]
    ),
    st.binary(max_size=12).filter(lambda value: not CONTROL.search(value)),  # test_answer.py: such heads are refused
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


REQUEST_NAMES = st.sampled_from(
    [b"X-A", b"x-a", b"Connection", b"Keep-Alive", b"TE", b"Cookie", b"cookie", b"Accept", b"X-Forwarded-For", b"x_real_ip",
     b"Proxy-Connection", b"Proxy", b"Upgrade-Insecure-Requests", b"Expect"]
)  # fmt: skip


@given(st.lists(st.tuples(REQUEST_NAMES, VALUES), max_size=8))
def test_whatever_ends_at_this_hop_is_not_passed_on(headers):
    seen = asked(context(*headers)).headers
    passed = {name.lower() for name, _ in end_to_end(headers)}

    assert {name.lower() for name, _ in seen} <= passed | {
        b"host", b"via", b"x-request-id", b"forwarded", b"x-real-ip", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"
    }  # fmt: skip
    assert [pair for pair in seen if pair[0].lower() == b"x-a"] == [
        pair for pair in end_to_end(headers) if pair[0].lower() == b"x-a"
    ]
    assert not [name for name, _ in seen if name.lower() in (b"x_real_ip", b"expect", b"te", b"proxy")]


@given(st.lists(st.tuples(REQUEST_NAMES, VALUES), max_size=6))
def test_a_refused_cookie_never_reaches_the_upstream(headers):
    seen = asked(context((b"Cookie", b"a=1; _ga=GA1; b=2"), *headers)).headers

    assert not [value for name, value in seen if name.lower() == b"cookie" and b"_ga=" in value]


def test_a_second_try_asks_for_all_of_it_as_it_is():
    headers = [(b"Accept-Encoding", b"x-own"), (b"Range", b"bytes=0-1"), (b"If-Range", b'"a"'), (b"A", b"b")]

    assert ask_identity(headers) == [(b"A", b"b"), (b"Accept-Encoding", b"identity")]


def test_names_are_remembered_without_bound_by_nobody():
    for known in (ASKED, ANSWERED):
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
    assert ANSWERED[name][1] is fate
    assert ANSWERED[name.swapcase()][1] is fate
