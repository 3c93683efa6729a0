"""The first effect that makes a script the site's own, and published snippets, which have none."""

import pytest

from proxy.filter.syntax.script_effects import LONGEST, own_effect

GTM = """(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':new Date().getTime(),event:'gtm.js'});
var f=d.getElementsByTagName(s)[0],j=d.createElement(s),dl=l!='dataLayer'?'&l='+l:'';j.async=true;
j.src='https://www.googletagmanager.com/gtm.js?id='+i+dl;f.parentNode.insertBefore(j,f);
})(window,document,'script','dataLayer','GTM-1');"""
GTAG = """window.dataLayer = window.dataLayer || [];
function gtag(){dataLayer.push(arguments);}
gtag('js', new Date()); gtag('config', 'G-1');"""
ACME = """!function(a,b,c){a.acme=a.acme||function(){(a.acme.q=a.acme.q||[]).push(arguments)};
var s=b.createElement(c);s.async=1;s.src='https://acme.example/a.js';b.head.appendChild(s)}(window,document,'script');
acme('init', 1);"""


def effect(text: str) -> str | None:
    return own_effect(text, lambda word: "acme" in word or "googletagmanager" in word)


@pytest.mark.parametrize(
    "text",
    [
        GTM,
        GTAG,
        ACME,
        "_hsq = window._hsq || []; _hsq.push(['setPath', '/']);",
        "ga('create', 'UA-1', function () { document.title = 'handed to a provider' });",
        "var acmeSettings = { id: 1 };",
        "window.acme = 1",
        "import('https://acme.example/a.mjs')",
        "document.write('<script src=\"https://acme.example/a.js\"><\\/script>')",
        "new Image().src = 'https://acme.example/p?' + Math.random()",
        "window.onload = function () { acme('go') }",
        "var s = document.createElement('script'); s.src = '//acme.example/x'; document.body.appendChild(s);",
        "new Image().src = '//acme.example/' + Math.ceil(new Date() / 3e5) + '/1.js'",
        "try { acme.on('x', e => console.table(e)) } catch (e) {}",
    ],
)
def test_a_snippet_that_loads_queues_and_calls_a_provider_has_no_effect_of_its_own(text):
    assert effect(text) is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("function openMenu(){}", "defines openMenu"),
        ("var menu = 1;", "defines menu"),
        ("class Menu {}", "defines what others use"),
        ("export default 1;", "defines what others use"),
        ("menu = 1;", "assigns menu"),
        ("window.menu = 1;", "assigns window.menu"),
        ("window.zz.onload = 1;", "assigns window.zz.onload"),
        ("document.title = 'x';", "assigns document.title"),
        ("shop.basket = 1;", "assigns shop.basket"),
        ("var e = document.getElementById('x'); e.innerHTML = '';", "changes the document (e.innerHTML)"),
        ("document.querySelector('x').hidden = true;", "changes the document (.hidden)"),
        ("openMenu();", "calls openMenu()"),
        ("shop.show();", "calls shop.show()"),
        ("[1].shuffle();", "calls shuffle()"),
        ("jQuery(function(){ jQuery('x').slick() });", "calls jQuery()"),
        ("fetch('/api');", "asks the site itself"),
        ("navigator.sendBeacon(`/log`);", "asks the site itself"),
        ("x('/js/menu.js');", "loads /js/menu.js"),
        (
            r'var urls = ["https:\/\/acme.example\/1.js", "https:\/\/reviews.example\/w.js"]; load(urls)',
            "loads https://reviews.example/w.js",
        ),
        ("x('https://cdn.example/menu.css?v=1');", "loads https://cdn.example/menu.css?v=1"),
        ("import './menu.mjs';", "loads ./menu.mjs"),
        ("import { a } from 'menu';", "imports menu"),
    ],
)  # fmt: skip
def test_the_first_effect_of_the_sites_own_is_named_before_or_behind_a_snippet(code, told):
    assert effect(code + "\n" + ACME) == told
    assert effect(ACME + "\n" + code) == told


def test_a_name_used_where_it_is_defined_is_the_snippets_own():
    assert effect("var id = 'G-1'; acme(id);") is None
    assert effect("let queue = []; window.acme = queue;") is None


def test_a_flag_by_which_a_snippet_runs_once_is_its_own_and_any_other_value_is_not():
    assert effect("window.seen = true; if (window.seen) acme();") is None
    assert effect("window.seen = true; acme();") == "assigns window.seen"
    assert effect("window.cfg = [1]; acme(window.cfg);") == "assigns window.cfg"


def test_what_is_written_is_the_sites_unless_it_loads_something():
    assert effect("acme(); document.write('<p>text</p>')") == "writes into the document"
    assert effect("acme(); document.write('<img src=//acme.example/p>')") is None


def test_naming_a_provider_is_not_yet_a_snippet():
    assert effect("if (location.hash) { 1 }") == "names a provider and does nothing with it"
    assert effect("setTimeout(function () { acme() })") is None


@pytest.mark.parametrize("text", ["acme('", "acme(/*", "acme(`${"])
def test_what_cannot_be_read_to_its_end_is_the_sites_own(text):
    assert effect(text) == "not read to its end"


def test_what_is_longer_than_any_snippet_is_the_sites_own_and_strings_do_not_count():
    assert effect("acme(1);" * (LONGEST // 8)) is None
    assert effect("acme(1);" * (LONGEST // 8) + "a") == "longer than any snippet"
    assert effect(f"acme('{'x' * LONGEST}')") is None
