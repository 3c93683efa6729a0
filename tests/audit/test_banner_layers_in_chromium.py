"""How many clicks refusing takes is counted in banners whose first layer has no button for it."""

import pytest

from proxy.audit.banner_layers import clicks_to_refuse
from proxy.audit.browser import FLAGS

pytestmark = [pytest.mark.e2e, pytest.mark.load]

FIRST = """<div class="tool"><button>Accept all</button> <button onclick="layer()">Manage options</button>
<a href="/policy">Preferences, explained</a></div><nav><button>Reject the newsletter</button></nav>"""
OPEN = "<script>function layer() { setTimeout(() => { document.body.insertAdjacentHTML('beforeend', `%s`); }, 300); }</script>"
DIALOG = "<div role=dialog>%s</div>"
SWITCHES = "<input type=checkbox checked disabled><input type=checkbox checked><input type=checkbox checked><input type=checkbox>"


@pytest.fixture(scope="module")
def page(playwright_engine, chromium_path):
    browser = playwright_engine.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", *FLAGS])
    yield browser.new_page()
    browser.close()


@pytest.mark.parametrize(
    ("layer", "needed", "how"),
    [
        ("<button>Accept all</button><button>Reject all</button>", 2, "Manage options, Reject all"),
        (SWITCHES + "<button>Save my choice</button>", 4, "Manage options, 2 switches off, Save my choice"),
        ("<button>Accept all</button>", None, "Manage options"),
    ],
)
def test_the_clicks_to_refuse_are_counted(page, layer, needed, how):
    page.set_content(FIRST + OPEN % (DIALOG % layer))
    clicks = clicks_to_refuse(page, ".tool")

    assert clicks.needed == needed
    assert clicks.how.startswith(how)
    assert page.url == "about:blank"


def test_where_nothing_opens_further_layers_no_way_is_found(page):
    page.set_content(FIRST.replace("Manage options", "Fine"))

    assert clicks_to_refuse(page, ".tool") == (None, "")
