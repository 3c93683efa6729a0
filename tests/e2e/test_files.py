"""Guard and style as files of ours: before the site's first script, from caches, and where they do not come."""

import re

import pytest
from aiohttp import web

from tests.e2e.conftest import ROOT, in_front_of
from tests.patience import until

pytestmark = pytest.mark.e2e

VECTORS = (ROOT / "tests" / "data" / "site" / "vectors.html").read_text()
AT_ONCE = """<!doctype html><html lang="en"><head><script>
document.cookie = "_ga=GA1.1; path=/; max-age=80000"; document.cookie = "hubspotutk=h; path=/";
document.cookie = "csrftoken=c; path=/"; window.ran = 1;
</script><title>Home</title></head><body><h1>Home</h1><p id="more"></p><script>WORKER</script></body></html>"""
WORKER = """
const kept = caches.open("kept");
self.addEventListener("install", () => skipWaiting());
self.addEventListener("activate", event => event.waitUntil(clients.claim()));
self.addEventListener("fetch", event => {
  if (event.request.method == "GET") event.respondWith(answer(event.request));
});
async function answer(request) {
  const cache = await kept, old = request.mode != "navigate" && await cache.match(request);
  if (old) return old;
  try {
    const fresh = await fetch(request);
    cache.put(request, fresh.clone());
    return fresh;
  } catch (gone) {
    return await cache.match(request) || Response.error();
  }
}
"""
REGISTER = "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => window.worked = 1)"
KEPT = """caches.open("kept").then(kept => kept.keys()).then(all => all.map(one => new URL(one.url).pathname))
  .then(all => all.includes("/worker") && all.filter(one => one.includes("/.consent/page.")).length >= 2)"""
FILES = "**/.consent/page.*"


class Site:
    """Writes cookies in the first script of its pages, and keeps what cookies it is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.sent.append(request.headers.get("Cookie", ""))
        if request.path == "/sw.js":
            return web.Response(text=WORKER, content_type="text/javascript")
        if request.path == "/vectors":
            text = VECTORS.replace("TARGET", request.query.get("to", "tracker.example"))
            return web.Response(text=text, content_type="text/html")
        if request.path == "/plain":
            return web.Response(text="nothing", content_type="text/plain")
        text = AT_ONCE.replace("WORKER", REGISTER if request.path == "/worker" else "")
        return web.Response(text=text, content_type="text/html")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    site = Site()
    with in_front_of(site.answer, tmp_path_factory.mktemp("files")) as running:
        site.port = running.port
        yield site


@pytest.fixture
def answered(visit, served):
    """Return somebody who gave this answer and left the page."""

    def come(button: str = "Refuse all", path: str = "/"):
        visitor = visit(port=served.port)
        visitor.goes(path)
        visitor.clicks("button", button)
        visitor.goes("/plain")
        served.sent.clear()
        return visitor

    return come


def test_the_guard_in_a_file_runs_before_the_first_script_of_the_site(answered, served):
    visitor = answered()
    for path in ("/", "/again"):
        visitor.goes(path)
        assert visitor.page.evaluate("[window.ran, document.cookie]") == [1, "csrftoken=c"]

    assert visitor.errors == []
    wanted = {"consent_callkom", "csrftoken"}
    assert until(visitor.cookie_names, wanted) == wanted


@pytest.mark.parametrize("target", ["tracker.example", "googletagmanager.com"])
def test_where_the_file_does_not_come_the_fence_still_holds(answered, providers, target):
    visitor = answered()
    visitor.context.route(FILES, lambda route: route.abort())
    providers.forget()
    visitor.goes(f"/vectors?to={target}")
    visitor.page.wait_for_timeout(1500)

    assert visitor.page.evaluate("window.callkomConsent") is None, "the guard did not come"
    assert [host for host in providers.hosts() if host.endswith(target)] == []


def test_where_the_file_does_not_come_the_site_is_not_sent_what_was_stored_and_the_next_request_ends_it(
    answered, served
):
    visitor = answered()
    visitor.context.route(FILES, lambda route: route.abort())
    visitor.goes("/")
    stored = {"_ga", "hubspotutk"}
    assert until(lambda: stored <= visitor.cookie_names()), "nobody was there to refuse them"
    visitor.goes("/plain")

    assert all("_ga" not in line and "hubspotutk" not in line for line in served.sent)
    assert any("csrftoken" in line for line in served.sent)
    visitor.context.unroute(FILES)
    visitor.goes("/")
    assert visitor.cookie_names() == {"consent_callkom", "csrftoken"}


def test_a_page_older_than_this_process_is_guarded_all_the_same(answered):
    """Its HTML comes out of some cache and names a file that nobody here ever made."""
    visitor = answered()

    visitor.goes("/")
    page = visitor.page.evaluate("fetch('/old').then(answer => answer.text())")
    old, count = re.subn(r"page\.[0-9a-f]{16}", "page." + "0" * 16, page)
    assert count == 2
    visitor.context.route("**/old", lambda route: route.fulfill(body=old, content_type="text/html"))
    visitor.goes("/old")

    assert visitor.page.evaluate("[window.ran, document.cookie, callkomConsent.asked]") == [
        1,
        "csrftoken=c",
        "no",
    ]
    centered = "getComputedStyle(document.getElementById('cc-l')).textAlign"
    assert visitor.page.evaluate(centered) == "center"


def test_behind_a_service_worker_of_the_site_that_keeps_everything_the_guard_runs_and_offline_too(answered):
    visitor = answered(path="/worker")
    visitor.goes("/worker")
    visitor.page.wait_for_function("window.worked && navigator.serviceWorker.controller")
    visitor.goes("/worker")
    assert visitor.page.evaluate("[window.ran, document.cookie]") == [1, "csrftoken=c"]

    assert until(lambda: visitor.page.evaluate(KEPT)), "the worker keeps page and files"
    visitor.context.set_offline(True)
    visitor.goes("/worker")
    assert visitor.page.evaluate("[window.ran, document.cookie, callkomConsent.asked]") == [
        1,
        "csrftoken=c",
        "no",
    ]
    assert visitor.errors == []


def test_an_answer_taken_back_brings_another_file_at_once(answered):
    visitor = answered("Accept all")
    visitor.goes("/")
    assert "_ga" in visitor.page.evaluate("document.cookie")
    visitor.clicks("link", "Manage my cookies")
    visitor.clicks("button", "Refuse all")
    visitor.goes("/")

    assert visitor.page.evaluate("document.cookie") == "csrftoken=c"
