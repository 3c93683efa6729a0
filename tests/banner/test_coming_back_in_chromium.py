"""Pages that were away, kept for the back button or in the background: what holds now is what they act on."""

import pytest

from tests.banner.stage import Visitor, launched

pytestmark = pytest.mark.e2e

BOTH = ("functional", "performance")
COMES_BACK = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
IS_SEEN = "document.dispatchEvent(new Event('visibilitychange'))"
LOOKED = "performance.getEntriesByType('resource').some(entry => entry.name.includes('/.consent/state'))"
GONE = "[...document.scripts].some(script => script.dataset.gone)"
GRANTED = "window.callkomConsent?.granted.length"


@pytest.fixture
def keeps(playwright_engine, chromium_path, stage):
    """Somebody whose browser keeps whole pages for the back button, as browsers do outside of tests."""
    stage.headers = [("Cache-Control", "private, no-cache")]
    without = ["--disable-back-forward-cache"]
    browser = launched(playwright_engine, chromium_path, ignore_default_args=without)
    yield Visitor(browser, stage)
    browser.close()


def away_and_back(visitor, stage, *granted, answered=True):
    """Go on to another page, answer there in a way that this page hears nothing of, and come back."""
    page = visitor.page
    page.evaluate(
        "addEventListener('pageshow', event => { sessionStorage.kept = event.persisted }); window.same = 1"
    )
    visitor.goes("/next")
    page.evaluate("sessionStorage.removeItem('kept')")
    stage.granted, stage.answered = granted, answered
    page.go_back(wait_until="commit")
    page.wait_for_function("sessionStorage.kept === 'true'")


def test_the_back_button_revives_nothing_that_was_withdrawn(keeps, stage):
    stage.granted = BOTH
    keeps.goes("/")
    away_and_back(keeps, stage)
    keeps.page.wait_for_function(f"{GRANTED} === 0")

    assert keeps.page.evaluate("window.same") is None
    assert not keeps.errors


def test_the_back_button_brings_what_was_granted_meanwhile(keeps, stage):
    keeps.goes("/")
    away_and_back(keeps, stage, *BOTH)
    keeps.page.wait_for_function(f"{GRANTED} === 2")

    assert keeps.banner.count() == 0


def test_the_back_button_asks_nothing_that_was_answered(keeps, stage):
    keeps.goes("/")
    away_and_back(keeps, stage)
    keeps.banner.wait_for(state="detached")

    assert keeps.page.evaluate("window.same") == 1, "a refusal changes nothing but the banner"


def test_a_page_kept_for_the_back_button_stays_as_it_is_where_nothing_changed(keeps, stage):
    stage.granted = BOTH
    keeps.goes("/")
    away_and_back(keeps, stage, *BOTH)
    keeps.page.wait_for_function(f"{LOOKED} && !{GONE}")

    assert keeps.page.evaluate("window.same") == 1


@pytest.mark.parametrize("way", [COMES_BACK, IS_SEEN], ids=["kept", "in the background"])
def test_a_page_whose_grants_no_longer_hold_is_loaded_anew(visit, stage, way):
    stage.granted = BOTH
    visitor = visit()
    stage.granted, stage.answered = ("functional",), True
    with visitor.page.expect_navigation():
        visitor.page.evaluate(way)

    visitor.page.wait_for_function(f"{GRANTED} === 1")


def test_until_it_is_known_what_holds_the_guard_of_a_page_that_comes_back_grants_nothing(visit, stage):
    stage.granted = BOTH
    visitor = visit()

    assert visitor.page.evaluate(f"{COMES_BACK}, {GONE}")
    visitor.page.wait_for_function(f"{LOOKED} && !{GONE}")


def test_an_answered_page_asks_again_once_that_answer_is_gone(visit, stage):
    stage.answered = True
    visitor = visit()
    assert visitor.banner.count() == 0
    stage.answered = False
    visitor.page.evaluate(COMES_BACK)

    visitor.banner.wait_for()


def test_what_was_typed_is_kept_on_a_page_that_comes_back(visit, stage):
    stage.granted = BOTH
    visitor = visit()
    visitor.page.get_by_label("Name").fill("Ada")
    visitor.page.get_by_label("Name").press_sequentially(" L")
    stage.granted, stage.answered = (), True
    for _ in range(2):
        visitor.page.evaluate(COMES_BACK)
        visitor.page.get_by_text("What you typed on it will be lost.").wait_for()
    visitor.page.evaluate("fetch('/.consent/state')")

    assert visitor.page.get_by_label("Name").input_value() == "Ada L"
    assert visitor.page.get_by_role("link", name="Reload now").count() == 1
    assert visitor.page.evaluate(GONE)


def test_a_banner_that_a_page_swapper_remembers_returns_before_an_answer_and_not_after_it(visit, stage):
    visitor = visit()
    visitor.page.evaluate(
        "window.kept = document.body.cloneNode(true); document.body.replaceWith(kept.cloneNode(true))"
    )
    visitor.page.wait_for_function("document.querySelector('#cc-b:popover-open')")
    assert visitor.banner.count() == 1
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
    visitor.page.evaluate("document.body.replaceWith(kept)")
    visitor.banner.wait_for(state="detached")

    assert visitor.page.locator("#cc-l").count() == 1
    assert visitor.errors == []


def test_who_refused_and_went_on_at_once_is_not_asked_for_long(visit, stage):
    """The banner closes before the refusal has reached us: the next page may be made without it."""
    visitor = visit()
    stage.html = stage.page(body='<a href="/next">Next</a>')
    visitor.goes("/")

    def arrives(route):
        stage.granted, stage.answered = (), True
        route.continue_()

    visitor.page.route("**/.consent/state*", arrives)
    visitor.page.evaluate("window.same = 1")
    visitor.page.get_by_role("link", name="Next").click()
    visitor.page.wait_for_url("**/next")
    visitor.page.evaluate("window.same = 2")
    visitor.banner.wait_for(state="detached")

    assert visitor.page.evaluate("window.same") == 2, "it was not loaded anew"
    assert visitor.errors == []
