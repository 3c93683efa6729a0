"""Sites that say what their pages may frame and ask: what is offered there works, what cannot work is not offered."""

import pytest
from aiohttp import web

from tests.e2e.providers import serve_in_thread
from tests.e2e.test_placeholders import box, recorded, relaying

pytestmark = pytest.mark.e2e

CSP, COEP = "Content-Security-Policy", "Cross-Origin-Embedder-Policy"
WORKS = {
    "theirs": (CSP, "frame-src https://calendly.com"),
    "forms": (CSP, "child-src https://forms-eu1.hsforms.com; object-src 'none'"),
    "nothing": (CSP, "default-src 'none'; script-src 'unsafe-inline'"),
    "asking": (CSP, "connect-src https://api.example"),
}
ISOLATED = {"corp": (COEP, 'require-corp; report-to="x"'), "credentialless": (COEP, "credentialless")}
META = {
    "framing": "frame-src https://calendly.com",
    "asks": "connect-src https://api.example; frame-src 'self' https://calendly.com",
}
LOOSE = {"own": "default-src 'self' 'unsafe-inline'; frame-src 'self'"}
FORM = (
    '<script src="https://js-eu1.hsforms.net/forms/embed/v2.js"></script>'
    '<script>hbspt.forms.create({ region: "eu1", portalId: "1", formId: "a" })</script>'
)
FRAME = '<iframe src="https://calendly.com/c/a" width="400" height="333"></iframe>'
LATE = f"<script>addEventListener('load', () => {{ box.innerHTML = '{FRAME}'; }});</script>"


@pytest.fixture(scope="module")
def strict(tmp_path_factory, providers):
    """A site whose pages come under the policy their path names: /NAME, or /NAME/late for a frame of a script."""

    async def site(request):
        name, _, late = request.path.strip("/").partition("/")
        said = (META | LOOSE).get(name)
        meta = f'<meta http-equiv="{CSP}" content="{said}">' if said else ""
        body = f'<div id="box"></div>{LATE}' if late else FRAME + FORM
        page = f'<!doctype html><html lang="en"><head>{meta}<title>Strict</title></head><body><main>{body}</main></body></html>'
        header = (WORKS | ISOLATED).get(name)
        return web.Response(text=page, content_type="text/html", headers=dict([header] if header else []))

    port, stop = serve_in_thread(site)
    running = relaying(tmp_path_factory.mktemp("strict"), port, providers)
    yield running
    running.stop()
    stop()


@pytest.fixture(scope="module")
def visitor(strict, playwright_engine, tmp_path_factory, providers):
    from tests.e2e.walkers import Visitor

    person = Visitor(playwright_engine, tmp_path_factory.mktemp("p"), strict.port, providers.port)
    yield person
    person.context.close()


def once(visitor):
    return box(visitor, "Calendly").get_by_role("button", name="Show it once")


def shows_once(visitor, strict, path):
    before = len(recorded(strict))
    once(visitor).click()
    frame = visitor.page.frame_locator("iframe[title='Content from Calendly']").frame_locator("iframe")
    frame.get_by_text("calendly.com").wait_for()
    assert recorded(strict)[before:] == [("once", "calendly")]
    assert visitor.page.url.endswith(path), "nobody was led to the panel instead"


def submits(visitor):
    frame = visitor.page.frame_locator("iframe[title='Content from HubSpot']")
    frame.get_by_label("Email").fill("joe@example.org")
    frame.get_by_role("button", name="Send").click()
    frame.get_by_text("forms-eu1.hsforms.com").wait_for()


@pytest.mark.parametrize("name", [*WORKS, *LOOSE])
def test_where_a_site_names_what_it_frames_our_frames_are_let_in(visitor, strict, providers, name):
    visitor.goes(f"/{name}")
    shows_once(visitor, strict, f"/{name}")
    submits(visitor)


def test_what_a_script_wanted_to_frame_is_shown_there_too(visitor, strict, providers):
    visitor.goes("/nothing/late")
    shows_once(visitor, strict, "/nothing/late")


def ways_left(visitor) -> list[str]:
    box(visitor, "Calendly").wait_for()
    return box(visitor, "Calendly").locator(".k").locator("a, button").all_inner_texts()


LEFT = ["Open Calendly in a new tab", "Always allow: Functional"]


@pytest.mark.parametrize(
    "path", ["/corp", "/corp/late", "/credentialless", "/framing", "/framing/late", "/asks"]
)
def test_what_could_only_be_blank_is_not_offered_and_the_other_ways_stay(visitor, strict, providers, path):
    visitor.goes(path)

    assert ways_left(visitor) == LEFT
    assert not providers.reached("calendly.com")
    if path in ("/corp", "/credentialless", "/asks"):
        submits(visitor)  # a relayed form asks for nothing of this page, and obeys a site that isolates
    if path == "/framing":
        left = box(visitor, "HubSpot")
        assert left.get_by_role("link", name="Always allow: Functional").is_visible()
        assert left.locator("iframe, button").count() == 0
