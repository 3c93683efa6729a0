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
def walked(request, chromium_path, playwright_engine, third_parties, tmp_path_factory):
    """Return the walk of the module's application in a place: walked("refused"), walked(DIRECT)."""
    origin = request.getfixturevalue("origin")
    with contextlib.closing(
        Places(
            playwright_engine,
            third_parties,
            tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2]),
            origin,
            request.module.walk,
        )
    ) as places:
        assert places.walked(DIRECT).failures == {}, "with nothing in front every step works"
        yield places.walked
