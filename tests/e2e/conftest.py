"""A real Chromium, a real proxy process, the demo site, and every provider played locally."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.bidi import Firefox, Person
from tests.e2e.providers import Providers, serve_in_thread, tls_for
from tests.e2e.tunnel import Tunnel
from tests.e2e.walkers import WIDE, InChromium, Visitor
from tests.e2e.webkit import WebKit, WebKitPerson
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ["callkom.io", "www.callkom.io", "app.callkom.io", "integration.callkom.io"]


@pytest.fixture(scope="session")
def providers():
    tls, authority, _ = tls_for("*.example", "js-eu1.hsforms.net", "forms-eu1.hsforms.com")
    played = Providers(authority=authority)
    played.port, stop = serve_in_thread(played.answer, tls=tls)
    yield played
    stop()


@pytest.fixture(autouse=True)
def _forget(request):
    if "providers" in request.fixturenames:
        request.getfixturevalue("providers").forget()


@pytest.fixture(scope="session")
def demo_origin():
    from proxy.demo.site import demo_site

    port, stop = serve_in_thread(demo_site())
    yield port
    stop()


@pytest.fixture(scope="session")
def unprotected():
    """The demo site behind TLS and nothing else: what happens without us."""
    from proxy.demo.site import demo_site

    tls, _, _ = tls_for(*HOSTS)
    port, stop = serve_in_thread(demo_site(), tls=tls)
    yield port
    stop()


class Running:
    """A proxy process in front of the demo site, as operations would start it."""

    def __init__(
        self,
        folder: Path,
        origin: int,
        *,
        mode: str = "enforce",
        extra: str = "",
        rules: Path = ROOT / "rules.yaml",
    ) -> None:
        self.folder, self.port, self.admin = folder, free_port(), free_port()
        _, _, leaf = tls_for(*HOSTS)
        leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
        leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        (folder / "config.yaml").write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            "tls: { certificate: cert.pem, key: key.pem }\n"
            "sites:\n"
            f"  - {{ hosts: [{', '.join(HOSTS)}], upstream: 'http://127.0.0.1:{origin}', mode: {mode} }}\n"
            "records: sqlite:///proofs.db\n"
            f"admin: 127.0.0.1:{self.admin}\n{extra}"
        )
        self.log = (folder / "proxy.log").open("wb")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "proxy",
                "serve",
                "--config",
                str(folder / "config.yaml"),
                "--rules",
                str(rules),
            ],
            cwd=folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "proxy.log").read_text())
            address = f"http://127.0.0.1:{self.admin}/readyz"
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.1)
        raise RuntimeError("the proxy did not become ready: " + (self.folder / "proxy.log").read_text())

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


@pytest.fixture(scope="session")
def proxy_process(tmp_path_factory, demo_origin):
    running = Running(tmp_path_factory.mktemp("proxy"), demo_origin)
    yield running
    running.stop()


@pytest.fixture
def visit(request, chromium_path, playwright_engine, tmp_path, providers):
    """Open a browser: visit() or visit(port=..., java_script_enabled=False, ...)."""
    opened = []

    def open_one(*, port: int | None = None, **options) -> Visitor:
        visitor = Visitor(
            playwright_engine,
            tmp_path / f"profile{len(opened)}",
            port or request.getfixturevalue("proxy_process").port,
            providers.port,
            **options,
        )
        opened.append(visitor)
        return visitor

    yield open_one
    for visitor in opened:
        visitor.context.close()


@pytest.fixture(scope="session")
def firefoxes(firefox_path, tmp_path_factory):
    """Return a running Firefox, by whether it runs scripts: that is a matter of its profile."""
    running: dict[bool, Firefox] = {}

    def one(*, script: bool = True) -> Firefox:
        if script not in running:
            profile = tmp_path_factory.mktemp("firefox") / "profile"
            running[script] = Firefox(firefox_path, profile, **{"javascript.enabled": script})
        return running[script]

    yield one
    for firefox in running.values():
        firefox.stop()


@pytest.fixture(scope="session")
def webkit(webkit_paths, tmp_path_factory):
    """Return a running WebKit driver."""
    running = WebKit(*webkit_paths, tmp_path_factory.mktemp("webkit") / "home")
    yield running
    running.stop()


@contextlib.contextmanager
def in_front_of(answer, folder: Path):
    """Put the proxy in front of a site that answers like this; gives it while it runs."""
    port, stop = serve_in_thread(answer)
    try:
        running = Running(folder, port)
        try:
            yield running
        finally:
            running.stop()
    finally:
        stop()


@pytest.fixture(scope="module")
def fenced(request, tmp_path_factory):
    """Return the port of a proxy in front of the module's `site`."""
    with in_front_of(request.module.site, tmp_path_factory.mktemp("fenced")) as running:
        yield running.port


@pytest.fixture(scope="module")
def bare(request):
    """Return the port of the module's `site` itself, over TLS."""
    port, stop = serve_in_thread(request.module.site, tls=tls_for(*HOSTS)[0])
    yield port
    stop()


QUICK = {"chromium": "test_", "firefox": "test_browsers", "webkit": "test_browsers"}
"""Files whose walks are in every run: the main walks in each other browser, all others in Chromium."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    """Leave to the long suites the other walks in a second and third browser, and what test_walk.py shows too.

    Walks get the time that a busy machine takes for them; what bounds their waiting is in them.
    """
    for item in items:
        if item.get_closest_marker("e2e") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))
        browser = item.callspec.params.get("comes") if hasattr(item, "callspec") else None
        again = item.path.name == "test_browsers.py" and browser == "chromium"
        further = browser in QUICK and not item.path.name.startswith(QUICK[browser])
        if again or further or item.name.endswith("[firefox-passing]"):
            item.add_marker(pytest.mark.load)


@pytest.fixture(params=["chromium", "firefox", "webkit"])
def comes(request, providers):
    """Somebody comes, once with each browser: comes(port=..., script=False, size=NARROW)."""
    undo = []

    def in_chromium(*, port: int | None = None, script: bool = True, size=WIDE, **options) -> InChromium:
        width, height = size
        view = {"width": width, "height": height}
        visit = request.getfixturevalue("visit")
        return InChromium(visit(port=port, java_script_enabled=script, viewport=view, **options))

    def in_firefox(*, port: int | None = None, script: bool = True, size=WIDE, **_) -> Person:
        port = port or request.getfixturevalue("proxy_process").port
        tunnel = Tunnel(
            lambda host: port if f".{host}".endswith(".callkom.io") else providers.port,
        )
        undo.append(tunnel.stop)
        person = Person(request.getfixturevalue("firefoxes")(script=script), tunnel.port, size)
        undo.append(person.leaves)
        return person

    def in_webkit(*, port: int | None = None, script: bool = True, size=WIDE, **_) -> WebKitPerson:
        port = port or request.getfixturevalue("proxy_process").port
        tunnel = Tunnel(
            lambda host: port if f".{host}".endswith(".callkom.io") else providers.port,
        )
        undo.append(tunnel.stop)
        person = WebKitPerson(request.getfixturevalue("webkit"), tunnel.port, size, script=script)
        undo.append(person.leaves)
        return person

    if request.param == "webkit":
        request.getfixturevalue("webkit")
        yield in_webkit
    elif request.param == "firefox":
        request.getfixturevalue("firefoxes")
        yield in_firefox
    else:
        yield in_chromium
    for end in reversed(undo):
        end()
