"""What Chromium and Firefox make of each Content-Encoding is what the table of the tests says."""

import asyncio
import contextlib
import gzip
import json
import ssl
import threading
import zlib
from pathlib import Path

import brotli
import pytest
import trustme
import yaml
from backports import zstd

from tests.e2e.bidi import BidiError, Firefox

pytestmark = [pytest.mark.e2e, pytest.mark.load, pytest.mark.timeout(600)]

PAGE = b"<!doctype html><title>t</title><p id=p>MARK</p>"
FLUSHED = zlib.compressobj(wbits=31)
GZIPPED = gzip.compress(PAGE)
CUTS = {
    "without its sum": GZIPPED[:-8],
    "without half its length": GZIPPED[:-2],
    "never ended": FLUSHED.compress(PAGE) + FLUSHED.flush(zlib.Z_SYNC_FLUSH),
    "with a wrong sum": GZIPPED[:-8] + bytes(8),
}
"""Gzipped pages that both browsers show: tests/route/test_odd_responses.py has what we make of them."""
ROWS = yaml.safe_load(Path("tests/data/content-encodings.yaml").read_text())
ROWS += [{"said": "gzip", "sent": cut, "chromium": "page", "firefox": "page"} for cut in CUTS]
LOOK = "document.getElementById('p') && document.body.innerText.trim() === 'MARK' ? 'page' : 'garbage'"


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


WRITE = {"plain": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "raw": raw_deflate,
         "br": brotli.compress, "zstd": zstd.compress}  # fmt: skip


def response(row: dict[str, str]) -> bytes:
    body = PAGE
    for coding in [] if row["sent"] in CUTS else row["sent"].split():
        body = WRITE[coding](body)
    body = CUTS.get(row["sent"], body)
    lines = [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/html",
        b"Connection: close",
        b"Content-Length: %d" % len(body),
    ]
    lines += [b"Content-Encoding: " + value.encode("latin-1") for value in row["said"].split("|")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def origin():
    """A server over TLS, as browsers offer br and zstd only there: /N is row N of the table."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    ready, port = threading.Event(), []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(Exception):
            target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
            empty = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
            writer.write(response(ROWS[int(target[1:])]) if target[1:].isdigit() else empty)
            await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    assert ready.wait(10)
    return f"https://localhost:{port[0]}"


def test_in_chromium(origin, playwright_engine, chromium_path):
    options = ["--no-sandbox", "--no-proxy-server"]
    browser = playwright_engine.chromium.launch(executable_path=chromium_path, args=options)
    found = []
    try:
        for number in range(len(ROWS)):
            context = browser.new_context(ignore_https_errors=True)
            page = context.new_page()
            try:
                page.goto(f"{origin}/{number}", timeout=2500)  # where decoding fails it never says so
                found.append(page.evaluate(LOOK))
            except Exception:
                found.append("error")
            finally:
                context.close()
    finally:
        browser.close()

    assert found == [row["chromium"] for row in ROWS]


def test_in_firefox(origin, tmp_path, firefox_path):
    firefox = Firefox(firefox_path, tmp_path / "profile", **{"network.proxy.type": 0})
    found = []
    try:
        tab = firefox.command("browsingContext.create", type="tab")["context"]
        for number in range(len(ROWS)):
            try:
                firefox.command(
                    "browsingContext.navigate", context=tab, url=f"{origin}/{number}", wait="complete"
                )
                seen = firefox.command(
                    "script.evaluate", expression=LOOK, target={"context": tab}, awaitPromise=False
                )
                found.append(seen["result"]["value"])
            except BidiError:
                found.append("error")
    finally:
        firefox.stop()

    assert json.dumps(found) == json.dumps([row["firefox"] for row in ROWS])
