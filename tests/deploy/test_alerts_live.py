"""A real Prometheus with the rules of deploy/ scrapes a real proxy: faults are told, each by its own alert."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.ports import free_port
from tests.shared import ROOT
from tests.support.origin import Origin, html
from tests.support.processes import running
from tests.support.proxying import PAGE

FOLDER = ROOT / "deploy" / "prometheus"
PROMETHEUS = shutil.which("prometheus")
FORM = "Content-Type: application/x-www-form-urlencoded"


async def until(look: Callable[[], object], seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not look():
            await asyncio.sleep(0.2)


class Prometheus:
    """Scrapes one proxy each second. Alerts wait for twelve seconds, not minutes: longer than an upstream rests."""

    def __init__(self, folder: Path, admin: int) -> None:
        self._folder, self._port = folder, free_port()
        rules = re.sub(r"for: \d+[mh]", "for: 12s", (FOLDER / "alerts.yaml").read_text())
        (folder / "alerts.yaml").write_text(rules)
        config = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{admin}"]}]
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))

    @contextlib.contextmanager
    def runs(self):
        command = [
            str(PROMETHEUS), f"--config.file={self._folder}/prometheus.yaml", f"--storage.tsdb.path={self._folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=warn",
        ]  # fmt: skip
        with (self._folder / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)

    def rules(self) -> list[dict]:
        address = f"http://127.0.0.1:{self._port}/api/v1/rules"
        try:
            with urllib.request.urlopen(address, timeout=10) as response:
                groups = json.load(response)["data"]["groups"]
        except (urllib.error.URLError, ConnectionError):
            return []
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> list[str]:
        return sorted(rule["name"] for rule in self.rules() if rule["state"] == "firing")

    def scraped(self) -> bool:
        address = f"http://127.0.0.1:{self._port}/api/v1/query?query=consent_proxy_ready"
        try:
            with urllib.request.urlopen(address, timeout=10) as response:
                return bool(json.load(response)["data"]["result"])
        except (urllib.error.URLError, ConnectionError):
            return False

    async def is_silent(self) -> None:
        """Wait until ten evaluations in a row saw no alert fire, nor about to."""
        quiet: set[str] = set()

        def still() -> bool:
            rules = self.rules()
            if any(rule["state"] != "inactive" for rule in rules):
                quiet.clear()
            quiet.update(rule["lastEvaluation"] for rule in rules[:1])
            return len(quiet) >= 10

        await until(still)

    async def fires(self, name: str) -> None:
        """Wait for an alert; no other one may fire beside it."""
        await until(self.firing)
        assert self.firing() == [name]


@pytest.mark.load
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    PROMETHEUS is None, reason="prometheus is not installed (Debian: apt-get install prometheus)"
)
async def test_a_store_that_is_down_refused_rules_and_an_upstream_that_is_gone_are_each_told(tmp_path):
    proofs, away, port = tmp_path / "proofs", tmp_path / "away", free_port()
    proofs.mkdir()
    answers = {b"/": html(PAGE)}
    async with contextlib.AsyncExitStack() as stack:
        origin = await stack.enter_async_context(Origin(answers, port=port))
        proxy = await stack.enter_async_context(
            running(origin.url, tmp_path, more="records: sqlite:///proofs/proofs.db\n")
        )
        prometheus = Prometheus(tmp_path, proxy.admin)
        stack.enter_context(prometheus.runs())
        await until(prometheus.scraped)
        assert (await proxy.ask()).status == 200
        await prometheus.is_silent()

        proofs.rename(away)
        chosen = await proxy.ask("/.consent/choice", FORM, method="POST", body=b"choice=accept&return=/")
        assert chosen.status == 503
        await prometheus.fires("ConsentProxyStoreFailing")
        away.rename(proofs)
        await prometheus.is_silent()

        rules = (tmp_path / "rules.yaml").read_text()
        (tmp_path / "rules.yaml").write_text(rules.replace("purpose: performance", "purpose: preformance"))
        await prometheus.fires("ConsentProxyReloadRefused")
        (tmp_path / "rules.yaml").write_text(rules)
        await prometheus.is_silent()

        await origin.__aexit__()
        assert [(await proxy.ask()).status for _ in range(3)] == [502] * 3  # and then no visitor for a while
        await prometheus.fires("ConsentProxyUpstreamDown")
        await origin.__aenter__()
        await until_seen_again(proxy)
        await prometheus.is_silent()

        await proxy.end()
        await prometheus.fires("ConsentProxyDown")


async def until_seen_again(proxy) -> None:
    for _ in range(600):
        if (await proxy.ask()).status == 200:
            return
    raise AssertionError("the upstream is back, and the proxy does not take it for up")
