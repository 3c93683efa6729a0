"""In an import map refused addresses become null; speculation rules are held if one may leave the site."""

import json

import pytest

from proxy.filter.syntax.json_blocks import speculates_off_site, without_refused_modules


def refuses(address: str) -> bool:
    return "stats.example" in address


@pytest.mark.parametrize(
    ("text", "out"),
    [
        (b'{"imports":{"a":"//stats.example/a.js","b":"/b.js"}}', b'{"imports":{"a":null,"b":"/b.js"}}'),
        (b'{ "a" :\n "https:\\/\\/stats.example/a" }', b'{ "a" :\n null }'),
        (b'{"a":"\\u002f/st\\u0061ts.example/"}', b'{"a":null}'),
        (b'{"//stats.example/a":"/a.js"}', b'{"//stats.example/a":"/a.js"}'),
        (b'{"a":"x\\"//stats.example"}', b'{"a":null}'),
        (b'{"a":"//stats.example\\q"}', b'{"a":"//stats.example\\q"}'),
        (b"no json", b"no json"),
    ],
)
def test_only_refused_values_become_null_and_every_other_byte_stays(text, out):
    assert without_refused_modules(text, refuses) == out


@pytest.mark.parametrize(
    ("rules", "off"),
    [
        ({"prefetch": [{"urls": ["/next", "https://own.example/"]}]}, False),
        ({"prefetch": [{"urls": ["/next", "//stats.example/"]}]}, True),
        ({"prefetch": [{"urls": ["/a"]}], "prerender": [{"urls": ["//stats.example/"]}]}, True),
        ({"prefetch": [{"source": "document"}]}, True),
        ({"prefetch": [{"source": "list", "urls": [1, None]}]}, False),
        ({"prefetch": [{"where": {"href_matches": "/*"}}]}, False),
        ({"prefetch": [{"where": {"href_matches": ["/a/*", "//stats.example/*"]}}]}, True),
        ({"prefetch": [{"where": {"href_matches": "https://*/x"}}]}, True),
        ({"prefetch": [{"where": {"href_matches": ":a/x"}}]}, False),
        ({"prefetch": [{"where": {"selector_matches": "a"}}]}, True),
        ({"prefetch": [{"where": {"not": {"href_matches": "/x"}}}]}, True),
        ({"prefetch": [{"where": {"and": [{"href_matches": "/*"}, {"selector_matches": "a"}]}}]}, False),
        ({"prefetch": [{"where": {"and": [{"selector_matches": "b"}, {"selector_matches": "a"}]}}]}, True),
        ({"prefetch": [{"where": {"or": [{"href_matches": "/*"}, {"selector_matches": "a"}]}}]}, True),
        ({"prefetch": [{"where": {"or": [{"href_matches": "/*"}, {"href_matches": "/b"}]}}]}, False),
        ({"prefetch": [{"where": "x"}]}, True),
        ({"prefetch": [{"where": {"href_matches": 5}}]}, True),
        ({"prefetch": ["x"], "tag": "y"}, False),
        (["x"], False),
    ],
)  # fmt: skip
def test_speculation_rules_stay_on_the_site_only_where_every_rule_surely_does(rules, off):
    assert speculates_off_site(json.dumps(rules).encode(), refuses) is off


def test_what_is_no_json_is_held_only_where_it_names_another_host():
    assert speculates_off_site(b'{"prefetch": [{"urls": ["//nobody.example"],}]}', refuses)
    assert not speculates_off_site(b"{'prefetch': []}", refuses)


@pytest.mark.parametrize("depth", [500, 3_000, 100_000])
def test_rules_nested_without_end_are_held_and_break_nothing(depth):
    nested = b'{"and":[' * depth + b'{"selector_matches":"//a"}' + b"]}" * depth

    assert speculates_off_site(b'{"prefetch":[{"where":' + nested + b"}]}", refuses)
