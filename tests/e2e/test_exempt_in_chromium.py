"""Exempt audience measurement in a browser: it runs, Customize shows its switch on, an objection stops it at once."""

import re

import pytest
from aiohttp import web

from tests.e2e.conftest import Running
from tests.e2e.providers import serve_in_thread
from tests.patience import until
from tests.route.test_exempt_measurement import MEASURED, PAGE

pytestmark = pytest.mark.e2e
WORDS = "purposes:\n  audience: { label: Audience, hint: counting, sentence: Counts visits., without: none, refusing: none }\n"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exempt")
    (folder / "rules.yaml").write_text(MEASURED)
    (folder / "words").mkdir()
    (folder / "words" / "en.yaml").write_text(WORDS)

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    port, stop = serve_in_thread(app)
    running = Running(folder, port, rules=folder / "rules.yaml", extra="languages: words\n")
    yield running.port
    running.stop()
    stop()


def test_it_runs_at_once_its_switch_is_on_and_refusing_stops_it(visit, measured, providers):
    visitor = visit(port=measured)
    visitor.goes("/")

    assert providers.missing("matomo.example.org") == []
    visitor.page.get_by_text("Customize", exact=True).click()
    assert visitor.page.get_by_role("checkbox", name=re.compile("^Audience")).first.is_checked()
    assert not visitor.page.get_by_role("checkbox", name="Performance").first.is_checked()
    visitor.goes("/")
    visitor.clicks("button", "Refuse all")
    assert until(lambda: visitor.page.locator("script[type='text/plain'][src*='matomo']").count(), 1) == 1
    providers.forget()
    visitor.goes("/")
    assert not providers.reached("matomo.example.org")


def test_saving_without_touching_it_leaves_it_on(visit, measured, providers):
    visitor = visit(port=measured)
    visitor.goes("/")
    visitor.page.get_by_text("Customize", exact=True).click()
    visitor.page.get_by_role("checkbox", name="Performance").first.check()
    visitor.clicks("button", "Save my choices")
    providers.forget()
    visitor.goes("/")

    assert providers.missing("matomo.example.org") == []
