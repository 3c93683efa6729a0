"""Vite with Vue (npm): what it builds, and its server for development with the socket for changes."""

import contextlib

import pytest

from tests.apps.installing import DATA, from_npm, serving
from tests.apps.places import BEHIND, Loads, Person, assert_works_as_direct

pytestmark = pytest.mark.apps

LOADS: Loads = {
    "performance": {"www.googletagmanager.com", "region1.google-analytics.com"},
    "functional": {"calendly.com"},
    None: {"eu.i.posthog.com", "eu-assets.i.posthog.com"},
}
PACKAGES = ["vite@8.4.0", "vue@3", "@vitejs/plugin-vue@6", "vue-router@4", "posthog-js@1"]
SERVES = {
    "development": "{vite} {where}",
    "production": "{vite} build && exec {vite} preview {where}",
}


SOURCE = "src/Home.vue"


@pytest.fixture(scope="module", params=SERVES)
def served(request):
    """How Vite serves, its folder and its port."""
    folder = from_npm("vite", *PACKAGES)
    names = {"vite": "node_modules/.bin/vite", "where": "--host 127.0.0.1 --port {port} --strictPort"}
    with serving("sh", "-c", SERVES[request.param].format_map(names), cwd=folder) as port:
        yield request.param, folder, port


@pytest.fixture(scope="module")
def origin(served):
    return served[2]


@pytest.fixture(scope="module")
def walk(served):
    how, folder, _ = served

    def walks(person: Person) -> None:
        with person.step("the application starts"):
            connected = person.page.expect_console_message(lambda message: "[vite] connected" in message.text)
            with connected if how == "development" else contextlib.nullcontext():
                person.goes("/")
            person.sees("Home of the shop")
        with person.step("a button counts"):
            person.clicks("button", "Clicked 0")
            person.sees("Clicked 1")
        if how == "development":
            with person.step("a change of the source appears, and the count stays"):
                home = (DATA / "vite" / SOURCE).read_text()
                (folder / SOURCE).write_text(home.replace("Home of", f"{person.name.capitalize()}: home of"))
                person.sees(f"{person.name.capitalize()}: home of the shop")
                person.sees("Clicked 1")
                (folder / SOURCE).write_text(home)
                person.page.get_by_text("Home of the shop", exact=True).wait_for()
        with person.step("the router shows another page"):
            person.clicks("link", "Booking")
            person.sees("Book a meeting")
        with person.step("the address of that page opens"):
            person.goes("/booking")
            person.sees("Book a meeting")
        with person.step("goes back home"):
            person.clicks("link", "Home")
            person.sees("Home of the shop")

    return walks


@pytest.mark.parametrize("place", BEHIND)
def test_every_step_in_a_vite_application_works_as_direct(walked, place):
    assert_works_as_direct(walked, place, LOADS)
