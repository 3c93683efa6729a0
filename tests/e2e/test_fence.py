"""What no HTML filter can see is stopped by the fence: every vector, in every state, in a real browser."""

import pytest
from aiohttp import web

from tests.e2e.conftest import HOSTS, ROOT, Running
from tests.e2e.providers import serve_in_thread, tls_for
from tests.patience import until

pytestmark = pytest.mark.e2e

PAGE = (ROOT / "tests" / "data" / "site" / "vectors.html").read_text()
LIBRARIES = """<!doctype html><title>Libraries</title><h1>Libraries</h1>
<script src="https://cdn.jsdelivr.net/npm/swiper@11/swiper-bundle.min.js"></script>
<script src="https://cdnjs.cloudflare.com/ajax/libs/jquery/3.7.1/jquery.min.js"></script>
<script src="https://cdnjs.cloudflare.com/npm/@microsoft/applicationinsights-web@3/dist/ai.js"></script>
"""
UNDECLARED = "tracker.example"
REFUSED = "googletagmanager.com"
UNOBSERVED = {"preconnect"}
VECTORS = 30
"""How many of the page's vectors a browser without us carries out; the instrument must see them."""


async def vectors(request: web.BaseRequest) -> web.Response:
    if request.path == "/libraries":
        return web.Response(text=LIBRARIES, content_type="text/html")
    if request.path != "/vectors":
        return web.Response(text="ok", content_type="text/plain")
    target = request.query.get("to", UNDECLARED)
    headers = {"Link": f"<https://linkheader.{target}/x.gif>; rel=preload; as=image"}
    return web.Response(text=PAGE.replace("TARGET", target), content_type="text/html", headers=headers)


@pytest.fixture(scope="module")
def site():
    port, stop = serve_in_thread(vectors)
    yield port
    stop()


@pytest.fixture(scope="module")
def fenced(tmp_path_factory, site):
    running = Running(tmp_path_factory.mktemp("fence"), site)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def open_site():
    tls, _, _ = tls_for(*HOSTS)
    port, stop = serve_in_thread(vectors, tls=tls)
    yield port
    stop()


def reached(providers, target: str) -> set[str]:
    return {host.removesuffix("." + target) for host in providers.hosts() if host.endswith("." + target)}


def look(visitor, target: str) -> None:
    """Open the page, and leave it the time to reach whom it should not."""
    visitor.goes(f"/vectors?to={target}")
    visitor.page.wait_for_timeout(1500)


def accept(visitor) -> None:
    visitor.goes("/vectors")
    visitor.clicks("button", "Accept all")


@pytest.mark.parametrize("target", [UNDECLARED, REFUSED])
def test_without_us_nearly_every_vector_reaches_the_third_party(visit, providers, open_site, target):
    visit(port=open_site).goes(f"/vectors?to={target}")

    assert until(lambda: len(reached(providers, target)) >= VECTORS), sorted(reached(providers, target))


@pytest.mark.parametrize("target", [UNDECLARED, REFUSED])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_before_a_choice_no_vector_reaches_it(visit, providers, fenced, target, scripts):
    visitor = visit(port=fenced.port, java_script_enabled=scripts)
    look(visitor, target)

    assert reached(providers, target) == set()


def test_the_sites_own_inline_script_still_runs_under_the_fence(visit, fenced):
    visitor = visit(port=fenced.port)
    visitor.goes(f"/vectors?to={UNDECLARED}")

    assert visitor.page.evaluate("window.siteScriptRan") == 1


def test_after_accept_all_an_undeclared_third_party_stays_out_since_nobody_was_told_about_it(
    visit, providers, fenced
):
    visitor = visit(port=fenced.port)
    accept(visitor)
    providers.forget()
    look(visitor, UNDECLARED)

    assert reached(providers, UNDECLARED) == set()


def test_after_accept_all_a_granted_provider_is_reached_by_script_too(visit, providers, fenced):
    visitor = visit(port=fenced.port)
    accept(visitor)
    providers.forget()
    visitor.goes(f"/vectors?to={REFUSED}")

    wanted = {"createelement", "newimage", "fetch", "xhr", "beacon", "script", "img"}
    assert until(lambda: wanted - reached(providers, REFUSED), set()) == set()


def test_who_refused_gets_the_libraries_of_neutral_hosts_but_not_what_a_rule_holds_there(
    visit, providers, fenced
):
    visitor = visit(port=fenced.port)
    visitor.goes("/vectors")
    visitor.clicks("button", "Refuse all")
    providers.forget()
    visitor.goes("/libraries")

    assert providers.missing("cdn.jsdelivr.net", "cdnjs.cloudflare.com") == []
    visitor.page.wait_for_timeout(500)
    assert [path for _, path, _ in providers.hits if "applicationinsights" in path] == []
