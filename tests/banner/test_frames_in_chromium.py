"""Refused frames: they make no context, and scripts of the site that look for theirs find one."""

import pytest

from proxy.banner.render import Renderer
from proxy.filter.rules.judge import compile_rules
from tests.banner.stage import OWN, Stage
from tests.banner.test_embeds import DEMO
from tests.patience import until

pytestmark = pytest.mark.e2e

FRAME = '<iframe id="film" name="film" class="player" src="https://www.youtube.com/embed/a" width="560" height="315">old</iframe>'
UNDECLARED = '<iframe src="https://nobody.example/"></iframe>'
FINDS = {
    "by id": "document.getElementById('film')",
    "by a selector of its id": "document.querySelector('#film')",
    "by a selector of its class": "document.querySelector('main').querySelector('.player')",
    "by the name of its element": "document.getElementsByTagName('iframe')[0]",
    "by that name in an element": "document.querySelector('main section').getElementsByTagName('IFRAME')[0]",
    "by a selector of that name": "document.querySelector('main > iframe, section iframe.player')",
    "in a list": "document.querySelectorAll('h6, main section>iframe')[0]",
}


@pytest.fixture
def opened(visit, stage):
    """Open a page with that in its main element, that asks or not."""

    def opened(body, script="", *, asked=False):
        stage.answered = not asked
        stage.renderer, stage.rules = Renderer(DEMO, own=OWN), compile_rules(DEMO, OWN)
        stage.files["/site.js"] = script.encode()
        stage.html = Stage.page(
            body=f'<main><section>{body}</section></main><script src="/site.js"></script>'
        )
        return visit()

    return opened


@pytest.mark.parametrize("asked", [False, True], ids=["answered", "asked"])
def test_refused_frames_make_no_context(opened, asked):
    visitor = opened(FRAME * 3 + UNDECLARED, asked=asked)

    assert len(visitor.page.frames) == 1
    assert visitor.page.evaluate("length") == 0
    assert visitor.page.locator(".ph").count() == 3
    assert visitor.errors == []


@pytest.mark.parametrize("asked", [False, True], ids=["answered", "asked"])
@pytest.mark.parametrize("way", FINDS)
def test_a_script_that_looks_for_its_frame_finds_one_that_is_empty_and_hidden(opened, way, asked):
    script = f"""let found = {FINDS[way]}; found.contentWindow.postMessage('play', '*');
        window.told = [found instanceof HTMLIFrameElement, found.id, found.hidden, found.src, found === {FINDS[way]}]"""
    visitor = opened(FRAME, script, asked=asked)

    assert visitor.page.evaluate("told") == [True, "film", True, "", True]
    assert visitor.page.locator(".ph").count() == 1
    assert visitor.errors == []


@pytest.mark.parametrize(
    "asked", ["document.querySelector('iframe[src]')", "document.querySelector('.iframe')"]
)
def test_a_selector_that_means_another_element_turns_none(opened, asked):
    visitor = opened(FRAME + '<div class="iframe"></div>', f"window.told = {asked}?.className")

    assert visitor.page.evaluate("told") == (None if "[src]" in asked else "iframe")
    assert visitor.page.locator("noembed").count() == 1


def test_the_offer_of_a_frame_that_a_script_found_stays_the_same_and_goes_with_it(opened):
    visitor = opened(FRAME)
    visitor.page.evaluate("window.card = document.querySelector('.ph')")
    visitor.page.evaluate("document.getElementById('film').title = 'a'")
    visitor.page.wait_for_timeout(300)
    assert visitor.page.evaluate("card.isConnected")

    visitor.page.evaluate("document.getElementById('film').src = '/own'")

    assert until(lambda: visitor.page.locator(".ph").count(), 0) == 0
    assert visitor.page.locator("iframe").is_visible()


def test_a_player_made_of_a_refused_frame_has_the_offer_that_stands_there(opened):
    visitor = opened(FRAME, "new YT.Player('film'); new YT.Player(document.querySelector('.player'))")
    visitor.page.wait_for_timeout(300)

    assert visitor.page.locator(".ph").count() == 1
    assert visitor.errors == []


def test_shown_once_the_embed_takes_the_place_of_its_offer(opened):
    visitor = opened(FRAME)
    visitor.page.locator("[data-cc-once]").click()
    visitor.page.frame_locator("[data-cc-frame]").get_by_text("shown once").wait_for()

    assert visitor.stage.choices[0]["embed"] == ["frame https://www.youtube.com/embed/a"]
    assert visitor.page.locator("noembed").is_hidden()


def test_without_script_there_is_the_card_and_no_frame(opened, stage, browser_of_banner):
    opened(FRAME)
    context = browser_of_banner.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(stage.origin)

    assert page.locator(".ph").is_visible()
    assert page.locator("noembed").is_hidden()
    assert len(page.frames) == 1
    context.close()


def test_a_card_is_as_high_as_the_part_of_its_box_or_window_that_it_stands_for(visit, stage):
    frame = '<iframe src="https://calendly.com/a/30min" {}></iframe>'
    window = "style='width:100%;height:70vh'"
    boxes = [("attribute", 'width="100%" height="100%"'), ("style", 'style="width:100%;height:100%"')]
    found = "".join(f'<div id="{id_}" style="height:480px">{frame.format(how)}</div>' for id_, how in boxes)
    found += f"<div id='window'>{frame.format(window)}</div>"
    stage.html = Stage.page(body=found)
    stage.answered = True
    visitor = visit(viewport={"width": 800, "height": 1000})

    heights = {
        id_: visitor.page.locator(f"#{id_} .ph").bounding_box()["height"]
        for id_ in ("attribute", "style", "window")
    }
    assert heights == {"attribute": 480, "style": 480, "window": 700}
