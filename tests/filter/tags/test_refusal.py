"""What is refused, and what is left to the fence since the site's own players read it."""

import sys

import pytest

from proxy.build_digest import build_kind
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.policy.own_hosts import OwnHosts
from tests.policy.rules import policy_of

OWN = OwnHosts(frozenset({"example.com"}), "example.com")
HOLDS = "- { from: video.example, purpose: functional }"
REPLACES = "- { element: div, from: video.example, purpose: functional, do: replace }"
OWN_PATH = "\n- { from: self, path: /tag, purpose: functional }"
OPENED = {"neutral": "- { from: cdn.video.example, why: pictures }"}
"""The fence may open all of a registrable domain of which something is granted."""


def filtered(markup: str, rules: str, **more: str) -> str:
    page = HtmlFilter(judge_for(compile_rules(policy_of(tags=rules, **more), OWN), frozenset()))
    return (page.feed(markup.encode()) + page.close()).decode()


@pytest.mark.parametrize("name", ["data-src", "data-url", "data-href"])
def test_what_a_player_of_the_sites_own_reads_keeps_its_name(name):
    box = f'<div class="player" {name}="https://video.example/embed/a"></div>'

    assert filtered(box, HOLDS) == box


@pytest.mark.parametrize("name", ["data-src", "data-lazy-src", "data-litespeed-src"])
@pytest.mark.parametrize("host", ["video.example", "undeclared.example"])
def test_what_a_lazy_loader_of_frames_reads_keeps_its_name(name, host):
    frame = f'<iframe {name}="https://{host}/embed/a"></iframe>'

    assert filtered(frame, HOLDS) == frame


PICTURES = [
    '<img class="lazy" data-src="https://video.example/a.png" src="data:image/gif;base64,R0lGOD">',
    '<img data-src="https://video.example/a.png" data-srcset="https://video.example/a.png 2x, /b.png 1x">',
    '<div data-bg="https://video.example/a.png"></div>',
    '<section data-bgset="https://video.example/a.png 2x"></section>',
    '<video data-src="https://undeclared.example/a.mp4"></video>',
    '<picture><source data-srcset="https://undeclared.example/a.png"></picture>',
]


@pytest.mark.parametrize("markup", PICTURES)
def test_what_a_lazy_loader_of_pictures_reads_keeps_its_name(markup):
    assert filtered(markup, HOLDS) == markup


def test_what_loads_at_once_beside_it_is_held_alone():
    picture = '<img data-src="https://video.example/a.png" src="https://video.example/b.png">'

    assert filtered(picture, HOLDS) == (
        '<img data-consent="functional" data-src="https://video.example/a.png" data-consent-src="https://video.example/b.png">'
    )


def test_a_frame_that_a_rule_knows_by_its_class_keeps_what_its_loader_reads():
    frame = '<iframe class="player" data-src="https://video.example/a"></iframe>'

    assert filtered(frame, "- { class: player, purpose: functional }") == (
        '<iframe data-consent="functional" data-consent-class="player" data-src="https://video.example/a"></iframe>'
    )


def test_a_replaced_lazy_frame_is_hidden_and_keeps_what_its_loader_reads():
    frame = '<iframe data-src="https://video.example/a" src="https://video.example/b"></iframe>'
    rule = "- { from: video.example, purpose: functional, do: replace }"

    assert filtered(frame, rule).endswith(
        '<noembed data-consent="functional" hidden data-src="https://video.example/a"'
        ' data-consent-src="https://video.example/b"></noembed>'
    )


@pytest.mark.parametrize(
    ("box", "rules", "more"),
    [
        ('<div data-src="https://video.example/embed/a"></div>', REPLACES, {}),
        ('<div data-src="https://video.example/embed/a"></div>', HOLDS, {"undeclared": "tags: keep"}),
        ('<iframe data-src="https://video.example/embed/a"></iframe>', HOLDS, {"undeclared": "tags: keep"}),
        ('<iframe data-src="https://video.example/embed/a"></iframe>', HOLDS, OPENED),
        ('<div data-src="https://video.example/embed/a"></div>', HOLDS, OPENED),
        ('<iframe data-src="https://video.example/embed/a" data-lazy-src="/tag"></iframe>', OWN_PATH, {}),
        ('<iframe data-src="/tag"></iframe>', OWN_PATH, {}),
        ('<img data-src="/tag">', OWN_PATH, {}),
        ('<img data-src="https://video.example/a.png">', HOLDS, OPENED),
        ('<img data-srcset="https://video.example/a.png 2x, /tag 1x">', HOLDS + OWN_PATH, {}),
        ('<script data-src="https://video.example/a.js"></script>', HOLDS, {}),
    ],
)
def test_what_a_rule_replaces_loaders_load_or_no_fence_stops_is_held(box, rules, more):
    assert "data-consent-data-" in filtered(box, rules, **more)


@pytest.mark.parametrize(
    ("host", "needed"), [("video.example", "functional"), ("undeclared.example", "undeclared")]
)
@pytest.mark.parametrize(
    "picture",
    [
        '<img srcset="a/b.png 1x, //{} 2x">',
        '<img srcset="data:image/png;base64,AA 1x, //{} 2x">',
        '<a ping="/a?b //{}">x</a>',
        '<a ping="# //{}">x</a>',
    ],
)
def test_an_address_that_follows_one_of_the_sites_own_is_refused(picture, host, needed):
    markup = picture.format(f"{host}/a.png")

    assert filtered(markup, HOLDS) == markup.replace(" ", f' data-consent="{needed}" data-consent-', 1)


@pytest.mark.parametrize("address", ["b.png", "a/b.png", "/a/b.png?c", "a#b"])
def test_an_address_behind_a_base_elsewhere_is_refused_as_that_hosts(address):
    page = f'<base href="//video.example/"><img src="{address}">'

    assert filtered(page, HOLDS).endswith(f'<img data-consent="functional" data-consent-src="{address}">')


def calls_for(pictures: int, rules: int) -> int:
    """Return how many functions are called for a page of so many refused lazy pictures."""
    tags = "\n".join(f"- {{ from: video{n}.example, purpose: functional }}" for n in range(rules))
    page = HtmlFilter(judge_for(compile_rules(policy_of(tags=tags), OWN), frozenset()))
    markup = "".join(f'<img data-src="https://video1.example/{n}.png">' for n in range(pictures))
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        out = page.feed(markup.encode()) + page.close()
    finally:
        sys.setprofile(before)
    assert out == markup.encode()
    return calls


@pytest.mark.skipif(build_kind() == "compiled", reason="counts calls, which compiled code makes directly")
def test_a_refused_lazy_address_costs_the_same_however_many_rules_there_are():
    few, many = (calls_for(40, rules) - calls_for(20, rules) for rules in (3, 300))

    assert many == few > 0


@pytest.mark.parametrize("spelled", ["/\\101 n.png", "/\u0101n.png", "/\\0101 n.png"])
def test_a_path_beyond_ascii_is_found_in_styles_however_it_is_spelled(spelled):
    rule = '- { from: self, path: "/\u0101n*", purpose: functional }'

    assert "about:invalid" in filtered(f'<p style="b:url({spelled})">', rule)
    assert "about:invalid" not in filtered('<p style="b:url(/an.png)">', rule)
