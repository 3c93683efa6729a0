"""The quick way through a page and the long one come to the same: bytes, verdicts, and whatever the cuts.

The long way looks at every tag with all care: nothing is passed by unasked, no tag is told by its host
alone, and nothing is remembered.
"""

from functools import cache
from html import escape

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.build_digest import build_kind
from proxy.filter.body.charset import PageText
from proxy.filter.html import scanner, text_consumers
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge, Rules, compile_rules, judge_for
from proxy.filter.rules.scan.steps import Steps
from proxy.filter.syntax.tokens import BOGUS, COMMENT, NAME, REST, TEXT, any_word, spaced_step, step
from proxy.filter.tags import start_tag
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.filter.pages import RULES, Marks, judge

HOSTS = [
    "", "//stats.example", "https://stats.example", "https://own.example", "//www.own.example", "https://nobody.example", "//booking.example",
    "https://gone.example", "//pay.example", "https://fonts.example", "HTTPS://Stats.Example", "https://own.example:81", "https:\\\\stats.example",
    "https&colon;//stats.example", "https://u@stats.example", "//track1.both.example", "//both.example", "data:text/html,", "https://own.example@stats.example",
]  # fmt: skip
PATHS = [
    "",
    "/",
    "/a.js",
    "/copy/stats.js?v=1",
    "/x/copy/stats.js",
    "/c%6fpy/stats.js",
    "?a=1&amp;b=2",
    "/a b",
    "/a,b 2x",
    "/&#115;tats",
]
NAMES = [
    "src",
    "href",
    "srcset",
    "data-src",
    "poster",
    "background",
    "ping",
    "action",
    "SRC",
    "imagesrcset",
    "data-bg",
    "code",
    "data",
]
WORDS = {
    "id": ["stats-loader", "stats-part-3", "mine", "stats&#45;loader"],
    "class": ["booking-widget", "a gone-box b", "row", "x booking&#45;widget", ""],
    "style": ["color: red", "background: url(//stats.example/p)", "b:u\\72l(//stats.example/p)"],
    "rel": ["stylesheet", "canonical", "preload", "&#105;con", "next icon"],
    "type": ["module", "text/javascript", "text/plain", "importmap", "text/css", "stats", "Module"],
    "onclick": ["Booking.popup()", "go()"],
    "http-equiv": ["refresh", "content-security-policy", "content-type"],
    "content": ["0;url=//stats.example/", "default-src 'self'", "text"],
    "lang": ["fr", "x"],
    "alt": ["a > b", "<img src=//stats.example/>", "a"],
    "srcdoc": ["<img src=//stats.example/i>", "<p>"],
}  # fmt: skip
ELEMENTS = [
    "img", "script", "iframe", "link", "source", "video", "a", "div", "p", "li", "strong", "header", "section", "input", "form", "object", "embed", "base",
    "meta", "body", "html", "head", "title", "style", "textarea", "noscript", "template", "svg", "math", "path", "IMG", "Script", "table", "amp-stats", "br",
]  # fmt: skip
LOOSE = [
    "<!doctype html>", "<html>", '<html lang="en">', "<head>", "</head>", "<body>", '<body class="home">', "</body>", "</html>", "text", " \n", "<!-- x -->", "<!--",
    "-->", "</p>", "</div>", "</br>", "</b>", "</bodyx>", "</BODY >", "</svg>", "</script>", "</iframe>", "<", "</>", "<?x>", "]]>", "\ufeff", "\x00", "StatsQueue",
    '<script src="//gone.example/s"></script>', '<iframe class="gone-box"></iframe>',
    '<!DOCTYPE html>\n<html lang="de" dir="ltr">\n<head>', '<!doctype html><html manifest="//stats.example/m"><head>', "<!doctype html><html amp><head>",
]  # fmt: skip

CAP = 64
"""Bytes of a script that are held in these tests, so that long ones are short."""

LONG = "menu();" * 12
SNIPPET = "StatsQueue(1);" * 5
"""Scripts of more bytes: the site's own code, and what begins as a provider's does."""


def nested(inside: str, depth: int) -> str:
    """Return a document inside the srcdoc of another, and so on."""
    for _ in range(depth):
        inside = f'<iframe srcdoc="{escape(inside)}"></iframe>'
    return inside


REMEMBERED = [
    "<style>a{b:url(/p)}</style>", '<base href="//stats.example/">', "<base href=/own/>", "<style>a{b:url(//own.example/p)}</style>", nested("<img src=//stats.example/i>", 1), nested("<img src=//stats.example/i>", 2),
    nested("<img src=//stats.example/i>", 8), nested("<img src=//stats.example/i>", 9), nested("<style>a{b:url(/p)}</style>", 1), nested('<base href="//stats.example/"><img src=/i>', 1), "<img src=/i>",
]  # fmt: skip
"""What means something else on another page, or deeper in this one."""

BEGINNINGS = [
    "",
    "<!doctype html>",
    '<!doctype html>\n<html lang="fr">\n<head>\n',
    "<!doctype html><html><head></head><body>",
    "<p>",
    "\ufeff",
    "notice <",
]


@st.composite
def attributes(draw) -> str:
    if draw(st.booleans()):
        name, value = (
            draw(st.sampled_from(NAMES)),
            draw(st.sampled_from(HOSTS)) + draw(st.sampled_from(PATHS)),
        )
    else:
        name = draw(st.sampled_from(sorted(WORDS)))
        value = draw(st.sampled_from(WORDS[name]))
    quote = draw(st.sampled_from(['"', '"', '"', "'", ""]))
    return draw(st.sampled_from([" ", " ", "\n", "  ", "/"])) + name + "=" + quote + value + quote


@st.composite
def elements(draw) -> str:
    name = draw(st.sampled_from(ELEMENTS))
    start = (
        "<"
        + name
        + "".join(draw(st.lists(attributes(), max_size=3)))
        + draw(st.sampled_from([">", ">", " >", "/>", " />"]))
    )
    inside = draw(
        st.sampled_from(
            [
                "",
                "",
                "",
                "text",
                "<b>",
                "var StatsQueue",
                "a{b:url(//stats.example/p)}",
                "a{b:url(/p)}",
                "<img src=//stats.example/i>",
                "<!--<script></script><img src=//booking.example/i>",
                "<!-- x --><script></script><img src=//booking.example/i>",
                LONG,
                LONG + "; StatsQueue(1); StatsQueue(2)",
                SNIPPET + LONG,
            ]
        )
    )
    return start + draw(st.sampled_from([inside + f"</{name}>", f"</{name.lower()}>", "", inside]))


PAGES = st.builds(
    lambda begins, parts: (begins + "".join(parts)).encode(),
    st.sampled_from(BEGINNINGS),
    st.lists(st.one_of(elements(), st.sampled_from(LOOSE), st.sampled_from(REMEMBERED)), max_size=8),
)
LAW = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_BODY = any_word(["body"])
_END = rb"[ \t\n\f\r/>]"
_EVERY_TAG = step(
    [COMMENT, BOGUS, rb"/(?!" + _BODY + _END + rb")" + NAME + REST, TEXT],
    rb"(<(?:" + NAME + REST + rb"|/" + _BODY + REST + rb"))",
)
_IGNORED_END = rb"/(?!" + any_word(["head", "body", "html", "br", "template"]) + _END + rb")" + NAME + REST
_EVERY_TAG_OF_A_HEAD = spaced_step(
    (COMMENT, _IGNORED_END, BOGUS, rb"/>"), rb"(<(/?" + NAME + rb")" + REST + rb")"
)


def compiled_rules(*, fenced: bool) -> Rules:
    """Return the rules; without a fence the filter alone stops what a long script would do."""
    text = RULES if fenced else RULES.replace("tags: hold", "tags: keep")
    return compile_rules(load_policy(text), OwnHosts(frozenset({"own.example"}), "own.example"))


@cache
def quick(purposes: tuple[str, ...], *, fenced: bool) -> Judge:
    """Return a judge that remembers what it saw on the pages of all these tests."""
    rules = compiled_rules(fenced=fenced)
    return judge_for(rules, scope_of(rules.policy).granted(purposes))


@cache
def careful(purposes: tuple[str, ...], *, fenced: bool) -> Judge:
    """Return the same judge, whose steps pass nothing by but what is no start tag."""
    every = compiled_rules(fenced=fenced)
    every.steps = every._based_steps = Steps(_EVERY_TAG, _EVERY_TAG_OF_A_HEAD)
    every.host_tag_patterns.clear()
    return judge_for(every, quick(purposes, fenced=fenced).grants)


@pytest.fixture(autouse=True, scope="module")
def _low_cap():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanner, "MAX_INLINE_SCRIPT", CAP)
        patch.setattr(text_consumers, "MAX_INLINE_SCRIPT", CAP)
        yield


def by_the_long_way(
    page: bytes, purposes: tuple[str, ...] = (), *, fenced: bool = True
) -> tuple[bytes, list[object]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_tag, "judge_by_host", lambda *_: start_tag.UNDECIDED)
        patch.setattr(scanner, "skipped_to", lambda *_: 0)
        patch.setattr(scanner, "is_rewrite", lambda *_: False)
        long = careful(purposes, fenced=fenced)
        long.empty_caches()
        run = HtmlFilter(long, inject=Marks())
        size = len(page) if build_kind() == "pure Python" else 1  # compiled, only a cut stops `skipped_to`
        out = [run.feed(page[at : at + size]) for at in range(0, len(page), size or 1)]
        return b"".join(out) + run.close(), said(run.verdicts)


def said(verdicts) -> list[object]:
    return [
        (verdict.does, verdict.because, verdict.provider, verdict.needs, verdict.note) for verdict in verdicts
    ]


STYLE = b"<style>a{b:url(/p)}</style>"
FRAMES = nested("<img src=//stats.example/i>", 8).encode()
DEEPER = nested("<img src=//stats.example/i>", 9).encode()


@LAW
@example(b"", b'<script src="//gone.example/s"></script>', (), True, [])
@example(b"", b"<head><title></iframe><img></img>", (), True, [])
@example(b"", b"<p><noscript><svg><!doctype html><html><head></noscript><p>", (), True, [])
@example(b"<p>" + STYLE, b'<base href="//stats.example/"><p>' + STYLE, (), True, [])
@example(b'<base href="//stats.example/"><p>' + STYLE, b"<p>" + STYLE, (), True, [])
@example(b"<p>" + FRAMES, b"<p>" + DEEPER, (), True, [])
@example(b"<p>" + DEEPER, b"<p>" + FRAMES, (), True, [])
@example(b"", b"<p><script><!--<script></script><img src=//booking.example/i></script>", (), True, [])
@example(b"", b"<p><script>%b;StatsQueue(1)</script>" % LONG.encode(), (), False, [])
@example(b"", b"<p><script>%bmenu()</script>" % SNIPPET.encode(), (), True, [])
@given(
    PAGES,
    PAGES,
    st.sampled_from([(), ("functional",), ("performance",)]),
    st.booleans(),
    st.lists(st.integers(0, 400), max_size=5),
)
def test_the_quick_way_and_the_long_one_come_to_the_same_however_the_page_is_cut(
    earlier, page, purposes, fenced, cuts
):
    expected = by_the_long_way(page, purposes, fenced=fenced)
    judged = quick(purposes, fenced=fenced)
    for _ in range(2):  # what it remembers of other pages
        HtmlFilter(judged, inject=Marks()).whole(earlier)

    edges = [0, *sorted(min(cut, len(page)) for cut in cuts), len(page)]
    for pieces in (
        [page],
        [page],  # remembered now
        [page[a:b] for a, b in zip(edges, edges[1:], strict=False)],
        [page[at : at + 1] for at in range(len(page))],
    ):
        run = HtmlFilter(judged, inject=Marks())
        out = b"".join([run.feed(piece) for piece in pieces]) + run.close()
        assert (out, said(run.verdicts)) == expected


@LAW
@given(PAGES)
def test_a_page_that_is_here_whole_comes_out_as_one_that_comes_in_pieces(page):
    whole, fed = (PageText(judge(), Marks(), b"text/html; charset=utf-8", xml=False) for _ in range(2))

    assert (
        whole.whole(page)
        == b"".join([fed.feed(page[at : at + 7]) for at in range(0, len(page), 7)]) + fed.close()
    )
    assert said(whole.verdicts) == said(fed.verdicts)


def test_every_cut_of_a_usual_page_gives_the_same_page():
    page = (
        b'<!doctype html>\n<html lang="fr">\n<head>\n<meta charset="utf-8"><script src="//stats.example/s.js"></script></head>\n'
        b'<body class="home"><p>a<iframe src="//booking.example/me"></iframe></p></body>\n</html>\n'
    )
    expected = by_the_long_way(page)

    for cut in range(len(page) + 1):
        run = HtmlFilter(judge(), inject=Marks())
        assert (run.feed(page[:cut]) + run.feed(page[cut:]) + run.close(), said(run.verdicts)) == expected
