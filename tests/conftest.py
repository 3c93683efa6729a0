"""What holds for every test."""

import os
import shutil

import pytest
from hypothesis import settings

# A deadline is a timing assertion, and a busy machine breaks it.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")


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
def playwright_engine():
    """The one driver of browsers: a process can hold no second one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        yield engine
