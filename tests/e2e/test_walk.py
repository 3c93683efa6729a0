"""A visitor walks through the demo site, in a real browser, with every provider played locally."""

import pytest

from tests.patience import until

pytestmark = pytest.mark.e2e

PAGES = [
    ("callkom.io", "/"),
    ("callkom.io", "/contact"),
    ("callkom.io", "/booking"),
    ("callkom.io", "/checkout"),
    ("app.callkom.io", "/"),
]
FUNCTIONAL = ["hsforms.net", "calendly.com", "hsappstatic.net"]
PERFORMANCE = ["googletagmanager.com", "hs-scripts.com", "cloudflareinsights.com", "js.monitor.azure.com"]
NECESSARY = {"js.stripe.com", "m.stripe.com", "m.stripe.network"}
NEEDS_CONSENT = {
    "hubspotutk", "__hstc", "__hssc", "__hssrc", "_ga", "_ga_CALLKOM001", "ai_user", "ai_session", "_cfuvid", "wp-wpml_current_language",
}  # fmt: skip
STORED = {"hubspotutk", "__hstc", "_ga", "ai_user"}


def walk(visitor) -> None:
    for host, path in PAGES:
        visitor.goes(path, host)


def choose(visitor, name: str) -> None:
    visitor.goes("/")
    visitor.clicks("button", name)


def third_parties(providers) -> set[str]:
    """Hosts that a page reached, without payment and without what the browser asks on its own account."""
    chatter = {
        "accounts.google.com",
        "update.googleapis.com",
        "content-autofill.googleapis.com",
        "optimizationguide-pa.googleapis.com",
    }
    return providers.hosts() - NECESSARY - chatter


def test_without_us_the_same_walk_leaks_to_every_provider_and_stores_their_cookies(
    visit, unprotected, providers
):
    """The measuring instrument works: otherwise every test below could be green for nothing."""
    visitor = visit(port=unprotected)
    walk(visitor)

    assert providers.missing(*FUNCTIONAL, *PERFORMANCE) == []
    assert until(lambda: ("_cfuvid", ".calendly.com") in visitor.cookies())
    assert until(lambda: visitor.cookie_names() >= STORED), STORED - visitor.cookie_names()


def test_before_any_choice_nothing_that_needs_consent_loads_or_stores(visit, providers):
    visitor = visit()
    walk(visitor)

    assert third_parties(providers) == set()
    assert visitor.cookie_names() & NEEDS_CONSENT == set()
    assert providers.missing("js.stripe.com") == [], "payment is necessary and must work"


def test_the_sites_own_scripts_run_and_its_session_survives_before_any_choice(visit):
    visitor = visit()
    for host, path in PAGES:
        visitor.goes(path, host)
        assert visitor.page.evaluate("document.documentElement.dataset.siteScript") == "ran"

    assert "PHPSESSID" in visitor.cookie_names()


def test_after_refuse_all_nothing_loads_on_any_host(visit, providers):
    visitor = visit()
    choose(visitor, "Refuse all")
    providers.forget()
    walk(visitor)

    assert third_parties(providers) == set()
    assert visitor.cookie_names() & NEEDS_CONSENT == set()
    assert visitor.page.get_by_role("button", name="Accept all", exact=True).count() == 0, (
        "who refused is not asked again"
    )


def test_after_accept_all_every_provider_loads(visit, providers):
    visitor = visit()
    choose(visitor, "Accept all")
    walk(visitor)

    assert providers.missing(*FUNCTIONAL, *PERFORMANCE) == []
    assert until(lambda: visitor.cookie_names() >= STORED), STORED - visitor.cookie_names()


@pytest.mark.parametrize(
    ("label", "loads", "stays_out"),
    [("Functional", FUNCTIONAL, PERFORMANCE), ("Performance", PERFORMANCE, FUNCTIONAL)],
)
def test_customize_grants_one_purpose_and_only_that(visit, providers, label, loads, stays_out):
    visitor = visit()
    visitor.goes("/")
    visitor.page.get_by_text("Customize", exact=True).click()
    visitor.page.get_by_role("checkbox", name=label).first.check()
    visitor.clicks("button", "Save my choices")
    providers.forget()
    walk(visitor)

    assert providers.missing(*loads) == []
    assert [host for host in stays_out if providers.reached(host)] == []


def test_the_link_is_on_every_page_of_every_host_and_leads_to_the_panel(visit):
    visitor = visit()
    for host, path in [*PAGES, ("callkom.io", "/fr/"), ("callkom.io", "/fr/booking")]:
        visitor.goes(path, host)
        name = "Gérer mes cookies" if "/fr" in path else "Manage my cookies"
        assert visitor.page.get_by_role("link", name=name, exact=True).count() == 1, (host, path)

    visitor.clicks("link", "Gérer mes cookies")
    assert "/.consent/" in visitor.page.url
    assert visitor.page.get_by_role("checkbox").count() >= 2


@pytest.mark.parametrize("answer", ["Refuse all", "Accept all"])
def test_without_javascript_the_same_choice_is_one_click(visit, providers, answer):
    visitor = visit(java_script_enabled=False)
    visitor.goes("/contact")
    visitor.clicks("button", answer)

    assert visitor.page.url.endswith("/contact"), "back where the visitor was"
    assert visitor.page.get_by_role("button", name="Accept all", exact=True).count() == 0
    assert "consent_callkom" in visitor.cookie_names()
    if answer == "Accept all":
        assert providers.missing("googletagmanager.com") == [], "its noscript frame"
    else:
        assert not providers.reached("googletagmanager.com")


def test_one_answer_serves_every_host(visit, providers):
    visitor = visit()
    choose(visitor, "Accept all")
    visitor.goes("/", "app.callkom.io")

    assert visitor.page.get_by_role("button", name="Accept all", exact=True).count() == 0
    assert providers.missing("js.monitor.azure.com") == []


def test_withdrawing_on_the_panel_expires_what_was_stored(visit, providers):
    visitor = visit()
    choose(visitor, "Accept all")
    walk(visitor)
    assert until(lambda: "_ga" in visitor.cookie_names())

    visitor.goes("/.consent/")
    visitor.clicks("button", "Refuse all")
    providers.forget()
    walk(visitor)

    first_party = {name for (name, domain) in visitor.cookies() if domain.endswith("callkom.io")}
    assert first_party & NEEDS_CONSENT == set()
    assert third_parties(providers) == set()
