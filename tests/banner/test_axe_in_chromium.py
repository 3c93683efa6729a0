"""axe-core finds nothing on banner, panel, table, proof, errors and placeholders (WCAG 2.0 to 2.2 A, AA, best practice)."""

import json

import pytest

from tests.banner.npm import installed
from tests.banner.stage import BODY, Stage

pytestmark = pytest.mark.e2e

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Lines of the banner that lie over different parts of the page are not judged by axe, though the card
# between them is opaque; their contrast is computed in test_look.py.
RUN = """async tags => { const found = await axe.run(document, { runOnly: tags });
  const undecided = n => !n.any.some(check => check.data?.messageKey === "elmPartiallyObscuring");
  found.incomplete.forEach(v => v.nodes = v.nodes.filter(undecided));
  const brief = list => list.map(v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 200))]);
  return [brief(found.violations), brief(found.incomplete.filter(v => v.nodes.length))]; }"""
FOLLOWS = """<style>:root{color-scheme:light dark}body{background:light-dark(#fff,#111);color:light-dark(#111,#eee);font-size:16px}
a,button{min-height:24px;display:inline-block;color:light-dark(#111,#eee)}</style>"""
THEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]


def findings(visitor):
    """Return what axe complains about or could not decide."""
    visitor.page.evaluate(f"() => {{ {(installed('axe-core') / 'axe.min.js').read_text(encoding='utf-8')} }}")
    return visitor.page.evaluate(RUN, TAGS)


@pytest.fixture
def simple(stage):
    """A site page without faults of its own."""
    stage.html = Stage.page(
        head=FOLLOWS,
        body=BODY.replace("calendly-inline-widget", "nothing"),
    )
    return stage


@pytest.mark.parametrize("how", THEMES, ids=["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("opened", [False, True], ids=["closed", "open"])
def test_axe_finds_nothing_on_the_banner(visit, simple, how, lang, opened):
    simple.html = simple.html.replace('lang="en"', f'lang="{lang}"')
    visitor = visit(**how)
    if opened:
        visitor.page.locator("#cc-c").click()

    assert findings(visitor) == [[], []]


def test_the_banner_on_a_narrow_screen(visit, simple):
    assert findings(visit(viewport={"width": 360, "height": 740})) == [[], []]


def test_axe_finds_nothing_on_the_notice_for_a_signal(visit, simple):
    simple.signal = True

    assert findings(visit()) == [[], []]


def test_a_page_after_the_answer_with_its_line_to_reload(visit, simple):
    simple.answered = True
    visitor = visit()
    assert findings(visitor) == [[], []]
    visitor.page.get_by_label("Name").fill("Ada")
    other = visitor.goes("/two", visitor.tab())
    simple.granted = ("functional",)
    other.evaluate("new BroadcastChannel('cc-consent').postMessage(1)")  # as after an answer there
    visitor.page.get_by_role("link", name="Reload now").wait_for()

    assert findings(visitor) == [[], []]


@pytest.mark.parametrize("how", THEMES, ids=["light", "dark"])
def test_the_placeholder_and_the_word_after_an_answer(visit, stage, how):
    stage.answered, stage.saved = True, 2
    stage.html = Stage.page(
        head=FOLLOWS,
        body=BODY,
    )
    visitor = visit(**how)

    assert visitor.page.locator(".cc.ph").count() == 1
    assert findings(visitor) == [[], []]


@pytest.mark.parametrize(
    "how", [*THEMES, {"viewport": {"width": 360, "height": 740}}], ids=["light", "dark", "narrow"]
)
@pytest.mark.parametrize("lang", ["en-GB", "fr-FR"])
def test_the_panel_with_everything_open(visit, stage, how, lang):
    stage.granted, stage.answered = ("functional",), True
    visitor = visit("/.consent/", locale=lang, **how)
    visitor.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")

    assert findings(visitor) == [[], []]


@pytest.mark.parametrize(
    "how", [*THEMES, {"viewport": {"width": 320, "height": 740}}], ids=["light", "dark", "narrow"]
)
@pytest.mark.parametrize("page", ["table", "receipt", "error"])
def test_the_other_pages_of_ours(visit, stage, how, page):
    words = stage.renderer.languages["fr"]
    receipt = {
        "id": "01hf",
        "time": "2026-11-23T12:00:00Z",
        "site": "callkom.io",
        "granted": ["functional"],
        "refused": [],
        "how": "save",
    }
    made = {
        "table": lambda: stage.renderer.table(words, back="/", host="x"),
        "receipt": lambda: stage.renderer.receipt(words, json.loads(json.dumps(receipt)), back="/", host="x"),
        "error": lambda: stage.renderer.error(words, 502, reference="abc", host="x"),
    }[page]()
    stage.raw = made
    visitor = visit(**how)
    visitor.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")

    assert findings(visitor) == [[], []]
