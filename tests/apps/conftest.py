"""Real applications, direct and behind the proxy: one walk each, in every state of consent."""

import contextlib

import pytest

from tests.apps.places import DIRECT, Places
from tests.e2e.providers import Providers, serve_in_thread, tls_for


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    """Give a walk through an application the time that building it and a busy machine take."""
    for item in items:
        if item.path.parent.name == "apps" and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def third_parties():
    """Every host that is not the site's, played by one TLS server that keeps a log."""
    tls, authority, _ = tls_for("*.example")
    played = Providers(authority=authority)
    played.port, stop = serve_in_thread(played.answer, tls=tls)
    yield played
    stop()


@pytest.fixture(scope="module")
def walk(request):
    """What a person does in the module's application; a module whose walk depends on more has its own."""
    return request.module.walk


@pytest.fixture(scope="module")
def browser(chromium_path, playwright_engine):
    """What starts browsers."""
    return playwright_engine


@pytest.fixture(scope="module")
def walked(origin, walk, browser, third_parties, tmp_path_factory):
    """Return the walk of the module's application in a place: walked("refused"), walked(DIRECT)."""
    with contextlib.closing(
        Places(
            browser,
            third_parties,
            tmp_path_factory.mktemp("application"),
            origin,
            walk,
        )
    ) as places:
        assert places.walked(DIRECT).failures == "", "with nothing in front every step works"
        yield places.walked
