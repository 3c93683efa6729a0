"""docs/guides/one-machine.md is walked, line by line: PostgreSQL, two workers, nginx, a rule, the report, the proofs.

The ports are free ones, PostgreSQL and nginx the tests' own; what needs root is named with what stands for it.
"""

import asyncio
import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import until
from tests.ports import free_port
from tests.records.conftest import postgres
from tests.shared import ROOT
from tests.support.origin import Origin, html, ok
from tests.test_guides import NGINX, blocks, needs_nginx

__all__ = ["postgres"]

PAGE = ROOT / "docs" / "guides" / "one-machine.md"
[CONFIG] = blocks(PAGE, "yaml")
LINES = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
DONE_OTHERWISE = (
    "sudo apt-get", "python3 -m venv", ". .venv/bin/activate", "pip install",  # these packages are here
    "sudo -u postgres",  # a database of the tests' own server
    "sudo install", "sudo nginx",  # an nginx of the tests' own reads the two files where they are made
)  # fmt: skip
SITE = {
    b"/": html(
        b"<!doctype html><html lang=en><title>Shop</title><script src=https://static.hotjar.com/c/hotjar-1.js></script>"
        b"<script src=https://cdn.pendo.io/agent.js></script><p>Welcome <a href=/book>Book</a>"
    ),
    b"/book": html(
        b"<!doctype html><html lang=en><title>Book</title><iframe src=https://calendly.com/acme/30min></iframe>"
    ),
    b"/favicon.ico": ok(),
}


def test_every_line_of_the_page_is_run_or_done_in_another_way():
    known = ("consent-proxy ", "openssl req ", "curl ", "mkdir ", "cp ", *DONE_OTHERWISE)

    assert [line for line in LINES if not line.startswith(known)] == []
    assert [one for one in DONE_OTHERWISE if not any(line.startswith(one) for line in LINES)] == []


class Walk:
    """The folder in which somebody follows the page, and what they have started."""

    def __init__(self, folder: Path, origin: str, records: str) -> None:
        self.folder, self.origin, self.records = folder, origin, records
        self.port, self.admin, self.tls = free_port(), free_port(), free_port()
        self.started = contextlib.ExitStack()
        self.told: dict[str, subprocess.CompletedProcess[str]] = {}

    def follow(self) -> None:
        """Run every line in order, with what the page says between them."""
        for line in LINES:
            if "--suggest" in line:
                assert until(self.saw_all, most=60), self.log("serve")
            if line.startswith("consent-proxy serve"):
                self.start("nginx", [NGINX, "-c", str(self.nginx_conf()), "-e", "stderr"])
                self.start("serve", shlex.split(self.here(line)))
                assert until(lambda: b"Welcome" in self.page(), most=60), self.log("serve")
                self.page("/book")
            elif not line.startswith(DONE_OTHERWISE):
                self.told[line] = self.run(line)
            if line.startswith("consent-proxy init"):
                self.configure(CONFIG)
            elif line == "cp site/rules.yaml site/new.yaml":
                self.configure(
                    CONFIG.replace("mode: observe", "mode: enforce").replace("    observe: page\n", "")
                )
                assert until(lambda: b"Refuse all" in self.page(), most=60), self.log("serve")
                assert self.pendo() == b'<script type="text/plain"'
                self.make_necessary(self.folder / "site" / "new.yaml", "cdn.pendo.io")
            elif line == "cp site/new.yaml site/rules.yaml":
                assert until(lambda: self.pendo() == b"<script", most=60), self.log("serve")

    def here(self, line: str) -> str:
        """Return a line with the ports of this walk."""
        line = line.replace("www.example.com:443", f"www.example.com:{self.tls}")
        line = line.replace("http://127.0.0.1:9001/", f"{self.origin}/")
        line = re.sub(
            r"(curl|audit) (.*)https://www\.example\.com/", rf"\1 \2https://www.example.com:{self.tls}/", line
        )
        return re.sub(r"^consent-proxy", f"{shlex.quote(sys.executable)} -m proxy", line)

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", self.here(line)], cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip

    def start(self, name: str, command: list[str]) -> None:
        log = self.started.enter_context((self.folder / f"{name}.log").open("wb"))
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        self.started.callback(process.wait, 60)
        self.started.callback(process.terminate)

    def configure(self, text: str) -> None:
        for old, new in (
            ("127.0.0.1:8080", f"127.0.0.1:{self.port}"), ("127.0.0.1:9100", f"127.0.0.1:{self.admin}"),
            ("http://127.0.0.1:9001", self.origin),
            ("postgresql://consent_proxy:PASSWORD@127.0.0.1:5432/consent_proxy", f"'{self.records}'"),
        ):  # fmt: skip
            assert old in text
            text = text.replace(old, new)
        (self.folder / "site" / "config.yaml").write_text(text)

    def make_necessary(self, rules: Path, host: str) -> None:
        """Change the one line that `discover` wrote for a host."""
        lines = rules.read_text().splitlines()
        [at] = [at for at, line in enumerate(lines) if "from:" in line and host in line]
        lines[at] = lines[at].replace("performance", "necessary")
        rules.write_text("\n".join(lines) + "\n")

    def nginx_conf(self) -> Path:
        [text] = blocks(ROOT / "docs" / "guides" / "in-front.md", "nginx")
        for old, new in (
            ("callkom.io www.callkom.io", "www.example.com"), ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
            ("listen 443", f"listen 127.0.0.1:{self.tls}"), ("127.0.0.1:8080", f"127.0.0.1:{self.port}"),
            ("/etc/ssl/callkom.pem", f"{self.folder}/tls/certificate.pem"),
            ("/etc/ssl/callkom.key", f"{self.folder}/tls/key.pem"),
        ):  # fmt: skip
            assert old in text
            text = text.replace(old, new)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        conf = self.folder / "nginx.conf"
        conf.write_text(
            f"daemon off; {'user root;' * (os.getuid() == 0)} pid {self.folder}/pid;\n"
            f"events {{}}\nhttp {{ access_log off; {paths}\n{text} }}\n"
        )
        return conf

    def page(self, path: str = "/") -> bytes:
        """Return a page as a browser asks for it, through nginx."""
        ask = [
            "curl",
            "-sk",
            "--resolve",
            f"www.example.com:{self.tls}:127.0.0.1",
            "-H",
            "Sec-Fetch-Dest: document",
        ]
        found = subprocess.run(
            [*ask, f"https://www.example.com:{self.tls}{path}"], capture_output=True, check=False, timeout=30
        )
        return found.stdout

    def pendo(self) -> bytes:
        [tag] = re.findall(rb"(<script[^>]*?)(?: data-[^>]*)? src=https://cdn.pendo.io", self.page()) or [b""]
        return tag

    def saw_all(self) -> bool:
        seen = self.run(next(line for line in LINES if line.startswith("consent-proxy discover"))).stdout
        return all(name in seen for name in ("static.hotjar.com", "cdn.pendo.io", "calendly.com"))

    def log(self, name: str) -> str:
        lines = (self.folder / f"{name}.log").read_text().splitlines()
        return "\n".join(line for line in lines if "request_relayed" not in line)

    def said(self, beginning: str, number: int = 0) -> subprocess.CompletedProcess[str]:
        """Return what came of the line that begins so."""
        return [told for line, told in self.told.items() if line.startswith(beginning)][number]


@pytest.mark.load
@pytest.mark.e2e
@pytest.mark.timeout(900)
@needs_nginx
async def test_the_page_leads_from_a_clone_to_two_workers_a_changed_rule_and_the_report(tmp_path, postgres):
    async with Origin(SITE) as origin:
        walk = Walk(tmp_path, origin.url, await postgres.fresh())
        with walk.started:
            await asyncio.to_thread(walk.follow)

    checked = walk.said("consent-proxy check")
    assert (checked.returncode, len(checked.stderr.splitlines())) == (3, 2), checked.stderr
    assert "can be written" in checked.stdout
    status = walk.said("consent-proxy status")
    assert re.match(r"ready +yes", status.stdout), status.stdout
    assert "workers 2" in status.stdout
    head = walk.said("curl").stdout.lower()
    assert head.startswith("http/2 200"), walk.said("curl")
    assert "cdn.pendo.io" in walk.said("consent-proxy diff").stdout
    assert "refused" in walk.said("consent-proxy explain").stdout
    through, before = walk.said("consent-proxy audit"), walk.said("consent-proxy audit", 1)
    assert re.search(r"set or loaded before a choice +0 ", through.stdout), through.stdout + through.stderr
    assert re.search(r"set or loaded before a choice +[1-9]", before.stdout), before.stdout + before.stderr
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert "every seal holds" in walk.said("consent-proxy records verify").stdout
    assert (tmp_path / "proofs-backup.db").exists()
