"""What stands in place of what is refused, in a real browser: three ways on, and a form without a cookie."""

import sqlite3
import subprocess
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from proxy.demo.rules import demo_rules
from tests.banner.npm import installed
from tests.e2e.conftest import ROOT, Running
from tests.e2e.providers import serve_in_thread
from tests.e2e.test_walk import choose
from tests.patience import until

pytestmark = pytest.mark.e2e

HUBSPOT = ("hsforms.net", "hsforms.com", "hubspot.com", "hs-scripts.com")
CARRIED = [("/booking", "Calendly"), ("/booking", "HubSpot"), ("/contact", "HubSpot"), ("/", "YouTube")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory, demo_origin, providers):
    """The proxy with the demo's rules: a player, and HubSpot's forms through the relay."""
    running = relaying(tmp_path_factory.mktemp("demo"), demo_origin, providers)
    yield running
    running.stop()


def relaying(folder, origin, providers) -> Running:
    (folder / "rules.yaml").write_text(demo_rules((ROOT / "rules.yaml").read_text()))
    providers.authority.cert_pem.write_to_path(str(folder / "providers.pem"))
    at = f"127.0.0.1:{providers.port}"
    relay = f"relay: {{ resolve: {{ js-eu1.hsforms.net: '{at}', forms-eu1.hsforms.com: '{at}' }}, ca: providers.pem }}\n"
    return Running(folder, origin, extra=relay, rules=folder / "rules.yaml")


def box(visitor, provider, nth=0):
    return visitor.page.get_by_role("group", name=f"Content from {provider}").nth(nth)


def recorded(running) -> list[tuple[str, str]]:
    with sqlite3.connect(running.folder / "proofs.db") as db:
        return db.execute("select how, provider from records order by time, rowid").fetchall()


def refuse(visitor):
    choose(visitor, "Refuse all")


def grant(visitor, *labels):
    visitor.goes("/.consent/")
    for label in labels:
        visitor.page.get_by_role("checkbox", name=label).first.check()
    visitor.clicks("button", "Save my choices")


STATES = {
    "none": lambda _: None,
    "refused": refuse,
    "functional": lambda visitor: grant(visitor, "Functional"),
    "performance": lambda visitor: grant(visitor, "Performance"),
    "accepted": lambda visitor: choose(visitor, "Accept all"),
}


@pytest.mark.parametrize(
    "state",
    [pytest.param(s, marks=pytest.mark.load) if s in ("functional", "performance") else s for s in STATES],
)
def test_the_pages_own_scripts_run_without_an_exception_in_every_state(visit, proxy_process, state):
    visitor = visit()
    STATES[state](visitor)
    for host, path in [
        ("callkom.io", p) for p in ("/", "/contact", "/booking", "/news", "/checkout", "/fr/booking")
    ] + [("app.callkom.io", "/")]:
        visitor.goes(path, host)

    assert visitor.errors == []


def test_the_link_leads_to_the_provider_and_tells_them_nothing(visit, providers):
    visitor = visit()
    visitor.goes("/booking")
    link = box(visitor, "Calendly").get_by_role("link", name="Open Calendly in a new tab")

    assert link.get_attribute("href") == "https://calendly.com/callkom/30min"
    assert link.get_attribute("rel") == "noopener noreferrer"
    with visitor.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url("https://calendly.com/callkom/30min")


def test_once_shows_it_records_it_and_is_gone_after_a_reload(visit, providers, proxy_process):
    visitor = visit()
    visitor.goes("/booking")
    box(visitor, "Calendly").get_by_role("button", name="Show it once").click()
    inner = visitor.page.frame_locator("iframe[title='Content from Calendly']").frame_locator("iframe")
    inner.get_by_text("calendly.com").wait_for()

    assert providers.reached("calendly.com")
    assert recorded(proxy_process)[-1] == ("once", "calendly")
    assert "consent_callkom" not in visitor.cookie_names(), "once is no standing answer"
    assert box(visitor, "HubSpot").is_visible(), "only this one"
    providers.forget()
    visitor.goes("/booking")
    assert not providers.reached("calendly.com")
    assert box(visitor, "Calendly").is_visible()
    assert visitor.errors == []


def test_a_form_once_runs_its_providers_script_and_nobody_elses(visit, providers, proxy_process):
    visitor = visit()
    visitor.goes("/contact")
    box(visitor, "HubSpot").get_by_role("button", name="Show it once").click()
    frame = visitor.page.frame_locator("iframe[title='Content from HubSpot']")
    frame.get_by_text("HubSpot form 5c1f6a2e-7d39-4b67-9a2e-0c9d1f3b8e11").wait_for()
    visitor.settle()

    assert {host for host in providers.hosts() if "google" not in host} == {
        "js-eu1.hsforms.net",
        "forms-eu1.hsforms.com",
    }
    assert "hubspotutk" not in visitor.cookie_names()
    assert recorded(proxy_process)[-1] == ("once", "hubspot")

    reach = "f => { try { return f.contentDocument && f.contentDocument.body ? 'read' : 'apart' } catch (e) { return e.name } }"
    assert visitor.page.locator("iframe[title='Content from HubSpot']").evaluate(reach) == "apart"
    inside = visitor.page.frames[-1]
    out = "(() => { try { return parent.document.cookie } catch (e) { return e.name } })()"
    assert inside.evaluate(out) == "SecurityError", "nor does the provider's script reach the page"


SCRIPTED = """() => {
  let way = document.querySelector('.ph [data-cc-once]'), fields = { choice: 'once', provider: way.dataset.ccProvider, embed: way.dataset.ccOnce, language: 'en' };
  way.click(); way.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, composed: true }));
  let frame = document.body.appendChild(Object.assign(document.createElement('iframe'), { name: 'into' }));
  let form = document.body.appendChild(Object.assign(document.createElement('form'), { method: 'post', action: '/.consent/choice', target: 'into' }));
  for (let [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement('input'), { name, value }));
  form.submit();
  let asked = new URLSearchParams(fields);
  fetch('/.consent/choice', { method: 'POST', body: asked, headers: { Accept: 'application/json' } }).then(got => { window.status = 'got ' + got.status })
}"""


def test_no_script_of_the_page_shows_it_and_a_person_still_can(visit, providers, proxy_process):
    visitor = visit()
    visitor.goes("/contact")
    box(visitor, "HubSpot").get_by_role("button", name="Show it once").wait_for()
    before = recorded(proxy_process)
    visitor.page.add_init_script(f"addEventListener('load', () => setTimeout({SCRIPTED}, 500))")
    visitor.page.goto("https://callkom.io/contact", wait_until="load")
    visitor.page.wait_for_timeout(3000)  # what a driver evaluates counts as a press
    assert until(lambda: visitor.page.evaluate("window.status"), "got 409") == "got 409"
    visitor.settle()

    assert recorded(proxy_process) == before
    assert not providers.reached("hsforms.net")

    box(visitor, "HubSpot").get_by_role("button", name="Show it once").click()
    visitor.page.frame_locator("iframe[title='Content from HubSpot']").get_by_text("HubSpot form").wait_for()
    assert recorded(proxy_process)[-1] == ("once", "hubspot")


def test_the_box_that_once_fills_is_as_high_as_the_placeholder_was(visit):
    visitor = visit()
    visitor.goes("/booking")
    place = "scrollY + [...document.querySelectorAll('h2')].find(e => e.textContent == 'With a specialist').getBoundingClientRect().y"
    before = visitor.page.evaluate(place)
    high = box(visitor, "Calendly").bounding_box()["height"]
    box(visitor, "Calendly").get_by_role("button", name="Show it once").click()
    frame = visitor.page.locator("iframe[title='Content from Calendly']")
    frame.wait_for()

    assert abs(frame.bounding_box()["height"] - high) <= 1
    assert abs(visitor.page.evaluate(place) - before) <= 1


def test_a_placeholder_is_as_large_as_what_it_stands_for(visit, demo):
    visitor = visit(port=demo.port)
    visitor.goes("/booking")
    assert box(visitor, "Calendly").bounding_box()["height"] >= 480

    visitor.goes("/")
    size = box(visitor, "YouTube").bounding_box()
    assert size["height"] >= 315
    assert size["width"] <= 560


def test_always_is_recorded_with_its_provider_and_holds_on_the_other_hosts(visit, providers, proxy_process):
    visitor = visit()
    visitor.goes("/booking")
    assert "also covers" in box(visitor, "Calendly").inner_text()
    with visitor.page.expect_navigation():
        box(visitor, "Calendly").get_by_role("link", name="Always allow: Functional").click()
    visitor.settle()

    assert providers.missing("calendly.com") == []
    assert visitor.page.url.endswith("/booking")
    assert box(visitor, "Calendly").count() == 0
    assert recorded(proxy_process)[-1] == ("placeholder", "calendly")
    providers.forget()
    visitor.goes("/booking", "app.callkom.io")
    assert providers.missing("calendly.com") == []
    assert not providers.reached("googletagmanager.com")


def test_always_leaves_standing_what_was_granted_before(visit, providers):
    visitor = visit()
    grant(visitor, "Performance")
    visitor.goes("/booking")
    with visitor.page.expect_navigation():
        box(visitor, "Calendly").get_by_role("link", name="Always allow: Functional").click()
    visitor.settle()
    state = visitor.page.evaluate("fetch('/.consent/state').then(answer => answer.json())")

    assert state["granted"] == ["functional", "performance"]


def test_with_the_keyboard_alone(visit, providers):
    visitor = visit()
    refuse(visitor)
    visitor.goes("/booking")
    button = box(visitor, "Calendly").get_by_role("button", name="Show it once")
    button.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.locator("iframe[title='Content from Calendly']").wait_for()

    visitor.page.wait_for_function("document.activeElement.title == 'Content from Calendly'")


def test_a_page_in_french_has_its_placeholder_in_french(visit):
    visitor = visit()
    visitor.goes("/fr/booking")
    place = visitor.page.get_by_role("group", name="Contenu de Calendly")

    assert place.get_by_role("button", name="Afficher une seule fois").is_visible()
    place.get_by_role("button", name="Afficher une seule fois").click()
    visitor.page.locator("iframe[title='Contenu de Calendly']").wait_for()


def test_without_script_links_are_all_there_is(visit, providers):
    visitor = visit(java_script_enabled=False)
    visitor.goes("/booking")
    place = box(visitor, "Calendly")

    assert place.get_by_role("link", name="Open Calendly in a new tab").is_visible()
    assert not place.get_by_text("Show it once").is_visible()
    place.get_by_role("link", name="Always allow: Functional").click()
    visitor.page.wait_for_url("**/.consent/#cc-p-functional")
    visitor.settle()
    assert not providers.reached("calendly.com")


def test_a_popup_link_opens_the_providers_page(visit, providers):
    visitor = visit()
    visitor.goes("/booking")
    with visitor.context.expect_page() as opened:
        visitor.page.get_by_role("link", name="Take fifteen minutes").click()

    opened.value.wait_for_url("https://calendly.com/callkom/15min")
    assert visitor.errors == []


def test_nobody_is_led_to_a_view_by_a_link(visit, providers):
    visitor = visit()
    visitor.goes("/booking")
    box(visitor, "Calendly").get_by_role("button", name="Show it once").click()
    shown = visitor.page.locator("iframe[title='Content from Calendly']")
    shown.content_frame.locator("iframe").content_frame.get_by_text("calendly.com").wait_for()
    frame = urlsplit(shown.content_frame.locator("html").evaluate("document => document.baseURI"))
    visitor.goes("/")
    providers.forget()
    answer = visitor.goes(f"{frame.path}?{frame.query}")

    assert answer.status == 403
    assert not providers.reached("calendly.com")


def test_the_player_is_shown_once(visit, providers, demo):
    visitor = visit(port=demo.port)
    visitor.goes("/")
    box(visitor, "YouTube").get_by_role("button", name="Show it once").click()
    visitor.page.frame_locator("iframe[title='Content from YouTube']").frame_locator("iframe").get_by_text(
        "www.youtube-nocookie.com"
    ).first.wait_for()

    assert ("www.youtube-nocookie.com", "/embed/callkom-demo", "") in providers.hits


@pytest.mark.parametrize("state", ["none", "refused", pytest.param("performance", marks=pytest.mark.load)])
def test_the_form_works_through_the_relay_without_any_cookie_at_hubspot(visit, providers, demo, state):
    visitor = visit(port=demo.port)
    STATES[state](visitor)
    providers.forget()
    visitor.goes("/contact")
    frame = visitor.page.frame_locator("iframe[title='Content from HubSpot'] >> nth=0")
    frame.get_by_label("Email").fill("joe@example.org")
    frame.get_by_role("button", name="Send").click()
    frame.get_by_text("forms-eu1.hsforms.com").wait_for()
    visitor.settle()

    forms = [
        (host, path, headers, body) for host, path, headers, body in providers.asked if "hsforms" in host
    ]
    assert (
        "forms-eu1.hsforms.com",
        "/submissions/v3/5c1f6a2e-7d39-4b67-9a2e-0c9d1f3b8e11",
        b"email=joe%40example.org",
    ) in [(host, path, body) for host, path, _, body in forms]
    assert {headers.get("User-Agent") for _, _, headers, _ in forms} == {"consent-proxy"}, (
        "nothing went there directly"
    )
    carried = {"Cookie", "Origin", "Referer", "X-Forwarded-For", "Forwarded", "Accept-Language"}
    assert [headers.keys() & carried for _, _, headers, _ in forms if headers.keys() & carried] == []
    assert [
        pair for pair in visitor.cookies() if "hs" in pair[1] or "hubspot" in pair[1]
    ] == [] or state == "performance"
    assert [pair for pair in visitor.cookies() if "hsforms" in pair[1]] == []
    assert "hubspotutk" not in visitor.cookie_names()


@pytest.fixture(scope="module")
def vectors(tmp_path_factory, providers):
    """A page with a form whose library tries every way to meet its provider."""
    page = (
        '<!doctype html><html lang="en"><title>Vectors</title><body><h1>Form</h1>'
        '<div class="hs-form-frame" data-region="eu1" data-form-id="1" data-portal-id="vectors"></div></body></html>'
    )

    async def site(_):
        return web.Response(text=page, content_type="text/html")

    port, stop = serve_in_thread(site)
    running = relaying(tmp_path_factory.mktemp("vectors"), port, providers)
    yield running
    running.stop()
    stop()


def test_whatever_the_library_tries_its_provider_meets_nobody_but_us(visit, providers, vectors):
    """With cookies of the provider's in the profile already: they stay where they are."""
    visitor = visit(port=vectors.port)
    visitor.page.goto("https://forms-eu1.hsforms.com/")
    assert until(lambda: ("_cfuvid", ".hsforms.com") in visitor.cookies())
    before = visitor.cookies()
    providers.forget()
    visitor.goes("/")
    frame = visitor.page.frame_locator("iframe[title='Content from HubSpot']")
    frame.get_by_text("done 1").wait_for()
    visitor.settle()

    def met() -> list[tuple[str, dict[str, str]]]:
        # The browser asks for the icon of the page it was at before, on its own account.
        asked = [one for one in providers.asked if "hsforms" in one[0] and one[1] != "/favicon.ico"]
        return [(path.rpartition("/")[2], headers) for _, path, headers, _ in asked]

    ways = {"vectors.js", "script.js", "image.gif", "style.css", "attribute.js", "new.gif", "fetch", "request", "xhr", "beacon", "form"}  # fmt: skip
    assert until(lambda: ways - {way for way, _ in met()}, set()) == set()
    visitor.page.wait_for_timeout(500)  # for any other way
    assert {way for way, _ in met()} == ways
    assert {headers["User-Agent"] for _, headers in met()} == {"consent-proxy"}
    assert [headers for _, headers in met() if headers.keys() & {"Cookie", "Origin", "Referer"}] == []
    assert visitor.cookies() == before
    assert frame.get_by_text("escaped").count() == 0


def test_with_functional_the_form_loads_as_its_provider_made_it(visit, providers, demo):
    visitor = visit(port=demo.port)
    grant(visitor, "Functional")
    visitor.goes("/contact")

    visitor.page.get_by_text("HubSpot form 5c1f6a2e-7d39-4b67-9a2e-0c9d1f3b8e11").wait_for()
    assert providers.missing("forms-eu1.hsforms.com") == []
    assert visitor.page.locator("iframe[data-cc-frame]").count() == 0
    assert until(lambda: ("_cfuvid", ".hsforms.com") in visitor.cookies())


APP = """
import React from "react";
import { createRoot } from "react-dom/client";
import { InlineWidget } from "react-calendly";
const Page = () => {
  const [shown, show] = React.useState(true);
  return <main><h1>Book</h1><button onClick={() => show(!shown)}>Toggle</button>
    {shown && <InlineWidget url="https://calendly.com/callkom/30min" styles={{ height: "500px" }} />}</main>;
};
createRoot(document.getElementById("root")).render(<Page />);
"""


@pytest.fixture(scope="module")
def react_app(tmp_path_factory, demo):
    """A page whose frames are made by react-calendly in a bundle, behind the proxy."""
    folder = tmp_path_factory.mktemp("react")
    modules = installed("react-calendly").parent
    (folder / "app.jsx").write_text(APP)
    subprocess.run(
        ["node", str(modules / "esbuild" / "bin" / "esbuild"), "app.jsx", "--bundle", "--outfile=app.js", "--define:process.env.NODE_ENV='production'"],
        cwd=folder, check=True, capture_output=True, timeout=60, env={"PATH": "/usr/bin:/bin:/usr/local/bin", "NODE_PATH": str(modules)},
    )  # fmt: skip
    bundle = (folder / "app.js").read_text()

    async def site(request):
        if request.path == "/app.js":
            return web.Response(text=bundle, content_type="text/javascript")
        page = '<!doctype html><html lang="en"><title>App</title><body><div id="root"></div><script src="/app.js"></script>'
        return web.Response(text=page, content_type="text/html")

    port, stop = serve_in_thread(site)
    running = Running(folder, port)
    yield running
    running.stop()
    stop()


def test_a_frame_of_a_bundle_shows_the_offer_instead_of_nothing(visit, providers, react_app):
    visitor = visit(port=react_app.port)
    visitor.goes("/")
    place = box(visitor, "Calendly")
    place.wait_for()

    assert not providers.reached("calendly.com")
    assert (
        place.get_by_role("link", name="Open Calendly in a new tab")
        .get_attribute("href")
        .startswith("https://calendly.com/callkom/30min")
    )
    visitor.page.get_by_role("button", name="Toggle").click()
    place.wait_for(state="detached")
    visitor.page.get_by_role("button", name="Toggle").click()
    place.wait_for()
    place.get_by_role("button", name="Show it once").click()
    inner = visitor.page.frame_locator("iframe[title='Content from Calendly']").frame_locator("iframe")
    inner.get_by_text("calendly.com").wait_for()
    assert visitor.errors == []
    assert recorded(react_app)[-1] == ("once", "calendly")


def test_a_bundles_frame_loads_by_itself_once_functional_is_granted(visit, providers, react_app):
    visitor = visit(port=react_app.port)
    grant(visitor, "Functional")
    visitor.goes("/")

    assert providers.missing("calendly.com") == []
    assert box(visitor, "Calendly").count() == 0


@pytest.mark.parametrize("path", ["/booking", "/contact", "/", "/fr/contact"])
def test_nothing_is_wrong_with_placeholders_in_axes_eyes(visit, demo, path):
    visitor = visit(port=demo.port)
    refuse(visitor)
    visitor.goes(path)
    visitor.page.add_script_tag(content=(installed("axe-core") / "axe.min.js").read_text())
    found = visitor.page.evaluate(
        "axe.run({ include: ['.cc'] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
        ".then(all => all.violations.map(one => [one.id, one.nodes.map(node => node.html)]))"
    )

    assert found == []
