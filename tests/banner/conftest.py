"""One Chromium for all browser tests of this folder; a fresh stage and a fresh visitor for each."""

import pytest

from tests.banner.stage import Visitor, launched, serving


@pytest.fixture(scope="session")
def browser_of_banner(playwright_engine, chromium_path):
    browser = launched(playwright_engine, chromium_path)
    yield browser
    browser.close()


@pytest.fixture
def stage():
    """A stage of its own for each: what the last visitor's pages still send goes where they came from."""
    with serving() as stage:
        yield stage


@pytest.fixture
def visit(browser_of_banner, stage):
    visitors = []

    def come(path="/", **how):
        visitor = Visitor(browser_of_banner, stage, **how)
        visitors.append(visitor)
        visitor.goes(path)
        return visitor

    yield come
    for visitor in visitors:
        visitor.context.close()
