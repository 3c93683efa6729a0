"""The same walk in two browsers: what a person does, said once."""

import contextlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Error

from tests.patience import until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
]
PREFERENCES = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
WIDE, NARROW = (1280, 800), (390, 760)
REFUSALS = {"Refuse all", "Tout refuser"}
"""Answers that close the banner; all others bring the page anew, unless something was typed on it."""
ANSWERED = (
    """fetch("/.consent/state").then(response => response.json()).then(now => now.ask == "no", () => true)"""
)
"""The banner closes before a refusal has reached us: whoever goes on at once may be asked again."""


class Page(NamedTuple):
    """What tells one loaded page from the next, and what a click changes on it."""

    born: float
    banner: bool
    stale: bool
    LOOK = """document.readyState == 'complete' ? JSON.stringify([performance.timeOrigin,
      !!document.getElementById('cc-b'), !!document.querySelector('#cc-l.n')]) : null"""

    @classmethod
    def read(cls, found: str | None) -> "Page | None":
        return cls(*json.loads(found)) if found else None


def arrives(person, before: Page | None) -> None:
    """Wait until another page than `before` is there."""

    def there() -> bool:
        now = person.shown()
        return now is not None and (before is None or now.born != before.born)

    assert until(there), "no other page came"


def follows(person, role: str, name: str, before: Page | None) -> None:
    """Wait for what a click leads to on the page `before`: words open something on it, all else ends it."""

    def there() -> bool:
        now = person.shown()
        if now is None or before is None or now.born != before.born:
            return now is not None
        closed = before.banner and not now.banner
        return closed and (now.stale or (name in REFUSALS and stands()))

    def stands() -> bool:
        with contextlib.suppress(person.lost):  # the next page was coming
            return person.evaluates(ANSWERED)
        return False

    assert role == "text" or until(there), f"nothing follows a click on {name}"


def asks(person, refuse: str, accept: str, manage: str) -> bool:
    """True when the page asks; it asks with both buttons or with none, and always shows the way back."""

    def shown() -> tuple[int, int, int]:
        return person.sees("button", refuse), person.sees("button", accept), person.sees("link", manage)

    def whole() -> bool:
        with contextlib.suppress(person.lost):  # a page was coming
            refuses, accepts, manages = shown()
            return refuses == accepts and manages > 0
        return False

    until(whole)
    refuses, accepts, manages = shown()
    assert refuses == accepts <= 1
    assert manages == 1, "the way back to one's choice is on every page"
    return refuses == 1


class Visitor:
    """A person with a browser of their own: a fresh profile that lets third parties set cookies."""

    lost = Error
    """What is raised where the page goes while somebody looks at it."""

    def __init__(self, playwright, profile: Path, port: int, providers_port: int, **options) -> None:
        (profile / "Default").mkdir(parents=True)
        (profile / "Default" / "Preferences").write_text(json.dumps(PREFERENCES))
        rules = f"MAP callkom.io 127.0.0.1:{port},MAP *.callkom.io 127.0.0.1:{port},MAP * 127.0.0.1:{providers_port}"
        self.context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=shutil.which("chromium")
            or shutil.which("chromium-browser")
            or shutil.which("google-chrome"),
            headless=True,
            args=[*FLAGS, f"--host-resolver-rules={rules},EXCLUDE 127.0.0.1"],
            ignore_https_errors=True,
            **options,
        )
        self.page = self.context.pages[0] if self.context.pages else self.context.new_page()
        self._errors: list[str] = []
        self.page.on("pageerror", lambda error: self._errors.append(str(error)))

    @property
    def errors(self) -> list[str]:
        """Errors of the pages' scripts so far."""
        self.page.wait_for_timeout(1)  # lets what the browser tells come in
        return self._errors

    def goes(self, path: str, host: str = "callkom.io"):
        address = f"https://{host}{path}"
        try:
            answer = self.page.goto(address, wait_until="load")
        except Error as error:
            if not any(
                said in error.message for said in ("interrupted by another navigation", "ERR_ABORTED")
            ):
                raise
            self.settle()  # the reload after a choice was still on its way: a person would ask again
            answer = self.page.goto(address, wait_until="load")
        self.settle()
        return answer

    def settle(self) -> None:
        """Wait until this page is there and has not asked for anything for a moment, if it ever stops.

        Says nothing about what a page does later: a page that rested once counts as resting.
        """
        until(lambda: self.shown() is not None)
        with contextlib.suppress(Error):
            self.page.wait_for_load_state("networkidle", timeout=4000)

    def shown(self) -> Page | None:
        """Return the page that is there; None while one is coming."""
        with contextlib.suppress(Error):
            return Page.read(self.page.evaluate(Page.LOOK))
        return None

    def _thing(self, role: str, name: str):
        if role == "text":
            return self.page.get_by_text(name, exact=True)
        return self.page.get_by_role(role, name=name, exact=True)

    def sees(self, role: str, name: str) -> int:
        return self._thing(role, name).count()

    def clicks(self, role: str, name: str) -> None:
        """Click, and wait for what that leads to."""
        before = self.shown()
        self._thing(role, name).first.click()
        follows(self, role, name, before)
        self.settle()

    def evaluates(self, expression: str) -> object:
        return self.page.evaluate(f"async () => await ({expression})")

    def back(self) -> None:
        before = self.shown()
        self.page.go_back(wait_until="commit")
        arrives(self, before)
        self.settle()

    def cookies(self) -> dict[tuple[str, str], dict]:
        return {(c["name"], c["domain"]): c for c in self.context.cookies()}

    def cookie_names(self) -> set[str]:
        return {c["name"] for c in self.context.cookies()}


class InChromium:
    """A person with Chromium, played by Playwright."""

    def __init__(self, visitor) -> None:
        self.visitor = visitor
        self.page, self.lost = visitor.page, visitor.lost
        self.goes, self.settle, self.back = visitor.goes, visitor.settle, visitor.back
        self.sees, self.clicks = visitor.sees, visitor.clicks
        self.evaluates = visitor.evaluates
        self.picture = lambda path: self.page.screenshot(path=path)

    @property
    def errors(self) -> list[str]:
        return self.visitor.errors

    @property
    def address(self) -> str:
        return self.page.url

    def ticks(self, purpose: str) -> None:
        self.page.locator(f"input[name=purpose][value={purpose}]").first.click()

    def types(self, selector: str, text: str) -> None:
        self.page.locator(selector).press_sequentially(text)

    def cookie_names(self) -> set[str]:
        return {name for name, domain in self.visitor.cookies() if domain.endswith("callkom.io")}

    def leaves(self) -> None:
        """The fixture of all Chromium walks closes it."""
