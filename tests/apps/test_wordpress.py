"""WordPress (Debian): a comment, a sign-in, uploads, the block editor."""

import base64
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.apps.installing import DATA, from_debian, serving
from tests.apps.places import BEHIND, Loads, Person, assert_works_as_direct

pytestmark = pytest.mark.apps

LOADS: Loads = {
    "performance": {"www.googletagmanager.com", "region1.google-analytics.com"},
    None: {"secure.gravatar.com"},
}
PACKAGES = [
    "wordpress",
    "wordpress-theme-twentytwentythree",
    "mariadb-server",
    "php-cli",
    "php-mysql",
    "php-gd",
]
CODE = Path("/usr/share/wordpress")
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""


@pytest.fixture(scope="module")
def database():
    """The socket of a database of its own; its path has to be short."""
    from_debian(*PACKAGES)
    with tempfile.TemporaryDirectory(prefix="apps-") as name:
        folder = Path(name)
        made = ["mariadb-install-db", "--no-defaults", f"--datadir={folder / 'data'}", "--skip-test-db"]
        user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run([*made, *user], check=True, capture_output=True)
        socket = folder / "socket"
        told = [
            f"--datadir={folder / 'data'}",
            f"--socket={socket}",
            "--port={port}",
            "--bind-address=127.0.0.1",
        ]
        server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        with serving(server, "--no-defaults", *told, "--skip-grant-tables", *user, cwd=folder):
            yield socket


@pytest.fixture(scope="module")
def origin(database, tmp_path_factory):
    site = tmp_path_factory.mktemp("wordpress") / "site"
    shutil.copytree(CODE, site)
    (site / "wp-config.php").unlink()
    shutil.copytree(DATA / "wordpress", site, dirs_exist_ok=True)
    environment = {
        "DATABASE_SOCKET": str(database),
        "CONTENT_FOLDER": str(site / "wp-content"),
        "PHP_CLI_SERVER_WORKERS": "6",
    }
    php = ["php", "-d", "display_errors=0"]
    subprocess.run(
        [*php, "install.php"], cwd=site, check=True, capture_output=True, env={**os.environ, **environment}
    )
    with serving(*php, "-S", "127.0.0.1:{port}", "-t", site, cwd=site, **environment) as port:
        yield port


def walk(person: Person) -> None:
    page = person.page
    with person.step("comments, and asks to be remembered"):
        person.goes("/?p=1")
        page.locator("#comment").fill(f"Comment of {person.name}")
        page.locator("#author").fill(person.name)
        page.locator("#email").fill(f"{person.name}@example.com")
        page.locator("#wp-comment-cookies-consent").check()
        person.clicks("button", "Post Comment")
        person.sees("Your comment is awaiting moderation")
    with person.step("is known by the next page"):
        person.goes("/?p=1")
        assert page.locator("#author").input_value() == person.name
    with person.step("signs in"):
        person.goes("/wp-login.php")
        page.get_by_label("Username or Email Address").fill("ada")
        page.locator("#user_pass").fill("open sesame")
        page.get_by_label("Remember Me").check()
        person.clicks("button", "Log In")
        page.get_by_role("heading", name="Dashboard").wait_for()
    with person.step("uploads a picture"):
        person.goes("/wp-admin/media-new.php")
        picture = {"name": f"{person.name}.png", "mimeType": "image/png", "buffer": DOT}
        page.locator("#plupload-upload-ui input[type=file]").first.set_input_files(picture)
        page.locator(".media-item .pinkynail, .media-item .edit-attachment").first.wait_for()
    with person.step("opens the block editor"):
        person.goes("/wp-admin/post-new.php")
        page.locator(".editor-post-title__input").wait_for()
    with person.step("writes, with a picture"):
        page.locator(".editor-post-title__input").fill(f"Post of {person.name}")
        page.keyboard.press("Enter")
        page.keyboard.type("Words of the post")
        page.keyboard.press("Enter")
        page.keyboard.type("/image")
        page.get_by_role("option", name="Image", exact=True).click()
        page.locator(".wp-block-image input[type=file]").set_input_files(
            {"name": "dot.png", "mimeType": "image/png", "buffer": DOT}
        )
        page.locator(".wp-block-image img[src^='https://callkom.io/']").wait_for()
    with person.step("publishes"):
        page.locator(".editor-post-publish-panel__toggle").click()
        page.locator(".editor-post-publish-panel .editor-post-publish-button").click()
        page.locator(".post-publish-panel__postpublish-buttons").get_by_role("link", name="View Post").click()
        page.get_by_role("heading", name=f"Post of {person.name}").first.wait_for()
        person.sees("Words of the post")
        page.wait_for_function("document.querySelector('.wp-block-image img').naturalWidth == 1")
    with person.step("signs out"):
        page.goto(page.locator("#wp-admin-bar-logout a").get_attribute("href"))
        person.sees("You are now logged out")


@pytest.mark.parametrize("place", BEHIND)
def test_every_step_in_wordpress_works_as_direct(walked, place):
    assert_works_as_direct(walked, place, LOADS)
