"""Style sheets that wreck other people's elements change nothing that matters about the banner."""

from functools import cache

import pytest

from tests.banner.stage import BODY, Stage
from tests.patience import until

pytestmark = pytest.mark.e2e

HOSTILE = {
    "unset everything": "*{all:unset}",
    "unset everything, importantly": "*{all:unset!important}",
    "hide buttons": "button,[type=submit],summary,details{display:none!important}",
    "hide by role and class": "[role=dialog],[class*=cookie],[class*=cc],[id^=cc],section,form{display:none!important;visibility:hidden!important}",
    "theme": (
        "body,body *{font-family:serif!important;line-height:2.2!important;color:#c00!important;letter-spacing:.3em!important}"
        "a,button{background:gold!important;border-radius:40px!important;padding:30px!important;text-transform:uppercase!important}"
        "section{padding:90px 0!important;margin:50px!important;float:left!important}"
    ),
    "body": "html{font-size:50%}body{word-spacing:1em;text-transform:uppercase;text-align:center;font:italic 30px/3 serif;zoom:1;direction:rtl}",
    "pseudo": "*::before,*::after{content:'x'!important;display:block!important;position:fixed!important;inset:0!important;background:red!important}",
    "layers": "@layer a,b;@layer a{*{all:unset!important;color:red!important}}@layer b{button{display:none!important}}",
    "variables": "*,:root{--cc-bg:red!important;--cc-ink:red!important;--cc-act:red!important;--cc-on:red!important}",
    "sizes": "*{width:10px!important;height:10px!important;max-width:10px!important;min-height:0!important;box-sizing:content-box!important;margin:0!important}",
    "positions": "*{position:static!important;float:left!important;transform:rotate(3deg)!important;opacity:.2!important;filter:blur(2px)!important}",
    "transformed body": "body{transform:translateX(40px) scale(.9);filter:grayscale(1);overflow:hidden}",
    "animated": "@keyframes x{to{opacity:0}}*{animation:x 1s forwards!important;transition:all 9s!important}",
}
OVERLAY = '<div style="position:fixed;inset:0;z-index:2147483647;background:rgba(0,0,0,.9)"></div>'

MOVES_THE_BODY = {"positions", "transformed body"}
"""A transformed body carries fixed elements with it: only the top layer, reached by script, is above that."""

PLAIN: dict[object, list] = {}

LOOK = """() => [...document.querySelectorAll("#cc-b, #cc-b *")].filter(e => e.checkVisibility()).map(e => {
  const r = e.getBoundingClientRect(), s = getComputedStyle(e);
  return [e.tagName, Math.round(r.x), Math.round(r.y), Math.round(r.width), Math.round(r.height), s.color, s.backgroundColor, s.fontSize, s.fontWeight,
    s.textTransform, s.letterSpacing, s.wordSpacing, s.opacity, s.filter, s.visibility, s.textAlign, s.fontStyle, s.direction, s.animationName]; })"""
ON_TOP = """() => [...document.querySelectorAll("#cc-b button")].filter(e => e.checkVisibility()).every(e => {
  e.scrollIntoView({ block: "nearest" });
  const r = e.getBoundingClientRect(), p = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2); return e === p || e.contains(p); })"""


def banner_only(visitor):
    """Return place, size and every computed style that matters, of all that is seen of the banner."""
    return visitor.page.evaluate(LOOK)


@pytest.mark.parametrize(
    "opened",
    [pytest.param(False, id="closed", marks=pytest.mark.load), pytest.param(True, id="open")],
)
@pytest.mark.parametrize("name", HOSTILE)
def test_no_style_sheet_of_a_site_reaches_the_banner(visit, stage, name, opened):
    def look():
        visitor = visit()
        if opened:
            visitor.page.get_by_text("Customize", exact=True).click()
            visitor.page.mouse.move(0, 0)  # a button below it looks otherwise
        return visitor, banner_only(visitor)

    if opened not in PLAIN:
        PLAIN[opened] = look()[1]
    stage.html = Stage.page(head=f"<style>{HOSTILE[name]}</style>")
    visitor, seen = look()

    assert PLAIN[opened] == seen
    assert until(lambda: visitor.page.evaluate(ON_TOP)), "Save after half a second"


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - MOVES_THE_BODY))
def test_without_script_all_but_transformed_bodies_are_survived(visit, stage, name):
    if "none" not in PLAIN:
        PLAIN["none"] = banner_visible(visit(java_script_enabled=False))
    stage.html = Stage.page(head=f"<style>{HOSTILE[name]}</style>")

    assert PLAIN["none"] == banner_visible(visit(java_script_enabled=False))


def banner_visible(visitor):
    return [visitor.button(name).bounding_box() for name in ("Refuse all", "Accept all")]


def test_an_overlay_above_everything_is_still_below(visit, stage):
    stage.html = Stage.page(body=BODY + OVERLAY)

    assert visit().page.evaluate(ON_TOP)


def test_our_style_touches_nothing_of_the_site(visit, stage):
    style = """() => [...document.querySelectorAll("body, header, main, main *, footer, footer *")].filter(e => !e.closest(".cc")).map(e => {
      const s = getComputedStyle(e); return [e.tagName, s.font, s.color, s.margin, s.display, s.cursor].join(); })"""
    stage.html = Stage.page(body=BODY.replace("calendly-inline-widget", "own"))
    with_us = visit().page.evaluate(style)
    visitor = visit()
    visitor.page.set_content(stage.html)

    assert visitor.page.evaluate(style) == with_us


@cache
def package(name: str, file: str) -> str:
    """Return a file of an npm package, installed once beside the tests; never skipped under CI."""
    from tests.banner.npm import installed

    return (installed(name) / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("bootstrap", "dist/css/bootstrap.min.css"),
        ("foundation-sites", "dist/css/foundation.min.css"),
        ("bulma", "css/bulma.min.css"),
        ("normalize.css", "normalize.css"),
    ],
)
def test_big_frameworks_change_nothing(visit, stage, name, file):
    plain = banner_only(visit())
    stage.html = Stage.page(head=f"<style>{package(name, file)}</style>")
    visitor = visit()

    assert plain == banner_only(visitor)
    assert until(lambda: visitor.page.evaluate(ON_TOP)), "Save after half a second"
