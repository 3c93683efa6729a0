"""A collector under the site's own domain that does not pass the proxy: named by a rule, it is third party."""

import pytest
from aiohttp import web

from tests.e2e.conftest import ROOT, Running
from tests.e2e.providers import serve_in_thread

pytestmark = pytest.mark.e2e

RULE = "- { from: metrics.callkom.io, purpose: performance }\n      - { from: self, path"
PAGE = """<!doctype html><html lang="en"><title>Home</title><h1>Home</h1><script src="https://metrics.callkom.io/tag.js"></script>
<script>fetch("https://metrics.callkom.io/fetch", { mode: "no-cors" }).catch(() => 0); new Image().src = "https://metrics.callkom.io/image";
fetch("https://app.callkom.io/own", { mode: "no-cors" });</script>"""


async def site(request: web.BaseRequest) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


@pytest.fixture(params=["named", "not named"])
def running(request, tmp_path):
    rules = tmp_path / "rules.yaml"
    text = (ROOT / "rules.yaml").read_text()
    rules.write_text(text.replace("- { from: self, path", RULE, 1) if request.param == "named" else text)
    port, stop = serve_in_thread(site)
    proxy = Running(tmp_path, port, rules=rules)
    yield proxy, request.param == "named"
    proxy.stop()
    stop()


def test_what_it_collects_is_refused_where_a_rule_names_it_and_goes_out_where_none_does(visit, running):
    proxy, named = running
    visitor = visit(port=proxy.port)
    reached: list[str] = []  # it is no site of the proxy's, which stands for its server here, and says 421
    visitor.page.on("response", lambda response: reached.append(response.url))
    visitor.goes("/")

    while "https://app.callkom.io/own" not in reached:
        visitor.page.wait_for_timeout(20)  # lets what the browser tells come in
    collected = {url for url in reached if "//metrics." in url}
    assert collected == set() if named else len(collected) == 3
