"""Turbo, htmx boost and Swup: before an answer every view asks, after it none does, and nothing of ours fails."""

import pytest

from tests.banner.npm import installed
from tests.banner.stage import Stage
from tests.patience import until

pytestmark = pytest.mark.e2e

LINKS = """<p><a href="/one">One</a> <a href="/two">Two</a></p>
<div class="calendly-inline-widget" data-url="https://calendly.com/callkom/30min"></div>"""
SWAPPER = '<script defer src="/swapper.js"></script>'
SWAPPERS = {
    "Turbo": ("@hotwired/turbo", "dist/turbo.es2017-umd.js", SWAPPER, ""),
    "htmx": ("htmx.org", "dist/htmx.js", SWAPPER, ' hx-boost="true"'),
    "Swup": ("swup", "dist/Swup.umd.js", SWAPPER + '<script defer src="/start.js"></script>', ""),
}
ASKING, QUIET = (1, 1, "cc-l", 1), (0, 1, "cc-l", 1)
"""Banners, links to the panel, what is last in the body, cards."""


class Walk:
    """Somebody on a site whose links swap pages in."""

    def __init__(self, visitor, stage) -> None:
        self.visitor, self.stage, self.page = visitor, stage, visitor.page
        self.console: list[str] = []
        self.page.on("console", self._note)
        self.page.evaluate("window.same = 1")

    def _note(self, line) -> None:
        if line.type in ("error", "warning") and "favicon" not in line.location["url"]:
            self.console.append(line.text)

    def follows(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).click()
        self.page.wait_for_url(f"**/{name.lower()}")

    def goes(self, way: str) -> None:
        address = self.page.url
        self.page.evaluate(f"history.{way}()")
        self.page.wait_for_function("address => location.href != address", arg=address)

    def looks(self) -> tuple[int, int, str, int]:
        """Return how many banners, links and cards there are, and what stands last in the body."""
        return tuple(
            self.page.evaluate("""() => {
                let many = selector => document.querySelectorAll(selector).length
                return [many("#cc-b"), many("#cc-l"), document.body?.lastElementChild?.id, many(".ph")]
            }""")
        )

    def shows(self, wanted: tuple[int, int, str, int], when: str = "") -> None:
        """Wait until the page that was swapped in is there, and look twice: it may still be changed."""
        assert until(self.looks, wanted) == wanted, when
        self.page.wait_for_timeout(150)
        assert until(self.looks, wanted) == wanted, when

    @property
    def swapped(self) -> bool:
        return self.page.evaluate("window.same") == 1

    @property
    def faults(self) -> list[str]:
        return self.visitor.errors + self.console


@pytest.fixture(params=SWAPPERS)
def walk(request, visit, stage):
    package, file, head, attributes = SWAPPERS[request.param]
    stage.files["/swapper.js"] = (installed(package) / file).read_bytes()
    stage.files["/start.js"] = b"window.swup = new Swup({ animationSelector: false })"
    body = f'<main id="swup">{LINKS}</main><footer>Legal</footer>'
    stage.html = Stage.page(head, body, attributes=attributes)
    return Walk(visit("/start"), stage)


def test_before_an_answer_every_view_asks_and_after_a_refusal_none_does(walk):
    walk.shows(ASKING)
    for name in ("One", "Two"):
        walk.follows(name)
        walk.shows(ASKING, name)
        assert walk.page.evaluate("document.querySelector('#cc-b').matches(':popover-open')")
    walk.goes("back")
    walk.shows(ASKING)
    assert walk.swapped, "pages are swapped in, not loaded"

    walk.visitor.button("Refuse all").click()
    walk.shows(QUIET)
    for way in ("forward", "back", "back"):
        walk.goes(way)
        walk.shows(QUIET, way)
    for name in ("Two", "One"):
        walk.follows(name)
        walk.shows(QUIET, name)
    assert walk.swapped
    assert [choice["choice"] for choice in walk.stage.choices] == [["refuse"]]
    assert walk.faults == []


def test_a_refusal_on_the_panel_leads_to_views_that_do_not_ask(walk):
    walk.follows("One")
    walk.shows(ASKING)
    walk.visitor.page.get_by_role("link", name="Manage my cookies").click()
    walk.visitor.page.wait_for_url("**/.consent/**")
    assert not walk.swapped, "the panel is a page of its own"
    walk.visitor.button("Refuse all").click()
    walk.page.wait_for_url("**/one")
    walk.shows(QUIET)
    walk.follows("Two")
    walk.shows(QUIET)
    walk.goes("back")
    walk.shows(QUIET)
    walk.page.go_back()
    walk.page.go_back()
    walk.shows(QUIET)
    assert walk.faults == []


def test_a_person_accepts_and_no_view_asks_again_or_offers_what_is_there(walk):
    walk.follows("One")
    walk.shows(ASKING)
    with walk.page.expect_navigation():
        walk.visitor.button("Accept all").click()
    assert walk.stage.gestures == ["?1"]
    all_there = (0, 1, "cc-l", 0)
    walk.shows(all_there)
    walk.follows("Two")
    walk.shows(all_there)
    for way in ("back", "back"):
        walk.goes(way)
        walk.shows(all_there, way)
    assert walk.page.evaluate("callkomConsent.granted.length") == 2
    assert walk.faults == []


def test_a_card_on_a_view_that_was_swapped_in_grants_its_purpose(walk):
    walk.visitor.button("Refuse all").click()
    walk.follows("One")
    walk.shows(QUIET)
    with walk.page.expect_navigation():
        walk.page.locator("[data-cc-always]").click()
    walk.shows((0, 1, "cc-l", 0))
    assert [choice["choice"] for choice in walk.stage.choices] == [["refuse"], ["placeholder"]]
    assert walk.faults == []
