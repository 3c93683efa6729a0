"""Code of the site's own that means it, and pages that begin oddly: nobody is reached, nothing is stored."""

import time

import pytest

from tests.banner.test_guard_realms import INNER, OVERRIDES, REALMS
from tests.e2e.conftest import HOSTS, in_front_of
from tests.e2e.hostile_site import BEGINNINGS, THIRD, TOGETHER, VECTORS, hostile_site
from tests.e2e.providers import serve_in_thread, tls_for
from tests.e2e.walkers import InChromium
from tests.patience import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ELSEWHERE = {
    "manifest",
    "worklet",
    "link-ping",
    "svg-filter",
    "poster",
    "own-realm",
    "shared-worker",
    "feed-document",
    "link-prerender-markup",
}
"""Ways that a headless Chromium does not take, or not each time, without us either."""
NOT_EVERYWHERE = ("an object's", "an embedded", "a frame of an old kind", "window", "document.open", "setHTMLUnsafe", "an editing", "a frame by")  # fmt: skip
"""Beginnings of the names of ways that another browser than Chromium does not go as written."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    with in_front_of(hostile_site, tmp_path_factory.mktemp("hostile")) as running:
        yield running.port


@pytest.fixture(scope="module")
def open_site():
    tls, _, _ = tls_for(*HOSTS)
    port, stop = serve_in_thread(hostile_site, tls=tls)
    yield port
    stop()


def reached(providers) -> set[str]:
    return {host.removesuffix("." + THIRD) for host in providers.hosts() if host.endswith("." + THIRD)}


def stored(person) -> set[str]:
    """Return what the site's pages find: cookies that scripts see, and keys."""
    person.goes("/plain")
    found = person.evaluates(
        "[document.cookie.split('; ').map(c => c.split('=')[0]), Object.keys(localStorage), Object.keys(sessionStorage)]"
    )
    return {name for names in found for name in names if name and "cc-" not in name}


def tries(person, name: str) -> None:
    """Open the page that goes this way, and stay for longer than it takes where nothing is in its way."""
    if not hasattr(person, "page"):
        person.goes(f"/vector/{name}")
        return
    person.page.goto(f"https://callkom.io/vector/{name}", wait_until="load")
    person.page.wait_for_timeout(300)


def answered(person, answer: str | None) -> None:
    if answer:
        person.goes("/plain")
        person.clicks("button", answer)


def test_without_us_every_vector_reaches_the_third_party(visit, open_site, providers):
    visitor = visit(port=open_site)
    for name in VECTORS:
        tries(visitor, name)
        until(lambda name=name: name in reached(providers) | ELSEWHERE, most=3)
    tries(visitor, "together")

    assert until(lambda: {*VECTORS, *TOGETHER} - reached(providers) - ELSEWHERE, set()) == set()


def test_without_us_every_beginning_stores_and_reaches(visit, open_site, providers):
    visitor = visit(port=open_site)
    for name in BEGINNINGS:
        visitor.context.clear_cookies()
        visitor.page.goto(f"https://callkom.io/beginning/{name}", wait_until="load")
        assert visitor.page.evaluate("window.ran"), name
        assert "_ga" in visitor.page.evaluate("document.cookie"), name
    assert {"inside", "plain"} <= reached(providers)


@pytest.mark.parametrize("answer", [None, pytest.param("Refuse all", marks=pytest.mark.load)])
def test_no_vector_reaches_the_third_party(comes, hostile, providers, answer):
    person = comes(port=hostile)
    answered(person, answer)
    for name in (*VECTORS, "together"):
        tries(person, name)
    person.goes("/plain")

    assert reached(providers) == set()


@pytest.mark.load  # tests/e2e/test_fence.py goes some of these ways after "Accept all" in every run
def test_after_accepting_all_none_reaches_whom_nobody_declared(comes, hostile, providers):
    person = comes(port=hostile)
    answered(person, "Accept all")
    for name in (*VECTORS, "together"):
        tries(person, name)
    person.goes("/plain")

    assert reached(providers) == set()


@pytest.mark.parametrize("answer", [None, pytest.param("Refuse all", marks=pytest.mark.load)])
def test_however_a_page_begins_it_stores_nothing_and_reaches_nobody(comes, hostile, providers, answer):
    person = comes(port=hostile)
    answered(person, answer)
    for name in BEGINNINGS:
        person.goes(f"/beginning/{name}")
        found = person.evaluates("[window.ran || 0, document.cookie, Object.keys(localStorage)]")
        assert (name, found[0]) == (name, 1), "the instrument works"
        assert "_ga" not in found[1], name
        assert [key for key in found[2] if key.startswith("_gcl")] == [], name

    assert reached(providers) == set()


def ways_to_store() -> dict[str, str]:
    """Return every way to store that the guard knows: through fresh realms, their own code, replaced built-ins."""
    use = """w => { w.document.cookie = '_ga=1; path=/'; w.localStorage.setItem('_gcl_ls', 1); w.localStorage._gcl_x = 1;
        Object.getOwnPropertyDescriptor(w.Document.prototype, 'cookie').set.call(document, '_ga=1; path=/') }"""
    code = "<script>document.cookie = '_ga=1; path=/'; localStorage.setItem('_gcl_ls', 1); parent.innerRan = 1<\\/script>"
    ways = {name: f"(function () {{ let use = {use}; {way} }})()" for name, way in REALMS.items()}
    ways |= {name: f"(function () {{ let code = `{code}`; {way} }})()" for name, way in INNER.items()}
    return ways | {
        name: f"(function () {{ {way.replace('ai_', '_gcl_')} }})()" for name, way in OVERRIDES.items()
    }


def stored_by(person, way: str) -> set[str]:
    """Return what is stored where a page goes this way: the browser's cookies, and the keys that a text sees.

    A text has no guard and no sweep, which would take away what a page finds.
    """
    person.goes("/plain")
    person.evaluates(
        f"setTimeout(() => {{ {way} }}, 50) ? 1 : 0"
    )  # a driver's script trips over replaced built-ins
    time.sleep(0.3)
    cookies = person.cookie_names()
    person.goes("/robots.txt")
    keys = person.evaluates("[Object.keys(localStorage), Object.keys(sessionStorage)]")
    return (cookies & {"_ga"}) | {key for found in keys for key in found if key.startswith("_gcl")}


@pytest.mark.load  # in Chromium tests/banner/test_guard_realms.py goes each of these ways in every run
@pytest.mark.parametrize("some", [0, 1, 2])
def test_no_way_that_the_guard_knows_stores_in_this_browser(comes, hostile, request, some):
    person = comes(port=hostile)
    chromium = "[chromium" in request.node.callspec.id
    ways = {
        name: way
        for name, way in list(ways_to_store().items())[some::3]
        if chromium or not name.startswith(NOT_EVERYWHERE)
    }

    assert {name: found for name, way in ways.items() if (found := stored_by(person, way))} == {}


@pytest.mark.load
def test_without_us_such_ways_store(visit, open_site):
    person = InChromium(visit(port=open_site))
    ways = ways_to_store()
    tried = [next(iter(REALMS)), "innerHTML", "a shadow root", next(iter(INNER)), next(iter(OVERRIDES))]

    assert [name for name in tried if not stored_by(person, ways[name])] == []
