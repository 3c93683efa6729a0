"""A page streams through the filter: what may not run is inert, everything else is as it was."""

import re

import html5lib
import pytest

from proxy.filter.html.scanner import script_end
from tests.filter.pages import Marks, filtered, passed

EVIL = "https://stats.example/s.js"


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html><title>x</title><p>text &amp; more</p>",
        '<script src="/own.js"></script><script>var x = "</p>" < 1;</script>',
        '<img src="https://cdn.own.example/a.png" srcset="/a.png 1x, /b.png 2x">',
        '<a href="https://stats.example/">a link is the visitor\'s own way</a>',
        '<link rel="canonical" href="https://stats.example/"><link rel=alternate href=//stats.example/>',
        '<script type="application/ld+json">{"a": "https://stats.example/s.js stats.example"}</script>',
        '<script type="text/template"><script src="//stats.example/s.js"></script>',
        '<script type="text/template" src="//stats.example/s.js"></script>',
        '<textarea><script src="//stats.example/s.js"></script></textarea>',
        '<!-- <script src="//stats.example/s.js"></script> -->',
        "<plaintext><script src='//stats.example/s.js'></script>",
        '<form action="https://else.example/subscribe"><button formaction="//else.example/">ok</button></form>',
        '<meta http-equiv="refresh" content="3;url=https://else.example/">',
        '<div title="<script src=//stats.example/s.js>">x</div>',
        '<script type="module">import("/app.js")</script>',
        "<p>unclosed <b>tags <i>and</p> </b> \r\n \x00 \xff caf\xe9",
        '<script src="https://notstats.example.own.example/x.js"></script>',
        '<input src="https://stats.example/only-images-fetch.png" type="text">',
        '<link rel="stylesheet" href="https://fonts.example/f.css"><script src="https://pay.example/v3"></script>',
        "<script",
        "<",
        "</",
        "<!",
        "<!-- unclosed",
        "<p a='",
        "",
    ],
)
def test_what_no_rule_refuses_passes_byte_for_byte(page):
    raw = page.encode("latin-1")

    assert filtered(raw) == raw
    assert filtered(raw, size=1) == raw


@pytest.mark.parametrize(
    ("page", "out"),
    [
        (
            f'<script async src="{EVIL}"></script>',
            f'<script type="text/plain" data-consent="performance" async src="{EVIL}"></script>',
        ),
        (
            "<SCRIPT SRC=//stats.example/>",
            '<SCRIPT type="text/plain" data-consent="performance" SRC=//stats.example/>',
        ),
        (
            '<script src="//other.example/x.js"></script>',
            '<script type="text/plain" data-consent="undeclared" src="//other.example/x.js"></script>',
        ),
        (
            "<img src=//stats.example/1 src=/2 alt=x>",
            '<img data-consent="performance" data-consent-src=//stats.example/1 data-consent-src=/2 alt=x>',
        ),
        ("<img src=/2 src=//stats.example/1>", "<img src=/2 src=//stats.example/1>"),
        (
            '<img src="/a" srcset="/a 1x, https://stats.example/b 2x">',
            '<img data-consent="performance" src="/a" data-consent-srcset="/a 1x, https://stats.example/b 2x">',
        ),
        (
            '<video poster="https://stats.example/p"></video>',
            '<video data-consent="performance" data-consent-poster="https://stats.example/p"></video>',
        ),
        (
            '<link rel="preconnect" href="//stats.example">',
            '<link data-consent="performance" rel="preconnect" data-consent-href="//stats.example">',
        ),
        (
            '<a ping="//stats.example/p" href="/x">',
            '<a data-consent="performance" data-consent-ping="//stats.example/p" href="/x">',
        ),
        (
            '<td background="//stats.example/p">',
            '<td data-consent="performance" data-consent-background="//stats.example/p">',
        ),
        (
            '<script data-lazy-src="//stats.example/s.js" type="text/x-lazy"></script>',
            '<script type="text/plain" data-consent="performance" data-consent-data-lazy-src="//stats.example/s.js" data-consent-type="text/x-lazy"></script>',
        ),
        (
            "<script>StatsQueue.push([1])</script>",
            '<script type="text/plain" data-consent="performance">StatsQueue.push([1])</script>',
        ),
        (
            '<script type="a371f3c3996957007cacd73a-text/javascript">stats.start; stats.js</script>',
            '<script type="text/plain" data-consent="performance" data-consent-type="a371f3c3996957007cacd73a-text/javascript">stats.start; stats.js</script>',
        ),
        (
            '<script src="/cache/copy/stats.js?v=1"></script>',
            '<script type="text/plain" data-consent="performance" src="/cache/copy/stats.js?v=1"></script>',
        ),
        (
            '<script id="stats-loader" src="/x.js">',
            '<script type="text/plain" data-consent="performance" id="stats-loader" src="/x.js">',
        ),
        (
            '<script id="stats-part-7">1</script>',
            '<script type="text/plain" data-consent="performance" id="stats-part-7">1</script>',
        ),
        ('<amp-stats type="stats">', '<amp-stats data-consent="performance" data-consent-type="stats">'),
        (
            '<form action="//stats.example/f">',
            '<form data-consent="performance" data-consent-action="//stats.example/f">',
        ),
        (
            '<input type=image src="//stats.example/i">',
            '<input data-consent="performance" type=image data-consent-src="//stats.example/i">',
        ),
        (
            "<p style=\"background: url('//stats.example/p')\">",
            '<p style="background: url(&#39;about:invalid&#39;)">',
        ),
        (
            "<style>a{b:url(//stats.example/p)} @import '//stats.example/c';</style>",
            "<style>a{b:url(about:invalid)} @import 'about:invalid';</style>",
        ),
        (
            '<html manifest="//stats.example/m">',
            '<html data-consent="performance" data-consent-manifest="//stats.example/m">',
        ),
        (
            "<frame src=//stats.example/f>",
            '<frame data-consent="performance" data-consent-src=//stats.example/f>',
        ),
    ],
)
def test_what_is_refused_is_inert_and_its_bytes_stay(page, out):
    assert filtered(page) == out.encode()
    assert filtered(page, size=1) == out.encode()
    assert filtered(out) == out.encode()


def test_what_was_granted_runs():
    page = f'<script src="{EVIL}"></script><img src="https://track-eu.both.example/p">'

    assert b"data-consent=" not in filtered(page, "functional", "performance")
    assert filtered(page, "performance").count(b"data-consent=") == 1
    assert filtered(page, "functional").count(b"data-consent=") == 2


@pytest.mark.parametrize(
    "address",
    [
        "HTTPS://STATS.EXAMPLE/x",
        " \t https://stats.example/x ",
        "ht\ttps:/\n/stats.example/x",
        "/\\stats.example/x",
        "\\\\stats.example",
        "https://user@stats.example:8443/x",
        "https:&#x2F;&#47;stats.example/x",
        "//stats&period;example/x",
        "//stats.example./x",
        "//st%61ts.example/x",
        "//\uff53tats.example/x",
        "https:stats.example/x",
    ],
)
def test_an_address_is_read_as_browsers_read_it(address):
    assert filtered(f'<script src="{address}"></script>').startswith(
        b'<script type="text/plain" data-consent="performance"'
    )


@pytest.mark.parametrize(
    "page",
    [
        "<svg><script href='//stats.example/s'></script></svg>",
        "<svg><script>StatsQueue</script></svg>",
        "<svg><script><![CDATA[ StatsQueue ]]></script></svg>",
        "<svg><image href='//stats.example/s'/></svg>",
        "<svg><use xlink:href='//stats.example/s#a'/></svg>",
        "<svg><style><img src=//stats.example/s></style>",
        "<svg><![CDATA[ > ]]><img src=//stats.example/s>",
        "<svg><title><img src=//stats.example/s></title>",
        "<svg><foreignObject><img src=//stats.example/s></foreignObject></svg>",
        "<math><mi><img src=//stats.example/s></mi></math>",
        "<math><annotation-xml encoding='text/html'><img src=//stats.example/s></annotation-xml></math>",
        "<noscript><img src=//stats.example/s></noscript>",
        "<noscript><noscript><img src=//stats.example/s></noscript></noscript>",
        "<head><noscript><link rel=stylesheet href=//stats.example/s></noscript></head>",
        "<template><img src=//stats.example/s></template>",
        "<!--><img src=//stats.example/s>-->",
        "<!-- --!><img src=//stats.example/s>-->",
        "<![CDATA[ ><img src=//stats.example/s>]]>",
        "<!doctype '><img src=//stats.example/s>'>",
        "</a '><img src=//stats.example/s>'",
        "<script><!-- <script> </script> --></script><img src=//stats.example/s>",
        "<script><!--> </script><img src=//stats.example/s>",
        "<title></title ><img src=//stats.example/s>",
        "<image src=//stats.example/s>",
        "<picture><source srcset='//stats.example/s 1x'></picture>",
        "<object data='data:text/html,<script src=//stats.example/s></script>'></object>",
        "<iframe src='javascript:StatsQueue'></iframe>",
        "<script src='data:text/javascript;base64,U3RhdHNRdWV1ZQ=='></script>",
        "<script src='data:,StatsQueue'></script>",
        "<base href='//stats.example/'><img src=s>",
        '<iframe srcdoc="<img src=//stats.example/s>"></iframe>',
        '<iframe srcdoc="&lt;iframe srcdoc=&quot;&amp;lt;img src=//stats.example/s&amp;gt;&quot;&gt;"></iframe>',
        '<script type="speculationrules">{"prefetch":[{"urls":["https://stats.example/"]}]}</script>',
        '<script type="speculationrules">{"prerender":[{"where":{"selector_matches":"a"}}]}</script>',
        '<script type="importmap">{"imports":{"s":"https://stats.example/s.js"}}</script>',
    ],
)
def test_nothing_hides_from_the_scanner(page):
    out, run = passed(page)

    assert run.verdicts
    assert out != page.encode()
    assert filtered(page, size=1) == out
    assert filtered(out) == out


def test_an_import_map_loses_only_what_is_refused():
    page = '<script type="importmap">{"imports":{"app":"/app.js","s":"https://stats.example/s.js"}}</script>'

    assert filtered(page) == b'<script type="importmap">{"imports":{"app":"/app.js","s":null}}</script>'


def test_speculation_rules_about_own_pages_stay():
    page = '<script type="speculationrules">{"prefetch":[{"urls":["/a"]},{"where":{"and":[{"href_matches":"/*"},{"not":{"href_matches":"/out"}}]}}]}</script>'

    assert filtered(page) == page.encode()


def test_a_comment_or_cdata_in_html_is_not_one_in_svg():
    page = b"<svg><![CDATA[<img src=//stats.example/s>]]></svg>"

    assert filtered(page) == page


def test_a_placeholder_stands_where_the_widget_was():
    page = '<body><div class="x booking-widget" data-url="https://booking.example/me"></div>'

    assert filtered(page, inject=Marks()) == (
        b'[head]<body>[body]<div data-consent="functional" data-consent-class="x booking-widget"'
        b' data-consent-data-url="https://booking.example/me">[div https://booking.example/me]</div>[foot]'
    )


def test_a_replaced_frame_is_hidden_behind_its_placeholder_and_makes_no_context():
    out = filtered('<iframe src="//booking.example/me" title="t"></iframe>', inject=Marks())

    assert out == (
        b'[iframe https://booking.example/me]<noembed data-consent="functional" hidden'
        b' data-consent-src="//booking.example/me" title="t"></noembed>'
    )


HELD = '<noembed data-consent="undeclared" data-consent-src=//x.example>'


@pytest.mark.parametrize(
    ("page", "out"),
    [
        ("a<iframe src=//x.example></iframe>b", f"a{HELD}</noembed>b"),
        ("a<IFRAME src=//x.example></IFRAME\n x='>'>b", f"a{HELD}</noembed>b"),
        ("<iframe src=//x.example>a<b></noembed><i></iframe>", HELD + "a&lt;b>&lt;/noembed>&lt;i></noembed>"),
        ("<iframe src=//x.example><iframe></iframe>", HELD + "&lt;iframe></noembed>"),
        ("<iframe src=//x.example></iframes>", HELD + "&lt;/iframes></noembed>"),
        ("<iframe src=//x.example>a", HELD + "a</noembed>"),
        ("<iframe src=//x.example></ifr", HELD + "&lt;/ifr</noembed>"),
        ("<iframe src=//x.example></iframe", HELD + "&lt;/iframe</noembed>"),
        (
            "<noscript><iframe src=//x.example></noscript>a</iframe>",
            f"<noscript>{HELD}</noembed></noscript>a</iframe>",
        ),
        (
            "<iframe srcdoc=a src=//x.example></iframe>",
            '<iframe data-consent="undeclared" srcdoc=a data-consent-src=//x.example></iframe>',
        ),
        (
            "<svg><iframe src=//x.example></iframe></svg>",
            '<svg><iframe data-consent="undeclared" data-consent-src=//x.example></iframe></svg>',
        ),
        (
            "<svg><desc><iframe src=//x.example></iframe></desc></svg>",
            f"<svg><desc>{HELD}</noembed></desc></svg>",
        ),
    ],
)
def test_a_refused_frame_is_written_as_an_element_that_makes_no_context(page, out):
    assert filtered(page) == out.encode()
    assert filtered(page, size=1) == out.encode()
    assert filtered(out) == out.encode()


AROUND = [
    "{}", "<p>a{}b</p>", "<p>a<b>b<i>{}c</p>d", "<table>{}<tr><td>a</table>", "<table><tr>{}<td>a{}</table>", "<select><option>{}a</select>b",
    "<a href=/>a{}<p>b</a>", "<button>{}</button>", "<ul><li>{}<li>a</ul>", "<template>{}a</template>b", "<head>{}<title>a</title>",
    "<head><noscript>{}</noscript></head><body>a", "<noscript>a{}b</noscript>c", "<title>{}</title>a", "<svg>{}</svg>a", "<frameset>{}<frame></frameset>",
    "<h1>{}<h2>a", "<p><b>a</p>{}c", "<body><!-- {} -->a", "<colgroup>{}", "<table><caption>{}</table>a", "<math><mi>{}</mi></math>", "<form>{}<form>a", "a</body>{}b", "<ruby>a<rt>{}<rp>b", "<nobr>a{}<nobr>b",
]  # fmt: skip


@pytest.mark.parametrize("scripting", [True, False])
@pytest.mark.parametrize("around", AROUND)
def test_a_parser_reads_the_page_around_a_refused_frame_as_around_the_frame(around, scripting):
    """Where it stands, and what stands beside it."""

    def tree(page):
        root = html5lib.HTMLParser(namespaceHTMLElements=False).parse(page, scripting=scripting)
        text = html5lib.serialize(root, omit_optional_tags=False)
        return re.sub(r"(</?)(?:iframe|noembed)[^>]*>", r"\1frame>", text)

    page = around.replace("{}", "<iframe src=//x.example>text</iframe>")

    assert tree(filtered(page).decode()) == tree(page)


def test_a_link_that_ran_code_leads_to_the_provider():
    out = filtered("<a href='' onclick='Booking.popup()'>Book</a>")

    assert out == (
        b'<a href="https://booking.example/now" target="_blank" rel="noopener noreferrer" data-consent="functional"'
        b" href='' data-consent-onclick='Booking.popup()'>Book</a>"
    )


def test_a_button_that_ran_code_opens_the_provider():
    out = filtered("<button onclick='Booking.popup()'>Book</button>", inject=Marks())

    assert b"[button]" not in out, "nothing to click on stands in a button"
    assert (
        b"<button onclick=\"open(&quot;https://booking.example/now&quot;,'_blank','noopener');return false\""
        b" data-consent=\"functional\" data-consent-onclick='Booking.popup()'>Book</button>"
    ) in out


def test_no_placeholder_ends_the_head():
    out = filtered(
        "<!doctype html><head><script>Booking.show()</script><title>t</title></head><body>", inject=Marks()
    )

    assert b"[script" not in out
    assert b'[head]<script type="text/plain"' in out


def test_the_default_placeholder_is_a_plain_link():
    out = filtered('<iframe src="https://booking.example/?a=1&amp;b=2"></iframe>')

    assert out.startswith(
        b'<a href="https://booking.example/?a=1&amp;b=2" rel="noopener noreferrer" target="_blank">https://booking.example/?a=1&amp;b=2</a>'
    )


@pytest.mark.parametrize(
    ("page", "out"),
    [
        ("a<img src=//gone.example/p>b", "ab"),
        ("a<script src=//gone.example/s>x</script>b", "ab"),
        ("a<script src=//gone.example/s>x</script >b", "ab"),
        ("a<iframe src=//gone.example/s>x</iframe>b", "ab"),
        (
            "<div class=gone-box>x</div>",
            '<div data-consent="performance" data-consent-class=gone-box>x</div>',
        ),
    ],
)
def test_a_removed_element_leaves_no_end_tag_behind(page, out):
    assert filtered(page) == out.encode()
    assert filtered(page, size=1) == out.encode()


def test_verdicts_name_the_rule_and_the_host():
    _, run = passed(f'<script src="{EVIL}"></script><img src=//other.example>')

    first, second = run.verdicts
    assert (first.provider, first.needs, first.note) == ("stats", ("performance",), "script stats.example")
    assert first.because.file == "rules.yaml"
    assert (second.provider, second.note) == (None, "undeclared third party other.example")
    assert (second.because.file, second.because) != (first.because.file, first.because)


def test_a_base_on_another_host_moves_relative_addresses_only_behind_it():
    page = "<script src=a.js></script><base href=//stats.example/><script src=b.js></script><base href=/><img src=c>"
    out = filtered(page)

    assert out.count(b"data-consent=") == 2
    assert out.startswith(b"<script src=a.js></script>")


@pytest.mark.parametrize(
    ("page", "moved"),
    [
        ("<base href=//stats.example/>", True),
        ("<base href=https://own.example/>", True),  # the page may be that of another of the site's hosts
        ("<base href=/own/>", False),
        ("<base href=/own/><base href=//stats.example/>", False),
        ("<base target=_blank><base href=//stats.example/>", True),
    ],
)
def test_the_first_base_says_whether_a_page_is_moved_to_another_origin(page, moved):
    assert passed(page)[1].page.is_moved == moved


@pytest.mark.parametrize(
    "before",
    [
        "",
        "<base target=_blank>",
        "<base href=/own/>",
        "<base href=https://own.example/>",
        "<body><svg><base href=/></svg>",
        "<body><math><base href=/ /></math>",
        "<template><base href=/></template>",
        "<head><noscript><base href=/></noscript>",
        "<body><select><base href=/></select>",
        "<!-- <base href=/> --><title><base href=/></title>",
    ],
)
@pytest.mark.parametrize(
    "base", ["//stats.example/", "//nobody.example/", "\\\\stats.example", "&#47;/stats.example/x"]
)
def test_no_base_that_a_browser_does_not_heed_hides_one_that_it_does(before, base):
    out = filtered(f"{before}<base href={base}><script src=a.js></script>")

    assert b"data-consent" in out


@pytest.mark.parametrize(
    "base", ["/", "/fr/", "https://own.example/x", "//fonts.example/", "", "data:text/html,x"]
)
def test_a_base_on_the_sites_own_hosts_holds_nothing(base):
    page = f"<base href='{base}'><script src=a.js></script><img src=b.png>"

    assert filtered(page) == page.encode()


def test_a_tag_that_goes_on_behind_its_noscript_is_written_as_text():
    page = b'<noscript><img src=//stats.example/s title="</noscript><p>">'

    assert filtered(page).startswith(b"<noscript>&lt;img")
    assert (
        filtered(b'<noscript><img src=/own title="</noscript><p>">')
        == b'<noscript><img src=/own title="</noscript><p>">'
    )


def test_a_document_inside_too_many_others_is_held_unread():
    page = "<img src=/own>"
    for _ in range(10):
        page = '<iframe srcdoc="' + page.replace("&", "&amp;").replace('"', "&quot;") + '"></iframe>'
    out, run = passed(page)

    assert b"data-consent-srcdoc" in out
    assert [verdict.note for verdict in run.verdicts] == ["srcdoc nested too deep"]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        (b"go()</script>", 4), (b"go()</SCRIPT\n>", 4), (b"</scripts></script/>", 10), (b"go()", -1), (b"go()</script", -1), (b"a <!-- b </script>", -1), (b"<!--<script></script></script>", -1),
        (b"go()</script><!-- x -->", 4), (b"<! --x</script>", 6),
    ],
)  # fmt: skip
def test_a_script_is_skipped_to_its_end_only_where_nothing_in_it_hides_that(text, ends):
    assert script_end(text, 0) == ends
    assert script_end(b"<!--" + text, 4) == (ends + 4 if ends >= 0 else -1)


@pytest.mark.parametrize("size", [0, 1, 9])
def test_markup_behind_what_only_looks_like_the_end_of_a_script_is_its_text(size):
    script = b"<script><!--<script></script><img src=//booking.example/i></script>"
    page = b"<p>" + script + b"<img src=//booking.example/i>"

    assert filtered(page, size=size) == (
        b"<p>" + script + b'<img data-consent="functional" data-consent-src=//booking.example/i>'
    )


def test_what_a_page_leaves_open_is_open_in_no_other():
    opened, rest = b"<svg><g>", b"<style><script src=https://stats.example/a.js></script></style>"
    assert filtered(opened + rest) != opened + rest, "inside svg a style has elements"

    assert filtered(rest) == rest
