"""Sites that get in the banner's way without meaning to: a <base> elsewhere, a moved body, something on top of all."""

import pytest

from tests.banner.stage import BODY, Stage
from tests.patience import until

pytestmark = pytest.mark.e2e

NO_SCRIPT = {"java_script_enabled": False}
EITHER = pytest.mark.parametrize("how", [{}, NO_SCRIPT], ids=["script", "no script"])
BASES = {
    "another host": '<base href="https://elsewhere.example/deep/">',
    "another scheme": "<base href=HTTPS:elsewhere.example>",
    "no scheme": '<base target="_self"><base href="\n//elsewhere.example">',
    "a path": '<base href="/app/">',
}


@EITHER
@pytest.mark.parametrize("base", BASES)
def test_a_base_leads_neither_form_nor_link_astray(visit, stage, how, base):
    stage.html = Stage.page(head=BASES[base])
    visitor = visit("/here?x=1", **how)
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
    until(lambda: bool(stage.choices))
    assert visitor.page.url == stage.origin + "/here?x=1"
    assert [choice["choice"] for choice in stage.choices] == [["refuse"]]

    visitor.goes("/here")
    visitor.page.get_by_role("link", name="Manage my cookies", exact=True).click()
    visitor.page.wait_for_url(stage.origin + "/.consent/")


@pytest.mark.parametrize(("name", "choice"), [("Refuse all", "refuse"), ("Accept all", "accept")])
def test_a_base_further_down_leads_nothing_astray_where_scripts_run(visit, stage, name, choice):
    stage.html = Stage.page(body=BODY + BASES["another host"])
    visitor = visit("/here")
    visitor.button(name).click()
    visitor.banner.wait_for(state="detached")
    until(lambda: bool(stage.choices))

    assert [given["choice"] for given in stage.choices] == [[choice]]
    assert visitor.page.locator("#cc-l a").evaluate("e => e.href") == stage.origin + "/.consent/"


@EITHER
def test_a_base_leads_no_placeholder_astray(visit, stage, how):
    stage.answered = True
    stage.html = Stage.page(head=BASES["another host"])
    visitor = visit("/here", **how)
    ways = visitor.page.locator(".ph a").evaluate_all("all => all.map(a => new URL(a.href).origin)")

    assert sorted(ways) == sorted(["https://calendly.com", stage.origin])


@pytest.mark.parametrize("answered", [False, True])
def test_a_base_leads_no_offer_for_what_a_script_wants_astray(visit, stage, answered):
    stage.answered = answered
    stage.html = Stage.page(head=BASES["another host"], body="<main></main>")
    visitor = visit("/here")
    visitor.page.evaluate(
        """document.dispatchEvent(new CustomEvent("cc-offer",
        { detail: [{ address: "https://calendly.com/a/b" }, document.querySelector("main")] }))"""
    )
    way = visitor.page.locator("main .ph [data-cc-always]")
    way.wait_for()

    assert way.evaluate("e => e.href") == stage.origin + "/.consent/#cc-p-functional"


def test_a_base_leads_no_report_of_the_guard_astray(visit, stage):
    stage.answered = True
    stage.html = Stage.page(head=BASES["another host"])
    visitor = visit("/here")
    visitor.page.evaluate("document.cookie = '_ga=1'")
    visitor.goes("/there")

    assert until(lambda: stage.reports, [{"cookies": {"_ga": 1}}]) == [{"cookies": {"_ga": 1}}]


def test_where_scripts_rewrite_a_page_with_a_base_our_style_comes_back_from_our_host(visit, stage):
    stage.answered = True
    stage.html = Stage.page(head=BASES["another host"])
    visitor = visit("/here")
    visitor.page.evaluate(
        "document.head.querySelector('link').remove(); document.body.innerHTML = '<p>new</p>'"
    )
    visitor.page.wait_for_selector("#cc-l")

    assert visitor.page.evaluate("document.head.firstChild.href").startswith(stage.origin)


MOVED = {
    "transform": "transform:translateY(0)",
    "important": "transform:scale(1)!important",
    "filter": "filter:grayscale(0)",
    "perspective": "perspective:100px",
    "contain": "contain:paint",
    "will-change": "will-change:transform",
    "backdrop": "backdrop-filter:blur(0)",
    "container": "container-type:inline-size",
    "clipped": "overflow:hidden;height:100%;position:relative;z-index:0",
}


@EITHER
@pytest.mark.parametrize("name", MOVED)
def test_a_body_that_is_a_frame_of_its_own_does_not_carry_the_banner_off(visit, stage, how, name):
    stage.html = Stage.page(head=f"<style>body{{{MOVED[name]}}}</style>", body=BODY * 4)
    visitor = visit(**how)
    box = visitor.banner.bounding_box()

    assert box["y"] + box["height"] == pytest.approx(800 - 16, abs=2)
    assert hit(visitor, "Refuse all") == "Refuse all"


def hit(visitor, name: str) -> str:
    """Return the words of what is on top where that button is."""
    box = visitor.box(name)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visitor.page.mouse.move(x, y)
    return visitor.page.evaluate(
        "([x, y]) => (document.elementFromPoint(x, y) || document.body).textContent.trim().slice(0, 40)",
        [x, y],
    )


OVER = "position:fixed;inset:0;background:#fff;z-index:2147483647"
OVERLAYS = {
    "inline": f'<div style="{OVER}">over</div>',
    "class": f"<style>.o{{{OVER}}}</style><div class=o>over</div>",
    "important": f"<style>.o{{{OVER}!important}}</style><div class=o>over</div>",
    "nested": f"<main><div><div style='{OVER}'>over</div></div></main>",
}


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_lies_over_the_whole_page_does_not_lie_over_the_banner(visit, stage, name):
    stage.html = Stage.page(body=BODY + OVERLAYS[name])

    assert hit(visit(), "Refuse all") == "Refuse all"


@pytest.mark.parametrize("name", OVERLAYS)
def test_without_script_it_lies_under_the_banner_unless_it_claims_the_very_highest_place(visit, stage, name):
    stage.html = Stage.page(body=BODY + OVERLAYS[name].replace("2147483647", "2147483646"))

    assert hit(visit(**NO_SCRIPT), "Refuse all") == "Refuse all"


def test_without_script_and_under_such_a_page_the_keyboard_answers(visit, stage):
    """Nothing but script reaches the top layer. Until an answer all is refused, so nothing is lost but sight."""
    stage.html = Stage.page(body=BODY + OVERLAYS["important"])
    visitor = visit("/here", **NO_SCRIPT)
    assert hit(visitor, "Refuse all") == "over"
    for _ in range(12):
        visitor.page.keyboard.press("Tab")
        if visitor.button("Refuse all").evaluate("e => e == document.activeElement"):
            break
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    assert [choice["choice"] for choice in stage.choices] == [["refuse"]]

    visitor.page.get_by_role("link", name="Manage my cookies", exact=True).press("Enter")
    visitor.page.wait_for_url("**/.consent/")
    assert visitor.button("Accept all").is_visible()


SWAP = "document.body.innerHTML = `<main>view ${++views}</main>`"
FIGHTS = {
    "swaps its views fast": f"setInterval(() => {{ {SWAP} }}, 20)",
    "takes away what is put back": """setInterval(() => { views++ }, 20);
      window.taker = new MutationObserver(() => document.querySelectorAll("#cc-l, #cc-b").forEach(e => e.remove()));
      taker.observe(document, { childList: true, subtree: true }); document.body.append("go")""",
}
BOTH_THERE = "[document.querySelectorAll('#cc-l a').length, document.querySelectorAll('#cc-b').length]"


@pytest.mark.parametrize("asked", [True, False])
def test_however_many_views_a_page_swaps_in_none_stays_without_link_and_banner(visit, stage, asked):
    """L8: an application may live for days in one document."""
    stage.answered = not asked
    visitor = visit()
    visitor.page.evaluate(
        f"""async () => {{ window.views = 0;
        while (50 > views) {{ {SWAP}; await new Promise(done => setTimeout(done)); }} }}"""
    )

    assert until(lambda: visitor.page.evaluate(BOTH_THERE), [1, int(asked)]) == [1, int(asked)]
    if asked:
        assert visitor.banner.evaluate("e => e.matches(':popover-open')")
        visitor.button("Refuse all").click()
        visitor.banner.wait_for(state="detached")


@pytest.mark.parametrize("name", FIGHTS)
def test_a_page_that_fights_ours_is_not_frozen_and_has_them_once_it_stops(visit, stage, name):
    visitor = visit()
    visitor.page.evaluate(f"() => {{ window.views = 0; window.fight = {FIGHTS[name]} }}")
    lives_on = lambda: visitor.page.evaluate("views") > 80  # noqa: E731
    assert until(lives_on)
    visitor.page.evaluate("() => { clearInterval(fight); window.taker?.disconnect() }")

    assert until(lambda: visitor.page.evaluate(BOTH_THERE), [1, 1]) == [1, 1]
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
