"""Our own bytes go behind <head>, behind <body>, before the last </body>, and nowhere else."""

import pytest

from proxy.filter.rules.judge import TagFacts
from proxy.filter.size_limits import MAX_TAIL
from proxy.filter.tags.injection import plain_placeholder
from proxy.filter.verdict import Does, Verdict
from tests.filter.pages import Marks, filtered, passed


@pytest.mark.parametrize(
    ("page", "out"),
    [
        (
            "<!doctype html><html><head><title>t</title></head><body>x</body></html>",
            "<!doctype html><html><head>[head]<title>t</title></head><body>[body]x[foot]</body></html>",
        ),
        ("<!doctype html><title>t</title><p>x", "<!doctype html>[head]<title>t</title>[body]<p>x[foot]"),
        ("<!doctype html>text", "<!doctype html>[head][body]text[foot]"),
        ("<html><body>x", "<html>[head]<body>[body]x[foot]"),
        ("<head></head>x", "<head>[head]</head>[body]x[foot]"),
        (
            "<head><meta charset=utf-8><style>p{}</style> <!-- c --> <p>x",
            "<head>[head]<meta charset=utf-8><style>p{}</style> <!-- c --> [body]<p>x[foot]",
        ),
        (
            "<!-- c --> <!doctype html> <!-- c --><html><head>",
            "<!-- c --> <!doctype html> <!-- c --><html><head>[head][body][foot]",
        ),
        ("\ufeff<!doctype html><head><body>", "\ufeff<!doctype html><head>[head]<body>[body][foot]"),
        (
            "<!doctype html><body></body><body class=b>x</body><!-- </body> -->",
            "<!doctype html>[head]<body>[body]</body><body class=b>x[foot]</body><!-- </body> -->",
        ),
        (
            "<!doctype html><head><template><p>x</p><template></template></template><title>t</title><body>",
            "<!doctype html><head>[head]<template><p>x</p><template></template></template><title>t</title><body>[body][foot]",
        ),
        ("<!doctype html><head></head></body>x", "<!doctype html><head>[head]</head>[body][foot]</body>x"),
        (
            "<!doctype html><frameset><frame src=/a></frameset>",
            "<!doctype html>[head]<frameset><frame src=/a></frameset>",
        ),
        (
            "<!doctype html><head><title></head><body></title><body>",
            "<!doctype html><head>[head]<title></head><body></title><body>[body][foot]",
        ),
        ("<!doctype html></head><p>x", "<!doctype html>[head]</head>[body]<p>x[foot]"),
        ("<!doctype html></html>x", "<!doctype html>[head][body]</html>x[foot]"),
        ("<!doctype html></p><title>t</title>", "<!doctype html></p>[head]<title>t</title>[body][foot]"),
        ("<!doctype html><br></br>x", "<!doctype html>[head][body]<br></br>x[foot]"),
        (
            "<!doctype html><body><svg></body></svg>x",
            "<!doctype html>[head]<body>[body]<svg></body></svg>x[foot]",
        ),
        ("<!doctype html>", "<!doctype html>[head][body][foot]"),
        (
            "Notice: x <!doctype html><head></head><body>",
            "Notice: x <!doctype html><head>[head]</head><body>[body][foot]",
        ),
        ("1 < 2 <html><p>x", "1 < 2 <html>[head][body]<p>x[foot]"),
        ("<!-- c -->\ufeff<!doctype html>", "<!-- c -->\ufeff<!doctype html>[head][body][foot]"),
        ("<!doctype html><body><p class='x", "<!doctype html>[head]<body>[body][foot]<p class='x"),
    ],
)
def test_each_part_finds_its_place(page, out):
    assert filtered(page, inject=Marks()) == out.encode()
    assert filtered(page, inject=Marks(), size=1) == out.encode()


@pytest.mark.parametrize(
    "page",
    [
        "<p>a fragment</p></body>",
        "text <p>",
        "<div><head></head><body></body></div>",
        "<script></script><!doctype html>",
        "",
        " ",
        "<!-- c -->",
    ],
)
def test_a_fragment_gets_nothing(page):
    assert filtered(page, inject=Marks()) == page.encode()


@pytest.mark.parametrize(
    ("page", "out"),
    [
        (
            "<br />\n<b>Warning</b>: x in <b>a.php</b>\n<!doctype html><html><head><title>t</title></head><body>x</body>",
            "[head][body]<br />\n<b>Warning</b>: x in <b>a.php</b>\n<!doctype html><html><head><title>t</title></head><body>x[foot]</body>",
        ),
        (
            "Notice: x <!doctype html><head></head><body>",
            "[head][body]Notice: x <!doctype html><head></head><body>[foot]",
        ),
        ("<title>t</title><p>x", "[head]<title>t</title>[body]<p>x[foot]"),
        (
            "<script>a()</script><!doctype html><body>x",
            "[head]<script>a()</script><!doctype html><body>[body]x[foot]",
        ),
        (
            "<!-- c --><meta charset=utf-8><style>p{}</style>x",
            "<!-- c -->[head]<meta charset=utf-8><style>p{}</style>[body]x[foot]",
        ),
        ("plain text", "[head][body]plain text[foot]"),
        ('{"a": "<b>x</b>"}', '[head][body]{"a": "<b>x</b>"}[foot]'),
        ("1 < 2", "[head][body]1 < 2[foot]"),
        ("<p>a part</p></body>", "[head][body]<p>a part</p>[foot]</body>"),
        ("</p>x", "</p>[head][body]x[foot]"),
        ("\ufeff<script></script>", "\ufeff[head]<script></script>[body][foot]"),
        ("<!-- c -->", "<!-- c -->[head][body][foot]"),
        ("<svg></svg>", "[head][body]<svg></svg>[foot]"),
        (
            "<template><p>x</p></template><p>",
            "[head]<template><p>x</p></template>[body]<p>[foot]",
        ),
        ("<frameset><frame src=/a></frameset>", "[head]<frameset><frame src=/a></frameset>"),
        ("", ""),
    ],
)
def test_what_a_browser_opens_gets_each_part_however_it_begins(page, out):
    assert filtered(page, inject=Marks(always=True)) == out.encode()
    assert filtered(page, inject=Marks(always=True), size=1) == out.encode()


def test_an_image_that_a_browser_opens_is_no_page_of_ours_and_guarded_alone():
    image = b"<svg xmlns='http://www.w3.org/2000/svg'>%b<title>t</title></svg>"

    assert filtered(image % b"", inject=Marks(always=True), xml=True) == image % b"[root]"


@pytest.mark.parametrize("html", ["<html amp>", "<html \u26a1 lang=en>", "<html \u26a14ads>"])
def test_amp_gets_nothing_where_its_site_says_so_and_is_a_page_like_others_elsewhere(html):
    page = f"<!doctype html>{html}<head></head><body>x</body>"

    assert filtered(page, inject=Marks(amp=True)) == page.encode()
    assert filtered(page, inject=Marks()).count(b"[") == 3


def test_the_last_body_end_within_reach_counts():
    begin = b"<!doctype html><head></head><body>"
    near = begin + b"</body>" + b"x" * 100 + b"</body>"
    far = begin + b"</body>" + b"x" * (MAX_TAIL + 1) + b"</body>"

    assert filtered(near, inject=Marks()).endswith(b"[foot]</body>")
    for size in (0, 1_447, len(far) - 3):
        out = filtered(far, inject=Marks(), size=size)
        assert out.startswith(b"<!doctype html><head>[head]</head><body>[body][foot]</body>")
        assert out.count(b"[foot]") == 1


def test_the_page_tells_its_language_and_its_policy():
    _, run = passed(
        "<!doctype html><html lang=fr><meta http-equiv=Content-Security-Policy content=\"default-src 'self'\">"
    )

    assert run.page.lang == "fr"
    assert run.page.meta_csp == ("default-src 'self'",)
    assert not run.page.amp


def test_everything_known_leaves_at_once():
    _, run = passed("")
    run = type(run)(run._judge, inject=Marks())

    assert run.feed(b"<!doctype html><head>") == b"<!doctype html><head>[head]"
    assert run.feed(b"</head><body><p>hello <b") == b"</head><body>[body]<p>hello "
    assert run.feed(b">there") == b"<b>there"
    assert run.feed(b"<script>var a") == b""
    assert run.feed(b" = 1</script><i>") == b"<script>var a = 1</script><i>"
    assert run.feed(b"</body> ") == b""
    assert run.close() == b"[foot]</body> "


def test_a_placeholder_without_a_page_names_the_provider():
    held = Verdict(Does.REPLACE)

    assert plain_placeholder(held, TagFacts("div", None, name="A & B")) == b"<span>A &amp; B</span>"
    assert plain_placeholder(held, TagFacts("div", None)) == b""
    assert b'href="https://p.example/"' in plain_placeholder(
        held, TagFacts("div", None, name="P", privacy="https://p.example/")
    )
