"""Where a visitor can go instead: the provider's page, as the rule names it or the tag shows it."""

import pytest

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.filter.rules.judged_tag import TagFacts
from proxy.policy.own_hosts import OwnHosts
from tests.policy.rules import policy_of

PLAYER = '- {{ element: iframe, from: player.example, path: "{path}", purpose: functional, do: replace, link: "{link}" }}'


class Seeing:
    """An injector that only notes the facts it is given."""

    always = False

    def __init__(self):
        self.seen: list[TagFacts] = []

    def head(self, _):
        return b""

    body = foot = head

    def placeholder(self, _, facts):
        self.seen.append(facts)
        return b""


def link(markup: str, path="/embed/*", to="https://watch.example/v=*") -> str | None:
    policy = policy_of(tags=PLAYER.format(path=path, link=to))
    seeing = Seeing()
    page = HtmlFilter(
        judge_for(compile_rules(policy, OwnHosts(frozenset({"callkom.io"}))), frozenset()), inject=seeing
    )
    page.feed(f"<!doctype html><body>{markup}</body>".encode())
    page.close()
    [facts] = seeing.seen
    return facts.link


@pytest.mark.parametrize("rest", ["", "?rel=0&amp;t=1", "/more", "#part"])
def test_a_star_in_the_link_is_what_the_star_of_the_path_stands_for(rest):
    assert (
        link(f'<iframe src="https://player.example/embed/a-1{rest}"></iframe>')
        == "https://watch.example/v=a-1"
    )


def test_a_lazy_address_counts_too():
    assert link('<iframe data-src="//player.example/embed/b"></iframe>') == "https://watch.example/v=b"


def test_a_link_without_a_star_is_the_link():
    markup = '<iframe src="https://player.example/embed/a"></iframe>'

    assert link(markup, to="https://watch.example/") == "https://watch.example/"


def test_without_anything_to_fill_in_the_link_ends_before_the_star():
    markup = '<iframe src="https://player.example/embed/a"></iframe>'

    assert link(markup, path="/embed/a") == "https://watch.example/v="


def test_what_is_filled_in_cannot_leave_its_place():
    """It stays behind what the rule's author wrote: no other host, no other scheme."""
    found = link(
        "<iframe src='https://player.example/embed/javascript:alert(1)//evil.example\"><b'></iframe>"
    )

    assert found == "https://watch.example/v=javascript:alert(1)"
