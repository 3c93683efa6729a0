"""What becomes of the header lines of a response: ended at this hop, judged, or passed."""

import pytest
from hypothesis import given

from proxy.filter.headers.fields import Headers
from proxy.filter.headers.judged_headers import end_to_end, judged_headers, refused_headers
from proxy.policy.scope import scope_of
from tests.filter.headers.header_lines import HEADER_LINES
from tests.filter.judging import judge, policy

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


@given(HEADER_LINES)
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


@given(HEADER_LINES)
def test_what_is_not_judged_keeps_order_and_bytes(headers: Headers) -> None:
    seen, touched = judged_headers(headers, judge(), frozenset())

    def others(lines: Headers) -> Headers:
        return [pair for pair in lines if pair[0].lower() not in (*touched, b"nel")]

    assert others(seen) == others(headers)
    assert judged_headers(seen, judge(), frozenset()).headers == seen
