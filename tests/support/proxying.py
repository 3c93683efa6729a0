"""A proxy in this process, on a real socket, before a scripted origin; and a client that speaks bytes."""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.process.read_files import for_configured_hosts
from proxy.process.reload import WatchedFiles
from proxy.process.worker import Worker
from proxy.telemetry.logs import LineWriter, start_logs

RULES = """
policy:
  version: 2026-11-01
  page: https://callkom.io/cookie-policy
  privacy: https://callkom.io/privacy-policy
  contact: privacy@callkom.io
  ask_again_after: 6 months
purposes:
  necessary: { basis: legitimate interest }
  functional: { basis: consent }
  performance: { basis: consent }
providers:
  callkom:
    name: CALLKOM
    cookies:
      - { name: session, domain: callkom.io, purpose: necessary, lasts: Session, why: Keeps you logged in }
      - { name: consent_callkom, domain: .callkom.io, purpose: necessary, lasts: 6 months, why: Keeps your answer }
  google:
    name: Google Analytics
    cookies:
      - { name: "_ga*", domain: .callkom.io, purpose: performance, lasts: 13 months, why: Statistics }
    tags:
      - { from: googletagmanager.com, purpose: performance }
    requests:
      - { path: "/metrics/*", purpose: performance }
  hubspot:
    name: HubSpot
    cookies:
      - { name: hubspotutk, domain: .callkom.io, purpose: functional, lasts: 6 months, why: Forms }
    tags:
      - { from: hsforms.net, purpose: functional }
"""

PAGE = (
    b"<!doctype html><html lang=en><head><title>Home</title>"
    b'<script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script></head>'
    b"<body><p>Hello</p></body></html>"
)


@dataclass
class Got:
    """An answer as it arrived. `whole` is False when the connection was cut in its middle."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    whole: bool = True

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: bytes) -> bytes | None:
        values = self.all(name)
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Proxy:
    server: Worker
    port: int
    log: io.BytesIO
    folder: Path
    lines: LineWriter
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        self.opened.append(writer)
        return reader, writer

    async def ask(self, target="/", *headers, method="GET", host="callkom.io", body=b"", raw=None) -> Got:
        """Ask on a connection of its own; headers are whole lines."""
        reader, writer = await self.connect()
        writer.write(
            raw if raw is not None else request(target, *headers, method=method, host=host, body=body)
        )
        got = await read_answer(reader, method)
        writer.close()
        return got

    def records(self, event: str | None = None) -> list[dict]:
        self.lines.flush()
        records = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [one for one in records if event is None or one["event"] == event]

    def figures(self) -> str:
        return self.server.figures().decode()


def request(target="/", *headers, method="GET", host="callkom.io", body=b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


async def read_head(reader) -> Got:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    first, *lines = head[:-4].split(b"\r\n")
    headers = [(k, v.strip()) for k, _, v in (line.partition(b":") for line in lines)]
    return Got(int(first.split()[1]), headers)


async def read_answer(reader, method="GET") -> Got:
    got = await read_head(reader)
    if method == "HEAD" or got.status in (204, 304) or got.status < 200:
        return got
    try:
        if length := got.one(b"Content-Length"):
            got.body = await reader.readexactly(int(length))
        elif got.one(b"Transfer-Encoding"):
            async for piece in chunks(reader):
                got.body += piece
        else:
            got.body = await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        got.body += getattr(error, "partial", b"")
        got.whole = False
    return got


async def chunks(reader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readline()
        if not line:
            raise asyncio.IncompleteReadError(b"", None)
        size = int(line, 16)
        piece = await reader.readexactly(size + 2)
        if not size:
            return
        yield piece[:-2]


def config_text(*origins: str, site: str = "", more: str = "") -> str:
    return (
        "listen: 127.0.0.1:0\n"
        "sites:\n"
        f"  - hosts: [callkom.io, app.callkom.io]\n    upstream: [{', '.join(origins)}]\n{site}"
        f"{more}\n"
    )


@contextlib.asynccontextmanager
async def proxying(
    *origins: str, folder: Path, rules=RULES, site="", more="", files=False, clock=time.time
) -> AsyncIterator[Proxy]:
    """Serve before these origins. `files`: from files in `folder`, so that they can be changed."""
    text = config_text(*origins, site=site, more=more)
    watched = None
    if files:
        (folder / "config.yaml").write_text(text)
        (folder / "rules.yaml").write_text(rules)
        watched = WatchedFiles(folder / "config.yaml", folder / "rules.yaml")
        config, policies = watched.read()
    else:
        config = load_config(text, folder=folder)
        policy = for_configured_hosts(load_policy(rules, catalogue=shipped_catalogue()), config)
        policies = Policies.given(policy)
    log = io.BytesIO()
    lines = start_logs(config.log.level, stream=log)
    server = Worker(config, policies, watched, clock=clock)
    try:
        await server.start()
        proxy = Proxy(server, server.listeners[0].port, log, folder, lines)
        yield proxy
        for writer in proxy.opened:
            writer.close()
    finally:
        await server.stop(0.2)
