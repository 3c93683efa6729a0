"""Players, posts, share buttons and maps in the demo: nothing before, and three ways on, in a real browser."""

from dataclasses import dataclass

import pytest

from tests.banner.npm import installed
from tests.e2e.test_placeholders import box, demo, grant, recorded, refuse
from tests.e2e.test_walk import choose
from tests.patience import until

pytestmark = pytest.mark.e2e

__all__ = ["demo"]

NETWORKS = ("youtube-nocookie.com", "vimeo.com", "twitter.com", "instagram.com", "facebook.com", "facebook.net", "twimg.com")  # fmt: skip
MAPS = ("www.google.com", "maps.google.com", "openstreetmap.org")


@dataclass(frozen=True)
class Case:
    """One embed of the demo: whose, where, the page it links to, what once asks for."""

    id: str
    name: str
    path: str
    link: str
    asked: tuple[str, str]
    label: str = "Social networks"


CASES = [
    Case("youtube", "YouTube", "/", "https://www.youtube.com/watch?v=callkom-demo", ("www.youtube-nocookie.com", "/embed/callkom-demo")),
    Case("vimeo", "Vimeo", "/news", "https://vimeo.com/76979871", ("player.vimeo.com", "/video/76979871")),
    Case("x", "X", "/news", "https://twitter.com/callkom/status/1854102030405060708?ref_src=twsrc%5Etfw", ("platform.twitter.com", "/embed/Tweet.html")),
    Case("instagram", "Instagram", "/news", "https://www.instagram.com/p/C9callkom01/?utm_source=ig_embed&utm_campaign=loading", ("www.instagram.com", "/p/C9callkom01/embed/")),
    Case("facebook", "Facebook", "/news", "https://www.facebook.com/", ("www.facebook.com", "/plugins/share_button.php")),
    Case("google-maps", "Google Maps", "/contact", "https://www.google.com/maps", ("www.google.com", "/maps/embed"), "Functional"),
    Case("openstreetmap", "OpenStreetMap", "/contact", "https://www.openstreetmap.org/", ("www.openstreetmap.org", "/export/embed.html"), "Functional"),
]  # fmt: skip
EACH = [  # what these two show, YouTube and OpenStreetMap show as well
    pytest.param(case, id=case.id, marks=[pytest.mark.load] * (case.id in ("vimeo", "google-maps"))) for case in CASES
]  # fmt: skip


def opened(visitor, case):
    """Return the case's card, opened where a button stands for it, and at rest."""
    if case.id == "facebook":
        visitor.page.get_by_role("button", name="Content from Facebook").click()
    visitor.page.locator(".ph").last.scroll_into_view_if_needed()
    visitor.settle()  # forms that load when they come near say how high they are
    return (
        box(visitor, case.name)
        if case.id != "x"
        else visitor.page.get_by_role("group", name="Content from X", exact=True)
    )


def asked(providers, case) -> bool:
    """True as soon as the provider is asked for that very thing; frames in frames take their time."""
    return until(lambda: case.asked in [(host, path) for host, path, _ in providers.hits])


@pytest.mark.parametrize("state", ["none", pytest.param("refused", marks=pytest.mark.load), "performance"])
def test_nobody_meets_a_network_or_a_map_before_they_agreed(visit, providers, demo, state):
    visitor = visit(port=demo.port)
    if state == "refused":
        refuse(visitor)
    if state == "performance":
        grant(visitor, "Performance")
    for path in ("/", "/news", "/contact", "/fr/news", "/fr/contact"):
        visitor.goes(path)

    assert [name for name in (*NETWORKS, *MAPS) if providers.reached(name)] == []
    assert visitor.errors == []


def test_everything_loads_as_its_provider_made_it_once_all_is_agreed_to(visit, providers, demo):
    visitor = visit(port=demo.port)
    choose(visitor, "Accept all")
    for path in ("/", "/news", "/contact"):
        visitor.goes(path)
        visitor.page.mouse.wheel(0, 4000)  # what loads late loads when it comes near
        for case in CASES:
            assert case.path != path or asked(providers, case), case.id
        assert visitor.page.locator(".ph").count() == 0
    assert visitor.errors == []


@pytest.mark.parametrize("case", EACH)
def test_three_ways_each_leads_where_it_says(visit, providers, demo, case):
    visitor = visit(port=demo.port)
    refuse(visitor)
    visitor.goes(case.path)
    card = opened(visitor, case)
    link = card.get_by_role("link", name=f"Open {case.name} in a new tab")

    assert link.get_attribute("href") == case.link
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert card.get_by_role("link", name=f"Always allow: {case.label}").is_visible()
    card.get_by_role("button", name="Show it once").click()
    frame = visitor.page.locator(f"iframe[title='Content from {case.name}']")
    frame.wait_for()
    visitor.settle()
    assert asked(providers, case)
    assert recorded(demo)[-1] == ("once", case.id)
    assert visitor.errors == []
    others = [name for name in (*NETWORKS, *MAPS) if providers.reached(name)]
    assert len(others) == 1, "its provider alone"

    providers.forget()
    visitor.goes(case.path)
    assert not providers.reached(case.asked[0])
    assert visitor.page.locator(f"iframe[title='Content from {case.name}']").count() == 0


@pytest.mark.parametrize(("id_", "path"), [("x", "/news"), ("openstreetmap", "/contact")])
def test_always_holds_for_its_purpose_on_every_host_and_for_no_other(visit, providers, demo, id_, path):
    case = next(case for case in CASES if case.id == id_)
    visitor = visit(port=demo.port)
    refuse(visitor)
    visitor.goes(path)
    with visitor.page.expect_navigation():
        opened(visitor, case).get_by_role("link", name=f"Always allow: {case.label}").click()
    visitor.settle()

    assert recorded(demo)[-1] == ("placeholder", id_)
    assert asked(providers, case)
    for host in ("www.callkom.io", "app.callkom.io"):
        providers.forget()
        visitor.goes(path, host)
        assert asked(providers, case)
    social, maps = (any(providers.reached(name) for name in names) for names in (NETWORKS, MAPS))
    assert (social, maps) == (id_ == "x", id_ == "openstreetmap")


def test_a_post_is_read_whole_beside_its_offer_and_once_takes_its_place(visit, demo):
    visitor = visit(port=demo.port)
    refuse(visitor)
    visitor.goes("/news")
    quote = visitor.page.locator("blockquote", has_text="Every call now finds")

    assert quote.is_visible()
    assert quote.get_by_role("link", name="6 November 2026").is_visible()
    card = visitor.page.get_by_role("group", name="Content from X", exact=True)
    assert card.bounding_box()["y"] < quote.bounding_box()["y"], "the offer stands before it"
    card.get_by_role("button", name="Show it once").click()
    inner = visitor.page.frame_locator("iframe[title='Content from X']").frame_locator(
        "iframe[title='Post on X']"
    )
    inner.get_by_text("platform.twitter.com").wait_for()
    assert not quote.is_visible()
    assert visitor.page.locator("blockquote", has_text="The new office").is_visible()
    visitor.page.wait_for_function(
        "document.querySelector(\"iframe[title='Content from X']\").offsetHeight > 330"
    )


def test_a_post_in_a_part_that_came_later_is_shown_once_too(visit, providers, demo):
    visitor = visit(port=demo.port)
    refuse(visitor)
    visitor.goes("/news")
    visitor.page.evaluate(
        """fetch("/news").then(answer => answer.text()).then(text => {
        const later = new DOMParser().parseFromString(text, "text/html").querySelector(".posts");
        document.querySelector("main").replaceChildren(later); })"""
    )
    visitor.page.locator("main > .posts:only-child").wait_for()
    card = visitor.page.get_by_role("group", name="Content from X", exact=True)
    card.get_by_role("button", name="Show it once").press("Enter")

    assert asked(providers, next(case for case in CASES if case.id == "x"))
    assert visitor.errors == []


def test_placeholders_have_the_size_of_what_they_replace(visit, demo):
    visitor = visit(port=demo.port, viewport={"width": 1280, "height": 900})
    refuse(visitor)
    visitor.goes("/news")
    film, share = (
        box(visitor, "Vimeo").bounding_box(),
        visitor.page.get_by_role("button", name="Content from Facebook"),
    )

    assert film["height"] >= 360
    assert film["width"] <= 640
    assert share.bounding_box()["height"] <= 28
    assert share.bounding_box()["width"] <= 120
    visitor.goes("/contact")
    assert box(visitor, "Google Maps").bounding_box()["height"] == 450
    assert box(visitor, "OpenStreetMap").bounding_box()["width"] <= 425


def test_a_small_card_opens_and_closes_by_keyboard_and_without_script(visit, demo):
    visitor = visit(port=demo.port, java_script_enabled=False)
    visitor.goes("/news")
    button = visitor.page.get_by_role("button", name="Content from Facebook")
    card = visitor.page.get_by_role("group", name="Content from Facebook")

    assert not card.is_visible()
    button.focus()
    visitor.page.keyboard.press("Enter")
    card.get_by_role("link", name="Open Facebook in a new tab").wait_for()
    assert not card.get_by_text("Show it once").is_visible()
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Escape")
    card.wait_for(state="hidden")


def test_without_script_posts_and_links_are_all_there_is(visit, providers, demo):
    visitor = visit(port=demo.port, java_script_enabled=False)
    visitor.goes("/news")
    card = visitor.page.get_by_role("group", name="Content from X", exact=True)

    assert card.get_by_role("link", name="Open X in a new tab").get_attribute("href") == "https://x.com/"
    assert not card.get_by_text("Show it once").is_visible()
    assert visitor.page.get_by_role("link", name="6 November 2026").is_visible()
    assert not any(providers.reached(name) for name in NETWORKS)


def test_in_french_each_speaks_french(visit, demo):
    visitor = visit(port=demo.port)
    visitor.goes("/fr/news")
    card = visitor.page.get_by_role("group", name="Contenu d\u2019Instagram")

    assert card.get_by_role("link", name="Ouvrir Instagram dans un nouvel onglet").is_visible()
    assert card.get_by_role("link", name="Toujours autoriser : R\u00e9seaux sociaux").is_visible()
    card.get_by_role("button", name="Afficher une seule fois").click()
    visitor.page.locator("iframe[title='Contenu d\u2019Instagram']").wait_for()


@pytest.mark.parametrize(
    ("path", "scheme"),
    [("/news", "light"), ("/fr/news", "dark"), ("/contact", "dark"), ("/fr/contact", "light")],
)
def test_nothing_is_wrong_in_axes_eyes(visit, demo, path, scheme):
    visitor = visit(port=demo.port, color_scheme=scheme, viewport={"width": 320, "height": 700})
    refuse(visitor)
    visitor.goes(path)
    if "news" in path:
        visitor.page.locator("[popovertarget]").click()
    visitor.page.add_script_tag(content=(installed("axe-core") / "axe.min.js").read_text())
    found = visitor.page.evaluate(
        "axe.run({ include: ['.cc'] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
        ".then(all => all.violations.map(one => [one.id, one.nodes.map(node => node.html)]))"
    )

    assert found == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
