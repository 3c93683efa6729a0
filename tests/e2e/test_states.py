"""Every state of consent on every page: nothing beyond rules.yaml loads or is stored, all that is granted does.

What may load and what may be stored is computed from the policy as loaded, never written by hand.
"""

import time
from fnmatch import fnmatchcase

import pytest
from aiohttp import web

from proxy.policy.hosts import covers
from proxy.policy.load import load_policy
from proxy.policy.model import NECESSARY
from tests.banner.npm import installed
from tests.e2e.conftest import HOSTS, ROOT, in_front_of
from tests.e2e.providers import serve_in_thread, tls_for
from tests.patience import until

pytestmark = pytest.mark.e2e

POLICY = load_policy((ROOT / "rules.yaml").read_text())
VECTORS = (ROOT / "tests" / "data" / "site" / "vectors.html").read_text()
UNDECLARED, REFUSABLE = "tracker.example", "googletagmanager.com"
OWN_DOMAIN = "callkom.io"
PAGES = [
    ("callkom.io", "/"),
    ("callkom.io", "/contact"),
    ("callkom.io", "/booking"),
    ("app.callkom.io", "/"),
    ("integration.callkom.io", "/"),
    ("callkom.io", "/checkout"),
    ("callkom.io", f"/lab/vectors?to={UNDECLARED}"),
    ("callkom.io", f"/lab/vectors?to={REFUSABLE}"),
]
NONE, BOTH = frozenset(), frozenset({"functional", "performance"})
STATES = {
    "none": frozenset(),
    "refuse": frozenset(),
    "functional": frozenset({"functional"}),
    "performance": frozenset({"performance"}),
    "both": BOTH,
    "accept": BOTH,
    "GPC": frozenset(),
    "no JavaScript": frozenset(),
}
LONG = ("functional", "both")
"""States left to the long suites: "performance" is one purpose of two, "accept" is both."""
LOADS = {
    "functional": {"js-eu1.hsforms.net", "forms-eu1.hsforms.com", "assets.calendly.com", "calendly.com",
                   "static.hsappstatic.net", "meetings-eu1.hubspot.com"},
    "performance": {"www.googletagmanager.com", "region1.google-analytics.com", "js-eu1.hs-scripts.com", "js-eu1.hs-analytics.net",
                    "static.cloudflareinsights.com", "js.monitor.azure.com", "westeurope-5.in.applicationinsights.azure.com",
                    f"createelement.{REFUSABLE}", f"fetch.{REFUSABLE}", f"beacon.{REFUSABLE}"},
    NECESSARY: {"js.stripe.com", "m.stripe.com"},
}  # fmt: skip
CHATTER = {
    "accounts.google.com",
    "update.googleapis.com",
    "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com",
}
INGESTION = "westeurope-5.in.applicationinsights.azure.com"
START = f"""
var insights = new Microsoft.ApplicationInsights.ApplicationInsights({{ config: {{
  connectionString: "InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=https://{INGESTION}/",
  maxBatchInterval: 100 }} }});
insights.loadAppInsights(); insights.trackPageView(); insights.flush();
window.bundleRan = 1;
"""


async def vectors(request: web.Request) -> web.Response:
    target = request.query["to"]
    headers = {"Link": f"<https://linkheader.{target}/x.gif>; rel=preload; as=image"}
    response = web.Response(text=VECTORS.replace("TARGET", target), content_type="text/html", headers=headers)
    for line in (
        "__cf_bm=b1; Domain=.callkom.io; Path=/; Max-Age=7200; HttpOnly; Secure",
        "_fbp=nobody.was.told; Domain=.callkom.io; Path=/; Max-Age=7776000",
        "hubspotutk=h2; Domain=.callkom.io; Path=/lab; Max-Age=34300800",
    ):
        response.headers.add("Set-Cookie", line)
    return response


async def bundled(_: web.Request) -> web.Response:
    text = '<!doctype html><html lang="en"><title>Application</title><body><h1>Application</h1><script src="/lab/app.8f3a1c.js"></script></body></html>'
    return web.Response(text=text, content_type="text/html")


async def bundle(_: web.Request) -> web.Response:
    folder = installed("@microsoft/applicationinsights-web") / "dist" / "es5"
    code = (folder / "applicationinsights-web.min.js").read_text().partition("//# sourceMappingURL")[0]
    return web.Response(text=code + START, content_type="text/javascript")


def site() -> web.Application:
    from proxy.demo.site import demo_site

    app = demo_site()
    app.router.add_get("/lab/vectors", vectors)
    app.router.add_get("/lab/application", bundled)
    app.router.add_get("/lab/app.8f3a1c.js", bundle)
    return app


@pytest.fixture(scope="module")
def enforced(tmp_path_factory):
    with in_front_of(site(), tmp_path_factory.mktemp("states")) as running:
        yield running.port


@pytest.fixture(scope="module")
def unprotected():
    """The same site behind TLS and nothing else."""
    tls, _, _ = tls_for(*HOSTS)
    port, stop = serve_in_thread(site(), tls=tls)
    yield port
    stop()


# -- what the rules say ------------------------------------------------------------------------------


def granted(purposes, state) -> bool:
    return all(p == NECESSARY or not POLICY.needs_consent(p) or p in state for p in purposes)


def may_load(host: str, state: frozenset[str]) -> bool:
    """True when rules.yaml lets that host be reached: its first rule without further conditions decides."""
    for provider in POLICY.providers:
        for rule in provider.tags:
            narrow = rule.elements or rule.paths or rule.ids or rule.classes or rule.attributes or rule.text
            if not narrow and any(covers(pattern, host) for pattern in rule.hosts):
                return granted(rule.purposes, state)
    return any(covers(pattern, host) for rule in POLICY.neutral for pattern in rule.hosts)


def row_of(name: str, domain: str):
    """Return the row of the table that speaks of a stored cookie; a leading dot says it has a Domain."""
    bare = domain.removeprefix(".")
    for provider in POLICY.providers:
        for row in provider.cookies:
            known = any(fnmatchcase(name, glob) for glob in row.names)
            if known and any(
                bare == d.removeprefix(".") or (d.startswith(".") and bare.endswith(d)) for d in row.domains
            ):
                return row
    return None


def first_party(cookie) -> bool:
    return f".{cookie['domain']}".endswith(f".{OWN_DOMAIN}")


def leaks(providers, state) -> set[str]:
    hosts = providers.hosts() - CHATTER
    return {host for host in hosts if not host.endswith(OWN_DOMAIN) and not may_load(host, state)}


def foreign_cookies(visitor, state) -> set[tuple[str, str]]:
    """Cookies in the jar that the table does not have, or has for a purpose that is not granted."""
    found = set()
    for cookie in visitor.context.cookies():
        row = row_of(cookie["name"], cookie["domain"])
        if row is None or not granted([row.purpose], state):
            found.add((cookie["name"], cookie["domain"]))
    return found


def too_long(visitor) -> set[tuple[str, str, float]]:
    """Cookies of the site's own domains that live longer than the table says."""
    found = set()
    for cookie in filter(first_party, visitor.context.cookies()):
        row = row_of(cookie["name"], cookie["domain"])
        if row is None:
            continue
        left = cookie["expires"] - time.time()
        if cookie["expires"] != -1 and (row.lasts.seconds is None or left > row.lasts.seconds + 1):
            found.add((cookie["name"], cookie["domain"], round(left / 86400, 1)))
    return found


def missing_rows(visitor, providers, state) -> set[tuple[str, str]]:
    """Rows of the published table that are granted and of which the jar has no cookie.

    A third party's row counts where something of that third party is granted and was reached.
    """
    jar = [(c["name"], c["domain"].removeprefix(".")) for c in visitor.context.cookies()]
    found = set()
    for provider in POLICY.providers:
        for row in provider.cookies:
            if row.unpublished is not None or not provider.enabled or not granted([row.purpose], state):
                continue
            for domain in row.domains:
                bare = domain.removeprefix(".")
                if not f".{bare}".endswith(f".{OWN_DOMAIN}") and not providers.reached(bare):
                    continue
                found |= {
                    (name, domain)
                    for name in row.names
                    if not any(
                        fnmatchcase(n, name) and (d == bare or (domain[0] == "." and d.endswith(domain)))
                        for n, d in jar
                    )
                }
    return found


# -- the walk ------------------------------------------------------------------------------------------


def reach(visitor, state: str) -> None:
    """Bring a visitor into that state."""
    if state in ("none", "GPC", "no JavaScript"):
        return
    visitor.goes("/")
    if state in ("refuse", "accept"):
        visitor.clicks("button", {"refuse": "Refuse all", "accept": "Accept all"}[state])
        return
    visitor.page.get_by_text("Customize", exact=True).click()
    for purpose in STATES[state]:
        visitor.page.get_by_role("checkbox", name=purpose.capitalize()).first.check()
    visitor.clicks("button", "Save my choices")


def walk(visitor, *, scripts: bool = True) -> None:
    for host, path in PAGES:
        visitor.goes(path, host)
        if not scripts:
            continue
        if path.startswith("/lab/vectors"):
            visitor.page.wait_for_timeout(700)  # beacons, workers and frames have no end to wait for
            assert visitor.page.evaluate("window.siteScriptRan") == 1, path
        else:
            assert visitor.page.evaluate("document.documentElement.dataset.siteScript") == "ran", path


OPTIONS = {"GPC": {"extra_http_headers": {"Sec-GPC": "1"}}, "no JavaScript": {"java_script_enabled": False}}


def test_with_nothing_in_front_the_same_walk_breaks_every_law(visit, unprotected, providers):
    """The measuring instrument works: otherwise every walk below could be green for nothing."""
    visitor = visit(port=unprotected)
    walk(visitor)
    visitor.goes(f"/lab/vectors?to={UNDECLARED}")  # and stays: some ways take their time

    assert until(lambda: len({host for host in leaks(providers, NONE) if host.endswith(UNDECLARED)}) >= 28)
    expected = LOADS["functional"] | LOADS["performance"]
    assert until(lambda: expected - leaks(providers, NONE), set()) == set()
    stored = {"_ga", "hubspotutk", "__hstc", "ai_user", "wp-wpml_current_language", "_fbp", "_cfuvid"}
    assert until(lambda: stored - {name for name, _ in foreign_cookies(visitor, NONE)}, set()) == set()
    unnamed = {  # of providers that rules.yaml does not name
        ("_fbp", ".callkom.io"),
        ("NID", ".google.com"),
        ("VISITOR_INFO1_LIVE", ".youtube-nocookie.com"),
    }
    assert until(lambda: foreign_cookies(visitor, BOTH), unnamed) == unnamed
    longer = {"_ga", "hubspotutk", "wp-wpml_current_language", "__cf_bm"}
    assert until(lambda: longer - {name for name, _, _ in too_long(visitor)}, set()) == set()


@pytest.mark.parametrize(
    "state", [pytest.param(s, marks=pytest.mark.load) if s in LONG else s for s in STATES]
)
def test_in_every_state_exactly_what_the_rules_grant_loads_and_is_stored(visit, enforced, providers, state):
    visitor = visit(port=enforced, **OPTIONS.get(state, {}))
    reach(visitor, state)
    providers.forget()
    scripts, grants = state != "no JavaScript", STATES[state]
    walk(visitor, scripts=scripts)

    if scripts:
        wanted = set().union(*(LOADS[purpose] for purpose in [*grants, NECESSARY]))
        wanted |= {"track-eu1.hubspot.com"} if grants == BOTH else set()
        assert until(lambda: wanted - providers.hosts(), set()) == set()
        assert until(lambda: missing_rows(visitor, providers, grants), set()) == set()
    assert leaks(providers, grants) == set()
    assert foreign_cookies(visitor, grants) == set()
    assert too_long(visitor) == set()
    assert ("consent_callkom" in visitor.cookie_names()) == (state not in ("none", "GPC", "no JavaScript"))


def reported(providers) -> bool:
    """True when telemetry reached its provider."""
    return any(host == INGESTION and body for host, _, _, body in providers.asked)


def kept_by_insights(visitor) -> set[tuple[str, str]]:
    return {(c["name"], c["domain"]) for c in visitor.context.cookies() if c["name"].startswith("ai_")}


@pytest.mark.parametrize(
    "state",
    ["refuse", "performance", *(pytest.param(s, marks=pytest.mark.load) for s in ("functional", "accept"))],
)
def test_the_real_insights_sdk_in_the_sites_own_bundle_reports_and_stores_with_performance_only(
    visit, enforced, providers, state
):
    installed("@microsoft/applicationinsights-web")
    visitor = visit(port=enforced)
    reach(visitor, state)
    providers.forget()
    visitor.goes("/lab/application", "app.callkom.io")
    visitor.page.wait_for_timeout(800)
    visitor.goes("/lab/application", "app.callkom.io")  # leaving a page sends what is left

    keys = visitor.page.evaluate("Object.keys(sessionStorage).concat(Object.keys(localStorage))")
    assert visitor.page.evaluate("window.bundleRan") == 1, "the site's own code runs either way"
    if "performance" in STATES[state]:
        assert until(lambda: reported(providers)), "telemetry arrived"
        wanted = {("ai_user", "app.callkom.io"), ("ai_session", "app.callkom.io")}
        assert until(lambda: kept_by_insights(visitor), wanted) == wanted
        assert too_long(visitor) == set()
    else:
        assert leaks(providers, STATES[state]) == set()
        assert kept_by_insights(visitor) == set()
        assert [key for key in keys if key.startswith(("AI_", "ai_"))] == []


def test_the_real_insights_sdk_reports_before_any_choice_with_nothing_in_front(visit, unprotected, providers):
    installed("@microsoft/applicationinsights-web")
    visitor = visit(port=unprotected)
    visitor.goes("/lab/application", "app.callkom.io")

    assert until(lambda: reported(providers))
    assert until(lambda: {"ai_user", "ai_session"} <= visitor.cookie_names())
