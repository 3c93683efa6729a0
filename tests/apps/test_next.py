"""Next with next-auth (npm): streamed pages, its router, a server action, a sign-in; development and production."""

import urllib.request

import pytest

from tests.apps.installing import from_npm, serving
from tests.apps.places import BEHIND, Loads, Person, assert_works_as_direct

pytestmark = pytest.mark.apps

LOADS: Loads = {
    "performance": {
        "www.googletagmanager.com",
        "region1.google-analytics.com",
        "js-eu1.hs-scripts.com",
        "js-eu1.hs-analytics.net",
    },
    "functional": {"calendly.com"},
    "functional and performance": {"track-eu1.hubspot.com"},
}
PACKAGES = ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1", "next-auth@4.24.15"]
SERVES = {
    "development": "{next} dev {where}",
    "production": "{next} build && exec {next} start {where}",
}


@pytest.fixture(scope="module", params=SERVES)
def origin(request):
    folder = from_npm("next", *PACKAGES)
    names = {"next": "node_modules/.bin/next", "where": "--hostname 127.0.0.1 --port {port}"}
    environment = {
        "NEXTAUTH_URL": "https://callkom.io",
        "NEXT_TELEMETRY_DISABLED": "1",
        "DIST": f".next-{request.param}",
    }
    with serving("sh", "-c", SERVES[request.param].format_map(names), cwd=folder, **environment) as port:
        for path in ("", "about", "account", "api/auth/providers"):  # compiled when first asked for
            urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=200).close()
        yield port


def walk(person: Person) -> None:
    page = person.page
    with person.step("the page comes whole, streamed parts and all"):
        person.goes("/", until="commit")
        person.sees("Streamed late")
        person.sees("Home of the shop")
    with person.step("React took the page over"):
        person.clicks("button", "Clicked 0")
        person.sees("Clicked 1")
    with person.step("the router shows another page without loading one"):
        page.evaluate("window.same = 1")
        person.clicks("link", "About")
        person.sees("About the shop")
        assert page.evaluate("window.same") == 1
    with person.step("signs in"):
        person.goes("/account", until="commit")
        page.get_by_label("Username").fill("Ada")
        person.clicks("button", "Enter")
        person.sees("Account of Ada")
    with person.step("uploads by a server action"):
        page.get_by_label("Picture").set_input_files(
            {"name": "dot.png", "mimeType": "image/png", "buffer": b"x" * 200_000}
        )
        person.clicks("button", "Upload")
        person.sees("200000 bytes arrived")
    with person.step("signs out"):
        person.clicks("button", "Sign out")
        person.sees("Nobody is signed in")


@pytest.mark.parametrize("place", BEHIND)
def test_every_step_in_a_next_application_works_as_direct(walked, place):
    assert_works_as_direct(walked, place, LOADS)
