"""Somebody signs in to the console of a real proxy, sees what was counted, reloads, and signs out."""

import shutil

import pytest

from tests.banner.stage import launched
from tests.e2e.conftest import ROOT, Running
from tests.patience import until
from tests.support.console import CONFIG, TOKEN

pytestmark = pytest.mark.e2e


@pytest.fixture
def running(tmp_path, demo_origin):
    rules = tmp_path / "rules.yaml"
    shutil.copy(ROOT / "rules.yaml", rules)
    proxy = Running(tmp_path, demo_origin, extra=f"workers: 2\n{CONFIG}\n", rules=rules)
    yield proxy
    proxy.stop()


@pytest.fixture
def page(playwright_engine, chromium_path):
    browser = launched(playwright_engine, chromium_path)
    page = browser.new_context(ignore_https_errors=True).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: line.type == "error" and page.complaints.append(line.text))
    yield page
    browser.close()


def test_a_walk_from_signing_in_to_signing_out(running, page):
    for _ in range(3):
        answer = page.request.get(f"https://127.0.0.1:{running.port}/", headers={"Host": "callkom.io"})
        assert answer.status == 200
    console = f"http://127.0.0.1:{running.admin}/console"
    page.goto(console)
    page.get_by_label("Token").fill("nobody's")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("That token is not known.").wait_for()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Everything works.").wait_for()

    assert until(lambda: figure(page, "Requests"), "3") == "3"
    assert figure(page, "Documents") == "3"
    assert "tags held" in page.locator("#verdicts").inner_text()
    refuse(running, page)
    page.get_by_label("Receipt").fill("0000")
    page.get_by_role("button", name="Look up").click()
    page.get_by_text("There is no record 0000.").wait_for()
    assert page.complaints == [
        "Failed to load resource: the server responded with a status of 404 (Not Found)"
    ]
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token").wait_for()
    assert "console_session" not in {one["name"] for one in page.context.cookies()}
    assert page.request.get(f"{console}/data").status == 401
    assert TOKEN not in (running.folder / "proxy.log").read_text()


def figure(page, name):
    """One of the totals, read anew."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    return page.locator("#totals div", has=page.get_by_text(name, exact=True)).locator("dd").inner_text()


def refuse(running, page):
    """Break the rules and reload, mend them and reload: the page tells both."""
    rules = running.folder / "rules.yaml"
    good = rules.read_text("utf-8")
    rules.write_text(good.replace("purpose: performance", "purpose: preformance", 1), "utf-8")
    page.get_by_role("button", name="Reload rules and config").click()
    page.get_by_text("Refused: the older rules stay in force.").wait_for()
    page.get_by_role("heading", name="One thing needs attention.").wait_for()
    assert "preformance" in page.locator("#problems").inner_text()
    assert "rules.yaml:" in page.locator("#refused-problems").inner_text()
    rules.write_text(good, "utf-8")
    page.get_by_role("button", name="Reload rules and config").click()
    page.get_by_text("Loaded: the rules on disk are in force.").wait_for()
    page.get_by_role("heading", name="Everything works.").wait_for()
