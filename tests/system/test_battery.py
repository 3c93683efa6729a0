"""The raw-socket battery beside the project, against the installed product and nginx in one session.

Hundreds of ways to confuse two HTTP parsers: every case of every level has to pass, in pass-through (observe)
and in rewriting (enforce) mode. nginx, with a plain proxy_pass, is only the measure.
"""

import asyncio
import contextlib
import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.shared import shared

pytestmark = [pytest.mark.load, pytest.mark.timeout(300)]


RULES = """
policy:
  version: 2026-11-01
  page: https://example.test/cookie-policy
  privacy: https://example.test/privacy
  contact: privacy@example.test
  ask_again_after: 6 months
purposes:
  necessary: { basis: legitimate interest }
  performance: { basis: consent }
providers:
  suite:  # undeclared cookies are dropped in rewriting mode, as they should be
    name: What the suite sets
    cookies:
      - { name: a, domain: example.test, purpose: necessary, lasts: Session, why: To see whether it passes }
      - { name: b, domain: example.test, purpose: necessary, lasts: Session, why: To see whether it passes }
  google:
    name: Google Analytics
    cookies:
      - { name: "_ga*", domain: .example.test, purpose: performance, lasts: 13 months, why: Statistics }
    tags:
      - { from: googletagmanager.com, purpose: performance }
"""


OTHERWISE = {
    "r-status-999": "The suite takes no status above 599 to a visitor; browsers, nginx and HAProxy do (docs/responses.md)",
}
"""Cases that we decide otherwise, and why."""

OBSERVED = {
    "r-cl-bad": "Browsers take a length that is no number for none; nothing that they show is refused",
    "r-cl-neg": "The same",
    "r-status-2digit": "Browsers show a page whose status has two digits",
}
"""Cases that are decided otherwise where a site is observed, and why."""


async def answers(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody listens on {port}")


@contextlib.asynccontextmanager
async def running(*command: str):
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def product(folder: Path, mode: str, port: int, origin: int) -> list[str]:
    (folder / "rules.yaml").write_text(RULES)
    (folder / "config.yaml").write_text(
        f"listen: 127.0.0.1:{port}\n"
        f"sites:\n  - {{ hosts: [example.test], upstream: 'http://127.0.0.1:{origin}', mode: {mode} }}\n"
        "records: sqlite:///proofs.db\n"
    )
    paths = ["--config", str(folder / "config.yaml"), "--rules", str(folder / "rules.yaml")]
    return [sys.executable, "-m", "proxy", "serve", *paths]


def nginx(folder: Path, port: int, origin: int) -> list[str]:
    (folder / "nginx.conf").write_text(
        f"""daemon off; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 512; }}
        http {{
          access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
          fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
          upstream origin {{ server 127.0.0.1:{origin}; keepalive 16; }}
          server {{ listen 127.0.0.1:{port};
            location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
              proxy_set_header Host $http_host; }} }}
        }}"""
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]


async def battery(folder: Path, command: list[str], port: int, origin: int) -> list[dict]:
    suite = shared("suites", "http-battery")
    judge = [
        sys.executable, str(suite / "battery.py"), "--proxy", f"127.0.0.1:{port}", "--origin-port", str(origin),
        "--cases", str(suite / "battery.json"), "--out", str(folder / "out.json"),
    ]  # fmt: skip
    async with running(*command):
        await answers(port)
        async with running(*judge) as run:
            await run.wait()
    return json.loads((folder / "out.json").read_text())


def table(results: dict[str, list[dict]]) -> str:
    """Passed of all, by level and by proxy."""
    levels = ["must", "should", "policy", "consent"]
    lines = [f"{'level':10}" + "".join(f"{name:>16}" for name in results)]
    for level in levels:
        cells = []
        for cases in results.values():
            of_level = [case for case in cases if case["level"] == level]
            cells.append(f"{sum(not case['fails'] for case in of_level)}/{len(of_level)}")
        lines.append(f"{level:10}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)


async def test_the_battery_finds_nothing_in_either_mode(tmp_path, capsys):
    shared("suites", "http-battery", "battery.py")
    makers = {
        "pass-through": lambda folder, port, origin: product(folder, "observe", port, origin),
        "rewriting": lambda folder, port, origin: product(folder, "enforce", port, origin),
    }
    if shutil.which("nginx"):
        makers["nginx"] = nginx
    runs = {}
    async with asyncio.TaskGroup() as together:
        for name, make in makers.items():
            folder, port, origin = tmp_path / name, free_port(), free_port()
            folder.mkdir()
            runs[name] = together.create_task(battery(folder, make(folder, port, origin), port, origin))
    results = {name: run.result() for name, run in runs.items()}
    with capsys.disabled():
        print("\n" + table(results))
    for name in ("pass-through", "rewriting"):
        failed = {case["id"]: case["fails"] for case in results[name] if case["fails"]}
        expected = OTHERWISE.keys() | (OBSERVED.keys() if name == "pass-through" else set())
        assert failed.keys() == expected, (name, failed)
