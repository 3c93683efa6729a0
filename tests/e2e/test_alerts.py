"""A real Prometheus beside a running proxy: nothing fires, then three things break, and each is told."""

import asyncio
import json
import shutil
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from tests.own.test_addresses import SAME, choose
from tests.ports import free_port
from tests.shared import ROOT
from tests.support.origin import Origin, html
from tests.support.processes import running
from tests.support.proxying import PAGE

PROMETHEUS = shutil.which("prometheus")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        PROMETHEUS is None, reason="prometheus is not installed (Debian: apt-get install prometheus)"
    ),
]


def impatient(folder, admin):
    """Write the shipped config and rules for a scrape each second; nothing has to last for a minute."""
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())
    for rule in rules["groups"][0]["rules"]:
        rule.pop("for", None)
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{admin}"]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yaml"


def asked(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return json.load(response)["data"]


async def until(check, seconds=60):
    async with asyncio.timeout(seconds):
        while True:
            try:
                if await asyncio.to_thread(check):
                    return
            except OSError:
                pass
            await asyncio.sleep(0.2)


def test_store_down_reload_refused_and_upstream_down_are_told_and_nothing_else(tmp_path):
    with ThreadPoolExecutor(1) as thread:  # a browser of another walk may hold this one's loop
        before, after, wanted = thread.submit(asyncio.run, broken_one_by_one(tmp_path)).result()

    assert before == set()
    assert after == wanted


async def broken_one_by_one(tmp_path):
    """Break three things; return what fired before, what fires then, and what has to."""
    (tmp_path / "proofs").mkdir()
    port = free_port()
    async with Origin({b"/": html(PAGE)}) as origin:
        site = f"{origin.url}', health: '/"
        more = "records: sqlite:///proofs/proofs.db"
        async with running(site, tmp_path, more=more) as proxy:
            watching = await asyncio.create_subprocess_exec(
                PROMETHEUS, "--config.file", impatient(tmp_path, proxy.admin), "--storage.tsdb.path", tmp_path / "tsdb",
                "--web.listen-address", f"127.0.0.1:{port}",
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip

            def scraped():
                return asked(port, "/api/v1/query?query=up==1")["result"]

            def firing():
                return {one["labels"]["alertname"] for one in asked(port, "/api/v1/alerts")["alerts"]}

            try:
                await until(scraped)
                await proxy.ask("/")
                await asyncio.sleep(3)  # what must not come is waited for: three looks at the rules
                before = await asyncio.to_thread(firing)
                (tmp_path / "proofs").rename(tmp_path / "away")
                await choose(proxy, b"choice=refuse", SAME)
                (tmp_path / "rules.yaml").write_text("nonsense")
                await origin.__aexit__()
                wanted = {"ConsentProxyStoreFailing", "ConsentProxyReloadRefused", "ConsentProxyUpstreamDown"}
                await until(lambda: firing() >= wanted)
                after = await asyncio.to_thread(firing)
            finally:
                watching.terminate()
                await watching.wait()
    return before, after, wanted
