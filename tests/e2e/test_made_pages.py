"""Pages, frames and workers that a service worker of the site makes itself: fenced, guarded, dressed."""

import time

import pytest
from aiohttp import web

from tests.e2e.test_moving import renewed
from tests.e2e.walkers import asks
from tests.patience import until

pytestmark = pytest.mark.e2e
THIRD = "tracker.example"

WORKER = """/* made here */ 'use strict';
const strict = (function () { return !this })();
const respond = FetchEvent.prototype.respondWith;
const code = to => `fetch("https://${to}.tracker.example/x.gif", { mode: "no-cors" })`;
const page = (name, more = "") => `<!DOCTYPE html><html lang="en"><head><title>${name}</title></head><body><h1>${name} ${strict}</h1>
  <script>document.cookie = "_ga=1"; localStorage.setItem("_gcl_ls", 1); window.ran = 1; ${code(name)}</scr` + `ipt>${more}</body></html>`;
const html = (text, how = "text/html") => new Response(text, { headers: { "Content-Type": how } });
const made = {
  "/made": () => html(page("made")),
  "/later": () => new Promise(done => setTimeout(() => done(html(page("later"))), 50)),
  "/framed": () => html(page("framed")),
  "/streamed": () => new Response(new Blob([page("streamed")]).stream(), { headers: { "Content-Type": "text/html; charset=utf-8" } }),
  "/data": () => fetch("data:text/html," + encodeURIComponent(page("data"))),
  "/blob": () => fetch(URL.createObjectURL ? URL.createObjectURL(new Blob([page("blob")], { type: "text/html" })) : "data:text/html," + encodeURIComponent(page("blob"))),
  "/kept": async () => { const pages = await caches.open("made"); await pages.put("/kept", html(page("kept"))); return pages.match("/kept"); },
  "/loose": () => new Response(page("loose"), { headers: { "Content-Type": "text/html", "Content-Security-Policy": "default-src * 'unsafe-inline'" } }),
  "/picture": () => html(`<svg xmlns="http://www.w3.org/2000/svg"><script>${code("picture")}</scr` + `ipt></svg>`, "image/svg+xml"),
  "/work.js": () => html(`${code("work")}.catch(() => 0).then(() => postMessage("done"))`, "text/javascript"),
};
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(clients.claim()));
addEventListener("fetch", event => {
  const make = made[new URL(event.request.url).pathname];
  if (make) respond.call(event, make());
});
addEventListener("message", event => event.waitUntil((async () => {
  await cookieStore.set("_ga", "1"); await cookieStore.set({ name: "hubspotutk", value: "1", expires: Date.now() + 1e9 });
  await cookieStore.set({ name: "wp-settings-1", value: "1", expires: Date.now() + 1e12 }); await cookieStore.set("PHPSESSID", "1");
  event.source.postMessage("set");
})()));
"""
PAGE = "<!doctype html><html lang=en><title>x</title><p>Plain</p></html>"
NAMES = ("made", "later", "streamed", "data", "blob", "kept", "loose", "picture")
FRAME = """new Promise(end => { let f = document.createElement('iframe'); f.src = '/framed'; f.onload = () => end(f.contentWindow.ran);
    document.body.append(f) })"""
WORK = "new Promise(end => { let w = new Worker('/work.js'); w.onmessage = w.onerror = () => end(1); setTimeout(end, 4000) })"
SET = "new Promise(end => { navigator.serviceWorker.onmessage = () => end(1); navigator.serviceWorker.controller.postMessage(1) })"


async def site(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/sw.js":
        return web.Response(text=WORKER, content_type="text/javascript")
    return web.Response(text=PAGE, content_type="text/html")


def comes_with_worker(comes, port):
    person = comes(port=port)
    person.goes("/")
    person.evaluates(
        "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => 1)"
    )
    assert until(lambda: person.evaluates("navigator.serviceWorker.controller !== null"))
    return person


def walks(person) -> None:
    for name in NAMES:
        person.goes(f"/{name}")
        if name != "picture":
            assert person.evaluates("[window.ran, document.querySelector('h1').textContent]") == [
                1,
                f"{name} true",
            ]
    person.goes("/")
    assert person.evaluates(FRAME) == 1
    person.evaluates(WORK)
    time.sleep(0.5)


def reached(providers) -> set[str]:
    return {host.removesuffix("." + THIRD) for host in providers.hosts() if host.endswith("." + THIRD)}


@pytest.mark.parametrize("comes", ["chromium"], indirect=True)
def test_without_us_what_a_worker_makes_reaches_and_stores(comes, bare, providers):
    person = comes_with_worker(comes, bare)
    walks(person)
    person.evaluates(SET)

    wanted = {*NAMES, "framed", "work"}
    assert until(lambda: wanted - reached(providers), set()) == set()
    assert {"_ga", "hubspotutk", "PHPSESSID"} <= person.cookie_names()
    assert "_gcl_ls" in person.evaluates("Object.keys(localStorage)")


@pytest.mark.parametrize("comes", ["chromium", "firefox"], indirect=True)
def test_what_a_worker_makes_reaches_and_stores_nothing_before_a_choice(comes, fenced, providers):
    person = comes_with_worker(comes, fenced)
    walks(person)
    if hasattr(person, "page"):  # Firefox keeps what workers set out of the site's jar
        person.evaluates(SET)
        assert until(lambda: "PHPSESSID" in person.cookie_names()), "the instrument works"

    assert reached(providers) == set()
    assert not {"_ga", "hubspotutk"} & person.cookie_names()
    assert "_gcl_ls" not in person.evaluates("Object.keys(localStorage)")


@pytest.mark.parametrize("comes", ["chromium"], indirect=True)
def test_a_page_that_a_worker_made_asks_and_takes_an_answer(comes, fenced):
    person = comes_with_worker(comes, fenced)
    person.goes("/made")
    assert asks(person, "Refuse all", "Accept all", "Manage my cookies")
    assert person.evaluates("document.compatMode") == "CSS1Compat"

    person.clicks("button", "Accept all")
    renewed(person)
    person.goes("/made")
    assert not asks(person, "Refuse all", "Accept all", "Manage my cookies")
