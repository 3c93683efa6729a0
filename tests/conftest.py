"""What holds for every test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from proxy.build_digest import build_kind

assert not os.environ.get("TEST_COMPILED") or build_kind() == "compiled", "make compiled runs compiled code"

# A deadline is a timing assertion, and a busy machine breaks it.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

FAST_PATH = os.environ.get("TEST_FAST_PATH", "")
"""`absent`: the fast path's package cannot be imported; `unknown`: aiohttp is not one that it knows."""


class WithoutFastPath:
    """Finds no module of the fast path."""

    def find_spec(self, name, _path=None, _target=None):
        if name.startswith("proxy.route.fast"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if FAST_PATH == "absent":
    sys.meta_path.insert(0, WithoutFastPath())
if FAST_PATH == "unknown":
    from proxy.route.fast.aiohttp_internals import missing_names

    assert missing_names(), "aiohttp is one that the fast path knows"
if FAST_PATH:
    collect_ignore = ["route/fast"]


def pytest_collection_modifyitems(items):
    if FAST_PATH:
        for item in items:
            if item.get_closest_marker("fast_path"):
                item.add_marker(pytest.mark.skip("the fast path is off"))


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium is; under CI its absence is a failure."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("CI"):
        pytest.fail("Chromium is missing, and CI must never skip the browser walks")
    pytest.skip("Chromium is not installed (sh tests/browser.sh)")


@pytest.fixture(scope="session")
def firefox_path() -> str:
    """Where Firefox is; under CI its absence is a failure wherever apt-get could have brought it."""
    for name in ("firefox-esr", "firefox"):
        if found := shutil.which(name):
            return found
    if os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-cache"):
        known = subprocess.run(["apt-cache", "show", "firefox-esr"], capture_output=True, check=False)
        if known.returncode == 0:
            pytest.fail("Firefox is missing though it can be installed, and CI must never skip its walks")
    pytest.skip("Firefox is not installed (Debian: sudo apt-get install firefox-esr)")


@pytest.fixture(scope="session")
def webkit_paths() -> tuple[str, str]:
    """Where WebKit's driver and browser are; its walks are optional everywhere."""
    browsers = sorted(Path("/usr").glob("lib*/**/webkit2gtk-4*/MiniBrowser"))
    programs = [shutil.which(name) for name in ("WebKitWebDriver", "Xvfb", "dbus-run-session")]
    if programs[0] is None or not all(programs) or not browsers:
        pytest.skip("WebKit is not installed (Debian: sudo apt-get install webkit2gtk-driver xvfb dbus)")
    return programs[0], str(browsers[-1])


@pytest.fixture(scope="session")
def playwright_engine():
    """The one driver of browsers: a process can hold no second one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        yield engine
