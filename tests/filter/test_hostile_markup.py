"""Markup that was tried against a browser: what reached a third party there must be inert here."""

import pytest

from proxy.filter.html.scanner import HtmlFilter
from tests.filter.judging import judge

U = "http://stats.example/x"


def filtered(page: str, *purposes: str) -> tuple[str, HtmlFilter]:
    run = HtmlFilter(judge(*purposes))
    out = run.feed(page.encode()) + run.close()
    return out.decode(), run


@pytest.mark.parametrize(
    "content",
    [
        f"0;url={U}",
        f"0;{U}",
        f"0,'{U}'",
        f"0, '{U}'; x",
        f"0 URL = {U}",
        f".5;url={U}",
        "0;url=//stats.example",
        "0;url=h&#116;tp://stats.example/",
        "0;url=/\\stats.example",
    ],
)
@pytest.mark.parametrize(
    "tag",
    [
        '<meta http-equiv=refresh content="{}">',
        '<meta content="{}" HTTP-EQUIV="Refresh">',
        '<meta http-equiv=refresh http-equiv=refresh content="{}">',
        '<body><meta http-equiv=refresh content="{}">',
        '<noscript><meta http-equiv=refresh content="{}"></noscript>',
    ],
)
def test_no_page_hands_its_visitors_on_to_a_refused_provider(tag, content):
    page = tag.format(content)
    out, run = filtered(page)

    assert " http-equiv" not in out.lower()
    assert run.verdicts[0].provider == "stats"
    assert filtered(out)[0] == out
    assert filtered(page, "functional", "performance")[0] == page


def test_a_relative_refresh_follows_the_base():
    out, _ = filtered('<base href="//stats.example/"><meta http-equiv=refresh content="0;url=y">')

    assert " http-equiv" not in out


@pytest.mark.parametrize("content", ["5", "0;url=/next", "0; url=https://elsewhere.example/", ""])
def test_every_other_refresh_is_navigation_and_passes(content):
    page = f'<meta http-equiv="refresh" content="{content}">'

    assert filtered(page)[0] == page


@pytest.mark.parametrize(
    "page",
    [
        f"<img src=/o onerror=1 srcset=',,{U} 1x'>",
        f"<img srcset='/a (x, {U} 1x), {U} 3x'>",
        "<img src='//stats\u3002example/x'>",
        "<img src='//\u017ftats.example/x'>",
        "<img src='http&colon;&sol;&sol;stats&period;example'>",
        "<img src='http://callkom.io@stats.example/x'>",
        "<img src='http://stats.example\\@callkom.io/x'>",
        f"<a b=\n><img src={U}>",
        f'<a title="a"b"c><img src={U}>',
        f'<img "src=/" src={U}>',
        f"<svg><font color=x><style><!--</style><img src={U}>--></style>",
        f"<svg></p><style><!--</style><img src={U}>",
        f"<select><svg><img src={U}>",
        f"<div><template shadowrootmode=open><link rel=stylesheet href={U}></template></div>",
        f"<frameset><frame src={U}></frameset>",
        f"<link rel=preload as=image imagesrcset='/a 1x, {U} 9x'>",
        f"<style>@\\69mport '{U}';</style>",
        "<style>@import 'ht\\\ntp://stats.example/x';</style>",
        "<style>body{background:url(//stats\\2e example/x)}</style>",
        f"<style>body{{background:u\\72l({U})}}</style>",
        f"<iframe src='DATA:TEXT/HTML,%3Cimg%20src={U}%3E'></iframe>",
        f"<svg><script xlink:href={U} /></svg>",
        f"<script\x0csrc={U}></script>",
        f"<script/src={U}></script>",
        f"<portal src={U}></portal>",
        f"<applet archive={U}></applet>",
        f"<html><head><title></iframe><!-- </title><img src={U}> -->",
        f"<html><head></head><body><p>a</p><textarea></iframe><!-- </textarea><img src={U}> -->",
        f"<html><head><noframes></iframe><!-- </noframes><img src={U}> -->",
    ],
)
def test_a_third_party_is_not_reached_by_any_of_these(page):
    out, run = filtered(page)

    assert run.verdicts
    assert out != page
    assert filtered(out)[0] == out


@pytest.mark.parametrize(
    "address",
    [
        "/\t/stats.example/x",
        "//st\tats.example/x",
        "//u@stats.example/x",
        "//u:p@stats.example:80/x",
        "//stats%2eexample/x",
        "//stats.example./x",
        "//\u017ftats.example/x",
        "//stats\u3002example/x",
        "//STATS.example",
        "//stats.example?x",
        "//stats.example#x",
        "http:stats.example/x",
        "http:/\t/stats.example/x",
        "/\\\\stats.example/x",
        "ht\ttp://stats.example/x",
    ],
)
@pytest.mark.parametrize(
    "page",
    [
        '<style>body{{background:url("{}")}}</style>',
        "<style>@import '{}';</style>",
        "<div style=\"background:url('{}')\">x</div>",
        '<svg><style>@import "{}";</style></svg>',
    ],
)
def test_style_reads_an_address_as_a_browser_does(page, address):
    if address.startswith("http:stats"):
        page = (
            '<base href="https://callkom.io/">' + page
        )  # relative to a page of its own scheme, else absolute
    out, run = filtered(page.format(address))

    assert run.verdicts
    assert out != page.format(address)


@pytest.mark.parametrize(
    "page",
    [
        f"<script type=module src={U}></script>",
        f"<script type='' type=\"text/javascript\" src={U}></script>",
        f"<svg><script href={U}></script></svg>",
        f"<svg><script xlink:href=/o href={U} type=module></script></svg>",
    ],
)
def test_a_held_script_has_nothing_that_a_preload_scanner_goes_by(page):
    out, _ = filtered(page)

    assert out.count(" type=") == 1
    assert " href=" not in out
    assert " xlink:href=" not in out
