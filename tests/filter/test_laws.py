"""Laws of the document filter, for pages that nobody would write."""

import html5lib
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.compiled import ScriptKind
from proxy.filter.syntax.urls import srcset_addresses, url_of
from tests.filter.pages import Marks, filtered, judge, passed, rules

PIECES = [
    "<!doctype html>", "<html lang=en>", "<head>", "</head>", "<body class='a'>", "</body>", "</html>", "text ", " ", "&amp;", "\r\n", "\ufeff",
    '<script src="//stats.example/s.js">', "<script>", "<script type=module>", "</script>", "<script src=/own.js></script>", "StatsQueue", "var a = '<b>';",
    "<!--", "-->", "<!-->", "--!>", "<![CDATA[", "]]>", "<!x>", "<?x>", "</>", "<", ">", "</ x>", "<script",
    "<img src=//stats.example/i>", "<img srcset='/a 1x, //stats.example/b 2x'>", "<img alt='>' src='/own'>", "<image src=//stats.example/i>",
    "<iframe src=https://booking.example/me>", "</iframe>", "<iframe srcdoc='<img src=//stats.example/s>'></iframe>", "<div class='x booking-widget'>", "</div>",
    "<link rel=stylesheet href=//stats.example/c>", "<link rel=canonical href=//stats.example/c>", "<object data=//stats.example/o>", "</object>", "<embed src=//stats.example/e>",
    "<style>", "a{b:url(//stats.example/p)}", "</style>", "<p style='b:url(//stats.example/p)'>", "<title>", "</title>", "<textarea>", "</textarea>", "<xmp>", "</xmp>",
    "<noscript>", "</noscript>", "<template>", "</template>", "<svg>", "</svg>", "<desc>", "</desc>", "<foreignObject>", "<path d='M0'/>", "<math>", "<mi>", "</mi>", "</math>",
    "<table>", "<tr>", "</table>", "<p>", "</p>", "<b>", "</b>", "<br/>", "<a href=//stats.example/>", "<a onclick='Booking.popup()'>", "<video poster=//stats.example/v>",
    "<img src='", "'", '"', "=", "/", "<a b='", "<meta charset=utf-8>", "<meta http-equiv=x content=y>", "<img src=//gone.example/p>", "<script src=//gone.example/p>",
]  # fmt: skip
PAGES = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
# what html5lib, of 2020, reads as browsers do today
WELL_KNOWN = [
    piece
    for piece in PIECES
    if piece
    not in {
        "<template>",
        "</template>",
        "<!-->",
        "--!>",
        "<noscript>",
        "<math>",
        "<mi>",
        "</mi>",
        "</math>",
        "<desc>",
        "<foreignObject>",
        "<![CDATA[",
        "<svg>",
    }
]
LAW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@LAW
@given(PAGES, st.lists(st.integers(0, 600), max_size=6), st.booleans())
def test_cuts_do_not_show(page, cuts, injects):
    raw = page.encode()
    inject = Marks() if injects else None
    _, run = passed("", inject=inject)
    run = type(run)(judge(), inject=inject)
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    out = b"".join(run.feed(raw[a:b]) for a, b in zip(edges, edges[1:], strict=False)) + run.close()

    assert out == filtered(raw, inject=inject)
    assert out == filtered(raw, inject=inject, size=1)


@LAW
@example('<svg><img src=//gone.example/p><script src="//stats.example/s.js"><img src=//stats.example/i>')
@given(PAGES)
def test_a_filtered_page_filters_to_itself(page):
    once = filtered(page)

    assert filtered(once) == once


@LAW
@given(PAGES)
def test_a_page_of_which_everything_may_run_is_untouched(page):
    assert filtered(page, "functional", "performance") == page.encode()


@LAW
@given(PAGES)
def test_what_is_kept_raises_no_verdict_and_what_is_not_raises_one(page):
    out, run = passed(page)

    assert (out != page.encode()) <= bool(run.verdicts) or b"&lt;" in out


RUNNABLE = {"", "module", "text/javascript"}
FETCHES = {
    "script": ("src",),
    "img": ("src",),
    "iframe": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "video": ("poster",),
}


def active(element) -> bool:
    """True when a browser would fetch or run something of a refused provider for this element."""
    name = element.tag if isinstance(element.tag, str) else ""
    get = element.attrib.get
    if name == "script" and (get("type") or "") not in RUNNABLE:
        return False
    if name == "script" and get("src") is None:
        reading = rules().read_script("".join(element.itertext()).encode())
        if "StatsQueue" in "".join(element.itertext()) and reading.kind is ScriptKind.SNIPPET:
            return True
    if name == "link" and get("rel") == "stylesheet" and "stats.example" in get("href", ""):
        return True
    addresses = [get(attribute, "") for attribute in FETCHES.get(name, ())] + srcset_addresses(
        get("srcset", "") if name == "img" else ""
    )
    hosts = {url.host for url in map(url_of, addresses) if url}
    if name == "iframe" and " src=//stats" in get("srcdoc", ""):
        return True
    return bool(hosts & {"stats.example", "booking.example", "gone.example"})


@LAW
@given(st.lists(st.sampled_from(WELL_KNOWN), max_size=14).map("".join))
def test_a_parser_finds_nothing_active_of_a_refused_provider(page):
    out = filtered(page).decode()
    for scripting in (True, False):
        tree = html5lib.HTMLParser(namespaceHTMLElements=False).parse(out, scripting=scripting)
        assert not [element for element in tree.iter() if active(element)], out


def test_a_tag_that_ends_the_page_is_judged_however_it_came():
    raw = b'<script a=">" b=">" c=">" d=">" e=">" f=">" src="//stats.example/s.js">'
    for size in (1, 2, 3, 7):
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        page = HtmlFilter(judge())
        out = b"".join(page.feed(piece) for piece in pieces) + page.close()

        assert b'type="text/plain"' in out, size
        assert [verdict.provider for verdict in page.verdicts] == ["stats"]
