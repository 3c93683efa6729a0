"""Pages that come otherwise than by loading: by fetch, in a frame, by the back button, by a service worker."""

import contextlib
import time

import pytest

from tests.e2e.conftest import in_front_of
from tests.e2e.moving import BODY, INNER, WHOLE, moving_site
from tests.e2e.walkers import asks as page_asks
from tests.patience import until

pytestmark = pytest.mark.e2e
GOOGLE = "google-analytics.com"


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    with in_front_of(moving_site, tmp_path_factory.mktemp("moving")) as running:
        yield running.port


def asks(person) -> bool:
    return page_asks(person, "Refuse all", "Accept all", "Manage my cookies")


def beats(providers) -> bool:
    """True when the tags of the page that is shown reach their provider, as they do over and over."""
    providers.forget()
    return providers.missing(GOOGLE) == []


def rests(person, providers) -> bool:
    """True when the tags of the page that is shown reach nobody."""
    providers.forget()
    time.sleep(1)
    person.settle()
    return not providers.reached(GOOGLE)


def withdraws(person) -> None:
    person.clicks("link", "Manage my cookies")
    person.clicks("button", "Refuse all")


SWAPS = [
    pytest.param(INNER, "Refuse all", id="into the body"),
    pytest.param(BODY, "Accept all", id="the body"),
    pytest.param(WHOLE, "Refuse all", id="the document"),
]


@pytest.mark.parametrize(("swap", "answer"), SWAPS)
def test_a_page_swapped_in_by_fetch_asks_once_and_takes_an_answer(comes, moving, providers, swap, answer):
    person = comes(port=moving)
    person.goes("/")
    person.evaluates(swap)
    person.settle()
    assert person.evaluates("document.querySelector('h1').textContent") == "Next"
    assert asks(person), "one banner, one link"
    assert rests(person, providers)

    person.clicks("button", answer)
    assert person.address == "https://callkom.io/next"
    assert not asks(person)
    assert beats(providers) if answer == "Accept all" else rests(person, providers)


def test_a_page_in_a_frame_is_guarded_and_asks_nothing(comes, moving, providers):
    person = comes(port=moving)
    person.goes("/outer")
    inner = "document.getElementById('inner').contentDocument"
    assert asks(person)
    assert person.evaluates(
        f"[{inner}.querySelector('h1').textContent, {inner}.querySelectorAll('.cc').length]"
    ) == ["Inner", 0]
    assert rests(person, providers)

    person.clicks("button", "Accept all")
    assert person.evaluates(f"{inner}.querySelectorAll('.cc').length") == 0
    assert beats(providers)


def test_what_was_typed_before_the_choice_is_not_lost_without_a_word(comes, moving):
    person = comes(port=moving)
    person.goes("/")
    person.types("#name", "Ada")
    person.clicks("button", "Accept all")

    assert person.evaluates("document.getElementById('name').value") == "Ada"
    assert not asks(person)
    person.clicks("link", "Reload now")
    assert person.sees("link", "Reload now") == 0


def comes_with_memory(comes, port):
    """Somebody whose browser keeps whole pages for the back button, as browsers do outside of tests."""
    return comes(port=port, ignore_default_args=["--disable-back-forward-cache"])


def test_the_back_button_shows_no_banner_that_was_answered(comes, moving, providers):
    person = comes_with_memory(comes, moving)
    person.goes("/")
    person.clicks("link", "Next")
    person.back()
    assert asks(person), "nothing was answered yet"

    person.clicks("link", "Next")
    person.clicks("button", "Refuse all")
    person.back()
    assert person.address == "https://callkom.io/"
    assert not asks(person)
    assert rests(person, providers)


def test_the_back_button_brings_back_no_page_whose_tags_were_withdrawn(comes, moving, providers):
    person = comes_with_memory(comes, moving)
    person.goes("/")
    person.clicks("button", "Accept all")
    person.clicks("link", "Next")
    person.back()
    assert beats(providers), "with consent they run, after the back button too"

    withdraws(person)
    for _ in range(2):
        person.back()
        assert rests(person, providers), person.address
    assert person.address == "https://callkom.io/"
    assert not asks(person)
    assert "_ga" not in person.cookie_names()


def test_the_back_button_revives_nothing_that_was_withdrawn_on_another_host(comes, moving, providers):
    """No message of a tab reaches another host, and none ends what the browser keeps of this one."""
    person = comes_with_memory(comes, moving)
    person.goes("/")
    person.clicks("button", "Accept all")
    assert beats(providers)

    person.goes("/.consent/", "app.callkom.io")
    person.clicks("button", "Refuse all")
    while person.address != "https://callkom.io/":
        person.back()
    assert until(lambda: person.evaluates("window.callkomConsent.granted.length === 0"))
    assert rests(person, providers)
    assert not asks(person)


def worked(person, kind: str) -> None:
    """Let the site's service worker take over, as of the next page."""
    person.goes("/")
    person.evaluates(
        f"navigator.serviceWorker.register('/{kind}.js').then(() => navigator.serviceWorker.ready).then(() => 1)"
    )
    assert until(lambda: person.evaluates("navigator.serviceWorker.controller !== null"))


def renewed(person) -> None:
    """Let the browser look for news of the worker, as it does after a page was opened, until it has them."""

    def finds(what: str) -> bool:
        with contextlib.suppress(person.lost):  # tabs follow an answer meanwhile
            return person.evaluates(f"navigator.serviceWorker.getRegistration().then(worker => {what})")
        return False

    assert until(lambda: finds("worker.update().then(() => true)"))
    assert until(lambda: finds(NEWEST))
    person.settle()


NEWEST = "!worker.installing && !worker.waiting && worker.active.state == 'activated'"


@pytest.mark.parametrize("way", ["prefetch", pytest.param("prerender", marks=pytest.mark.load)])
def test_a_page_that_the_browser_fetched_ahead_of_an_answer_asks_no_more(visit, moving, way):
    visitor = visit(port=moving)
    page = visitor.page
    early = "performance.getEntriesByType('navigation').some(entry => /prefetch/.test(entry.deliveryType) || entry.activationStart)"

    def follows() -> None:
        page.get_by_role("link", name="Next").click()
        page.wait_for_url("**/next")

    def banner() -> bool:
        return visitor.sees("button", "Refuse all") > 0

    visitor.goes(f"/ahead/{way}")
    follows()
    assert page.evaluate(early)
    assert banner(), "nothing was answered yet"

    visitor.goes(f"/ahead/{way}")
    visitor.clicks("button", "Refuse all")
    follows()
    assert not page.evaluate(early), "the answer took it away"
    assert not banner()

    visitor.context.clear_cookies()
    visitor.goes(f"/ahead/{way}")
    other = visitor.context.new_page()
    other.goto("https://app.callkom.io/")
    other.get_by_role("button", name="Refuse all").click()
    other.locator("#cc-b").wait_for(state="detached")
    follows()
    assert page.evaluate(early), "an answer on another host takes nothing away here"
    assert until(lambda: not banner())
    assert visitor.errors == []


@pytest.mark.parametrize("comes", ["firefox"], indirect=True)
def test_a_body_that_htmx_kept_asks_before_an_answer_and_not_after_it(comes, moving):
    """In Chromium: tests/banner/test_page_swappers_in_chromium.py, with Turbo and Swup."""
    person = comes(port=moving)

    def goes(code: str, path: str) -> None:
        person.evaluates(f"({code}, 1)")
        assert until(lambda: person.address, f"https://callkom.io/boosted/{path}").endswith(path)
        person.settle()

    person.goes("/boosted/start")
    goes("document.querySelector('[href$=one]').click()", "one")
    goes("document.querySelector('[href$=two]').click()", "two")
    goes("history.back()", "one")
    assert asks(person)
    goes("history.forward()", "two")
    person.goes("/boosted/start")
    person.clicks("button", "Refuse all")
    person.back()
    assert not asks(person)
    assert "cc-b" in person.evaluates("localStorage['htmx-history-cache']"), "it keeps bodies that asked"
    goes("history.back()", "one")
    assert not asks(person)
    assert person.errors == []


@pytest.mark.parametrize("kind", [pytest.param("passing", marks=pytest.mark.load), "keeping"])
def test_behind_a_service_worker_of_the_site_every_answer_holds(comes, moving, providers, kind):
    """One that passes all requests on, and one that answers with the pages it kept."""
    person = comes(port=moving)
    worked(person, kind)
    for path in ("/next", "/"):
        person.goes(path)
        assert asks(person)
        assert rests(person, providers)

    person.clicks("button", "Accept all")
    renewed(person)
    for path in ("/", "/next", "/fresh"):
        person.goes(path)
        assert not asks(person)
        assert beats(providers), "the worker has the policy of the new answer"

    withdraws(person)
    for path in ("/fresh", "/next", "/"):
        person.goes(path)
        assert not asks(person)
        assert rests(person, providers), f"no page made for the old answer is shown: {path}"
    assert "_ga" not in person.cookie_names()


STORED = """caches.open("pages").then(pages => Promise.all([
  ["/old", "<!doctype html><html><script src=https://www.googletagmanager.com/gtag/js></script>", "text/html"],
  ["/part", "<p>A part of a page</p>", "text/html"], ["/data", "{}", "application/json"],
].map(([path, text, type]) => pages.put(path, new Response(text, { headers: { "Content-Type": type } }))))).then(() => 1)"""
KEPT = """caches.open("pages").then(pages => pages.keys()).then(kept => kept.map(request => new URL(request.url).pathname))"""


def test_pages_stored_before_the_answer_go_and_nothing_else_does(comes, moving):
    """Those from before our time as well: they bear no mark of ours."""
    person = comes(port=moving)
    worked(person, "keeping")
    person.evaluates(STORED)
    person.goes("/next")
    assert until(lambda: {"/old", "/part", "/data", "/next"} <= set(person.evaluates(KEPT)))

    person.clicks("button", "Refuse all")
    renewed(person)
    assert until(lambda: set(person.evaluates(KEPT)), {"/part", "/data"}) == {"/part", "/data"}
