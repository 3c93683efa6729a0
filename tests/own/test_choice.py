import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.consent.answer import How
from proxy.errors import BadRequest
from proxy.own.choice import is_from_site, is_path, read_choice, return_path
from proxy.policy.scope import Pair, Scope
from tests.support.visits import request

SCOPE = Scope(frozenset({Pair("functional", "hubspot"), Pair("performance", "google")}))
HOSTS = frozenset({"callkom.io", "app.callkom.io"})


def theirs(*headers):
    return is_from_site(request(b"/.consent/choice", *headers, method=b"POST"), HOSTS.__contains__)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Sec-Fetch-Site", b"same-origin")],
        [(b"Sec-Fetch-Site", b"same-origin"), (b"Origin", b"null")],
        [(b"Sec-Fetch-Site", b"same-site"), (b"Origin", b"https://app.callkom.io")],
        [],
        [(b"Origin", b"https://callkom.io")],
        [(b"Origin", b"http://app.callkom.io:8080")],
    ],
)
def test_a_choice_from_our_own_pages_is_accepted(headers):
    assert theirs(*headers)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Sec-Fetch-Site", b"cross-site")],
        [(b"Sec-Fetch-Site", b"cross-site"), (b"Origin", b"https://callkom.io")],
        [(b"Sec-Fetch-Site", b"none")],
        [(b"Sec-Fetch-Site", b"same-site")],
        [(b"Sec-Fetch-Site", b"same-site"), (b"Origin", b"https://evil.callkom.io")],
        [(b"Sec-Fetch-Site", b"same-origin"), (b"Sec-Fetch-Site", b"cross-site")],
        [(b"Sec-Fetch-Site", b"Same-Origin")],
        [(b"Origin", b"https://evil.example")],
        [(b"Origin", b"null")],
        [(b"Origin", b"")],
        [(b"Origin", b"https://callkom.io"), (b"Origin", b"https://evil.example")],
        [(b"Origin", b"https://callkom.io.evil.example")],
        [(b"Origin", b"ftp://callkom.io")],
        [(b"Origin", b"\xff")],
        [(b"Origin", b"https://[")],
    ],
)
def test_a_choice_from_anywhere_else_is_not(headers):
    assert not theirs(*headers)


def read(body, *headers):
    return read_choice(request(b"/.consent/choice", *headers, method=b"POST"), body, SCOPE)


def test_accept_means_every_purpose_that_was_asked():
    choice = read(b"choice=accept&purpose=none&return=/a")

    assert (choice.how, choice.granted, choice.back) == (How.ACCEPT, {"functional", "performance"}, "/a")


def test_refusing_grants_no_purpose_whatever_is_ticked():
    assert read(b"choice=refuse&purpose=functional").granted == frozenset()


def test_save_means_the_purposes_ticked_and_forgets_unknown_ones():
    assert read(b"choice=save&purpose=functional&purpose=marketing").granted == {"functional"}
    assert read(b"choice=save").granted == frozenset()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"choice=yes",
        b"choice=accept&choice=refuse",
        b"\xff=1",
        b"choice=once",
        b"&" * 200 + b"a=1&" * 200,
    ],
)
def test_a_form_we_cannot_read_is_the_visitors_fault(body):
    with pytest.raises(BadRequest):
        read(body)


@pytest.mark.parametrize("path", ["/", "/a?b=c#d", "/a/../b", "/%0d%0aSet-Cookie:x", "/a//b"])
def test_paths_of_this_host_are_gone_back_to(path):
    assert is_path(path)


@pytest.mark.parametrize(
    "path",
    ["", "a", "//evil.example", "/\\evil.example", "\\/evil", "https://evil.example", "/\t/evil.example", "/\n/evil",
     "\t//evil", " //evil", "/\x00", "/é", "javascript:alert(1)", "/" + "a" * 3000, "/a b"],
)  # fmt: skip
def test_everything_else_leads_to_the_root(path):
    assert not is_path(path)
    assert return_path(request(), path) == "/"


@given(st.text())
def test_no_path_ever_leaves_the_host(text):
    from urllib.parse import urljoin, urlsplit

    if is_path(text):
        assert urlsplit(urljoin("https://callkom.io/x", text)).netloc == "callkom.io"


def test_without_a_return_the_referer_of_the_same_origin_counts():
    def back(referer):
        return return_path(request(b"/", (b"Referer", referer)), None)

    assert back(b"https://callkom.io/contact?a=1") == "/contact?a=1"
    assert back(b"https://callkom.io") == "/"
    assert back(b"https://app.callkom.io/contact") == "/"
    assert back(b"http://callkom.io/contact") == "/"
    assert back(b"https://evil.example/contact") == "/"
    assert back(b"https://callkom.io//evil.example/") == "/"
    assert return_path(request(), None) == "/"
