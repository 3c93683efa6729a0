"""An address is read as a browser reads it: whom it asks, and for what."""

import pytest

from proxy.filter.syntax.urls import COMMON, addresses_in, data_url, srcset_addresses, srcset_hosts, url_of


@pytest.mark.parametrize(
    ("address", "host", "path"),
    [
        ("https://a.example/b?c#d", "a.example", "/b?c"),
        ("//A.example", "a.example", "/"),
        ("//a.example?x", "a.example", "/?x"),
        ("https:/\\a.example/\\b", "a.example", "//b"),
        ("https:a.example/b", "a.example", "/b"),
        ("\thttps:\n//a.example:80 ", "a.example", "/"),
        ("//user:pass@a.example./", "a.example", "/"),
        ("//%61.example/", "a.example", "/"),
        ("//b\u00fccher.example/", "xn--bcher-kva.example", "/"),
        ("//a\u3002example/", "a.example", "/"),
        ("/b?c#d", "", "/b?c"),
        ("b\\c", "", "b/c"),
        ("x//y", "", "x//y"),
        ("//[::1]:80/", "[::1]:80", "/"),
        ("//./x", ".", "/x"),
        ("http:/..//a.example", "..", "//a.example"),
    ],
)
def test_an_address_names_the_host_and_path_that_are_asked(address, host, path):
    assert url_of(address) == (host, path)


@pytest.mark.parametrize(
    "address", ["data:,x", "javascript:1", "about:blank", "#x", "", "  ", "mailto:a@b.example"]
)
def test_of_an_address_without_a_host_nobody_is_asked(address):
    assert url_of(address) is None


def test_a_base_moves_relative_addresses():
    assert url_of("x.js", "base.example") == ("base.example", "x.js")
    assert url_of("//a.example/", "base.example") == ("a.example", "/")


@pytest.mark.parametrize(
    ("srcset", "addresses"),
    [
        ("a 1x, b 2x", ["a", "b"]),
        ("a", ["a"]),
        ("a,b 1x", ["a,b"]),
        ("a,, b", ["a", "b"]),
        (" , a 1x ,b", ["a", "b"]),
        ("data:image/png;base64,AA== 1x, b", ["data:image/png;base64,AA==", "b"]),
        ("a (x, y) 1x, b", ["a", "b"]),
        ("a 1x,b 2x", ["a", "b"]),
        ("", []),
        (",", []),
    ],
)
def test_a_srcset_lists_what_browsers_choose_from(srcset, addresses):
    assert srcset_addresses(srcset) == addresses


@pytest.mark.parametrize(
    ("address", "type_", "body"),
    [
        ("data:text/html,<p>", "text/html", b"<p>"),
        ("DATA:,a%20b#c", "text/plain", b"a b"),
        ("data:text/javascript;charset=utf-8;base64,YWI=", "text/javascript", b"ab"),
        ("data:;base64,YW I", "text/plain", b"ab"),
        (" data:text/html;x,\n1", "text/html", b"1"),
    ],
)
def test_what_a_data_address_carries(address, type_, body):
    found = data_url(address)

    assert found is not None
    assert (found.type, found.body) == (type_, body)


def test_other_addresses_carry_nothing():
    assert data_url("https://a.example/") is None
    assert data_url("data:no comma") is None


def test_the_quick_readers_agree_with_the_slow_one_or_say_nothing():
    for address in (
        "https://a.example/b",
        "//a.example",
        "HTTPS://a.example",
        "https:/a.example",
        "//a.example:80/",
        "/b",
    ):
        quick = COMMON.match(address)
        assert quick is None or quick[1] == url_of(address).host
    assert srcset_hosts("https://a.example/1 1x, https://b.example/2 2x") == {"a.example", "b.example"}
    assert srcset_hosts("/1 1x, /2 2x") == set()
    assert srcset_hosts("//a.example/1 1x") is None
    assert srcset_hosts("https:\\\\a.example/1") is None


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("/gtm.js?id=", ["/gtm.js?id="]),
        ("js/gtm.js", ["js/gtm.js"]),
        ("https:\\/\\/a.example\\/gtm.js", ["https://a.example/gtm.js"]),
        ("a.example/gtm.js", ["//a.example/gtm.js"]),
        ("Add a.example/gtm.js to the page", []),
        ("Add https://a.example/gtm.js to the page", ["https://a.example/gtm.js"]),
        ("<script src=/gtm.js?id=1><\\/script>", ["/gtm.js?id=1", "/script"]),
        ("%3Cscript src='gtm.js'%3E", ["gtm.js"]),
        ('<script async src="../gtm.js">', ["../gtm.js"]),
        ("<img src=gtm.gif>", ["gtm.gif"]),
    ],
)
def test_what_a_script_may_load_of_a_string(text, addresses):
    assert list(addresses_in(text)) == addresses
