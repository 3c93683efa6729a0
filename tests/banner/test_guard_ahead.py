"""What page code asks for ahead of a click: no fence holds it, so the guard lets own addresses alone through."""

import json

import pytest

from tests.banner.test_guard import chromium, site, visit  # noqa: F401 - fixtures
from tests.patience import until

pytestmark = pytest.mark.e2e

RULES = """let s = document.createElement('script'); s.type = 'speculationrules'; s.textContent = `{text}`;
    document.head.append(s)"""
LEFT = "document.querySelectorAll('script[type=speculationrules]').length"
LINKED = "document.querySelectorAll('link[rel=prerender]').length"


@pytest.mark.parametrize(
    "rules",
    [
        {"prefetch": [{"urls": ["/a", "b?c", "//HERE/d", "http://HERE/e"]}]},
        {"prerender": [{"source": "list", "urls": ["/a"], "eagerness": "immediate"}], "tag": "mine"},
    ],
)
def test_rules_for_pages_of_this_origin_stay(visit, rules):  # noqa: F811 - fixtures
    page = visit()
    text = json.dumps(rules).replace("HERE", page.origin.partition("//")[2])
    page.run(RULES.replace("{text}", text))

    assert page.run(LEFT) == 1


@pytest.mark.parametrize(
    "rules",
    [
        {"prefetch": [{"urls": ["/a", "//tracker.example/b"]}]},
        {"prerender": [{"urls": ["https:\\/\\/tracker.example"]}]},
        {"prefetch": [{"source": "document"}]},
        {"prefetch": [{"where": {"href_matches": "/*"}}]},
        {"prefetch": [{"urls": ["b"], "relative_to": "document"}, {"urls": ["http://callkom.localhost/"]}]},
    ],
)
def test_rules_that_lead_elsewhere_or_by_links_go(visit, rules):  # noqa: F811 - fixtures
    page = visit()
    page.run(RULES.replace("{text}", json.dumps(rules)))

    assert page.run(LEFT) == 0


LATER = {
    "its type set in the page": "let s = document.head.appendChild(document.createElement('script')); s.type = 'speculationrules'; s.text = text",
    "its type set, its text later": "let s = document.head.appendChild(document.createElement('script')); s.type = 'speculationrules'; setTimeout(() => { s.text = text })",
    "inside another element": "let s = document.createElement('script'), p = document.createElement('p'); s.type = 'speculationrules'; s.text = text; p.append(s); document.body.append(p)",
    "out of markup": "let r = document.createRange(); document.body.append(r.createContextualFragment(`<p><script type=speculationrules>${text}<\\/script>`))",
    "written": "document.write(`<p><script type=speculationrules>${text}<\\/script>`); document.close()",
}


@pytest.mark.parametrize("way", LATER)
def test_so_they_do_long_after_the_page_was_read(visit, way):  # noqa: F811 - fixtures
    page = visit()
    page.page.wait_for_load_state("load")
    page.run("document.body.append('x')")
    text = json.dumps({"prefetch": [{"urls": ["//tracker.example/b"]}]})
    page.run(f"(text => {{ {LATER[way]} }})({text!r})")

    assert until(lambda: page.run(LEFT), 0) == 0


@pytest.mark.parametrize(
    "more", ["", "document.body.append('x');", "document.body.append(new Comment('x'));"]
)
def test_links_in_markup_are_looked_at_wherever_they_stand_in_it(visit, more):  # noqa: F811 - fixtures
    page = visit(body="<p>a</p><div></div>")
    link = '<p><LINK rel="prerender" href="//a.example/"></p>'
    page.run(f"{more} document.querySelector('p').outerHTML = '{link}'")
    page.run(f"document.querySelector('div').innerHTML = {{ toString: () => '{link}' }}")
    page.run(f"document.querySelector('div').insertAdjacentHTML('afterend', '{link}')")

    assert until(lambda: page.run(LINKED), 0) == 0


def test_links_are_looked_at_that_the_parser_of_another_document_puts_into_this_one(visit):  # noqa: F811 - fixtures
    page = visit()
    page.page.wait_for_load_state("load")
    page.run("document.body.append('x')")
    page.run("""(other => { other.write('<p>'); document.body.append(other.querySelector('p'));
        other.write('a<link rel=prerender href=//a.example/>') })(document.implementation.createHTMLDocument(''))""")

    assert page.run("document.querySelector('p').firstChild.data") == "a", "the instrument works"
    assert until(lambda: page.run(LINKED), 0) == 0


def test_a_link_of_another_document_is_looked_at_by_the_base_of_this_one(visit):  # noqa: F811 - fixtures
    page = visit(body="<iframe src='/plain'></iframe>")
    page.page.wait_for_load_state("load")
    page.run("document.body.append('x')")
    page.run("""(() => { let link = document.querySelector('iframe').contentDocument.createElement('link');
        document.head.append(Object.assign(document.createElement('base'), { href: 'https://tracker.example/' }));
        link.rel = 'prerender'; link.href = '/a'; document.head.append(link) })()""")

    assert until(lambda: page.run(LINKED), 0) == 0


def test_on_a_long_page_they_are_looked_at_all_at_once(visit):  # noqa: F811 - fixtures
    page = visit(
        body="<p>a</p>" * 3000 + '<div><link rel="prerender" href="//a.example/"></div>' + "<i>b</i>" * 3000
    )

    assert until(lambda: page.run(LINKED), 0) == 0


def test_links_that_prerender_elsewhere_go_and_others_stay(visit):  # noqa: F811 - fixtures
    page = visit()
    page.run(
        "document.head.insertAdjacentHTML('beforeend', '<link rel=\"PreRender next\" href=\"//a.example/\">')"
    )
    page.run(
        "document.body.append(Object.assign(document.createElement('link'), { rel: 'prerender', href: '//b.example' }))"
    )
    page.run(
        "let l = document.head.appendChild(document.createElement('link')); l.href = '//c.example/'; l.rel = 'prerender'"
    )
    page.run(
        "document.head.append(Object.assign(document.createElement('link'), { rel: 'next', href: '//d.example/' }))"
    )
    page.run(
        "document.head.append(Object.assign(document.createElement('link'), { rel: 'prerender', href: '/own' }))"
    )

    assert page.run("document.querySelectorAll('link[rel~=prerender i]').length") == 1
    assert page.run(LINKED + "+ document.querySelectorAll('link[rel=next]').length") == 2


def test_on_a_page_moved_by_a_base_paths_lead_elsewhere(visit):  # noqa: F811 - fixtures
    page = visit(body="<base href='https://tracker.example/'>")
    page.run(RULES.replace("{text}", '{"prefetch": [{"urls": ["/a"]}]}'))

    assert page.run(LEFT) == 0
