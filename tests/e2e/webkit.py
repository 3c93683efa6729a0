"""A real WebKit (WebKitGTK's MiniBrowser), spoken to in plain WebDriver: it shares WebCore with Safari.

Not Safari's network stack, its tracking prevention or its WebRTC.
"""

import base64
import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.e2e.walkers import Page, arrives, follows
from tests.patience import until
from tests.ports import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class WebKitError(Exception):
    """The driver's own words for why a command failed."""


class WebKit:
    """The driver, on a screen of its own; each visitor is a session with a fresh browser."""

    def __init__(self, driver: str, browser: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.browser, self.port = browser, free_port()
        display = f":{self.port}"  # as free as the port
        environment = {
            **os.environ,
            "DISPLAY": display,
            "HOME": str(folder),
            "GSETTINGS_BACKEND": "memory",
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
        }
        self._log = (folder / "webkit.log").open("wb")
        told = {"stdout": self._log, "stderr": subprocess.STDOUT}
        screen = ["Xvfb", display, "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
        self._screen = subprocess.Popen(screen, **told)
        command = ["dbus-run-session", "--", driver, f"--port={self.port}", "--host=127.0.0.1"]
        # dbus-run-session leaves behind what it runs: all of them are one group.
        self._driver = subprocess.Popen(command, env=environment, start_new_session=True, **told)
        if not until(self._answers):
            self.stop()
            raise RuntimeError("WebKitWebDriver does not answer: " + (folder / "webkit.log").read_text())

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, WebKitError):
            return bool(self.command("GET", "/status"))
        return False

    def command(self, method: str, path: str, **params):
        """Send a command and return its result."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=json.dumps(params).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            said = json.load(error)["value"]
            raise WebKitError(f"{method} {path}: {said['error']}: {said['message']}") from None

    def stop(self) -> None:
        """Close it for good."""
        os.killpg(self._driver.pid, signal.SIGTERM)
        self._screen.terminate()
        for process in (self._driver, self._screen):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        self._log.close()


class WebKitPerson:
    """Somebody with a browser of their own whose requests all go through `tunnel`, a port of this machine."""

    lost = WebKitError

    def __init__(self, webkit: WebKit, tunnel: int, size: tuple[int, int], *, script: bool = True) -> None:
        self.webkit = webkit
        arguments = ["--automation", f"--proxy=http://127.0.0.1:{tunnel}", "--ignore-tls-errors"]
        arguments += [] if script else ["--enable-javascript=false"]
        options = {"binary": webkit.browser, "args": arguments}
        wanted = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        made = webkit.command("POST", "/session", capabilities={"alwaysMatch": wanted})
        self.session = f"/session/{made['sessionId']}"
        width, height = size
        self._post("/window/rect", width=width, height=height)
        self._post("/timeouts", script=30_000, pageLoad=60_000)

    def _post(self, path: str, **params):
        return self.webkit.command("POST", self.session + path, **params)

    def _get(self, path: str):
        return self.webkit.command("GET", self.session + path)

    def goes(self, path: str, host: str = "callkom.io") -> None:
        """Open a page and wait for it."""
        self._post("/url", url=f"https://{host}{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page is there and nothing was fetched for a moment."""
        until(lambda: self.shown() is not None)
        seen, still = None, time.monotonic()
        while time.monotonic() - still < 0.4:
            with contextlib.suppress(WebKitError):
                now = self._run("return performance.getEntriesByType('resource').length")
                if now != seen:
                    seen, still = now, max(still, time.monotonic() - 0.1)
            time.sleep(0.1)

    @property
    def address(self) -> str:
        """The address shown."""
        return self._get("/url")

    def _run(self, script: str, *given):
        return self._post("/execute/sync", script=script, args=list(given))

    def evaluates(self, expression: str):
        """Return what a script of the page finds: plain values only."""
        script = f"""let done = arguments[0]; (async () => JSON.stringify(await ({expression})))().then(
            found => done([found]), error => done([null, String(error)]))"""
        found = self._post("/execute/async", script=script, args=[])
        if len(found) > 1:
            raise WebKitError(found[1])
        return json.loads(found[0]) if found[0] is not None else None

    def shown(self) -> Page | None:
        """Return the page that is there; None while one is coming."""
        with contextlib.suppress(WebKitError):
            return Page.read(self._run(f"return {Page.LOOK}"))
        return None

    def _found(self, css: str) -> list[dict]:
        return self._post("/elements", using="css selector", value=css)

    def _named(self, role: str, name: str) -> list[dict]:
        if role == "text":
            return self._post("/elements", using="xpath", value=f"//*[normalize-space(text())='{name}']")
        css = {"button": "button, input[type=submit], [role=button]", "link": "a[href], [role=link]"}[role]
        each = self._found(css)
        said = [self._get(f"/element/{node[ELEMENT]}/text").strip() for node in each]
        shown = [self._get(f"/element/{node[ELEMENT]}/displayed") for node in each]
        return [node for node, text, there in zip(each, said, shown, strict=True) if text == name and there]

    def sees(self, role: str, name: str) -> int:
        """Return how many buttons or links bear this name; role "text": how many elements say it."""
        return len(self._named(role, name))

    def clicks(self, role: str, name: str) -> None:
        """Click with a mouse on the first thing of this name, and wait for what that leads to."""
        before = self.shown()
        assert until(lambda: self.sees(role, name)), f"no {name}"
        self._click(self._named(role, name)[0])
        follows(self, role, name, before)
        self.settle()

    def ticks(self, purpose: str) -> None:
        """Click on a purpose's box."""
        self._click(self._found(f"input[name=purpose][value={purpose}]")[0])

    def types(self, selector: str, text: str) -> None:
        """Click into a field and type."""
        node = self._found(selector)[0]
        self._click(node)
        self._post(f"/element/{node[ELEMENT]}/value", text=text)

    def _click(self, node: dict) -> None:
        self._run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", node)
        there = {"type": "pointerMove", "x": 0, "y": 0, "origin": node}
        moves = [there, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._post("/actions", actions=[{"type": "pointer", "id": "mouse", "actions": moves}])

    def back(self) -> None:
        """Press the back button."""
        before = self.shown()
        self._post("/back")
        arrives(self, before)
        self.settle()

    def cookie_names(self) -> set[str]:
        """Return the names of the cookies that this host's pages have, HttpOnly ones too."""
        return {cookie["name"] for cookie in self._get("/cookie")}

    @property
    def errors(self) -> list[str]:
        """The driver tells of no errors of pages."""
        return []

    def picture(self, path: Path) -> None:
        """Keep what the window shows."""
        path.write_bytes(base64.b64decode(self._get("/screenshot")))

    def leaves(self) -> None:
        """Close the browser."""
        self.webkit.command("DELETE", self.session)
