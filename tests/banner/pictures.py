"""Takes the pictures of docs/pictures anew: `python -m tests.banner.pictures`."""

import shutil

from playwright.sync_api import sync_playwright

from proxy.demo.site import _file, page_html
from tests.banner.stage import Visitor, launched, serving
from tests.shared import ROOT

FOLDER = ROOT / "docs" / "pictures"
WIDE = {"viewport": {"width": 1120, "height": 640}}
NARROW = {"viewport": {"width": 390, "height": 760}}


def demo(language: str, page: str) -> str:
    """Return a page of the demo with its style sheet in it."""
    style = _file("static", "site.css")
    return page_html(language, page).replace("</head>", f"<style>{style}</style></head>")


def take() -> None:
    """Take every picture."""
    with serving() as stage, sync_playwright() as engine:
        browser = launched(engine, shutil.which("chromium") or "chromium")

        def picture(name: str, path: str = "/", *, click: str = "", scroll: str = "", **how) -> None:
            visitor = Visitor(browser, stage, **how)
            visitor.goes(path)
            if click:
                visitor.page.get_by_text(click, exact=True).click()
            if scroll:
                visitor.page.locator(scroll).first.scroll_into_view_if_needed()
            visitor.page.screenshot(path=FOLDER / f"{name}.png")
            visitor.context.close()

        stage.html = demo("en", "home")
        picture("banner", **WIDE)
        stage.html = demo("fr", "home")
        picture("customize-dark", click="Personnaliser", color_scheme="dark", **NARROW)
        stage.granted, stage.answered = ("functional",), True
        picture("panel", "/.consent/", **WIDE)
        stage.granted = ()
        stage.html = demo("en", "booking")
        picture("placeholder", scroll=".cc.ph", **WIDE)


if __name__ == "__main__":
    take()
