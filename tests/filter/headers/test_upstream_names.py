"""What names the upstream leads to the visitor's host, and nothing else moves."""

import pytest

from proxy.filter.headers.fields import Headers
from proxy.filter.headers.upstream_names import UpstreamNames

ASKED_BY_NAME = UpstreamNames(b"app.internal.test", frozenset({b"127.0.0.1"}), frozenset({b"9001"}))
ASKED_AS_VISITED = UpstreamNames(None, frozenset({b"app.internal.test"}), frozenset({b"8080"}))
VISITOR = {"secure": True, "authority": b"callkom.io", "host": b"callkom.io"}


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        (b"http://app.internal.test/a?b#c", b"https://callkom.io/a?b#c"),
        (b"https://APP.internal.test", b"https://callkom.io"),
        (b"http://app.internal.test:9001/a", b"https://callkom.io/a"),
        (b"http://app.internal.test:80/", b"https://callkom.io/"),
        (b"http://127.0.0.1:9001/dir/", b"https://callkom.io/dir/"),
        (b"//app.internal.test/a", b"//callkom.io/a"),
        (b"http://callkom.io:9001/dir/", b"https://callkom.io/dir/"),
        (b"http://app.internal.test?next=http://app.internal.test/", b"https://callkom.io?next=http://app.internal.test/"),
        (b"http://app.internal.test:9002/", None),
        (b"http://app.internal.test.evil.test/", None),
        (b"http://app.internal.test@evil.test/", None),
        (b"http://user@app.internal.test/", None),
        (b"http://evil.test/http://app.internal.test/", None),
        (b"http://callkom.io/dir/", None),
        (b"http://callkom.io:9002/dir/", None),
        (b"http://www.callkom.io:9001/", None),
        (b"http://127.0.0.1/", None),
        (b"/app.internal.test/", None),
        (b"", None),
        (b"mailto:a@app.internal.test", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", [b"Location", b"content-location"])
def test_an_address_that_names_the_upstream_leads_to_the_visitors_host(
    name: bytes, address: bytes, leads_to: bytes | None
) -> None:
    assert ASKED_BY_NAME.translate([(name, address)], **VISITOR) == [(name, leads_to or address)]


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        (b"Refresh", b"3; url=http://app.internal.test/a", b"3; url=https://callkom.io/a"),
        (b"Refresh", b"0;URL='http://app.internal.test:9001/a'", b"0;URL='https://callkom.io/a'"),
        (b"Refresh", b"5", b"5"),
        (b"Link", b'<http://app.internal.test/a.css>; rel=preload, <//cdn.test/b>; rel="x"',
         b'<https://callkom.io/a.css>; rel=preload, <//cdn.test/b>; rel="x"'),
        (b"Set-Cookie", b"a=1; Path=/; domain=.App.internal.test; Secure", b"a=1; Path=/; domain=callkom.io; Secure"),
        (b"Set-Cookie", b"domain=app.internal.test; Path=/", b"domain=app.internal.test; Path=/"),
        (b"Set-Cookie", b"a=1; Domain=.callkom.io", b"a=1; Domain=.callkom.io"),
        (b"Set-Cookie", b"a=1; Domain=internal.test", b"a=1; Domain=internal.test"),
        (b"X-Origin", b"http://app.internal.test/", b"http://app.internal.test/"),
    ],
)  # fmt: skip
def test_so_do_the_other_fields_that_hold_one(name: bytes, value: bytes, becomes: bytes) -> None:
    assert ASKED_BY_NAME.translate([(name, value)], **VISITOR) == [(name, becomes)]


def test_an_nginx_that_adds_its_own_port_is_put_right_without_a_name_of_its_own() -> None:
    added: Headers = [(b"Location", b"http://callkom.io:8080/dir/")]

    assert ASKED_AS_VISITED.translate(added, **VISITOR) == [(b"Location", b"https://callkom.io/dir/")]
    at_home = {"secure": False, "authority": b"callkom.io:8080", "host": b"callkom.io"}
    assert ASKED_AS_VISITED.translate(added, **at_home) == added


def test_a_visitor_on_another_port_stays_on_it() -> None:
    visitor = {"secure": False, "authority": b"callkom.localhost:8443", "host": b"callkom.localhost"}

    assert ASKED_BY_NAME.translate([(b"Location", b"http://app.internal.test/a")], **visitor) == [
        (b"Location", b"http://callkom.localhost:8443/a")
    ]


def test_who_is_sent_on_to_https_goes_there() -> None:
    """Else a site behind plain http that sends its visitors to https would send them in a circle."""
    visitor = {"secure": False, "authority": b"callkom.io:80", "host": b"callkom.io"}
    sent_on: Headers = [(b"Location", b"https://app.internal.test/a")]
    by_tls = UpstreamNames(b"app.internal.test", frozenset(), frozenset({b"443"}), secure=True)

    assert ASKED_BY_NAME.translate(sent_on, **visitor) == [(b"Location", b"https://callkom.io/a")]
    assert by_tls.translate(sent_on, **visitor) == [(b"Location", b"http://callkom.io:80/a")]
    same_name = UpstreamNames(b"callkom.io", frozenset(), frozenset({b"9001"}))
    kept: Headers = [(b"Location", b"https://callkom.io/a")]
    assert same_name.translate(kept, **visitor) == kept
