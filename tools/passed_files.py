"""List the files of proxy/ whose code runs during one request: python -m tools.passed_files.

A proxy is served in this process before a small origin, and asked until everything that is kept between
requests is there. What runs during one more request is noted by a profile hook; code at import time does
not count.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FrameType

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.process.read_files import for_configured_hosts
from proxy.process.worker import Worker
from proxy.telemetry.logs import start_logs

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "proxy"

HOST = "callkom.io"
WARM_UP = 8
"""Requests before the first that counts: heads, templates and pages are kept by then."""

MEASURED = 5
"""Requests that count; the fewest files are told, since what the clock starts meanwhile can only add."""

_BROWSER = (
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-US,en;q=0.9",
    "Cookie: session=4f2c9a7d; _ga=GA1.1.123.456; theme=dark",
    "Sec-Fetch-Site: same-origin",
)
_NAVIGATION = (
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-User: ?1",
)
_SCRIPT = ("Accept: */*", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Home %(mark)s</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="A page that was not seen before: %(mark)s">
<link rel="stylesheet" href="/style.css?v=%(mark)s"><link rel="icon" href="/icon.png?v=%(mark)s">
<script src="/app.js?v=%(mark)s" defer></script>
<script>window.settings = { page: '%(mark)s', list: [1, 2, 3] };</script>
<script async src="https://www.googletagmanager.com/gtag/js?id=G-%(tag)s"></script>
<script async id="hs-script-loader" src="https://js.hs-scripts.com/%(tag)s.js"></script>
<style>body { color: #222 } /* %(mark)s */</style></head>
<body class="home"><header><nav><ul><li><a href="/about?v=%(mark)s">About</a></li></ul></nav></header>
<main><h1>Home</h1><p>Words &amp; links: <a href="/contact?v=%(mark)s">contact</a></p>
<img src="/picture.webp?v=%(mark)s" alt="" loading="lazy">
<iframe src="https://calendly.com/callkom/%(tag)s" width="600" height="400" title="Appointment"></iframe>
<form action="/search" method="post"><input name="q" value="%(mark)s"></form></main>
<footer>Foot</footer></body></html>
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: what is asked for, and how."""

    target: str
    headers: tuple[str, ...]


KINDS = {
    "script": Kind("/app.js", _SCRIPT),
    "remembered page": Kind("/page", _NAVIGATION),
    "filtered page": Kind("/new-page", _NAVIGATION),
    "page of new tags": Kind("/new-tags", _NAVIGATION),
}
"""A script with a head that came before; a page that was filtered before; pages that were never seen.

A new page has its own words, links, texts of scripts and styles, and the third-party tags of the site's
other pages; in one of new tags these differ, too.
"""


def passed_files() -> dict[str, list[str]]:
    """Return, for each kind of request, the files of proxy/ whose code runs during one, warmed up."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, list[str]]:
    async with _origin() as upstream, _proxy(upstream) as port:
        return {name: await _files_of(kind, port) for name, kind in KINDS.items()}


async def _files_of(kind: Kind, port: int) -> list[str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "\r\n".join((f"GET {kind.target} HTTP/1.1", f"Host: {HOST}", *_BROWSER, *kind.headers))
    asked = head.encode() + b"\r\n\r\n"
    try:
        for _ in range(WARM_UP):
            await _one(reader, writer, asked)
        found = [sorted(await _profiled(reader, writer, asked)) for _ in range(MEASURED)]
    finally:
        writer.close()
        await writer.wait_closed()
    return min(found, key=len)


async def _profiled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> set[str]:
    codes: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            codes.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        await _one(reader, writer, asked)
    finally:
        sys.setprofile(None)
    return {str(Path(one).relative_to(ROOT)) for one in codes if Path(one).is_relative_to(PACKAGE)}


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> None:
    """Send a request and read its response to the end."""
    writer.write(asked)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200 "):
        raise RuntimeError(f"expected 200, got {head!r}")
    if b"transfer-encoding: chunked" in head:
        await reader.readuntil(b"\r\n0\r\n\r\n")
    else:
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))


@contextlib.asynccontextmanager
async def _origin() -> AsyncIterator[int]:
    """Serve pages and scripts on loopback; yields the port."""
    marks = count(1000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
                writer.write(_response(target, next(marks)))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _response(target: bytes, mark: int) -> bytes:
    if target == b"/app.js":
        body, kind = b"console.log('hello');\n" * 40, b"text/javascript"
    else:
        own, tag = mark if target != b"/page" else 1, mark if target == b"/new-tags" else 1
        body = (_PAGE % {"mark": own, "tag": tag}).encode()
        kind = b"text/html; charset=utf-8"
    fields = (
        b"HTTP/1.1 200 OK",
        b"Server: origin",
        b"Content-Type: " + kind,
        b"Content-Length: %d" % len(body),
        b"Cache-Control: no-cache",
        b"Vary: Accept-Encoding",
    )
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def _proxy(upstream: int) -> AsyncIterator[int]:
    """Serve the shipped rules before that origin; yields the port."""
    site = f"{{ hosts: [{HOST}], upstream: 'http://127.0.0.1:{upstream}' }}"
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        config = load_config(f"listen: 127.0.0.1:0\nsites: [{site}]\n", folder=Path(folder))
        policy = load_policy((ROOT / "rules.yaml").read_text(), catalogue=shipped_catalogue())
        start_logs(config.log.level, stream=log)
        worker = Worker(config, Policies.given(for_configured_hosts(policy, config)))
        await worker.start(admin=False)
        try:
            yield worker.listeners[0].port
        finally:
            await worker.stop(0.2)


def main() -> None:
    """Print the files of each kind of request."""
    for name, files in passed_files().items():
        print(f"{name}: {len(files)} files", *files, sep="\n  ")  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
