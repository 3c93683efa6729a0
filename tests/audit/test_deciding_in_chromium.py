"""Choices are made in consent tools as they are published, and what the tool then stores says so."""

import mimetypes
from urllib.parse import unquote, urlsplit

import pytest

from proxy.audit.browser import FLAGS
from proxy.audit.deciding import NO_TOOL, decide, withdraw
from proxy.banner.word_files import load_languages
from tests.banner.npm import installed
from tests.patience import until

pytestmark = [pytest.mark.e2e, pytest.mark.load]

LANGUAGES = list(load_languages().all.values())
AGAIN = '<button type="button" data-cc="show-preferencesModal">Cookies</button>'
PAGES = {
    "tarteaucitron": (
        "tarteaucitronjs",
        """<script src="/tarteaucitron.js"></script><script>
        tarteaucitron.init({ privacyUrl: "/p", hashtag: "#t", cookieName: "choice", orientation: "bottom", showAlertSmall: false,
          showIcon: true, DenyAllCta: true, AcceptAllCta: true, highPrivacy: true, handleBrowserDNTRequest: false, useExternalCss: false });
        (tarteaucitron.job = tarteaucitron.job || []).push("youtube");</script><div class="youtube_player" videoID="x"></div>""",
    ),
    "Klaro": (
        "klaro",
        """<script>window.klaroConfig = { cookieName: "choice", acceptAll: true, lang: "en", privacyPolicy: "/p",
          translations: { en: { purposes: { a: "A" } } }, services: [{ name: "svc", purposes: ["a"] }] };</script>
        <script src="/dist/klaro.js"></script>""",
    ),
    "vanilla-cookieconsent": (
        "vanilla-cookieconsent",
        AGAIN
        + """<link rel="stylesheet" href="/dist/cookieconsent.css"><script src="/dist/cookieconsent.umd.js"></script><script>
        const modal = { title: "Cookies", acceptAllBtn: "Yes", acceptNecessaryBtn: "No", savePreferencesBtn: "Save" };
        CookieConsent.run({ cookie: { name: "choice" }, categories: { necessary: { readOnly: true }, svc: {} },
          language: { default: "en", translations: { en: { consentModal: { ...modal, description: "x" },
            preferencesModal: { ...modal, sections: [{ title: "x", linkedCategory: "svc" }] } } } } });</script>""",
    ),
    "Orejime": (
        "orejime",
        """<script>window.orejimeConfig = { privacyPolicyUrl: "/p", cookie: { name: "choice" },
          purposes: [{ id: "svc", title: "A", cookies: [] }] };</script>
        <script src="/dist/orejime-standard-en.js"></script>""",
    ),
}
STORED = {
    "tarteaucitron": ("youtube=true", "youtube=false"),
    "Klaro": ('"svc":true', '"svc":false'),
    "vanilla-cookieconsent": ('["necessary","svc"]', '["necessary"]'),
    "Orejime": ('"svc":true', '"svc":false'),
}


@pytest.fixture(scope="module")
def chromium(playwright_engine, chromium_path):
    browser = playwright_engine.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", *FLAGS])
    yield browser
    browser.close()


@pytest.fixture
def opened(chromium):
    contexts = []

    def one(body: str, package: str = ""):
        folder = installed(package) if package else None

        def answer(route):
            path = urlsplit(route.request.url).path
            file = folder / path.lstrip("/") if folder else None
            if path == "/" or file is None or not file.is_file():
                text = (
                    f"<!doctype html><html lang=en><meta charset=utf-8><title>x</title><body><p>Site</p>{body}"
                    if path == "/"
                    else ""
                )
                route.fulfill(body=text, content_type="text/html")
            else:
                route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file)[0])

        context = chromium.new_context()
        contexts.append(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.goto("https://site.example/")
        return page

    yield one
    for context in contexts:
        context.close()


def stored(page) -> str:
    return unquote(next((one["value"] for one in page.context.cookies() if one["name"] == "choice"), ""))


@pytest.mark.parametrize("tool", PAGES)
@pytest.mark.parametrize(("state", "index"), [("accept", 0), ("refuse", 1)])
def test_a_choice_is_made_in_a_tool_as_it_is_published(opened, tool, state, index):
    package, body = PAGES[tool]
    page = opened(body, package)
    said = decide(page, state, LANGUAGES, [])

    assert (said.done, said.tool) == (True, tool), said.how
    assert said.how.startswith(f"{tool}: ")
    assert until(lambda: STORED[tool][index] in stored(page)), stored(page)


@pytest.mark.parametrize("tool", ["tarteaucitron", "vanilla-cookieconsent"])
def test_consent_is_withdrawn_in_tools_that_offer_a_way(opened, tool):
    package, body = PAGES[tool]
    page = opened(body, package)
    decide(page, "accept", LANGUAGES, [])
    assert until(lambda: STORED[tool][0] in stored(page)), stored(page)
    page.reload()
    said = withdraw(page, LANGUAGES)

    assert said.done, said.how
    assert until(lambda: STORED[tool][1] in stored(page)), stored(page)


def test_single_purposes_are_not_decided_in_other_tools(opened):
    package, body = PAGES["Orejime"]
    said = decide(opened(body, package), "functional", LANGUAGES, ["functional"])

    assert not said.done
    assert "functional" in said.how


def test_where_nothing_asks_nothing_is_decided(opened):
    page = opened("<p>No banner</p>")

    assert decide(page, "refuse", LANGUAGES, []).how == NO_TOOL
    assert withdraw(page, LANGUAGES).how == "no way to withdraw was found"


def test_a_refusal_that_our_panel_did_not_hear_is_tried_again(opened):
    words = LANGUAGES[0]
    page = opened(f'<a href="/.consent/">{words.plain("buttons.manage")}</a>')
    refuses = words.plain("buttons.refuse")
    panel = f"""<meta charset=utf-8><form method="post" action="/.consent/choice"><input type="hidden" name="surface" value="panel">
    <button type="button" hidden>{refuses}</button></form><script>
    let heard = 0;
    const button = document.querySelector("button");
    button.onclick = () => {{ if (++heard > 1) location.href = "/done?" + heard; }};
    setTimeout(() => button.hidden = false, 3500);
    </script>"""
    page.route("**/.consent/", lambda route: route.fulfill(body=panel, content_type="text/html"))
    said = withdraw(page, LANGUAGES)

    assert said.done, said.how
    assert page.url.endswith("/done?2")
