"""Every provider of the demo is played by the demo: nothing of it needs a network."""

import os
import re
import ssl
import subprocess
import sys
import time
import urllib.request

import pytest

from proxy.commands.demo import _settle
from proxy.config.loading import read_config
from proxy.demo.played import HOSTS, certificate, played_providers, played_script, played_tls
from proxy.demo.site import PAGES, page_html
from tests.e2e.providers import serve_in_thread
from tests.patience import until
from tests.ports import free_port
from tests.shared import ROOT

SILENT = {"cloudflareinsights.com"}  # nothing on the page shows whether it ran


def test_every_third_party_of_the_pages_is_played():
    script = played_script()
    pages = "".join(page_html(language, page) for language in PAGES for page in PAGES[language])
    addresses = re.findall(r"<(?:iframe|script)[^>]* (?:data-)?src=\"(?:https?:)?//([^/\"]+)", pages)
    played = re.findall(r'"([a-z.-]+\.[a-z]+)": ', script)

    assert len(set(addresses)) >= 10
    assert "$forms" not in script
    assert {
        host for host in addresses if not any(f".{host}".endswith(f".{name}") for name in (*played, *SILENT))
    } == set()


def test_pages_for_others_carry_nothing_of_it():
    assert "played" not in page_html("en", "home")
    assert '<script src="/static/played.js"></script>' in page_html("en", "home", plays=True)


def test_the_relay_of_the_demo_asks_the_played_provider_and_trusts_nobody_else_for_it(tmp_path):
    port, stop = serve_in_thread(played_providers(), tls=played_tls())
    config = read_config(_settle(tmp_path, free_port(), 4711, None, providers=port)[0])
    trusts = ssl.create_default_context(cafile=str(config.file(config.relay.ca)))
    trusts.check_hostname = False
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/forms/embed/v2.js", context=trusts) as got:
        body = got.read().decode()
    stop()

    assert "window.hbspt" in body
    assert {(host, at.host, at.port) for host, at in config.relay.resolve.items()} == {
        (host, "127.0.0.1", port) for host in HOSTS
    }
    assert "PRIVATE KEY" not in certificate()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The demo as somebody starts it; gives its port."""
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    command = [sys.executable, "-m", "proxy", "demo", "--port", str(port), "--folder", str(folder / "state")]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.1)
    yield port
    process.terminate()
    process.wait(15)


SHOWN = {  # by page, what stands where providers stand
    "/": ["YouTube"],
    "/contact": ["form", "form", "Google Maps", "OpenStreetMap"],
    "/booking": ["Calendly", "HubSpot"],
    "/news": ["Facebook", "Instagram", "Vimeo", "X"],
}
SEEN = """() => [...document.querySelectorAll("form.hs-form"), ...document.querySelectorAll("main iframe")]
  .map(e => e.localName == "form" ? "form" : e.srcdoc.match(/<title>(.*?)<.title>/)?.[1])"""


@pytest.mark.e2e
def test_after_accepting_every_embed_shows_something_without_a_network(
    running, playwright_engine, chromium_path
):
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"
    browser = playwright_engine.chromium.launch(
        executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu", offline]
    )
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    here = f"http://callkom.localhost:{running}"
    page.goto(here + "/contact")
    page.frame_locator("iframe[data-cc-frame]").first.get_by_role("button", name="Send").wait_for()  # relayed
    page.get_by_role("button", name="Accept all").click()
    page.wait_for_function("window.callkomConsent?.asked == 'no'")
    for path, wanted in SHOWN.items():
        page.goto(here + path)
        assert until(lambda: sorted(map(str, page.evaluate(SEEN))), sorted(wanted)) == sorted(wanted)
    page.goto(here + "/checkout")
    page.get_by_text("Stripe is ready.").wait_for()
    browser.close()

    assert errors == []
