"""A real Firefox, spoken to in WebDriver BiDi: no driver program stands between.

Playwright brings a Firefox of its own; here the distribution's runs, as visitors have it.
"""

import base64
import contextlib
import json
import re
import subprocess
import time
from pathlib import Path

from websockets.sync.client import connect

from tests.e2e.walkers import Page, arrives, follows
from tests.patience import MOST, until

QUIET = 0.4
"""Seconds without a request after which a page is done with loading."""

# What it would ask of its maker goes to a port where nobody listens: no walk leaves the machine.
PREFERENCES = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "app.normandy.enabled": False,
    "dom.disable_beforeunload": True,
}
EVENTS = [
    "network.beforeRequestSent",
    "network.responseCompleted",
    "network.fetchError",
    "log.entryAdded",
]


class BidiError(Exception):
    """The browser's own words for why a command failed."""


class Firefox:
    """A running Firefox. Each visitor is a user context of it: nothing shared with the others."""

    def __init__(self, path: str, profile: Path, **preferences) -> None:
        profile.mkdir(parents=True)
        (profile / "user.js").write_text(
            "".join(
                f"user_pref({json.dumps(key)}, {json.dumps(value)});\n"
                for key, value in {**PREFERENCES, **preferences}.items()
            )
        )
        self.log = profile / "firefox.log"
        command = [path, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._talk(self._address())
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _address(self) -> str:
        for _ in range(600):
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", self.log.read_text()):
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("Firefox does not listen: " + self.log.read_text()[-2000:])

    def _talk(self, address: str) -> None:
        self.line = contextlib.ExitStack()
        self.socket = self.line.enter_context(connect(address + "/session", max_size=None, open_timeout=30))
        self.asked = 0
        self.waiting: dict[str, set[str]] = {}  # what each tab still loads
        self.errors: list[str] = []
        self.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self.command("session.subscribe", events=EVENTS)

    def command(self, method: str, **params) -> dict:
        """Send a command and return its result."""
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": params}))
        # A page that goes away takes with it what was asked about it: some of that is never answered.
        end = time.monotonic() + MOST
        try:
            while (answer := json.loads(self.socket.recv(timeout=end - time.monotonic()))).get(
                "id"
            ) != self.asked:
                self._happened(answer)
        except TimeoutError:
            raise BidiError(f"{method}: no answer") from None
        if answer["type"] == "error":
            raise BidiError(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def listen(self, seconds: float) -> bool:
        """Take one event; False when none came in time."""
        try:
            self._happened(json.loads(self.socket.recv(timeout=seconds)))
        except TimeoutError:
            return False
        return True

    def _happened(self, event: dict) -> None:
        of = event.get("params", {})
        match event.get("method"):
            case "network.beforeRequestSent":
                self.waiting.setdefault(of["context"], set()).add(of["request"]["request"])
            case "network.responseCompleted" | "network.fetchError":
                self.waiting.setdefault(of["context"], set()).discard(of["request"]["request"])
            case "log.entryAdded" if of["type"] == "javascript":
                self.errors.append(of["text"] or "")

    def stop(self) -> None:
        """Close it for good."""
        with contextlib.suppress(Exception):
            self.command("browser.close")
            self.line.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Person:
    """Somebody with a fresh jar whose requests all go through `tunnel`, a port of this machine."""

    lost = BidiError

    def __init__(self, firefox: Firefox, tunnel: int, size: tuple[int, int]) -> None:
        self.firefox = firefox
        firefox.errors.clear()
        through = {
            "proxyType": "manual",
            "sslProxy": f"127.0.0.1:{tunnel}",
            "httpProxy": f"127.0.0.1:{tunnel}",
        }
        made = firefox.command("browser.createUserContext", acceptInsecureCerts=True, proxy=through)
        self.jar = made["userContext"]
        width, height = size
        firefox.command(
            "browsingContext.setViewport",
            userContexts=[self.jar],
            viewport={"width": width, "height": height},
        )
        self.tab = self.opens()

    def opens(self) -> str:
        """Open one more tab, in front."""
        made = self.firefox.command("browsingContext.create", type="tab", userContext=self.jar)
        return made["context"]

    def command(self, method: str, **params) -> dict:
        """Send a command about the tab."""
        return self.firefox.command(method, context=self.tab, **params)

    def goes(self, path: str, host: str = "callkom.io") -> None:
        """Open a page and wait for it."""
        address = f"https://{host}{path}"
        try:
            self.command("browsingContext.navigate", url=address, wait="complete")
        except BidiError as error:
            if "NS_BINDING_ABORTED" not in str(error) and "aborted" not in str(error):
                raise
            self.settle()  # the reload after a choice was still on its way: a person would ask again
            self.command("browsingContext.navigate", url=address, wait="complete")
        self.settle()

    def settle(self, most: float = 6) -> None:
        """Wait until nothing has been loading for a moment."""
        until, quiet = time.monotonic() + most, time.monotonic() + QUIET
        while time.monotonic() < min(until, quiet):
            self.firefox.listen(0.1)
            if self.firefox.waiting.get(self.tab):
                quiet = time.monotonic() + QUIET

    @property
    def address(self) -> str:
        """The address shown."""
        return self.firefox.command("browsingContext.getTree", root=self.tab)["contexts"][0]["url"]

    def evaluates(self, expression: str):
        """Return what a script of the page finds: plain values only."""
        found = self.firefox.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self.tab},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise BidiError(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"]) if "value" in found["result"] else None

    def shown(self) -> Page | None:
        """Return the page that is there; None while one is coming."""
        with contextlib.suppress(BidiError):
            found = self.firefox.command(
                "script.evaluate",
                expression=Page.LOOK,
                target={"context": self.tab, "sandbox": "walk"},
                awaitPromise=False,
            )
            return Page.read(found.get("result", {}).get("value"))
        return None

    def nodes(self, kind: str, value) -> list[dict]:
        """Return references to what is found."""
        found = self.command("browsingContext.locateNodes", locator={"type": kind, "value": value})
        return [{"sharedId": node["sharedId"]} for node in found["nodes"]]

    def _first(self, kind: str, value) -> dict:
        """Return a reference to the first thing found, once there is one."""
        assert until(lambda: bool(self.nodes(kind, value))), f"no {value}"
        return self.nodes(kind, value)[0]

    def _named(self, role: str, name: str) -> tuple[str, object]:
        if role == "text":
            return "xpath", f"//*[normalize-space(text())='{name}']"
        return "accessibility", {"role": role, "name": name}

    def sees(self, role: str, name: str) -> int:
        """Return how many buttons or links bear this name; role "text": how many elements say it."""
        return len(self.nodes(*self._named(role, name)))

    def clicks(self, role: str, name: str) -> None:
        """Click with a mouse on the first thing of this name, and wait for what that leads to."""
        before = self.shown()
        self._click(self._first(*self._named(role, name)))
        follows(self, role, name, before)
        self.settle()

    def ticks(self, purpose: str) -> None:
        """Click on a purpose's box."""
        self._click(self._first("css", f"input[name=purpose][value={purpose}]"))

    def types(self, selector: str, text: str) -> None:
        """Click into a field and type."""
        self._click(self._first("css", selector))
        strokes = [{"type": stroke, "value": letter} for letter in text for stroke in ("keyDown", "keyUp")]
        self.command("input.performActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def _click(self, node: dict) -> None:
        self.firefox.command(
            "script.callFunction",
            functionDeclaration="node => node.scrollIntoView({ block: 'center', behavior: 'instant' })",
            arguments=[node],
            target={"context": self.tab, "sandbox": "walk"},
            awaitPromise=False,
        )
        there = {"type": "element", "element": node}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": there},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.command("input.performActions", actions=[{"type": "pointer", "id": "mouse", "actions": moves}])

    def back(self) -> None:
        """Press the back button."""
        before = self.shown()
        self.command("browsingContext.traverseHistory", delta=-1)
        arrives(self, before)
        self.settle()

    def cookie_names(self) -> set[str]:
        """Return the names of the cookies that the site's hosts hold."""
        found = self.firefox.command(
            "storage.getCookies", partition={"type": "storageKey", "userContext": self.jar}
        )
        now = (
            time.time()
        )  # what expires as it is set stays in Firefox's list for a while, and is sent nowhere
        return {
            cookie["name"]
            for cookie in found["cookies"]
            if cookie["domain"].endswith("callkom.io") and cookie.get("expiry", now + 1) > now
        }

    @property
    def errors(self) -> list[str]:
        """Errors of the pages' scripts so far."""
        return self.firefox.errors

    def picture(self, path: Path) -> None:
        """Keep what the window shows."""
        path.write_bytes(base64.b64decode(self.command("browsingContext.captureScreenshot")["data"]))

    def leaves(self) -> None:
        """Close all tabs and empty the jar."""
        self.firefox.command("browser.removeUserContext", userContext=self.jar)
