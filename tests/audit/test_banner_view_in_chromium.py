"""Buttons of a banner are measured as they are drawn; clicks to refuse are counted in further layers."""

import pytest

from proxy.audit.banner_view import clicks_to_refuse, view
from proxy.audit.browser import FLAGS
from proxy.banner.word_files import load_languages

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


def test_buttons_are_measured_in_the_colours_that_are_drawn(page):
    page.set_content("""<div class="cmplz-cookiebanner" style="background: #ffffff">
    <style>button { width: 200px; height: 50px; font: 16px sans-serif; border: 0; background: none }</style>
    <p>We use cookies; you can withdraw at any time.</p>
    <button class="cmplz-accept" style="color: white; background: rgb(0, 0, 0)">Accept</button>
    <button class="cmplz-deny" style="color: rgb(0 0 0 / 20%); width: 100px; height: 25px; font-size: 8px">Deny</button></div>""")
    found = view(page, list(load_languages().all.values()), 0)

    assert found["accept"] == {
        "words": "Accept", "width": 200, "height": 50, "font": 16, "weight": "400", "contrast": 21, "visible": True,
    }  # fmt: skip
    assert found["refuse"]["contrast"] == 1.61  # #cccccc on white
    assert found["faults"] == []
    assert [doubt.partition(":")[2] or doubt for doubt in found["doubts"]] == [
        " width 100 against 200",
        " height 25 against 50",
        " font 8 against 16",
        " contrast 1.61 against 21.0",
        "the banner does not say where the policy is",
    ]
