"""Flask-Login and Flask-WTF (PyPI): a sign-in that is remembered, forms with a token, an upload."""

import sys

import pytest

from tests.apps.installing import DATA, serving
from tests.apps.places import BEHIND, Loads, Person, assert_works_as_direct

pytestmark = pytest.mark.e2e

LOADS: Loads = {"performance": {"www.googletagmanager.com", "region1.google-analytics.com"}}


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    command = [sys.executable, "-m", "flask", "--app", str(DATA / "members.py"), "run", "--port", "{port}"]
    with serving(*command, cwd=tmp_path_factory.mktemp("flask")) as port:
        yield port


def walk(person: Person) -> None:
    page = person.page
    with person.step("a members' page asks to sign in"):
        person.goes("/members")
        person.sees("Sign in")
    with person.step("signs in, to be remembered"):
        person.fills(name="Ada", password="open sesame")
        page.get_by_label("Remember me").check()
        person.clicks("button", "Enter")
        person.sees("You are signed in")
    with person.step("uploads through a form with a token"):
        page.get_by_label("Picture").set_input_files(
            {"name": "dot.png", "mimeType": "image/png", "buffer": b"x" * 200_000}
        )
        person.clicks("button", "Upload")
        person.sees("200000 bytes arrived")
    with person.step("a script posts with the token"):
        person.clicks("button", "Count")
        person.sees("counted for Ada")
    with person.step("is remembered when the session is over"):
        person.context.clear_cookies(name="session")
        person.goes("/")
        person.sees("Hello Ada")
    with person.step("signs out"):
        person.goes("/members")
        person.clicks("link", "Sign out")
        person.sees("Nobody is signed in")


@pytest.mark.parametrize("place", BEHIND)
def test_every_step_with_flask_login_works_as_direct(walked, place):
    assert_works_as_direct(walked, place, LOADS)
