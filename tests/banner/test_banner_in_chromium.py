"""The banner before a visitor's eyes and under their fingers."""

import pytest

from proxy.banner.render import Renderer
from proxy.banner.word_files import load_languages
from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.banner_colours import DARK, LIGHT, Look, Theme, contrast
from proxy.demo.rules import demo_rules
from proxy.package_files import bundled
from proxy.policy.load import load_policy
from tests.banner.rendering import POLICY
from tests.banner.stage import BODY, OWN, RENDERER, Stage
from tests.patience import until

pytestmark = pytest.mark.e2e

NARROW = {"viewport": {"width": 360, "height": 740}}
SMALLEST = {"viewport": {"width": 320, "height": 640}}
ZOOMED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
STYLE = """(element) => { const s = getComputedStyle(element); return Object.fromEntries(
  ["fontSize", "fontWeight", "fontFamily", "color", "backgroundColor", "borderTopWidth", "borderTopColor", "padding", "opacity", "cursor"]
  .map(name => [name, s[name]])) }"""


def hex_of(rgb: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in rgb[rgb.index("(") + 1 : -1].split(",")[:3])


@pytest.mark.parametrize(
    "how", [{}, NARROW, SMALLEST, {"color_scheme": "dark"}], ids=["wide", "narrow", "smallest", "dark"]
)
def test_refuse_and_accept_are_equal_in_all_that_can_be_computed(visit, how):
    """L4: kind, size, weight, contrast, clicks."""
    visitor = visit(**how)
    refuse, accept = visitor.box("Refuse all"), visitor.box("Accept all")
    one, other = (visitor.button(name).evaluate(STYLE) for name in ("Refuse all", "Accept all"))

    assert (refuse["width"], refuse["height"], refuse["y"]) == (
        accept["width"],
        accept["height"],
        accept["y"],
    )
    assert one == other
    assert contrast(hex_of(one["color"]), hex_of(one["backgroundColor"])) >= 7
    assert refuse["height"] >= 44


def test_nothing_moves_when_the_page_loads_nor_when_somebody_answers(visit):
    visitor = visit()
    shifts = """() => new Promise(done => { let sum = 0; new PerformanceObserver(list => list.getEntries().forEach(e => sum += e.value))
      .observe({ type: "layout-shift", buffered: true }); setTimeout(() => done(sum), 300); })"""

    assert visitor.page.evaluate(shifts) == 0
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
    assert visitor.page.evaluate(shifts) == 0


def test_nothing_moves_when_the_banner_comes_in_pieces(visit, stage):
    """As over a slow line: it is seen once it is whole."""
    stage.pauses = [
        b"</title>",
        b'<div class="t">',
        b"</h2>",
        b'class="k">',
        b"refuse",
        b"</summary>",
        b"</form>",
    ]
    visitor = visit()
    shifts = """() => new Promise(done => { let sum = 0; new PerformanceObserver(list => list.getEntries().forEach(e => sum += e.value))
      .observe({ type: "layout-shift", buffered: true }); setTimeout(() => done(sum), 300); })"""

    assert visitor.page.evaluate(shifts) == 0
    assert visitor.banner.is_visible()


def test_the_page_asks_for_nothing_to_show_it(visit, stage):
    stage.html = Stage.page(body="<h1>Your phone system</h1>")
    visit().page.wait_for_timeout(200)

    assert [path for path in stage.served if path != "/favicon.ico"] == ["/"]


def test_what_its_placeholder_does_is_fetched_when_the_page_is_there(visit):
    entry = """async () => {
      let found = [];
      while (!found.length) {
        found = performance.getEntriesByType("resource").filter(e => /consent/.test(e.name));
        await new Promise(done => setTimeout(done, 20));
      }
      return [found.length, found[0].name, found[0].startTime >= performance.getEntriesByType("navigation")[0].domInteractive];
    }"""
    count, name, later = visit().page.evaluate(entry)

    assert (count, later) == (1, True)
    assert "/.consent/offers." in name


def test_what_its_placeholder_does_holds_up_no_load_event(visit, stage):
    visitor = visit("/first")
    visitor.context.clear_cookies()
    held = []
    visitor.page.route("**/offers.*", lambda route: held.append(route))  # noqa: PLW0108 - a builtin is no handler
    visitor.page.goto(stage.origin + "/here", wait_until="load")

    while not held:
        visitor.page.wait_for_timeout(20)
    assert len(held) == 1
    assert visitor.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") > 0


@pytest.mark.parametrize("fails", [False, True], ids=["late", "never"])
def test_a_click_on_a_placeholder_waits_for_what_answers_it(visit, stage, fails):
    visitor = visit("/first")
    visitor.context.clear_cookies()

    late = []
    visitor.page.route("**/offers.*", lambda route: late.append(route))  # noqa: PLW0108 - a builtin is no handler
    visitor.page.goto(stage.origin + "/here", wait_until="commit")
    visitor.page.locator("[data-cc-always]").click()
    while not late:
        visitor.page.wait_for_timeout(20)
    assert stage.choices == []
    late[0].abort() if fails else late[0].continue_()
    if fails:
        visitor.page.wait_for_url("**/.consent/#*")
    else:
        visitor.page.wait_for_function("window.callkomConsent.asked == 'no'")
        assert stage.choices[0]["choice"] == ["placeholder"]


def test_the_keyboard_meets_links_refuse_accept_customize_then_the_page(visit):
    visitor = visit()
    met = []
    for _ in range(8):
        visitor.page.keyboard.press("Tab")
        met.append(visitor.page.evaluate("document.activeElement.textContent.trim()"))

    assert met == [
        "6 third parties",
        "Cookie policy",
        "Privacy policy",
        "Refuse all",
        "Accept all",
        "Customize",
        "Product",
        "Pricing",
    ]


def test_customize_works_by_keyboard_alone(visit, stage):
    visitor = visit()
    press = visitor.page.keyboard.press
    for _ in range(6):
        press("Tab")
    press("Enter")
    press("Tab")
    press("Space")
    assert visitor.page.get_by_role("checkbox", name="Functional").is_checked()
    press("Tab")
    press("Tab")
    with visitor.page.expect_navigation():
        press("Enter")

    assert stage.choices[0]["choice"] == ["save"]
    assert stage.choices[0]["purpose"] == ["functional"]


def test_focus_is_neither_taken_nor_kept(visit):
    visitor = visit()

    assert visitor.page.evaluate("document.activeElement === document.body")
    visitor.page.keyboard.press("Escape")
    assert visitor.banner.is_visible(), "Escape is no answer"
    visitor.page.get_by_role("link", name="Product").focus()
    assert visitor.page.evaluate("document.activeElement.textContent") == "Product"


SCREENS = {
    "wide": {},
    "narrow": NARROW,
    "zoomed": ZOOMED,
    "phone": {"viewport": {"width": 390, "height": 760}},
    "tablet": {"viewport": {"width": 700, "height": 600}},
    "small phone": {"viewport": {"width": 320, "height": 568}},
}
IN_SIGHT = """() => {
  let e = document.activeElement, ways = [e, ...(e.labels || [])];
  if (e === document.body) return "end";
  let seen = [...e.getClientRects()].flatMap(r => [[.5, .5], [.1, .2], [.9, .8]]
    .map(([x, y]) => document.elementFromPoint(r.left + r.width * x, r.top + r.height * y)));
  return seen.some(top => ways.some(way => way.contains(top))) ? "seen" : e.outerHTML; }"""


@pytest.mark.parametrize("opened", [False, True], ids=["closed", "open"])
@pytest.mark.parametrize("screen", SCREENS)
def test_what_has_the_focus_is_never_covered(visit, stage, screen, opened):
    """W2: tab through the whole page. What is on top is what has the focus, or its label."""
    stage.html = Stage.page(body=BODY * 2, lang="fr")
    visitor = visit(**SCREENS[screen])
    if opened:
        visitor.page.locator("summary").click()
    met = 0
    while True:
        visitor.page.keyboard.press("Tab")
        found = until(lambda: visitor.page.evaluate(IN_SIGHT) in {"seen", "end"})
        assert found, visitor.page.evaluate(IN_SIGHT)
        if visitor.page.evaluate(IN_SIGHT) == "end":
            break
        met += 1
    assert met >= 20, "all of the page, and the link at its foot"


@pytest.mark.parametrize("how", [{}, NARROW, SMALLEST, ZOOMED], ids=["wide", "narrow", "smallest", "zoomed"])
def test_everything_to_click_is_large_enough(visit, how):
    """W3: 24 px at least, links within sentences excepted."""
    visitor = visit(**how)
    measure = """() => [...document.querySelectorAll(".cc :is(button, summary, input[type=checkbox]), .cc.m a")]
        .map(e => e.getBoundingClientRect()).map(r => Math.min(r.width, r.height)).filter(size => size)"""
    closed = visitor.page.evaluate(measure)
    visitor.page.get_by_text("Customize", exact=True).click()
    sizes = closed + visitor.page.evaluate(measure)

    assert len(sizes) >= 7
    assert min(sizes) >= 22, "the boxes are 22 px in labels that are larger"
    labels = visitor.page.evaluate(
        '() => [...document.querySelectorAll(".cc label")].map(e => e.getBoundingClientRect().height)'
    )
    assert min(labels) >= 24


@pytest.mark.parametrize("how", [SMALLEST, ZOOMED], ids=["320 px", "200 %"])
@pytest.mark.parametrize("opened", [False, True])
def test_small_screens_scroll_in_one_direction_only(visit, how, opened):
    """W6, WCAG 1.4.10."""
    visitor = visit(**how)
    if opened:
        visitor.page.get_by_text("Customize", exact=True).click()

    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visitor.banner.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_at_200_percent_the_banner_stands_in_the_page_and_covers_nothing(visit):
    visitor = visit(**ZOOMED)
    before = visitor.page.get_by_role("heading", level=1).bounding_box()["y"]
    banner = visitor.banner.bounding_box()

    assert banner["y"] + banner["height"] <= before


def test_a_screen_that_shrinks_takes_the_banner_back_into_the_page(visit):
    visitor = visit()
    visitor.page.set_viewport_size({"width": 640, "height": 400})

    assert until(lambda: visitor.banner.evaluate("e => e.matches(':popover-open')"), False) is False
    assert visitor.banner.evaluate("e => getComputedStyle(e).position") == "relative"


def test_customize_fits_on_the_screen_and_scrolls_inside(visit):
    visitor = visit(**NARROW)
    visitor.page.get_by_text("Customize", exact=True).click()
    box = visitor.banner.bounding_box()

    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 740
    visitor.button("Save my choices").scroll_into_view_if_needed()
    assert visitor.box("Save my choices")["y"] + 44 <= 740


THREE_PURPOSES = load_policy(demo_rules(bundled("rules.yaml").read_text()), "rules.yaml", shipped_catalogue())


@pytest.mark.parametrize("size", [(360, 640), (1280, 800)], ids=["phone", "desktop"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_customize_shows_every_choice_and_save_without_scrolling(visit, stage, language, size):
    stage.renderer = Renderer(THREE_PURPOSES, own=OWN)
    stage.html = Stage.page(lang=language)
    visitor = visit(viewport={"width": size[0], "height": size[1]})
    visitor.banner.locator("summary").click()
    visitor.page.mouse.move(0, 0)
    until(lambda: all(place["seen"] for place in visitor.page.evaluate(PLACES)))  # Save after half a second
    places = visitor.page.evaluate(PLACES)

    assert len(places) == 4, "three purposes and Save"
    assert {place["seen"] for place in places} == {True}, places
    assert visitor.banner.evaluate("e => e.scrollTop") == 0
    assert [visitor.banner.locator(f"[value={name}]").is_visible() for name in ("refuse", "accept")] == [
        False
    ] * 2
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.value") == "functional", (
        "the focus goes on to the choices"
    )


PLACES = """() => [...document.querySelectorAll("#cc-b :is(input[type=checkbox], .o button)")].map(e => {
  let r = e.getBoundingClientRect(), top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
  return { what: e.value, top: r.top, bottom: r.bottom, seen: r.top >= 0 && innerHeight >= r.bottom && e.contains(top) }; })"""


def test_accepting_shows_that_it_works_until_the_page_is_back(visit):
    visitor = visit()
    held = []
    visitor.page.route("**/.consent/choice", lambda route: held.append(route))  # noqa: PLW0108 - a builtin is no handler
    form = visitor.banner.locator("form")
    before = form.evaluate("e => getComputedStyle(e).opacity")
    visitor.button("Accept all").click()

    assert until(lambda: form.evaluate("e => getComputedStyle(e).opacity"), "0.5") == "0.5"
    assert before == "1"
    assert form.evaluate("e => getComputedStyle(e).cursor") == "progress"


@pytest.mark.parametrize("how", [{}, NARROW, {"java_script_enabled": False}], ids=["wide", "narrow", "still"])
def test_a_double_press_on_customize_opens_it_and_saves_nothing(visit, stage, how):
    visitor = visit(**how)
    visitor.banner.locator("summary").dblclick()

    assert visitor.banner.locator("details[open]").count() == 1
    assert visitor.banner.is_visible()
    assert stage.choices == []
    visitor.button("Save my choices").click()
    visitor.banner.wait_for(state="detached")
    assert until(lambda: [one["choice"] for one in stage.choices], [["save"]]) == [["save"]]


@pytest.mark.parametrize("language", sorted(RENDERER.languages.all))
def test_the_first_layer_leaves_half_of_a_phone_to_the_page(visit, stage, language):
    stage.renderer = Renderer(THREE_PURPOSES, own=OWN)
    stage.html = Stage.page(lang=language)
    visitor = visit(viewport={"width": 360, "height": 640})
    words = visitor.banner.inner_text()

    assert visitor.banner.bounding_box()["height"] <= 320
    assert visitor.banner.evaluate("e => e.scrollHeight <= e.clientHeight")
    said = stage.renderer.languages[language].purpose
    assert [id_ for id_ in ("functional", "performance", "social") if said(id_, "label") not in words] == []
    assert "6" in words.split()


def test_the_last_lines_and_the_link_can_be_scrolled_clear(visit):
    visitor = visit(**NARROW)
    visitor.page.evaluate("scrollTo(0, 1e6)")
    link = visitor.page.get_by_role("link", name="Manage my cookies").bounding_box()

    assert link["y"] + link["height"] <= visitor.banner.bounding_box()["y"]


def test_it_is_not_printed(visit):
    visitor = visit()
    visitor.page.emulate_media(media="print")

    assert not visitor.banner.is_visible()
    assert not visitor.page.get_by_role("link", name="Manage my cookies").is_visible()


def test_nothing_is_animated_for_those_who_asked_for_stillness(visit):
    """W7."""
    visitor = visit(reduced_motion="reduce")

    assert visitor.button("Refuse all").evaluate("e => getComputedStyle(e).transitionDuration") == "0s"


DARK_PAGE = "<style>body{background:#101418;color:#e9edf2}</style>"
HEADS = {
    "": (LIGHT.bg, LIGHT.bg),
    "<style>body{background:#fff}</style>": (LIGHT.bg, LIGHT.bg),
    DARK_PAGE: (DARK.bg, DARK.bg),
    "<style>html{background:#101418}body{color:#e9edf2}</style>": (DARK.bg, DARK.bg),
    "<style>body{background:oklch(.2 .02 250)}</style>": (DARK.bg, DARK.bg),
    "<style>body{background:oklch(.97 .02 250);color:#888}</style>": (LIGHT.bg, LIGHT.bg),
    "<style>body{background:color(display-p3 .1 .1 .2)}</style>": (DARK.bg, DARK.bg),
    "<style>body{background:lab(90 0 0)}</style>": (LIGHT.bg, LIGHT.bg),
    "<style>body{background:lab(20 0 0 / .2);color:#eee}</style>": (DARK.bg, DARK.bg),
    "<style>body{background:#fff;color:#888}</style>": (LIGHT.bg, LIGHT.bg),
    "<style>:root{color-scheme:light dark}</style>": (LIGHT.bg, DARK.bg),
    '<meta name="color-scheme" content="light dark">': (LIGHT.bg, DARK.bg),
    "<style>@media(prefers-color-scheme:dark){body{background:#101418}}</style>": (LIGHT.bg, DARK.bg),
}
BACKGROUND = "e => getComputedStyle(e).backgroundColor"
WRITTEN = """() => new Promise(done => requestAnimationFrame(() => setTimeout(() =>
  done(document.querySelector("style").sheet.cssRules[1].media.mediaText))))"""
FIRST_FRAME = """<script>requestAnimationFrame(() =>
  window.first = [...document.querySelectorAll("#cc-b, .ph")].map(e => getComputedStyle(e).backgroundColor))</script>"""


@pytest.mark.parametrize("answered", [False, True], ids=["asking", "answered"])
@pytest.mark.parametrize("head", HEADS)
def test_it_is_light_on_a_light_page_and_dark_on_a_dark_one_from_the_first_frame_on(
    visit, stage, head, answered
):
    stage.answered = answered
    stage.html = Stage.page(head=head, body=BODY + FIRST_FRAME)
    for scheme, wanted in zip(("light", "dark"), HEADS[head], strict=True):
        visitor = visit(color_scheme=scheme)
        visitor.page.wait_for_function("window.first")
        seen = visitor.page.evaluate("window.first")

        assert len(seen) == 1 + (not answered)
        assert {hex_of(colour) for colour in seen} == {wanted}
        assert visitor.page.locator(".ph").first.evaluate(BACKGROUND) == seen[-1]
        assert visitor.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_that_looks_as_its_visitor_prefers_is_not_styled_anew(visit, stage, scheme):
    stage.html = Stage.page(head=DARK_PAGE if scheme == "dark" else "")
    visitor = visit(color_scheme=scheme)

    assert visitor.page.evaluate(WRITTEN) == "(prefers-color-scheme: dark)"


def test_a_site_that_decides_is_not_overruled(visit, stage):
    stage.renderer = Renderer(POLICY, look=Look(Theme.LIGHT), own=OWN)
    stage.html = Stage.page(head=DARK_PAGE)

    assert hex_of(visit(color_scheme="dark").banner.evaluate(BACKGROUND)) == LIGHT.bg


def test_a_language_from_right_to_left_mirrors_it(visit, stage, tmp_path):
    (tmp_path / "ar.yaml").write_text(
        "direction: rtl\nbuttons:\n  refuse: رفض الكل\n  accept: قبول الكل\n", encoding="utf-8"
    )
    stage.renderer = Renderer(POLICY, load_languages(tmp_path), own=OWN)
    stage.html = Stage.page(lang="ar")
    visitor = visit()

    assert visitor.box("رفض الكل")["x"] > visitor.box("قبول الكل")["x"]
    assert visitor.box("قبول الكل")["x"] < 640, "the buttons are on the left"


def test_french_pages_ask_in_french(visit, stage):
    stage.html = Stage.page(lang="fr-FR")
    visitor = visit()

    assert visitor.button("Tout refuser").is_visible()
    assert visitor.page.get_by_role("dialog", name="Vos cookies, votre choix").is_visible()


def test_on_the_smallest_screen_french_buttons_have_one_line_and_nothing_is_to_be_scrolled(visit, stage):
    stage.html = Stage.page(lang="fr")
    visitor = visit(viewport={"width": 320, "height": 568})

    assert [visitor.box(name)["height"] for name in ("Tout refuser", "Tout accepter")] == [44, 44]
    assert visitor.banner.evaluate("e => e.scrollHeight <= e.clientHeight")
    assert visitor.banner.bounding_box()["height"] <= 410


def test_the_signal_gets_a_notice_that_covers_little(visit, stage):
    """G1."""
    stage.signal = True
    visitor = visit()
    box = visitor.banner.bounding_box()

    assert box["height"] <= 110
    assert visitor.page.get_by_text("Customize", exact=True).is_visible()
    assert visitor.button("Accept all").count() == 0


def test_the_demo_of_a_page_in_xhtml_looks_the_same(visit, stage):
    plain = visit().banner.bounding_box()
    stage.headers = [("Content-Type", "application/xhtml+xml; charset=utf-8")]
    stage.html = (
        '<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><meta name="viewport" content="width=device-width"/>'
        "<title>Callkom</title></head><body>"
        + BODY.replace('name="name">', 'name="name"/>')
        + "</body></html>"
    )
    visitor = visit()

    assert plain == visitor.banner.bounding_box()
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
    assert visitor.errors == []
