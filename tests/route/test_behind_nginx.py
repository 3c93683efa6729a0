"""Before a stock nginx that compresses: what it sends compressed reaches the visitor as small."""

import asyncio
import contextlib
import gzip
import os
import shutil
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.support.proxying import PAGE, proxying

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(
    NGINX is None and not os.environ.get("CI"),
    reason="nginx is not installed (Debian: apt-get install nginx-light)",
)

LONG = PAGE.replace(b"<p>Hello</p>", b"".join(b"<p>Paragraph %d of many words</p>" % n for n in range(2400)))
SHORT = b"<!doctype html><title>A</title>" + b"<p>Hello</p>" * 40
FILES = {
    "long.html": LONG,
    "short.html": SHORT,
    "a.js": b"let a = 1;\n" * 6000,
    "a.bin": bytes(range(256)) * 40,
}


@contextlib.asynccontextmanager
async def nginx(folder: Path, more: str = ""):
    """A stock nginx with `gzip on`, and the files under `folder`."""
    assert NGINX is not None, "nginx is not installed"
    port = free_port()
    files = folder / "files"
    files.mkdir()
    for name, data in FILES.items():
        (files / name).write_bytes(data)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"""daemon off; user root; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 64; }}
        http {{ access_log off; {temporary}
          types {{ text/html html; application/javascript js; application/octet-stream bin; }}
          gzip on; gzip_types application/javascript; {more}
          server {{ listen 127.0.0.1:{port}; root {files}; }} }}"""
    )
    process = await asyncio.create_subprocess_exec(NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log"))  # fmt: skip
    try:
        await listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def fast_gzip(data: bytes) -> bytes:
    """As nginx does by default (gzip_comp_level 1)."""
    return gzip.compress(data, 1)


async def listening(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


async def direct(url: str, target: str) -> tuple[int, bytes]:
    """Bytes of the body as nginx sends it, and what they say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    if b"chunked" in head:
        body = b""
        while rest:
            line, _, rest = rest.partition(b"\r\n")
            body, rest = body + rest[: int(line, 16)], rest[int(line, 16) + 2 :]
        rest = body
    return len(rest), gzip.decompress(rest) if b"gzip" in head else rest


@pytest.mark.parametrize("name", FILES)
async def test_a_visitor_gets_as_few_bytes_as_directly_but_for_what_is_added(tmp_path, name):
    async with nginx(tmp_path) as url, proxying(url, folder=tmp_path) as proxy:
        size, plain = await direct(url, f"/{name}")
        got = await proxy.ask(f"/{name}", "Accept-Encoding: gzip", "Sec-Fetch-Dest: document")

    assert got.status == 200
    coded = got.one(b"Content-Encoding") == b"gzip"
    body = gzip.decompress(got.body) if coded else got.body
    injected = len(fast_gzip(body)) - len(fast_gzip(plain))
    assert len(got.body) <= 1.05 * (size + injected)
    assert (size < len(plain)) is coded


async def test_via_is_said_where_the_config_says_so_and_nginx_then_does_not_compress(tmp_path):
    async with nginx(tmp_path) as url, proxying(url, folder=tmp_path, site="    via: yes\n") as proxy:
        got = await proxy.ask("/a.js", "Accept-Encoding: gzip")

    assert got.one(b"Content-Encoding") is None
    assert got.body == FILES["a.js"]
