"""Consent tools as they are published ask a visitor, and what runs is what that visitor told them, as far as it counts."""

import mimetypes

import pytest
from aiohttp import web

from proxy.audit.consent_tools import KNOWN_TOOLS
from tests.banner.npm import installed
from tests.e2e.conftest import Running
from tests.e2e.providers import serve_in_thread
from tests.patience import until
from tests.support.proxying import RULES

pytestmark = pytest.mark.e2e

TAGS = (
    '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
    '<script async src="https://js-eu1.hsforms.net/forms/embed/v2.js"></script>'
)
LOADED = ("googletagmanager.com", "hsforms.net")
TOOLS = {
    "tarteaucitron": (
        "tarteaucitron",
        "tarteaucitronjs",
        "{ youtube: [performance, functional] }",
        """<script src="/tool/tarteaucitron.js"></script><script>
        tarteaucitron.init({ privacyUrl: "/p", hashtag: "#t", orientation: "bottom", showAlertSmall: false, showIcon: true,
          DenyAllCta: true, AcceptAllCta: true, highPrivacy: true, handleBrowserDNTRequest: false, useExternalCss: false });
        (tarteaucitron.job = tarteaucitron.job || []).push("youtube");</script><div class="youtube_player" videoID="x"></div>""",
    ),
    "klaro": (
        "Klaro",
        "klaro",
        "{ svc: [performance, functional] }",
        """<script>window.klaroConfig = { acceptAll: true, lang: "en", privacyPolicy: "/p",
          translations: { en: { purposes: { a: "A" } } }, services: [{ name: "svc", purposes: ["a"] }] };</script>
        <script src="/tool/dist/klaro.js"></script>""",
    ),
    "cookieconsent": (
        "vanilla-cookieconsent",
        "vanilla-cookieconsent",
        "{ analytics: performance, media: functional }",
        """<link rel="stylesheet" href="/tool/dist/cookieconsent.css"><script src="/tool/dist/cookieconsent.umd.js"></script>
        <script>const modal = { title: "Cookies", acceptAllBtn: "Yes", acceptNecessaryBtn: "No", savePreferencesBtn: "Save" };
        CookieConsent.run({ hideFromBots: false, categories: { necessary: { readOnly: true }, analytics: {}, media: {} },
          language: { default: "en", translations: { en: { consentModal: { ...modal, description: "x" },
            preferencesModal: { ...modal, sections: [] } } } } });</script>""",
    ),
    "orejime": (
        "Orejime",
        "orejime",
        "{ svc: [performance, functional] }",
        """<script>window.orejimeConfig = { privacyPolicyUrl: "/p", purposes: [{ id: "svc", title: "A", cookies: [] }] };</script>
        <script src="/tool/dist/orejime-standard-en.js"></script>""",
    ),
}
"""By the id in the config: the name in audits, the package, the mapping, and what a page has of it."""

OURS = "#cc-b"


def selectors(name):
    return next(tool for tool in KNOWN_TOOLS if tool.name == name)


def site(tool: str) -> web.Application:
    name, package, _, markup = TOOLS[tool]
    folder = installed(package)

    async def answer(request: web.Request) -> web.Response:
        file = folder / request.path.removeprefix("/tool/")
        if request.path.startswith("/tool/") and file.is_file():
            return web.Response(body=file.read_bytes(), content_type=mimetypes.guess_type(file)[0])
        if request.path != "/":
            return web.Response(status=404)
        text = f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>{TAGS}<body><p>Site</p>{markup}"
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


@pytest.fixture
def beside(tmp_path):
    """Put the proxy beside a tool that asks; gives its port."""
    undo = []

    def one(tool: str, more: str = "") -> int:
        port, stop = serve_in_thread(site(tool))
        undo.append(stop)
        rules = tmp_path / "rules.yaml"
        rules.write_text(f"{RULES}use: [{tool}]\n")
        extra = f"consent:\n  source:\n    tool: {tool}\n    purposes: {TOOLS[tool][2]}\n{more}"
        extra += "    covers: { since: 2026-01-01, providers: [google, hubspot] }\n"
        running = Running(tmp_path, port, rules=rules, extra=extra)
        undo.append(running.stop)
        return running.port

    yield one
    for stop in reversed(undo):
        stop()


def answers(visitor, tool: str, what: str) -> None:
    """Press a button of the tool's banner, and wait until it is closed."""
    known = selectors(TOOLS[tool][0])
    for selector in getattr(known, what):
        visitor.page.locator(selector).first.click()
    assert until(lambda: not visitor.page.locator(known.shown).first.is_visible()), "the tool's banner stays"


def is_proven(visitor) -> bool:
    return any(one["name"] == "consent_callkom" for one in visitor.context.cookies())


@pytest.mark.parametrize(
    "tool",
    [
        "cookieconsent",
        "klaro",
        *(pytest.param(one, marks=pytest.mark.load) for one in ("tarteaucitron", "orejime")),
    ],
)
def test_a_tool_asks_and_what_it_is_told_is_what_runs_as_far_as_it_counts(visit, providers, beside, tool):
    visitor = visit(port=beside(tool))
    visitor.goes("/")

    assert until(visitor.page.locator(selectors(TOOLS[tool][0]).shown).first.is_visible), "the tool asks"
    assert visitor.page.locator(OURS).count() == 0, "our banner stays away"
    assert [host for host in LOADED if providers.reached(host)] == []

    answers(visitor, tool, "refuse")
    visitor.goes("/")
    assert [host for host in LOADED if providers.reached(host)] == []
    assert visitor.page.locator(OURS).count() == 0
    assert is_proven(visitor), "the refusal is recorded"

    visitor.context.clear_cookies()
    visitor.page.evaluate("localStorage.clear()")
    visitor.goes("/")
    answers(visitor, tool, "accept")
    visitor.goes("/")
    if tool == "cookieconsent":  # it says when
        assert until(lambda: providers.missing(*LOADED), []) == []
        assert visitor.page.locator(OURS).count() == 0
        assert is_proven(visitor)
        return
    assert [host for host in LOADED if providers.reached(host)] == []
    visitor.clicks("button", "Accept all")
    assert until(lambda: providers.missing(*LOADED), []) == [], "ours is the later answer"


@pytest.mark.load
def test_a_tool_that_was_taken_over_asks_nobody_and_what_it_was_told_stays(visit, providers, beside):
    visitor = visit(port=beside("cookieconsent", "    take_over: yes\n"))
    visitor.goes("/")

    assert visitor.page.locator(OURS).count() == 1
    assert visitor.page.locator(selectors("vanilla-cookieconsent").shown).count() == 0, "its script is held"
    visitor.page.evaluate(
        """() => { const at = new Date(Date.now() - 864e5).toISOString();
        document.cookie = 'cc_cookie=' + encodeURIComponent(JSON.stringify({ categories: ['necessary', 'analytics'], revision: 0,
          data: null, consentTimestamp: at, services: {}, lastConsentTimestamp: at })) + '; path=/; max-age=9999' }"""
    )
    visitor.goes("/")

    assert until(lambda: providers.missing("googletagmanager.com"), []) == []
    assert not providers.reached("hsforms.net")
    assert visitor.page.locator(OURS).count() == 0
