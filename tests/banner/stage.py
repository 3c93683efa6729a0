"""A site on loopback whose pages are dressed as the proxy dresses them, in front of a real Chromium.

The walks through the whole proxy are in tests/e2e; here it is banner, panel and script alone.
"""

import contextlib
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, Playwright

from proxy.banner.page_head import state_of
from proxy.banner.placeholder import PlaceholderPlace
from proxy.banner.render import Renderer
from proxy.consent.decision import Ask
from proxy.filter.headers.csp_admission import admit, takes_files
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.own.own_response import answered_page
from proxy.policy.own_hosts import OwnHosts
from tests.banner.rendering import POLICY, SCOPE, decision

HOST = "www.callkom.localhost"
OWN = OwnHosts(frozenset({HOST}), "callkom.localhost")
RENDERER = Renderer(POLICY, own=OWN)
RULES = compile_rules(POLICY, OWN)

WORDS = "<p>We build the phone integrations that let your team see who is calling, answer from the browser and keep the CRM up to date.</p>"
BODY = f"""<header><a href="#product">Product</a> <a href="#pricing">Pricing</a></header>
<main><h1>Your phone system</h1>{WORDS * 6}
<div class="calendly-inline-widget" data-url="https://calendly.com/callkom/30min"></div>
<form id="own" action="/own"><label>Name <input id="name" name="name"></label><button>Send</button></form>
{WORDS * 6}<p><a href="#last">The last link of the page</a></p></main><footer><a href="#legal">Legal</a></footer>"""


class Stage(ThreadingHTTPServer):
    """What is served, and what this visitor answered so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.granted: tuple[str, ...] = ()
        self.answered = False
        self.signal = False
        self.saved: int | None = None  # how many cookies an answer of just now deleted
        self.fails = False
        self.failed = 0
        self.gestures: list[str | None] = []
        self.html = self.page()
        self.raw: bytes | None = None  # sent as it is
        self.headers: list[tuple[str, str]] = []
        self.choices: list[dict[str, list[str]]] = []
        self.served: list[str] = []
        self.reports: list[dict] = []  # what guards counted
        self.files: dict[str, bytes] = {}  # scripts of the site's own
        self.pauses: list[bytes] = []  # pages wait a while behind each of these
        self.renderer, self.rules = RENDERER, RULES

    @property
    def origin(self) -> str:
        """Where the site is."""
        return f"http://{HOST}:{self.server_port}"

    @staticmethod
    def page(head: str = "", body: str = BODY, lang: str = "en", attributes: str = "") -> str:
        """Return a page of the site, as its own server would send it."""
        return (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width,initial-scale=1"><title>Callkom</title>{head}</head><body{attributes}>{body}</body></html>'
        )

    @property
    def decision(self):
        """What holds for the visitor."""
        return decision(*self.granted, answered=self.answered, signal=self.signal)

    def dressed(self, path: str) -> tuple[list[tuple[str, str]], bytes]:
        """Return headers and bytes as the proxy would send them."""
        policies = [value.encode() for name, value in self.headers if name == "Content-Security-Policy"]
        here = f"{HOST}:{self.server_port}"
        injector = self.renderer.injector(
            self.decision,
            back=path,
            inline=not takes_files(policies, by_script=self.decision.ask is not Ask.NO),
            authority=here.encode(),
            secure=False,
        )
        injector.saved = self.saved
        scripts, styles = (
            [here + source if source.startswith("/") else source for source in sources]
            for sources in (injector.head_part.scripts, injector.head_part.styles)
        )
        injector.admission = admit(policies, scripts, styles, host=HOST, secure=False)
        xml = any("xhtml" in value for _, value in self.headers)
        page = HtmlFilter(judge_for(self.rules, self.decision.grants), inject=injector, xml=xml)
        body = page.feed(self.html.encode()) + page.close()
        others = [pair for pair in self.headers if pair[0] != "Content-Security-Policy"]
        return [
            *others,
            *(("Content-Security-Policy", value.decode()) for value in injector.admission.policies),
        ], body

    def choose(self, form: dict[str, list[str]]) -> None:
        """Take an answer."""
        self.choices.append(form)
        chosen = form["choice"][0]
        purposes = {"accept": sorted(SCOPE.purposes), "refuse": []}.get(chosen, form.get("purpose", []))
        self.granted, self.answered = tuple(purposes), True


class _Handler(BaseHTTPRequestHandler):
    server: Stage

    def do_GET(self) -> None:
        stage = self.server
        path = urlsplit(self.path).path
        stage.served.append(self.path)
        if path == "/.consent/":
            self._send([("Content-Security-Policy", stage.renderer.csp.decode())], self._panel())
        elif path == "/.consent/state":
            said = {"ask": stage.decision.ask.value, "state": state_of(stage.decision.grants)} | self._words()
            self._send([("Content-Type", "application/json")], json.dumps(said).encode())
        elif path == "/.consent/embed":
            self._send([], b"<p>shown once</p>")
        elif path == "/.consent/offer":
            self._send([], self._offer())
        elif file := stage.renderer.file(path.removeprefix("/.consent/"), stage.decision):
            sort = "javascript" if file.name.endswith("js") else "css"
            kept = ("Cache-Control", "public, max-age=31536000, immutable")
            self._send([("Content-Type", f"text/{sort}"), kept], file.body)
        elif path in stage.files:
            self._send([("Content-Type", "text/javascript")], stage.files[path])
        elif stage.raw is not None:
            self._send([("Content-Security-Policy", stage.renderer.csp.decode())], stage.raw)
        elif path == "/favicon.ico":
            self._send([], b"", 404)
        else:
            self._send(*stage.dressed(self.path))

    def _offer(self) -> bytes:
        stage, tag = self.server, parse_qs(urlsplit(self.path).query).get("tag", [""])[0]
        if not tag:
            return b'<span class="cc ph"><a href="/.consent/#cc-p-functional">Always</a></span>'
        judge = judge_for(stage.rules, stage.decision.grants)
        return stage.renderer.offer_for_tag(judge, tag, stage.renderer.languages["en"], PlaceholderPlace())

    def _words(self) -> dict[str, str]:
        words = self.server.renderer.languages["en"]
        return {name: words.plain(f"foot.{name}") for name in ("stale", "reload")}

    def _panel(self) -> bytes:
        stage = self.server
        words = stage.renderer.languages.choose(accept=self.headers["Accept-Language"])
        back = urlsplit(self.headers["Referer"] or "/").path
        return stage.renderer.panel(words, stage.decision, back=back, host=HOST)

    def do_POST(self) -> None:
        stage = self.server
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/.consent/reports":
            stage.reports.append(json.loads(body))
        form = parse_qs(body)
        if "choice" not in form:
            return self._send([], b"", 204)
        wants_json = "json" in (self.headers["Accept"] or "")
        if stage.fails and wants_json:
            stage.failed += 1
            return self._send([], b"none", 503)
        stage.choose(form)
        stage.gestures.append(self.headers["Sec-Fetch-User"])
        if wants_json:
            return self._send(
                [("Content-Type", "application/json")],
                json.dumps(
                    {
                        "granted": stage.granted,
                        "state": state_of(stage.decision.grants),
                        "saved": stage.renderer.languages["en"].saved(),
                        "files": stage.renderer.files(stage.decision),
                        **self._words(),
                    }
                ).encode(),
            )
        if form["choice"] == ["once"]:
            return self._send([("Location", "/.consent/embed")], b"", 303)
        if self.headers["Sec-Fetch-Dest"] == "iframe":
            answered = answered_page(stage.decision, [])
            fields = [(name.decode(), value.decode()) for name, value in answered.headers]
            return self._send(fields, answered._first)
        return self._send([("Location", form.get("return", ["/"])[0])], b"", 303)

    def _send(self, headers: list[tuple[str, str]], body: bytes, status: int = 200) -> None:
        self.send_response(status)
        if not any(name == "Content-Type" for name, _ in headers):
            headers = [("Content-Type", "text/html; charset=utf-8"), *headers]
        if not any(name == "Cache-Control" for name, _ in headers):
            headers = [("Cache-Control", "no-store"), *headers]
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            for pause in self.server.pauses:
                part, found, rest = body.partition(pause)
                if found:
                    self.wfile.write(part + found)
                    time.sleep(0.3)
                    body = rest
            self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@contextlib.contextmanager
def serving():
    """Serve a stage for a while."""
    stage = Stage()
    thread = Thread(target=stage.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield stage
    stage.shutdown()
    thread.join()
    stage.server_close()


def launched(engine: Playwright, path: str, **how) -> Browser:
    """Start a Chromium."""
    return engine.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"], **how)


class Visitor:
    """Somebody with a window of their own."""

    def __init__(self, browser: Browser, stage: Stage, **how) -> None:
        how.setdefault("viewport", {"width": 1280, "height": 800})
        self.stage = stage
        self.context = browser.new_context(**how)
        self.errors: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        """Open one more tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def goes(self, path: str = "/", page: Page | None = None) -> Page:
        """Open a page of the site."""
        page = page or self.page
        page.goto(self.stage.origin + path)
        return page

    def button(self, name: str):
        """Return a button by the words on it."""
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def banner(self):
        """The banner, there or not."""
        return self.page.locator("#cc-b")

    def box(self, name: str) -> dict[str, float]:
        """Return where a button is."""
        return self.button(name).bounding_box()
