"""`make audit-demo`: audits the demo site, with the proxy and without it, and writes both reports."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from proxy.demo.rules import demo_rules
from proxy.demo.site import demo_site
from proxy.package_files import bundled

FOLDER = Path(".audit-demo")
HOST = "callkom.localhost"
STARTS = 60
"""Seconds in which the proxy has to listen."""


def main(flags: Sequence[str] = ()) -> int:
    """Write with-proxy.html and without-proxy.html; return the audit's status behind the proxy.

    `flags` are further ones of `consent-proxy audit`.
    """
    FOLDER.mkdir(exist_ok=True)
    site, port = _serve_site(), _free_port()
    rules, config = FOLDER / "rules.yaml", FOLDER / "local.yaml"
    rules.write_text(demo_rules(bundled("rules.yaml").read_text("utf-8")), "utf-8")
    text = bundled("local.yaml").read_text("utf-8")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace("127.0.0.1:9001", f"127.0.0.1:{site}")
    lines = [line for line in text.split("\n") if not line.startswith("admin:")]
    config.write_text("\n".join(lines), "utf-8")
    _audit(f"http://{HOST}:{site}/", rules, "without-proxy", *flags)
    command = [sys.executable, "-m", "proxy", "serve", "--config", str(config), "--rules", str(rules)]
    with (FOLDER / "proxy.log").open("wb") as log:
        proxy = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own program
        try:
            _wait_for(port, proxy)
            more = ["--before", f"http://{HOST}:{site}/"]
            return _audit(f"http://{HOST}:{port}/", rules, "with-proxy", *more, *flags)
        finally:
            proxy.terminate()
            proxy.wait(30)


def _audit(address: str, rules: Path, name: str, *more: str) -> int:
    files = ["--json", str(FOLDER / f"{name}.json"), "--html", str(FOLDER / f"{name}.html")]
    command = [sys.executable, "-m", "proxy", "audit", address, "--rules", str(rules), *files, *more]
    print(f"\n{name}: {address}", flush=True)  # noqa: T201
    status = subprocess.run(command, check=False).returncode  # noqa: S603 - our own program
    print(f"{FOLDER / name}.html", flush=True)  # noqa: T201
    return status


def _serve_site() -> int:
    """Serve the demo site from a thread; return its port."""
    port, ready = _free_port(), threading.Event()

    def run() -> None:
        web.run_app(
            demo_site(), host="127.0.0.1", port=port, print=lambda *_: ready.set(), handle_signals=False
        )

    threading.Thread(target=run, daemon=True).start()
    ready.wait(STARTS)
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, proxy: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STARTS
    while time.monotonic() < end and proxy.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit((FOLDER / "proxy.log").read_text("utf-8"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
