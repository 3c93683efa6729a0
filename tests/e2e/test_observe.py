"""A walk over an unknown site, observed: `discover` names all that it loads and stores, and nothing else."""

import contextlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.commands.running import run
from tests.e2e.conftest import Running
from tests.e2e.planted_site import CALLING, CALLS, NEUTRAL, PAGE, ROWS, SECOND, site, third_party
from tests.e2e.providers import serve_in_thread, tls_for
from tests.patience import until

pytestmark = pytest.mark.e2e

FROM_WORKERS = sum(row.how == "worker" for row in ROWS)
"""Hosts that workers with an address of their own ask: each tells of them itself."""

LEFT_TO_PAGES = {row.name for row in ROWS if row.kind.value == "key"}


@pytest.fixture(scope="module")
def ports():
    """Where the planted site is, and the third parties it names."""
    tls, _, _ = tls_for("*.example")
    port, stop = serve_in_thread(site)
    strangers, stop_strangers = serve_in_thread(third_party, tls=tls)
    yield port, strangers
    stop()
    stop_strangers()


def discovered(running):
    with ThreadPoolExecutor(1) as thread:  # the browser's driver has the loop of this one
        said = thread.submit(run, "discover", "--config", running.folder / "config.yaml", "--json").result()
    (document,) = json.loads(said.stdout)
    return {one["name"]: one for one in (*document["undeclared"], *document["presumed"])}, document


def reports(running):
    """How many reports came so far."""
    return (running.folder / "proxy.log").read_text().count('"path":"/.consent/reports"')


@pytest.mark.parametrize("depth", ["page", "headers"])
def test_sixty_names_are_found_with_element_and_page(
    tmp_path, playwright_engine, chromium_path, ports, depth
):
    wanted = {row.name: row for row in ROWS if depth == "page" or row.name not in LEFT_TO_PAGES}
    running = Running(tmp_path, ports[0], mode=f"observe, observe: {depth}")
    rules = f"MAP callkom.io 127.0.0.1:{running.port}, MAP * 127.0.0.1:{ports[1]}"
    try:
        browser = playwright_engine.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--ignore-certificate-errors", f"--host-resolver-rules={rules}"],
        )
        page = browser.new_page(ignore_https_errors=True)
        page.goto(f"https://callkom.io{PAGE}", wait_until="networkidle")
        page.goto(f"https://callkom.io{SECOND}", wait_until="networkidle")
        page.goto("about:blank")
        until(lambda: wanted.keys() <= discovered(running)[0].keys(), most=15)
        found, document = discovered(running)
        first = reports(running)
        page.goto(f"https://callkom.io{PAGE}", wait_until="networkidle")
        page.goto(f"https://callkom.io{SECOND}", wait_until="networkidle")
        again = reports(running) - first
        browser.close()
    finally:
        running.stop()

    assert set(found) == set(wanted)
    described = (
        wanted if depth == "page" else {n: row for n, row in wanted.items() if row.element != "script"}
    )
    assert [
        n for n, row in described.items() if row.element not in (*found[n]["elements"], *found[n]["sides"])
    ] == []
    placed = {n: one for n, one in found.items() if depth == "page" or wanted[n].how != "blob worker"}
    assert [
        n for n, one in placed.items() if not {PAGE, SECOND, "/worker.js"}.intersection(one["paths"])
    ] == []
    assert (document["note"] is None) == (depth == "page")
    assert again == 0, "nothing was new"
    if depth == "page":
        assert [
            n for n, row in wanted.items() if row.setter and row.setter not in found[n]["written_by"]
        ] == []
        assert first <= 2 + FROM_WORKERS, "a report a page at most"


def test_queues_databases_caches_and_neutral_hosts_are_named(
    tmp_path, playwright_engine, chromium_path, ports
):
    running = Running(tmp_path, ports[0], mode="observe, observe: page")
    to = f"MAP callkom.io 127.0.0.1:{running.port}, MAP * 127.0.0.1:{ports[1]}"
    try:
        browser = playwright_engine.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--ignore-certificate-errors", f"--host-resolver-rules={to}"],
        )
        page = browser.new_page(ignore_https_errors=True)
        page.goto(f"https://callkom.io{CALLING}", wait_until="networkidle")
        title = page.title()
        page.goto("about:blank")
        until(lambda: "acme-db" in kept(running), most=15)
        names = kept(running)
        browser.close()
    finally:
        running.stop()

    assert {name for name, kind in names.items() if kind == "call"} == set(CALLS)
    assert {name for name, kind in names.items() if kind == "key"} == {"acme-db", "acme-cache"}
    assert names[NEUTRAL] == "host"
    assert title == "Calls", "no getter of the page is run"


def kept(running):
    """What the store has, declared or not."""
    with contextlib.closing(sqlite3.connect(running.folder / "proofs.db")) as store:
        try:
            return dict(store.execute("SELECT name, kind FROM seen").fetchall())
        except sqlite3.OperationalError:
            return {}  # not made yet
