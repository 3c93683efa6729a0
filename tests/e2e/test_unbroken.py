"""What must not break under the fence: everything a site does by itself, and every way to log in."""

import asyncio

import pytest
from aiohttp import WSMsgType, web

from tests.e2e.conftest import ROOT, Running
from tests.e2e.font import font_address
from tests.e2e.providers import serve_in_thread
from tests.patience import until

pytestmark = pytest.mark.e2e

PAGE = (ROOT / "tests" / "data" / "site" / "unbroken.html").read_text()
NONCES = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>nonces</title>
<script nonce="n0nce">window.byNonce = 1; var s = document.createElement("script"); s.src = "/trusted.js"; document.head.appendChild(s);</script>
<script>window.withoutNonce = 1;</script></head><body><p>text</p></body></html>"""
DOT = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
PDF = b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def site(request: web.BaseRequest) -> web.StreamResponse:
    allow = {"Access-Control-Allow-Origin": "https://callkom.io"}
    match request.path:
        case "/echo":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data)
            return socket
        case "/events":
            stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await stream.prepare(request)
            await stream.write(b"data: hello\n\n")
            await asyncio.sleep(0.2)
            return stream
        case "/silent":
            return _html(
                '<!doctype html><html lang="en"><script>parent.postMessage("silent", "*")</script></html>'
            )
        case "/nonces":
            policy = {
                "Content-Security-Policy": "script-src 'nonce-n0nce' 'strict-dynamic'; object-src 'none'; base-uri 'none'"
            }
            return web.Response(text=NONCES, content_type="text/html", headers=policy)
        case "/trusted.js":
            return web.Response(text="window.trusted = 1", content_type="text/javascript")
        case "/module.js":
            return web.Response(text="export const answer = 42", content_type="text/javascript")
        case "/hints":
            return _html(HINTS)
        case "/own-scripts":
            return _html(OWN_SCRIPTS)
        case "/api":
            return web.json_response({"ok": True}, headers=allow)
        case "/dot.gif":
            return web.Response(body=DOT, content_type="image/gif")
        case "/paper.pdf":
            return web.Response(body=PDF, content_type="application/pdf")
        case "/media":
            return _html(MEDIA.replace("FONT", font_address()))
        case "/film.webm":
            return web.Response(body=b"\x1aE\xdf\xa3", content_type="video/webm")
        case "/login":
            raise web.HTTPFound("https://login.partner.example/authorize?return=https://callkom.io/back")
        case "/back":
            return _html(
                f'<!doctype html><html lang="en"><title>back</title><body><p id="who">{request.method}</p></body></html>'
            )
        case _:
            return _html(PAGE)


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")


@pytest.fixture(scope="module")
def fenced(tmp_path_factory):
    port, stop = serve_in_thread(site)
    running = Running(tmp_path_factory.mktemp("unbroken"), port)
    yield running
    running.stop()
    stop()


def results(visitor, wanted: list[str]) -> dict:
    """Return what the page found out, once it found out about all of these."""
    until(lambda: visitor.page.evaluate("window.results").keys() >= set(wanted))
    return visitor.page.evaluate("window.results")


WORKS = [
    "handler", "eval", "newFunction", "blobWorker", "webAssembly", "webSocket", "eventSource", "crossFetch", "dataFetch", "module",
    "picture", "silentFrame", "srcdoc",
]  # fmt: skip


def test_everything_the_site_does_by_itself_works_before_any_choice(visit, fenced):
    visitor = visit(port=fenced.port)
    refused = []
    visitor.page.on(
        "console",
        lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None,
    )
    visitor.goes("/")
    found = results(visitor, WORKS)

    assert {name: found.get(name) for name in WORKS} == dict.fromkeys(WORKS, True)
    assert refused == []


HINTS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>hints</title>
<link rel="preload" as="script" href="https://js.hs-scripts.com/1.js"><link rel="preload" href="https://js.hs-scripts.com/1.js">
<link as="font" crossorigin rel="preload" href="https://fonts.tracker.example/a.woff2"><link rel="preload" as="image" imagesrcset="https://a.tracker.example/a.png 2x">
<link rel="modulepreload" href="https://m.tracker.example/a.js"><link rel="preconnect" href="https://dc.services.visualstudio.com">
<link rel="dns-prefetch" href="//www.google-analytics.com"><link rel="prefetch" href="https://a.tracker.example/"><link rel="stylesheet" href="https://a.tracker.example/a.css">
</head><body><p>text</p></body></html>"""


def test_held_hints_leave_no_line_in_the_console(visit, fenced, providers):
    visitor = visit(port=fenced.port)
    lines = []
    visitor.page.on("console", lambda message: lines.append(message.text))
    visitor.goes("/hints")
    visitor.page.wait_for_timeout(1_000)  # a preload that nobody used is told late

    assert visitor.page.locator("link[data-consent]").count() == 9
    assert lines == []


OWN_SCRIPTS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>own</title>
<script>window.__remixContext = {"state": {"note": "window.appInsights instrumentationKey hs-scripts.com"}};</script>
<script>var hosts = ["js.hs-scripts.com"]; function openMenu() { document.body.classList.toggle("open"); }</script>
</head><body><div id="box" style="width:400px;height:300px"></div><script>
window.onkeydown = function () { openMenu(); };
var tag = document.createElement("script"); tag.src = "https://js.hs-scripts.com/1.js"; document.head.appendChild(tag);
Calendly.initInlineWidget({ url: "https://calendly.com/callkom/30min", parentElement: document.getElementById("box") });
window.ranToItsEnd = hosts.length;
</script></body></html>"""


def test_scripts_of_the_site_that_name_load_and_call_providers_run(visit, fenced, providers):
    visitor = visit(port=fenced.port)
    visitor.goes("/own-scripts")
    visitor.page.keyboard.press("Tab")

    assert visitor.page.evaluate("window.__remixContext.state.note.length") > 0
    assert visitor.page.evaluate("[document.body.className, window.ranToItsEnd]") == ["open", 1]
    assert until(lambda: visitor.page.locator("#box a[href='https://calendly.com/callkom/30min']").count())
    assert not {host for host in providers.hosts() if "hs-scripts" in host or "calendly" in host}


MEDIA = """<!doctype html><html lang="en"><head><title>media</title>
<script>window.refused = []; addEventListener("securitypolicyviolation", function (e) { refused.push(e.effectiveDirective + " " + e.blockedURI); });</script>
<style>@font-face { font-family: Inline; src: url("FONT") } p { font-family: Inline }</style></head><body><p>A</p>
<object id="pdf" type="application/pdf" data="/paper.pdf" width="200" height="200"></object>
<video src="https://app.callkom.io/film.webm" preload="auto" muted></video>
<iframe title="frame" src="https://app.callkom.io/silent"></iframe></body></html>"""


def test_fonts_inside_the_page_pdf_objects_and_films_of_a_subdomain_load(visit, fenced):
    visitor = visit(port=fenced.port)
    answered = []
    visitor.page.on("response", lambda response: answered.append(response.url))
    visitor.goes("/media")
    visitor.page.wait_for_function("document.fonts.ready.then(() => true)")

    def loaded() -> set[str]:
        visitor.page.wait_for_timeout(50)  # lets what the browser tells come in
        return {"https://app.callkom.io/film.webm", "https://callkom.io/paper.pdf"} & set(answered)

    assert until(lambda: len(loaded()), 2) == 2, answered
    assert visitor.page.evaluate("[...document.fonts].map(font => font.status)") == ["loaded"]
    assert visitor.page.evaluate("window.refused") == []


def test_a_login_that_redirects_to_another_host_and_back_works(visit, fenced, providers):
    visitor = visit(port=fenced.port)
    visitor.goes("/login")

    assert visitor.page.url.startswith("https://login.partner.example/authorize")
    visitor.page.evaluate("location.href = 'https://callkom.io/back'")
    visitor.page.wait_for_url("https://callkom.io/back")
    assert visitor.page.locator("#who").text_content() == "GET"


def test_a_form_posted_across_hosts_arrives_as_saml_needs_it(visit, fenced, providers):
    visitor = visit(port=fenced.port)
    visitor.goes("/login")
    visitor.page.evaluate(
        "() => { const f = document.createElement('form'); f.method = 'post'; f.action = 'https://callkom.io/back'; document.body.append(f); f.submit(); }"
    )
    visitor.page.wait_for_url("https://callkom.io/back")

    assert visitor.page.locator("#who").text_content() == "POST"


def test_a_form_of_the_site_may_be_sent_to_a_partner(visit, fenced, providers):
    visitor = visit(port=fenced.port)
    visitor.goes("/")
    visitor.page.evaluate("document.querySelector('form[target=saml]').submit()")
    visitor.page.wait_for_timeout(800)

    # The form leaves for the frame it names; whether that frame may show the partner is the fence's business.
    assert "f.submit" not in "".join(visitor.errors)


def test_a_site_with_nonces_and_strict_dynamic_keeps_its_own_policy_and_runs(visit, fenced):
    visitor = visit(port=fenced.port)
    visitor.goes("/nonces")

    assert visitor.page.evaluate("[window.byNonce, window.trusted, window.withoutNonce]") == [1, 1, None]
    assert visitor.page.get_by_role("button", name="Refuse all", exact=True).is_visible()
