"""Our own pages in a real browser: tables that can be read on every screen."""

import pytest

from tests.banner.test_banner_in_chromium import IN_SIGHT
from tests.patience import until

pytestmark = pytest.mark.e2e

# Words on more than one line; a name of a cookie may break when it is wider than its cell.
BROKEN = """() => [...document.querySelectorAll("tbody :is(td, th)")].flatMap(cell => {
  const found = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walker.nextNode()) for (const word of walker.currentNode.data.matchAll(/\\S+/g)) {
    range.setStart(walker.currentNode, word.index);
    range.setEnd(walker.currentNode, word.index + word[0].length);
    if (new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1) found.push(word[0]); }
  return found; })"""
SIDEWAYS = (
    """() => [...document.querySelectorAll("html, .cd")].filter(e => e.scrollWidth > e.clientWidth).length"""
)


@pytest.mark.parametrize("width", [1280, 1090, 768, 320])
@pytest.mark.parametrize("page", ["panel", "table"])
def test_no_word_of_a_table_breaks_and_nothing_scrolls_sideways(visit, stage, page, width):
    if page == "table":
        stage.raw = stage.renderer.table(stage.renderer.languages["fr"], back="/", host="x")
    visitor = visit("/.consent/", locale="fr", viewport={"width": width, "height": 800})
    if page == "table":
        visitor.goes("/table")
    visitor.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")

    assert visitor.page.locator("tbody tr").first.is_visible()
    assert visitor.page.evaluate(BROKEN) == []
    assert visitor.page.evaluate(SIDEWAYS) == 0


def test_a_narrow_table_is_still_a_table_whose_cells_say_what_they_are(visit, stage):
    stage.raw = stage.renderer.table(stage.renderer.languages["en"], back="/", host="x")
    visitor = visit("/table", viewport={"width": 320, "height": 800})
    row = visitor.page.get_by_role("row").filter(has=visitor.page.get_by_role("rowheader", name="hubspotutk"))
    label = "e => getComputedStyle(e, '::before').content"

    assert visitor.page.get_by_role("columnheader").count() == 6
    assert row.get_by_role("cell").count() == 5
    assert row.get_by_role("cell").last.evaluate(label) == '"Duration"'
    assert (
        row.get_by_role("rowheader").bounding_box()["y"] < row.get_by_role("cell").first.bounding_box()["y"]
    )


PHONE = {"viewport": {"width": 360, "height": 640}}


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_the_panel_opens_on_the_switches_and_save(visit, locale):
    visitor = visit("/.consent/", locale=locale, **PHONE)
    bottoms = visitor.page.evaluate(
        "() => [...document.querySelectorAll('input[type=checkbox], .k button')].map(e => e.getBoundingClientRect().bottom)"
    )

    assert len(bottoms) == 5
    assert max(bottoms) <= 640


def test_save_is_the_strong_button_after_a_change_and_no_longer_once_it_is_taken_back(visit):
    visitor = visit("/.consent/")
    colours = "e => { let s = getComputedStyle(e); return [s.color, s.backgroundColor]; }"

    def shown():
        return [
            visitor.page.locator(f".k [value={name}]").evaluate(colours)
            for name in ("save", "refuse", "accept")
        ]

    save, refuse, accept = shown()
    box = visitor.page.get_by_role("checkbox", name="Functional")
    box.check()
    changed = shown()
    box.uncheck()

    assert refuse == accept != save
    assert changed == [refuse, save, save]
    assert shown() == [save, refuse, accept]


@pytest.mark.parametrize("how", [PHONE, {"viewport": {"width": 1280, "height": 500}}], ids=["phone", "low"])
def test_nothing_of_the_panel_covers_what_has_the_focus(visit, how):
    """WCAG 2.2, 2.4.11."""
    visitor = visit("/.consent/", **how)
    visitor.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    met = 0
    while True:
        visitor.page.keyboard.press("Tab")
        found = until(lambda: visitor.page.evaluate(IN_SIGHT) in {"seen", "end"})
        assert found, visitor.page.evaluate(IN_SIGHT)
        if visitor.page.evaluate(IN_SIGHT) == "end":
            break
        met += 1

    assert met >= 20


OVERLAPS = """() => [...document.querySelectorAll("summary")].filter(e => e.querySelector("span")).map(e => {
  const [name, more] = ["b", "span"].map(part => { const r = document.createRange(); r.selectNodeContents(e.querySelector(part)); return r.getBoundingClientRect(); });
  return [e.textContent, more.left >= name.right || name.left >= more.right || more.top >= name.bottom - 1]; }).filter(one => !one[1])"""


@pytest.mark.parametrize("width", [320, 360, 768])
@pytest.mark.parametrize("locale", ["en", "fr", "ar"])
def test_no_name_on_the_panel_lies_over_what_stands_beside_it(visit, locale, width):
    visitor = visit("/.consent/", locale=locale, viewport={"width": width, "height": 800})
    visitor.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")

    assert visitor.page.locator("summary span").count() >= 5
    assert visitor.page.evaluate(OVERLAPS) == []
