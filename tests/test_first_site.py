"""docs/first-site.md is walked: its files, its commands, on a site that nobody has described."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import urllib.request

import pytest

from tests.patience import until
from tests.ports import free_port
from tests.shared import ROOT
from tests.support.origin import Origin, html, ok

TEXT = (ROOT / "docs" / "first-site.md").read_text("utf-8")
FILES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
PAGE = (
    b"<!doctype html><title>Shop</title><script src=https://static.hotjar.com/c/hotjar-1.js></script>"
    b"<script src=https://cdn.pendo.io/agent.js></script><img src=https://px.quantserve.com/p.gif alt=''>"
    b"<p>Welcome"
)
COOKIES = (b"Set-Cookie: basket=1; Path=/; HttpOnly", b"Set-Cookie: __kla_id=1; Path=/")


class Walk:
    """The folder in which somebody follows the page."""

    def __init__(self, folder, origin):
        self.folder, self.port = folder, free_port()
        self.config, rules, self.enforced = FILES
        self.write(self.config, origin)
        (folder / "rules.yaml").write_text(rules)
        self.origin = origin

    def write(self, config, origin):
        text = config.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}").replace(
            "http://127.0.0.1:9001", origin
        )
        (self.folder / "config.yaml").write_text(text)

    def enforce(self):
        """Put the last block of the page in place of the two lines about observing."""
        config = self.config.replace("    mode: observe\n    observe: page\n", self.enforced)
        assert config != self.config
        self.write(config.replace("10 %", "100 %"), self.origin)

    @property
    def environment(self):
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(self, line):
        words = line.replace("consent-proxy", f"{shlex.quote(sys.executable)} -m proxy", 1)
        return subprocess.run(  # the walk looks at the status itself
            ["sh", "-c", words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )

    def get(self):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/",
            headers={"Host": "www.example.com", "Sec-Fetch-Dest": "document"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    @contextlib.contextmanager
    def serving(self):
        words = shlex.split(COMMANDS[0])[1:]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "proxy", *words],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
            try:
                yield process
            finally:
                process.terminate()
                process.wait(20)

    def answers(self):
        with contextlib.suppress(OSError):
            return bool(self.get())
        return False


async def test_the_page_leads_from_an_unknown_site_to_one_that_is_enforced(tmp_path):
    import asyncio

    async with Origin({b"/": html(PAGE, *COOKIES), b"/favicon.ico": ok()}) as origin:
        await asyncio.to_thread(walk, tmp_path, origin.url)


def walk(folder, origin):
    serve, discover, suggest, check, table, ready = COMMANDS
    walk = Walk(folder, origin)
    assert serve.startswith("consent-proxy serve")
    with walk.serving():
        assert until(walk.answers, most=30), (folder / "log").read_text()
        assert b"data-known" in walk.get()
        assert until(lambda: "cdn.pendo.io" in walk.run(discover).stdout, most=20)
        found = walk.run(discover)
        assert walk.run(suggest).returncode == 0
        checked = walk.run(check)
        lacking = walk.run(table)
        told = walk.run(ready)
        walk.enforce()
        until(lambda: b"Refuse all" in walk.get(), most=20)
        page = walk.get()

    for name in ("static.hotjar.com", "cdn.pendo.io", "px.quantserve.com", "__kla_id", "basket"):
        assert name in found.stdout
    assert "- hotjar" in (folder / "rules.yaml").read_text()
    assert checked.returncode == 3, checked.stderr
    assert "left to do" in checked.stderr
    assert "cdn.pendo.io" in lacking.stdout
    assert "would be held" not in told.stdout
    assert b"Refuse all" in page
    assert page.count(b'type="text/plain"') == 2


@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_every_command_of_the_page_names_the_same_two_files(number):
    assert "rules.yaml" in COMMANDS[number]
