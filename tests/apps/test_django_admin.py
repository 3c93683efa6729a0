"""Django's admin (PyPI): a sign-in with a token, an upload, a pop-up that answers its opener."""

import sys

import pytest

from tests.apps.installing import DATA, serving
from tests.apps.places import BEHIND, Loads, Person, assert_works_as_direct

pytestmark = pytest.mark.e2e

LOADS: Loads = {"performance": {"www.googletagmanager.com", "region1.google-analytics.com"}}


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("django")
    command = [sys.executable, str(DATA / "shop.py"), "{port}"]
    with serving(*command, cwd=folder, SITE_FOLDER=str(folder), PYTHONWARNINGS="ignore") as port:
        yield port


def walk(person: Person) -> None:
    page = person.page
    with person.step("comes by the public page"):
        person.goes("/")
        person.clicks("link", "Administration")
        person.sees("Django administration")
    with person.step("signs in"):
        person.fills(username="ada", password="open sesame")
        person.clicks("button", "Log in")
        person.sees("Site administration")
    with person.step("adds a group in a pop-up window that fills its opener"):
        person.goes("/admin/auth/report/add/")
        with page.expect_popup() as opened:
            page.locator("#add_id_group").click()
        name = f"Group of {person.name}"
        opened.value.get_by_label("Name:").fill(name)
        opened.value.get_by_role("button", name="Save").first.click()
        page.locator("#id_group option", has_text=name).wait_for(state="attached")
        assert page.locator("#id_group option:checked").inner_text() == name
    with person.step("uploads a document"):
        page.get_by_label("Title:").fill(f"Report of {person.name}")
        page.get_by_label("Document:").set_input_files(
            {"name": "report.txt", "mimeType": "text/plain", "buffer": b"x" * 300_000}
        )
        page.locator("[name=_save]").click()
        person.sees("was added successfully")
        person.sees(f"Report of {person.name}, 300000 bytes")
    with person.step("filters a box with the widgets of the admin"):
        person.goes("/admin/auth/group/add/")
        page.locator(".selector-filter input").first.fill("can view session")
        page.locator("#id_permissions_from option").first.wait_for(state="attached")
    with person.step("changes the colours, kept in the browser"):
        page.locator(".theme-toggle").first.click()
        assert page.evaluate("localStorage.theme")
    with person.step("signs out"):
        page.locator("#logout-form button").click()
        person.sees("Logged out")


@pytest.mark.parametrize("place", BEHIND)
def test_every_step_in_djangos_admin_works_as_direct(walked, place):
    assert_works_as_direct(walked, place, LOADS)
