"""Refused addresses in a style sheet are made invalid; nothing else in it changes."""

import pytest

from proxy.filter.syntax.css import cut_point, hosts_in, without_refused


def refuses(address: str) -> bool:
    return "evil" in address


@pytest.mark.parametrize(
    ("css", "filtered"),
    [
        ("a{b:url(//evil/x)}", "a{b:url(about:invalid)}"),
        ("a{b:URL( '//evil/x' )}", "a{b:URL( 'about:invalid' )}"),
        ('@import "//evil/x" print;', '@import "about:invalid" print;'),
        ("@import url(//evil/x);", "@import url(about:invalid);"),
        ("a{b:u\\72l(//evil/x)}", "a{b:u\\72l(about:invalid)}"),
        ("a{b:url(//e\\76il/x)}", "a{b:url(about:invalid)}"),
        ("@\\69mport '//evil/x';", "@\\69mport 'about:invalid';"),
        (
            'a{b:image-set("//evil/1" 1x, "//evil/2" 2x)}',
            'a{b:image-set("about:invalid" 1x, "about:invalid" 2x)}',
        ),
        ("a{b:url(//evil/x", "a{b:url(about:invalid"),
        ("/* url(//evil/x) */ a{b:url(//ok/x)}", None),
        ("a{content:'//evil/x'}", None),
        ("a{content:'url(//evil/x)'}", None),
        ("a{b:url(data:image/png;base64,AA//evilAA)}", "a{b:url(about:invalid)}"),
        ("a{color:red}", None),
        ("/* unclosed url(//evil/x)", None),
    ],
)
def test_addresses_are_found_where_css_has_them(css, filtered):
    assert without_refused(css, refuses) == (filtered or css)
    assert without_refused(filtered or css, refuses) == (filtered or css)


@pytest.mark.parametrize(
    ("css", "cut", "opened"),
    [
        ("a{b:c}d{e", 6, ""),
        ("a{content:'}", 10, ""),
        ("a" * 5_000 + "{b:url(//x", 5_003, ""),
        ("a{b:url(data:" + "A" * 5_000, 5_013, ")"),
        ("a{b:url('data:" + "A" * 5_000, 5_014, "'"),
        ("/*" + "x" * 5_000, 5_002, "*/"),
    ],
)
def test_a_long_sheet_is_cut_where_no_address_is_cut(css, cut, opened):
    assert cut_point(css) == (cut, opened)


@pytest.mark.parametrize(
    ("css", "hosts"),
    [
        ("a{color:red}", set()),
        ("a{b:url(HTTPS://Ok.example/x)} /* //other.example */", {"ok.example", "other.example"}),
        ('a{content:"\\f101 ";b:url(//ok.example/x)}', {"ok.example"}),
        ("a{b:url(//\\f101 x.example/)}", {"\ufffd"}),
        ("a{b:url(//\\ff45 vil/x)}", {"\ufffd"}),
        ("a{b:url(//e\\76il/x)}", None),
        ("a{b:url(//e\\000076il/x)}", None),
        ("a{b:url(\\2f\\2f evil/x)}", None),
        ("a{b:url(/\\/evil/x)}", None),
        ("a{content:'\\\\f101'}", None),
        ("a{b:url(/\n/evil/x)}", None),
        ("a{b:url(https:evil/x)}", None),
    ],
)
def test_hosts_are_told_without_reading_tokens_where_no_escape_can_spell_an_address(css, hosts):
    assert hosts_in(css) == hosts
