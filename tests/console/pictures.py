"""Takes the console's picture of docs/pictures anew: `python -m tests.console.pictures`."""

import shutil

from playwright.sync_api import sync_playwright

from tests.banner.stage import launched
from tests.console.stage import serving
from tests.shared import ROOT

WIDE = {"viewport": {"width": 1120, "height": 700}, "timezone_id": "Europe/Paris"}


def take() -> None:
    """Take it, of the sample figures."""
    with serving() as stage, sync_playwright() as engine:
        browser = launched(engine, shutil.which("chromium") or "chromium")
        page = browser.new_context(**WIDE).new_page()
        page.goto(f"{stage.origin}/console/")
        page.locator("#figures").wait_for()
        page.screenshot(path=ROOT / "docs" / "pictures" / "console.png")
        browser.close()


if __name__ == "__main__":
    take()
