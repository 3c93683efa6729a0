"""Tags in the usual spelling that load only what passes are swallowed; all others are stopped at."""

import pytest

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.interests import Interests
from proxy.filter.rules.scan.allowed_addresses import AllowedAddresses
from proxy.filter.rules.scan.steps import body_step, head_step
from proxy.filter.syntax.tokens import any_word, exact_word
from tests.filter.judging import judge

INTERESTS = Interests({"amp-x", "audio"}, {"onclick", "data-t"}, {"bad", "glob-*"}, {"ugly", "w-*"})
STEP = body_step(INTERESTS, AllowedAddresses(("own.example",), ("/gtm.js",)))
BASED = body_step(INTERESTS)
HEAD = head_step(INTERESTS, AllowedAddresses(("own.example",), ("/gtm.js",)))

SWALLOWED = [
    b'<img src="/a.png">', b"<img src='/a.png' alt='>' class=\"x y\" />", b'<img alt="" srcset="/a 1x, /b 2x" data-src="https://own.example/c">', b'<link rel="stylesheet" href="/a.css">',
    b"<link rel='preload' href='//own.example/x' as='font' crossorigin>", b'<script src="/a.js" defer></script>', b'<script type="module" src="/a.js"></script>',
    b'<video poster="/p.png" src="/v.mp4" controls>', b'<div data-src="/x">',
]  # fmt: skip


@pytest.mark.parametrize("tag", SWALLOWED)
def test_what_loads_only_what_passes_is_swallowed(tag):
    match = STEP.match(b"text " + tag + b" more")

    assert match[1] is None
    assert match.end() == len(tag) + 10


@pytest.mark.parametrize("tag", SWALLOWED)
def test_where_a_base_leads_elsewhere_nothing_that_loads_is(tag):
    assert BASED.match(b"text " + tag)[1] is not None


@pytest.mark.parametrize(
    "tag",
    [
        b'<link rel="canonical" href="https://evil.example/">', b"<link rel='alternate' type='x' href='//evil.example/'/>", b'<meta property="og:image" content="https://evil.example/x.png">',
        b"<p>", b'<p class="fine ugly-not">', b'<a href="https://evil.example/">', b"<br/>", b"<h1 hidden>", b'<p\n title="a"\n>',
    ],
)  # fmt: skip
def test_what_loads_nothing_is_swallowed_anywhere(tag):
    for step in (STEP, BASED):
        match = step.match(b"text " + tag + b" more")

        assert match[1] is None
        assert match.end() == len(tag) + 10


@pytest.mark.parametrize(
    "tag",
    [
        b'<img src="//evil.example/">', b'<img src="/gtm.js">', b'<img src="/a" onclick="x">', b'<img src="/a" id="bad">', b'<img src="/a" class="ugly">', b'<img src="/a" style="a:url(x)">',
        b'<img src="/a" data-src="//evil.example/">', b'<img src="/a" srcset="//evil.example/ 2x">', b'<audio src="/a">', b'<link rel="canonical icon" href="https://evil.example/">',
        b'<link href="https://evil.example/" rel="canonical">', b'<meta http-equiv="refresh" content="0;url=//evil.example/">', b'<img src="/a" data-t="x">', b'<iframe src="/a">', b'<img src="/a&#x2f;b">',
        b'<img alt="' + b"x" * 20_000 + b'" src="/a">',
    ],
)  # fmt: skip
def test_what_somebody_has_to_look_at_is_stopped_at(tag):
    assert STEP.match(b"text " + tag + b" more")[1] == tag


@pytest.mark.parametrize(
    "script",
    [
        b'<script src="/a.js">x</script>', b'<script src="/a.js" ></script >', b'<script type="importmap" src="/a.js"></script>', b'<script src="//evil.example/"></script>',
        b'<script src="/a.js" data-x="<"></script>', b'<script src="/a.js" data-x="</script>" data-y="' + b"y" * 3_000 + b'"></script>', b'<script href="//evil.example/"></script>', b"<script></script>",
        b'<script src="/a.js" data-x="' + b"y" * 3_000 + b'"></script>',
    ],
)  # fmt: skip
def test_a_script_of_another_kind_is_stopped_at(script):
    for step in (STEP, HEAD):
        assert step.match(script)[1] == script[: script.index(b">", script.rfind(b'"') + 1) + 1]


def test_the_head_is_read_alike():
    page = b'<link rel="stylesheet" href="/a.css">\n<script src="/a.js"></script> <meta name=x><title>t</title><link rel=x href=/>'

    assert HEAD.match(page)[1] == b"<link rel=x href=/>"


def test_a_base_on_another_host_is_heeded_at_once():
    for _ in range(3):  # the same tag, remembered from other pages
        HtmlFilter(judge()).feed(b'<html><head><script src="/a.js">')
    page = HtmlFilter(judge())
    out = page.feed(
        b'<html><head><base href="//stats.example/"><script src="/a.js"></script><body><img src="/a.png">'
    )

    assert out.count(b"data-consent=") == 2
    assert [verdict.provider for verdict in page.verdicts] == ["stats", "stats"]


def test_an_exact_word_is_one_of_these_as_they_are_spelled():
    assert exact_word(["a", "ab", "x-y"]) == b"(?:a(?:b|)|x\\-y)"
    assert any_word(["a"]) == b"[aA]"
