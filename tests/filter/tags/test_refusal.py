"""What is refused, and what is left to the fence since the site's own players read it."""

import pytest

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.policy.own_hosts import OwnHosts
from tests.policy.rules import policy_of

OWN = OwnHosts(frozenset({"example.com"}), "example.com")
HOLDS = "- { from: video.example, purpose: functional }"
REPLACES = "- { element: div, from: video.example, purpose: functional, do: replace }"
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


def test_a_replaced_lazy_frame_is_hidden_and_keeps_what_its_loader_reads():
    frame = '<iframe data-src="https://video.example/a" src="https://video.example/b"></iframe>'
    rule = "- { from: video.example, purpose: functional, do: replace }"

    assert filtered(frame, rule).endswith(
        '<iframe data-consent="functional" hidden data-src="https://video.example/a"'
        ' data-consent-src="https://video.example/b"></iframe>'
    )


@pytest.mark.parametrize(
    ("box", "rules", "more"),
    [
        ('<div data-src="https://video.example/embed/a"></div>', REPLACES, {}),
        ('<div data-src="https://video.example/embed/a"></div>', HOLDS, {"undeclared": "tags: keep"}),
        ('<iframe data-src="https://video.example/embed/a"></iframe>', HOLDS, {"undeclared": "tags: keep"}),
        ('<iframe data-src="https://video.example/embed/a"></iframe>', HOLDS, OPENED),
        ('<div data-src="https://video.example/embed/a"></div>', HOLDS, OPENED),
        ('<img data-src="https://video.example/a.png">', HOLDS, {}),
        ('<div data-bg="https://video.example/a.png"></div>', HOLDS, {}),
    ],
)
def test_what_a_rule_replaces_loaders_load_or_no_fence_stops_is_held(box, rules, more):
    assert "data-consent-data-" in filtered(box, rules, **more)
