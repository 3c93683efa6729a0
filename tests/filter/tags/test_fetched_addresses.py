"""Which addresses of some markup a browser fetches from other hosts, and which rule keeps each."""

import pytest

from proxy.filter.tags.fetched_addresses import fetched_addresses
from tests.filter.pages import RULES, judge


def hosts(markup: str) -> list[str]:
    return [url.host for url, _ in fetched_addresses(markup, judge())]


@pytest.mark.parametrize(
    ("markup", "fetched"),
    [
        ('<img src="//a.example/x">', ["a.example"]), ("<IMG SRC=//a.example/>", ["a.example"]), ('<img srcset="//a.example/1 1x, //b.example/2 2x">', ["a.example", "b.example"]),
        ('<p title="a > b"><img src="//a.example/">', ["a.example"]), ('<a href="//a.example/">', []), ('<img src="/a">', []), ('<img src="data:image/gif,x">', []),
        ('<link rel="stylesheet" href="//a.example/">', ["a.example"]), ('<link rel="canonical" href="//a.example/">', []), ('<link rel="DNS-prefetch" href="//a.example/">', []),
        ('<link rel="icon preconnect" href="//a.example/">', []), ('<script src="//a.example/"></script>', ["a.example"]), ('<script type="application/json" src="//a.example/"></script>', []),
        ('<script type="module" src="//a.example/"></script>', ["a.example"]), ("<script>'<img src=//a.example/>'</script>", []), ("<!-- <img src=//a.example/> -->", []), ("<!-- <img src=//a.example/>", []),
        ("<textarea><img src=//a.example/></textarea><img src=//b.example/>", ["b.example"]), ("<title><img src=//a.example/>", []), ("<style><img src=//a.example/></style>", []),
        ("<noscript><img src=//a.example/></noscript>", ["a.example"]), ('<img data-consent="x" src="//a.example/">', []),
    ],
)  # fmt: skip
def test_only_what_the_browser_fetches_by_itself_counts(markup, fetched):
    assert hosts(markup) == fetched


def test_what_only_a_providers_script_reads_counts_where_a_rule_speaks_of_it():
    assert (
        hosts('<div data-src="//nobody.example/">') == hosts('<div data-srcset="//nobody.example/ 2x">') == []
    )
    assert hosts('<div data-src="//stats.example/">') == ["stats.example"]


def line(of: str) -> int:
    return next(n for n, text in enumerate(RULES.splitlines(), 1) if of in text)


@pytest.mark.parametrize(
    ("markup", "rule"),
    [
        ('<img src="//pay.example/">', "from: pay.example"),
        ('<img src="//nobody.example/" id="stats-loader">', "id: stats-loader"),
        ('<img src="//pay.example/" id="stats-loader">', "id: stats-loader"),
        ('<img src="//nobody.example/">', None),
    ],
)
def test_the_rule_that_keeps_it_is_the_first_in_the_file_of_its_address_or_element(markup, rule):
    [(_, kept)] = fetched_addresses(markup, judge("functional", "performance"))

    assert (kept and kept.line) == (line(rule) if rule else None)
