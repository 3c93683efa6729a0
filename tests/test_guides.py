"""Guides: their configs are read, and what they put in front passes a visitor's request to a real proxy."""

import asyncio
import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from proxy.config.loading import load_config
from tests.ports import free_port
from tests.shared import ROOT
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, proxying

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
IN_FRONT = ("docs/guides/in-front.md", "docs/operations.md")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
NGINX, CADDY = shutil.which("nginx", path=PATH), shutil.which("caddy", path=PATH)
needs_nginx = pytest.mark.skipif(
    NGINX is None and not os.environ.get("CI"),
    reason="nginx is not installed (Debian: apt-get install nginx-light)",
)
needs_caddy = pytest.mark.skipif(
    CADDY is None, reason="caddy is not installed (Debian: apt-get install caddy)"
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


CONFIGS = [(page.name, n, text) for page in GUIDES for n, text in enumerate(blocks(page, "yaml"))]


@pytest.mark.parametrize(("page", "number", "text"), CONFIGS, ids=[f"{page}-{n}" for page, n, _ in CONFIGS])
def test_every_config_of_a_guide_is_read(page, number, text, tmp_path):
    assert load_config(text, folder=tmp_path).sites


async def test_two_domains_have_an_answer_each_and_are_each_others_own(tmp_path):
    page = (
        b"<!doctype html><script src=//media.callkom.io/a.js></script><script src=//example.fr/b.js></script>"
        b"<script src=//media.example.fr/c.js></script>"
    )
    async with Origin({b"/": html(page)}) as origin:
        other = f"  - {{ hosts: example.fr, upstream: '{origin.url}' }}"
        async with proxying(origin.url, folder=tmp_path, more=other) as proxy:
            refuse = b"choice=refuse&return=/"
            lines = [
                (await proxy.ask("/.consent/choice", method="POST", body=refuse, host=host)).one(
                    b"Set-Cookie"
                )
                for host in ("app.callkom.io", "example.fr")
            ]
            shown = await proxy.ask("/")

    assert b"; Domain=callkom.io;" in (lines[0] or b"")
    assert b"consent_callkom=" in (lines[1] or b"")
    assert b"Domain=" not in (lines[1] or b""), "a lone host keeps its cookie to itself"
    assert b"<script src=//media.callkom.io/a.js>" in shown.body
    assert b"<script src=//example.fr/b.js>" in shown.body
    assert b"<script src=//media.example.fr/c.js>" not in shown.body


@dataclass
class Front:
    """Where TLS and plain http are, and the files of a certificate for callkom.io."""

    folder: Path
    proxy: int
    tls: int
    plain: int

    def __post_init__(self) -> None:
        leaf = trustme.CA().issue_cert("callkom.io", "*.callkom.io", "www.callkom.io")
        for number, pem in enumerate(leaf.cert_chain_pems):
            pem.write_to_path(str(self.folder / "certificate.pem"), append=number > 0)
        leaf.private_key_pem.write_to_path(str(self.folder / "key.pem"))


def nginx_conf(front: Front, page: str) -> list[list[str]]:
    """Write the page's lines for this machine; return the commands that check them and serve them."""
    [text] = blocks(ROOT / page, "nginx")
    for old, new in (
        ("127.0.0.1:8080", f"127.0.0.1:{front.proxy}"), ("listen 443", f"listen 127.0.0.1:{front.tls}"),
        ("listen 80;", f"listen 127.0.0.1:{front.plain};"), ("/etc/ssl/callkom.pem", f"{front.folder}/certificate.pem"),
        ("/etc/ssl/callkom.key", f"{front.folder}/key.pem"),
    ):  # fmt: skip
        text = text.replace(old, new)
    paths = "".join(
        f"{kind}_temp_path {front.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = front.folder / "nginx.conf"
    conf.write_text(
        f"daemon off; {'user root;' * (os.getuid() == 0)} pid {front.folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{text} }}\n"
    )
    program = [str(NGINX), "-c", str(conf), "-e", "stderr"]
    return [[*program, "-t"], program]


def caddyfile(front: Front, page: str) -> list[list[str]]:
    [text] = blocks(ROOT / page, "caddy")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{front.proxy}")
    text = text.replace("{\n", f"{{\n    tls {front.folder}/certificate.pem {front.folder}/key.pem\n", 1)
    path = front.folder / "Caddyfile"
    path.write_text(
        f"{{\n admin off\n https_port {front.tls}\n http_port {front.plain}\n default_bind 127.0.0.1\n}}\n{text}"
    )
    more = ["--config", str(path), "--adapter", "caddyfile"]
    return [[str(CADDY), "validate", *more], [str(CADDY), "run", *more]]


async def run(*command: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def curl(port: int, target: str, *more: str) -> str:
    """Ask as a visitor over TLS who claims to be somebody else; return head and body."""
    return (
        await run(
            "curl", "-ski", "--compressed", "--http2", "--resolve", f"callkom.io:{port}:127.0.0.1",
            "-H", "Accept: text/html", "-H", "X-Forwarded-For: 203.0.113.9", *more, f"https://callkom.io:{port}{target}",
        )
    )[1]  # fmt: skip


@contextlib.asynccontextmanager
async def served(front: Front, check: list[str], serve: list[str]):
    status, said = await run(*check)
    assert status == 0, said
    environment = os.environ | {"HOME": str(front.folder), "XDG_DATA_HOME": str(front.folder)}
    log = (front.folder / "front.log").open("wb")
    process = await asyncio.create_subprocess_exec(*serve, stdout=log, stderr=log, env=environment)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", front.tls)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await process.wait()
        log.close()


@pytest.mark.parametrize("page", IN_FRONT)
@pytest.mark.parametrize(
    "written",
    [
        pytest.param(nginx_conf, marks=needs_nginx, id="nginx"),
        pytest.param(caddyfile, marks=needs_caddy, id="caddy"),
    ],
)
async def test_what_a_page_puts_in_front_passes_pages_and_choices_as_https(tmp_path, page, written):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, more="trusted_proxies: 127.0.0.1") as proxy,
    ):
        front = Front(tmp_path, proxy.port, free_port(), free_port())
        async with served(front, *written(front, page)):
            shown = await curl(front.tls, "/")
            chosen = await curl(front.tls, "/.consent/choice", "-d", "choice=refuse&return=/")
        [seen] = [one for one in origin.seen if one.target == b"/"]

    assert shown.startswith("HTTP/2 200")
    assert "Refuse all" in shown
    [tag] = re.findall(r"<script[^>]*googletagmanager[^>]*>", shown)
    assert 'type="text/plain"' in tag
    assert seen.get(b"X-Forwarded-Proto") == [b"https"]
    assert seen.get(b"X-Real-IP") == [b"127.0.0.1"]
    assert b"203.0.113.9" not in seen.raw_head
    [cookie] = re.findall(r"(?im)^set-cookie: (consent_callkom=.*)$", chosen)
    assert "secure" in cookie.lower()


def two_replicas_of_nginx(front: Front) -> list[list[str]]:
    """Return nginx's commands with a second replica beside the first, which is down."""
    commands = nginx_conf(front, IN_FRONT[0])
    conf = front.folder / "nginx.conf"
    text = conf.read_text()
    [line] = re.findall(r"server 127\.0\.0\.1:\d+ (max_fails=1 fail_timeout=5s;)", text)
    conf.write_text(
        text.replace("keepalive 64;", f"server 127.0.0.1:{free_port()} {line}\n    keepalive 64;")
    )
    return commands


def two_replicas_of_caddy(front: Front) -> list[list[str]]:
    """Return Caddy's commands with a second replica that is down, and the lines that the page says for it."""
    commands = caddyfile(front, IN_FRONT[0])
    page = (ROOT / IN_FRONT[0]).read_text("utf-8")
    lines = re.findall(r"`(lb_policy [^`]+|lb_try_duration [^`]+|fail_duration [^`]+)`", page)
    assert len(lines) == 3
    path = front.folder / "Caddyfile"
    text = path.read_text().replace("flush_interval -1", "\n".join(["flush_interval -1", *lines]))
    path.write_text(text.replace("reverse_proxy ", f"reverse_proxy 127.0.0.1:{free_port()} "))
    return commands


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(two_replicas_of_nginx, marks=needs_nginx, id="nginx"),
        pytest.param(two_replicas_of_caddy, marks=needs_caddy, id="caddy"),
    ],
)
async def test_with_a_replica_down_no_visitor_sees_it(tmp_path, written):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, more="trusted_proxies: 127.0.0.1") as proxy,
    ):
        front = Front(tmp_path, proxy.port, free_port(), free_port())
        async with served(front, *written(front)):
            pages = [await curl(front.tls, "/") for _ in range(4)]
            choices = [
                await curl(front.tls, "/.consent/choice", "-d", "choice=refuse&return=/") for _ in range(2)
            ]

    assert {page.partition("\r\n")[0].strip() for page in pages} == {"HTTP/2 200"}
    assert {one.partition("\r\n")[0].strip() for one in choices} == {"HTTP/2 303"}


CLOUDFLARE = "trusted_proxies: [{ networks: 127.0.0.1, header: CF-Connecting-IP }]"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(nginx_conf, marks=needs_nginx, id="nginx"),
        pytest.param(caddyfile, marks=needs_caddy, id="caddy"),
    ],
)
async def test_behind_cloudflare_and_another_proxy_the_visitor_is_whom_cloudflare_names(tmp_path, written):
    assert f"`{CLOUDFLARE}`" in (ROOT / IN_FRONT[0]).read_text("utf-8")
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, more=CLOUDFLARE) as proxy,
    ):
        front = Front(tmp_path, proxy.port, free_port(), free_port())
        async with served(front, *written(front, IN_FRONT[0])):
            await curl(front.tls, "/", "-H", "CF-Connecting-IP: 198.51.100.7")
        [seen] = [one for one in origin.seen if one.target == b"/"]

    assert seen.get(b"X-Real-IP") == [b"198.51.100.7"]
    assert seen.get(b"X-Forwarded-Proto") == [b"https"]
