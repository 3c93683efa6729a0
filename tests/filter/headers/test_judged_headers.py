"""What becomes of header lines: ended at this hop, judged, or said of a document for one visitor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.fields import Headers, fault_in, value_of, values_of
from proxy.filter.headers.judged_headers import (
    code_headers,
    document_headers,
    end_to_end,
    judged_headers,
    refused_headers,
)
from proxy.policy.scope import scope_of
from tests.filter.judging import judge, policy

NAMES = st.sampled_from(
    b"Connection X-A Cookie Set-Cookie TE Upgrade Vary Cache-Control ETag Link Content-Length Transfer-Encoding"
    b" Last-Modified Digest Report-To NEL Content-Security-Policy Refresh Host keep-alive".split()
)
VALUES = st.sampled_from(
    [b"X-A, close", b"a", b"", b'"x"', b"private, max-age=1", b"*", b"Cookie", b"no-store"]
) | st.binary(max_size=20)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=8)

# Hop by hop


@pytest.mark.parametrize(
    "name",
    [
        b"Connection",
        b"Keep-Alive",
        b"Proxy-Connection",
        b"TE",
        b"Trailer",
        b"Transfer-Encoding",
        b"UPGRADE",
        b"HTTP2-Settings",
        b"Proxy",
        b"Proxy-Authorization",
        b"Proxy-Authenticate",
    ],
)
def test_fields_between_neighbours_end_here(name: bytes) -> None:
    assert end_to_end([(b"A", b"1"), (name, b"x"), (b"b", b" 2")]) == [(b"A", b"1"), (b"b", b" 2")]


def test_what_connection_names_ends_here_too() -> None:
    headers = [
        (b"connection", b"close , X-Foo"),
        (b"x-foo", b"1"),
        (b"X-Bar", b"2"),
        (b"Connection", b"x-BAR"),
        (b"X-Foo", b"3"),
        (b"Y", b"4"),
    ]

    assert end_to_end(headers) == [(b"Y", b"4")]


def test_connection_cannot_name_what_everybody_needs() -> None:
    """A visitor must not be able to strip what decides about them (RFC 9110 7.6.1)."""
    kept = [
        (b"Host", b"a"),
        (b"Cookie", b"sid=1"),
        (b"Content-Length", b"3"),
        (b"Content-Security-Policy", b"x"),
    ]

    assert (
        end_to_end([(b"Connection", b"Host, Cookie, Content-Length, Content-Security-Policy"), *kept]) == kept
    )


def test_a_length_beside_chunks_goes_with_them() -> None:
    assert end_to_end([(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3"), (b"A", b"1")]) == [
        (b"A", b"1")
    ]


@given(LINES)
def test_taking_hops_off_twice_is_taking_them_off_once(headers: Headers) -> None:
    once = end_to_end(headers)

    assert end_to_end(once) == once
    assert [pair for pair in headers if pair in once] == once or len(once) <= len(headers)


# Judged


def refused(*purposes: str) -> frozenset[bytes]:
    return refused_headers(policy(), scope_of(policy()).granted(purposes))


def test_headers_go_unless_their_purpose_is_granted() -> None:
    assert refused() == {b"accept-ch", b"critical-ch", b"observe-browsing-topics", b"alt-svc"}
    assert refused("performance") == {b"observe-browsing-topics", b"alt-svc"}
    assert refused("functional") == refused()


def test_a_visitor_sees_no_line_and_no_entry_that_asks_a_refused_host() -> None:
    answer = [
        (b"Content-Type", b"text/html"),
        (b"link", b"<https://stats.example/1.js>; rel=preload, </a.css>; rel=preload"),
        (b"Link", b"<https://stats.example>; rel=preconnect"),
        (b"Link", b"</b.css>; rel=preload"),
        (b"Refresh", b"0; url=https://stats.example/"),
        (b"Speculation-Rules", b'"https://stats.example/r.json"'),
        (b"Reporting-Endpoints", b'a="/r", b="https://stats.example/r"'),
        (b"Report-To", b'{"group":"b","endpoints":[{"url":"https://stats.example/r"}]}'),
        (b"NEL", b'{"report_to":"b","max_age":1}'),
        (b"Content-Security-Policy", b"default-src 'self'; report-uri https://stats.example/r"),
        (b"Content-Security-Policy-Report-Only", b"img-src *; report-uri /r"),
        (b"Accept-CH", b"Sec-CH-UA-Model"),
        (b"Alt-Svc", b'h3="origin.example:443"'),
        (b"Clear-Site-Data", b'"cache"'),
        (b"Location", b"https://stats.example/"),
    ]

    seen, touched = judged_headers(answer, judge(), refused())

    assert seen == [
        (b"Content-Type", b"text/html"),
        (b"link", b"</a.css>; rel=preload"),
        (b"Link", b"</b.css>; rel=preload"),
        (b"Reporting-Endpoints", b'a="/r"'),
        (b"Content-Security-Policy", b"default-src 'self';"),
        (b"Content-Security-Policy-Report-Only", b"img-src *; report-uri /r"),
        (b"Clear-Site-Data", b'"cache"'),
        (b"Location", b"https://stats.example/"),
    ]
    assert touched == (
        b"link", b"link", b"refresh", b"speculation-rules", b"reporting-endpoints", b"report-to",
        b"content-security-policy", b"accept-ch", b"alt-svc",
    )  # fmt: skip


def test_with_everything_granted_only_what_nobody_may_have_goes() -> None:
    answer = [
        (b"Link", b"<https://stats.example/1.js>; rel=preload"),
        (b"Accept-CH", b"x"),
        (b"NEL", b"{}"),
        (b"Set-Login", b"y"),
    ]

    assert judged_headers(answer, judge("functional", "performance"), refused("performance")) == (answer, ())


@given(LINES)
def test_what_is_not_judged_keeps_order_and_bytes(headers: Headers) -> None:
    seen, touched = judged_headers(headers, judge(), frozenset())

    def others(lines: Headers) -> Headers:
        return [pair for pair in lines if pair[0].lower() not in (*touched, b"nel")]

    assert others(seen) == others(headers)
    assert judged_headers(seen, judge(), frozenset()).headers == seen


# Documents


def test_a_rewritten_document_is_for_one_visitor_and_asked_about_again() -> None:
    answer = [
        (b"Content-Type", b"text/html"),
        (b"cache-control", b"public, max-age=600, s-maxage=3600"),
        (b"Cache-Control", b"No-Transform"),
        (b"Expires", b"x"),
        (b"Pragma", b"cache"),
        (b"Age", b"4"),
        (b"Surrogate-Control", b"x"),
        (b"CDN-Cache-Control", b"x"),
        (b"Cloudflare-CDN-Cache-Control", b"x"),
        (b"ETag", b'"abc"'),
        (b"Last-Modified", b"x"),
        (b"Content-Length", b"3"),
        (b"Content-Encoding", b"br"),
        (b"Accept-Ranges", b"bytes"),
        (b"Digest", b"x"),
        (b"Content-Digest", b"x"),
        (b"Repr-Digest", b"x"),
        (b"Content-MD5", b"x"),
        (b"Want-Repr-Digest", b"x"),
        (b"vary", b"Accept-Language"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
    ]

    assert document_headers(answer, variant=b"v1", coding=b"zstd") == [
        (b"Content-Type", b"text/html"),
        (b"cache-control", b"private, no-cache, no-transform"),
        (b"vary", b"Accept-Language, Cookie, Accept-Encoding"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Encoding", b"zstd"),
        (b"ETag", b'W/"~v1-abc"'),
    ]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([], b"private, no-cache"),
        ([b"no-store"], b"private, no-cache, no-store"),
        ([b"NO-STORE, no-transform, max-age=0"], b"private, no-cache, no-store, no-transform"),
        ([b'private="set-cookie, no-store"'], b"private, no-cache"),
        ([b"immutable", b"no-store"], b"private, no-cache, no-store"),
    ],
)
def test_of_cache_control_only_the_stricter_words_stay(said: list[bytes], kept: bytes) -> None:
    headers = document_headers([(b"Cache-Control", value) for value in said], variant=b"v", coding=None)

    assert values_of(headers, b"cache-control") == [kept]


@pytest.mark.parametrize(
    ("said", "varies"),
    [
        ([], [b"Cookie, Accept-Encoding"]),
        ([b"cookie"], [b"cookie, Accept-Encoding"]),
        ([b"Accept-Encoding, COOKIE,  X"], [b"Accept-Encoding, COOKIE,  X"]),
        ([b"*"], [b"*"]),
        ([b"X", b"Cookie"], [b"X, Cookie, Accept-Encoding"]),
        ([b""], [b"Cookie, Accept-Encoding"]),
    ],
)
def test_a_document_varies_by_the_cookie_too(said: list[bytes], varies: list[bytes]) -> None:
    headers = document_headers([(b"Vary", value) for value in said], variant=b"v", coding=None)

    assert values_of(headers, b"vary") == varies


@given(LINES, st.sampled_from([None, b"gzip"]))
def test_a_document_says_each_of_its_own_fields_once(headers: Headers, coding: bytes | None) -> None:
    out = document_headers(headers, variant=b"v1", coding=coding)

    assert len(values_of(out, b"cache-control")) == 1
    assert (value_of(out, b"cache-control") or b"").startswith(b"private, no-cache")
    assert value_of(out, b"content-encoding") == coding
    assert value_of(out, b"last-modified") is None
    assert value_of(out, b"content-length") is None
    untouched = (b"x-a", b"set-cookie", b"link")
    assert [pair for pair in out if pair[0].lower() in untouched] == [
        pair for pair in headers if pair[0].lower() in untouched
    ]


def test_a_part_of_the_answer_that_is_for_head_or_304_says_the_same_as_the_page() -> None:
    """One function for all three, so they cannot differ; only the body is missing."""
    page = [(b"ETag", b'"a"'), (b"Content-Length", b"10"), (b"Content-Type", b"text/html")]
    head = [(b"ETag", b'"a"'), (b"Content-Type", b"text/html")]

    assert document_headers(page, variant=b"v", coding=None) == document_headers(
        head, variant=b"v", coding=None
    )


def test_what_passed_unread_is_not_kept_for_a_navigation() -> None:
    answer = [
        (b"Content-Type", b"text/html"),
        (b"Cache-Control", b"max-age=600"),
        (b"Expires", b"x"),
        (b"ETag", b'"a"'),
        (b"Content-Length", b"3"),
    ]

    assert code_headers(answer) == [
        (b"Content-Type", b"text/html"),
        (b"Cache-Control", b"private, no-cache"),
        (b"ETag", b'"a"'),
        (b"Content-Length", b"3"),
        (b"Vary", b"Sec-Fetch-Dest"),
    ]


def test_fields_made_here_are_fit_to_pass_on() -> None:
    headers = document_headers([(b"ETag", b'"a"'), (b"Vary", b"X")], variant=b"v1", coding=b"br")

    assert fault_in(headers) is None
