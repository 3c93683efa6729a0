"""What visitors of a soak do, one thing after the other by chance; each says when an answer is wrong."""

import asyncio
import contextlib
import gzip
from urllib.parse import urlencode

import brotli
import pytest

from tests.support.proxying import Got, chunks, read_answer, read_head
from tests.support.soak_guest import HOSTS, Guest
from tests.support.soak_origin import BIG

SHAKEN = "app.callkom.io"  # its upstream ends and starts again, and answers badly
HANDSHAKE = (
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip
BAD = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: callkom.io\r\nHost: callkom.io\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: callkom.io\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: callkom.io\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: callkom.io\r\n bad: field\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: callkom.io\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: callkom.io\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: callkom.io\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\nx",
    b"\x16\x03\x01\x02\x00\x01\x00",
)


class Visitor(Guest):
    """Everything that is done; `WEIGHTS` says how often."""

    async def page(self, name: str | None = None, **how) -> None:
        name = name or f"page/{self.chance.randrange(20)}"
        coding = self.chance.choice(["", "gzip", "br", "deflate"])
        host = how.pop("host", self.chance.choice(HOSTS))
        got = await self.ask(
            f"/{name}?{coding}+{self.chance.choice(['length', 'chunked', 'close'])}", host=host, **how
        )
        assert (got.status, got.whole) == (200, True), (got.status, got.whole, name)
        if how.get("method") == "HEAD":
            return
        body = decoded(got)
        assert b"<p>the end of " in body, (name, len(body))
        assert body.rstrip().endswith(b"</html>"), (name, len(body))
        held = b'<script type="text/plain" data-consent="performance"' in body
        assert held is ("performance" not in self.granted and host != "legacy.callkom.io"), (name, host, held)
        refused = any(line.startswith(b"_ga_") for line in got.all(b"Set-Cookie"))
        assert refused is ("performance" in self.granted or host == "legacy.callkom.io"), got.all(
            b"Set-Cookie"
        )

    async def fresh_page(self) -> None:
        await self.page("fresh/x")

    async def head(self) -> None:
        await self.page(method="HEAD")

    async def again(self) -> None:
        """Come back to a page with its validator: 304 while nothing changed, else the page."""
        host = self.chance.choice(HOSTS)
        got = await self.ask("/etag", host=host)
        assert got.status == 200, got.status
        etag = got.one(b"ETag").decode()
        assert (await self.ask("/etag", f"If-None-Match: {etag}", host=host)).status in (200, 304)

    async def upload(self) -> None:
        size = self.chance.choice([1, 1000, 100_000, 1_500_000])
        got = await self.ask("/upload", method="POST", body=b"u" * size)
        assert (got.status, got.json["length"]) == (200, size)

    async def leave_in_download(self) -> None:
        await self.send("/big")
        got = await read_head(self.reader)
        self.world.answered += 1
        assert got.status == 200
        await self.reader.readexactly(50_000)
        self.leave()

    async def leave_before_answer(self) -> None:
        await self.send(self.chance.choice(["/fresh/x", "/big", "/page/1"]))
        await asyncio.sleep(self.chance.random() * 0.01)
        self.leave()

    async def leave_in_upload(self) -> None:
        await self.arrive()
        self.writer.write(
            b"POST /upload HTTP/1.1\r\nHost: callkom.io\r\nContent-Length: 900000\r\n\r\n" + b"u" * 9000
        )
        self.world.sent += 1
        await asyncio.sleep(0.02)
        self.leave()

    async def read_slowly(self) -> None:
        await self.arrive(small=True)
        await self.send("/big", "Connection: close")
        got, size = await read_head(self.reader), 0
        self.world.answered += 1
        assert got.status == 200
        while piece := await self.reader.read(200_000):
            size += len(piece)
            if size % 7 == 0:
                await asyncio.sleep(0.2)
        assert size == BIG, size
        self.leave()

    async def listen(self) -> None:
        await self.send("/events", "Accept: text/event-stream")
        assert (await read_head(self.reader)).status == 200
        self.world.answered += 1
        heard, wanted = (
            b"",
            b"".join(b"data: %d\n\n" % number for number in range(self.chance.randrange(1, 20))),
        )
        async for piece in chunks(self.reader):
            heard += piece
            if len(heard) >= len(wanted):
                break
        assert heard.startswith(wanted), heard
        self.leave()

    async def talk(self) -> None:
        await self.arrive()
        await self.send("/ws", *HANDSHAKE)
        got = await read_head(self.reader)
        self.world.answered += 1
        assert got.status == 101, got.status
        for _ in range(self.chance.randrange(5)):
            said = self.chance.randbytes(self.chance.choice([10, 1000, 50_000]))
            self.writer.write(said)
            assert await self.reader.readexactly(len(said)) == said
            await asyncio.sleep(self.chance.random() * 0.2)
        self.leave()

    async def choose(self) -> None:
        how = self.chance.choice(["accept", "refuse", "save", "save"])
        purposes = ["functional", "performance"]
        chosen = self.chance.sample(purposes, self.chance.randrange(3)) if how == "save" else []
        body = urlencode(
            [("choice", how), *(("purpose", one) for one in chosen), ("return", "/page/1")]
        ).encode()
        got = await self.ask(
            "/.consent/choice", "Content-Type: application/x-www-form-urlencoded",
            host="callkom.io", method="POST", body=body,
        )  # fmt: skip
        assert got.status == 303, got.status
        self.world.choices += 1
        [line] = [line for line in got.all(b"Set-Cookie") if line.startswith(b"consent_callkom=")]
        self.cookie = line.split(b";")[0].decode()
        self.granted = frozenset(purposes if how == "accept" else chosen)

    async def become_another(self) -> None:
        self.cookie, self.granted = "", frozenset()
        self.leave()

    async def look_around(self) -> None:
        for path in ("", "policy", "policy.json", "receipt", "state"):
            got = await self.ask(f"/.consent/{path}", host="callkom.io")
            assert got.status == 200, (path, got.status)

    async def forge(self) -> None:
        kept, granted = self.cookie, self.granted
        self.cookie, self.granted = f"consent_callkom=v1.{self.chance.getrandbits(200):x}", frozenset()
        try:
            await self.page()
        finally:
            self.cookie, self.granted = kept, granted

    async def measure(self) -> None:
        """An address that only measures, never the same: refused visitors' requests end here."""
        got = await self.ask(f"/metrics/{self.chance.getrandbits(60):x}?x=1", host="callkom.io")
        assert got.status == (200 if "performance" in self.granted else 204), got.status

    async def exceed(self) -> None:
        kind = self.chance.choice(["tag", "script", "open", "deep", "bomb"])
        got = await self.ask(f"/caps/{kind}?gzip+chunked", host="callkom.io")
        assert got.status == 200, got.status

    async def ask_badly(self) -> None:
        await self.arrive()
        self.writer.write(self.chance.choice(BAD))
        self.world.sent += 1
        got = await read_head(self.reader)
        self.world.answered += 1
        assert 400 <= got.status < 600, got.status
        self.leave()

    async def ask_for_nobody(self) -> None:
        got = await self.ask("/", host=f"host-{self.chance.getrandbits(40):x}.example")
        assert got.status == 421, got.status
        self.leave()

    async def meet_trouble(self) -> None:
        """Ask where trouble is made: whatever comes, it comes to an end."""
        kind = self.chance.choice(
            ["page/1", "fresh/x", *(f"broken/{k}" for k in ("cut", "garbage", "twice", "coding", "reset"))]
        )
        await self.send(f"/{kind}?+chunked", host=SHAKEN)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            got = await read_answer(self.reader)
            self.world.answered += 1
            assert got.status in (200, 502, 503, 504), got.status
        self.leave()


def decoded(got: Got) -> bytes:
    match got.one(b"Content-Encoding"):
        case b"gzip":
            return gzip.decompress(got.body)
        case b"br":
            return brotli.decompress(got.body)
        case None:
            return got.body
        case other:
            pytest.fail(f"a coding nobody asked for: {other!r}")


WEIGHTS = {
    "page": 200, "fresh_page": 80, "head": 10, "again": 20, "upload": 15, "leave_in_download": 8,
    "leave_before_answer": 10, "leave_in_upload": 5, "read_slowly": 2, "listen": 6, "talk": 8, "choose": 12,
    "become_another": 6, "look_around": 3, "forge": 6, "measure": 10, "exceed": 2, "ask_badly": 12,
    "ask_for_nobody": 6, "meet_trouble": 16,
}  # fmt: skip
"""How often each thing is done beside the others."""
