"""A Chromium with a fresh profile for each state, and the scripts that run in its pages.

It keeps its sandbox unless it runs as root.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.audit.plan import Plan, resolver_rules

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Playwright

WIDTH, HEIGHT = 1280, 800

_SCRIPTS = Path(__file__).resolve().parent / "scripts"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # vanilla-cookieconsent shows its banner to nobody who says navigator.webdriver (hideFromBots).
    "--disable-blink-features=AutomationControlled",
    # One recorder sees all frames: the profile is empty, so sites have nothing to take from each other.
    "--disable-site-isolation-trials",
)
_PREFERENCES = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}


def chromium(plan: Plan) -> str | None:
    """Return the path of the browser: the one named, an installed one; None for Playwright's own."""
    if plan.browser is not None:
        return str(plan.browser)
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextlib.contextmanager
def fresh_profile(engine: Playwright, plan: Plan) -> Iterator[BrowserContext]:
    """Start a browser that has never been anywhere; its profile goes with it."""
    flags = list(FLAGS)
    if rules := resolver_rules(plan.resolve):
        flags.append(f"--host-resolver-rules={rules}")
    with tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "Default").mkdir()
        (Path(folder) / "Default" / "Preferences").write_text(json.dumps(_PREFERENCES), encoding="utf-8")
        context = engine.chromium.launch_persistent_context(
            folder,
            executable_path=chromium(plan),
            headless=True,
            chromium_sandbox=os.geteuid() != 0,
            args=flags,
            ignore_https_errors=plan.insecure,
            accept_downloads=False,
            viewport={"width": WIDTH, "height": HEIGHT},
        )
        try:
            yield context
        finally:
            with contextlib.suppress(Exception):  # a browser that crashed is closed
                context.close()


@cache
def page_script(name: str) -> str:
    """Return the text of a script of scripts/, to run in pages."""
    return (_SCRIPTS / name).read_text("utf-8")
