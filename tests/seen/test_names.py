"""What may be kept of a name that strangers control."""

import pytest

from proxy.seen.names import LONGEST_PATH, Kind, kept_name, kept_path


@pytest.mark.parametrize(
    ("kind", "name", "kept"),
    [
        (Kind.HOST, "CDN.Vendor.Example.", "cdn.vendor.example"),
        (Kind.HOST, "0123456789abcdef0123.vendor.example", "*.vendor.example"),
        (Kind.HOST, "203.0.113.9", "203.0.113.9"),
        (Kind.HOST, "no host", None),
        (Kind.HOST, "vendor.example\nforged: yes", None),
        (Kind.HOST, "a" * 60 + "." + "b" * 60 + ".vendor.example", None),
        (Kind.HOST, "localhost", None),
        (Kind.COOKIE, "ASP.NET_SessionId", "ASP.NET_SessionId"),
        (Kind.COOKIE, "_ga_G1ABC2DEF3", "_ga_G1ABC2DEF3"),
        (Kind.COOKIE, "wordpress_logged_in_0123456789abcdef", "wordpress_logged_in_*"),
        (Kind.COOKIE, "user-203.0.113.9", "user-*"),
        (Kind.COOKIE, "two words", None),
        (Kind.COOKIE, "x" * 129, None),
        (Kind.COOKIE, "", None),
        (Kind.KEY, "theme", "theme"),
        (Kind.KEY, "cart of eve@example.com", "cart of *"),
        (Kind.KEY, "seen 2001:db8:0:1::7 here", "seen * here"),
        (Kind.KEY, "bell\x07", None),
        (Kind.KEY, "right\u202eleft", None),
        (Kind.KEY, "half \ud800", None),
        (Kind.KEY, "é" * 65, None),
        (Kind.CALL, "_paq", "_paq"),
        (Kind.CALL, "queue_of_0123456789abcdef", "queue_of_*"),
        (Kind.CALL, "alert(1)", None),
        (Kind.CALL, "x" * 65, None),
    ],
)
def test_a_name_is_kept_whole_masked_or_not_at_all(kind, name, kept):
    assert kept_name(kind, name) == kept


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/shop/basket?visitor=7", "/shop/basket"),
        ("/orders/20261130/items", "/orders/*/items"),
        ("/u/eve@example.com/x", "/u/*/x"),
        ("/u/eve%40example.com", "/u/*"),
        ("/<script>", "/?script?"),
        ("/a\r\nb", "/a??b"),
    ],
)
def test_a_path_is_kept_without_query_and_ids(path, kept):
    assert kept_path(path) == kept


def test_a_path_is_short():
    assert len(kept_path("/abc" * 500)) == LONGEST_PATH
