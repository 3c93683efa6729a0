import pytest

from proxy.errors import BadRequest
from proxy.http.forwarded import Trust
from proxy.http.request import _named, host_of, loop_mark, read_request
from proxy.http.request_limits import LONGEST_DESTINATION
from tests.support.visits import request


@pytest.mark.parametrize("target", [b"/", b"/a%2fb/../c?x=1&y", b"//double", b"/\xc3\xa9", b"/?"])
def test_the_target_stays_byte_for_byte(target):
    assert request(target).target == target


def test_the_path_ends_before_the_query():
    seen = request(b"/a/b?mail=me@example.com?x")

    assert (seen.path, seen.query) == (b"/a/b", b"mail=me@example.com?x")


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        (b"callkom.io", "callkom.io"),
        (b"CALLKOM.io:8443", "callkom.io"),
        (b"callkom.io.", "callkom.io"),
        (b"[::1]:80", "::1"),
    ],
)
def test_ports_and_case_do_not_matter_for_the_host(authority, host):
    assert host_of(authority) == host


@pytest.mark.parametrize(
    "target",
    [b"http://callkom.io/a?b", b"HTTP://CALLKOM.IO:80/a?b", b"https://callkom.io/a?b"],
)
def test_an_absolute_target_that_names_the_host_becomes_its_path(target):
    assert request(target).target == b"/a?b"


def test_an_absolute_target_without_path_is_the_root():
    assert request(b"http://callkom.io").target == b"/"
    assert request(b"http://callkom.io?x=1").target == b"/?x=1"


@pytest.mark.parametrize(
    "target", [b"http://evil.example/a", b"http://callkom.io@evil.example/", b"http://evil@callkom.io/"]
)
def test_an_absolute_target_of_another_host_is_misdirected(target):
    with pytest.raises(BadRequest) as caught:
        request(target)

    assert caught.value.status == 421


@pytest.mark.parametrize("target", [b"*", b"ftp://callkom.io/", b"callkom.io:443", b"path"])
def test_other_targets_are_refused(target):
    with pytest.raises(BadRequest):
        request(target)


def test_options_may_ask_for_the_whole_server():
    assert request(b"*", method=b"OPTIONS").target == b"*"


@pytest.mark.parametrize(
    "host",
    [
        b"callkom.io:80@evil.example",
        b"callkom.io:x",
        b"callkom.io:1'<x>",
        b"callkom.io/",
        b"evil@callkom.io",
        b"[::1]x",
        b"callkom.io:80:80",
        b"callkom.io, evil.example",
    ],
)
def test_a_host_that_is_more_than_a_name_and_a_port_is_misdirected(host):
    with pytest.raises(BadRequest) as caught:
        request(host=host)

    assert caught.value.status == 421


LONG = b"a" * 253 + b".:65535"


@pytest.mark.parametrize(
    "host", [LONG + b"0", b"a" * 30_000, b"callkom.io:" + b"1" * 30_000, b"a@" + b"b" * 300]
)
def test_a_host_longer_than_any_name_is_no_site_of_ours_and_not_remembered(host):
    before = _named.cache_info().currsize

    with pytest.raises(BadRequest, match="no site of that name") as caught:
        request(host=host)

    assert caught.value.status == 421
    assert _named.cache_info().currsize == before


def test_more_cookies_than_any_browser_sends_are_too_many():
    with pytest.raises(BadRequest, match="too many cookies") as caught:
        request(b"/", (b"Cookie", b"; =" * 600), (b"Cookie", b"a=1;" * 600))

    assert caught.value.status == 431
    assert request(b"/", (b"Cookie", b"a=1; " * 999)).host


def test_a_host_as_long_as_a_name_can_be_is_taken():
    assert request(host=LONG).host == "a" * 253


def test_of_a_destination_no_more_is_kept_than_browsers_say():
    asked = request(b"/", (b"Sec-Fetch-Dest", b"iframe" + b"x" * 30_000))

    assert asked.destination is not None
    assert len(asked.destination) == LONGEST_DESTINATION


@pytest.mark.parametrize("hosts", [[], [b"a.io", b"a.io"], [b"a.io", b"b.io"], [b""]])
def test_exactly_one_host_is_expected(hosts):
    headers = [(b"Host", host) for host in hosts]

    with pytest.raises(BadRequest):
        read_request(b"GET", b"/", headers, peer="", trust=Trust(), secure=False, id_=b"", now=0)


def test_a_request_that_comes_around_again_is_a_loop():
    with pytest.raises(BadRequest) as caught:
        request(b"/", (b"CDN-Loop", b"varnish, consent-proxy"))

    assert caught.value.status == 508


def test_each_key_marks_requests_in_its_own_way():
    assert loop_mark(b"a" * 32) == loop_mark(b"a" * 32)
    assert loop_mark(b"a" * 32) != loop_mark(b"b" * 32)
    assert loop_mark(b"a" * 32).startswith(b"consent-proxy-")


CROSS = (b"Sec-Fetch-Site", b"cross-site")


@pytest.mark.parametrize(
    ("method", "mode", "dest", "withheld"),
    [
        (b"GET", b"navigate", b"document", False),
        (b"POST", b"navigate", b"document", True),
        (b"GET", b"navigate", b"iframe", True),
        (b"GET", b"no-cors", b"image", True),
        (b"GET", b"cors", b"empty", True),
    ],
)
def test_a_lax_cookie_is_withheld_but_from_a_top_level_get(method, mode, dest, withheld):
    asked = request(b"/", CROSS, (b"Sec-Fetch-Mode", mode), (b"Sec-Fetch-Dest", dest), method=method)

    assert asked.withheld is withheld


def test_nothing_is_withheld_from_the_same_site_or_an_old_browser():
    assert not request(b"/", (b"Sec-Fetch-Site", b"same-origin"), method=b"POST").withheld
    assert not request(b"/", method=b"POST").withheld
