"""The site behind a soak: every kind of answer there is, from one address each; nothing it is asked is kept."""

import asyncio
import gzip
import hashlib
import itertools
import zlib

import brotli

PIECE = b"0123456789abcdef" * 4096
BIG = 4_194_304
_numbers = itertools.count()
_TAGS = "".join(f'<img alt="" src="/picture-{n}.png"><a href="/page/{n}">No {n}</a>' for n in range(40))


def page(name: str, *, more: str = "") -> bytes:
    """A page of some 6 kB with what is held, replaced and judged by its text."""
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{name}</title>"
        '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
        '<link rel=preload as=script href="https://js.hsforms.net/forms/v2.js"></head>'
        f"<body><h1>{name}</h1>{more}{_TAGS}"
        '<script src="//js.hsforms.net/forms/v2.js"></script><iframe src="https://unheard-of.example/x"></iframe>'
        f"<p>the end of {name}</p></body></html>"
    ).encode()


def fresh() -> bytes:
    """A page that never comes twice: a nonce in every tag, text and style of its own."""
    n = f"{next(_numbers):012d}"
    more = "".join(
        f'<script nonce="{n}{i}" src="/s-{n}.js"></script><script nonce={n}>var token="{n}-{i}"</script>'
        f'<style nonce={n}>.s{n}{i}{{color:red}}</style><img src="https://host-{n}.example/{i}.png">'
        for i in range(8)
    )
    return page(f"fresh {n}", more=more)


def too_much(kind: str) -> bytes:
    """HTML that exceeds what the scanner holds."""
    match kind:
        case "tag":
            return b"<!doctype html><html><body><div " + b"a=b " * 75_000 + b">x</div></body></html>"
        case "script":
            return b"<!doctype html><html><body><script>" + b"var a=1;" * 200_000 + b"</script></body></html>"
        case "open":
            return b"<!doctype html><html><body><script>" + b"never closed " * 40_000
        case "deep":
            return b"<!doctype html><html><body>" + b"<noscript><div>" * 20_000 + b"</body></html>"
        case _:
            return b"<!doctype html><html><body>" + b"<p>bomb</p>" * 1_000_000 + b"</body></html>"


def coded(body: bytes, coding: str) -> tuple[bytes, bytes]:
    match coding:
        case "gzip":
            return gzip.compress(body, 1), b"Content-Encoding: gzip\r\n"
        case "br":
            return brotli.compress(body, quality=1), b"Content-Encoding: br\r\n"
        case "deflate":
            return zlib.compress(body, 1), b"Content-Encoding: deflate\r\n"
        case _:
            return body, b""


async def send(writer, body: bytes, how: str, fields: bytes, status: bytes = b"200 OK") -> bool:
    """Send a body with a length, in chunks, or until the connection ends; True when it may be used again."""
    head = b"HTTP/1.1 " + status + b"\r\n" + fields
    if how == "chunked":
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 16_384):
            piece = body[at : at + 16_384]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    elif how == "close":
        writer.write(head + b"Connection: close\r\n\r\n" + body)
    else:
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    return how != "close"


async def events(writer) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(400):
        event = b"data: %d\n\n" % number
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await writer.drain()
        await asyncio.sleep(0.05)
    return False


async def echo(reader, writer) -> bool:
    """Both ways of a WebSocket are bytes here: the tunnel reads none of them."""
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.write(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: _ga=1\r\n\r\n")
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    return False


async def broken(writer, kind: str) -> bool:
    """What an upstream owes and does not pay."""
    match kind:
        case "cut":
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n" + page("cut")
            )
        case "garbage":
            writer.write(b"\x00\x01 this is no answer\r\n\r\n")
        case "twice":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
        case "coding":
            body = page("unreadable")
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: dcb\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
        case _:
            writer.transport.abort()
    return False


async def body_of(reader, fields: dict[bytes, bytes]) -> int:
    """Read a request's body and return its length."""
    size = 0
    if b"content-length" in fields:
        size = left = int(fields[b"content-length"])
        while left:
            piece = await reader.read(min(left, 65_536))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(piece)
    elif b"transfer-encoding" in fields:
        while more := int((await reader.readline()), 16):
            size += more
            await reader.readexactly(more + 2)
        await reader.readline()
    return size


async def serve(reader, writer) -> None:
    """Answer on one connection as long as it lasts."""
    alive = True
    while alive:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        size = await body_of(reader, fields)
        alive = await answer(reader, writer, first.split(b" ")[1].decode("latin-1"), fields, size)
        if first.startswith(b"HEAD"):
            return  # what was sent as a body nobody wants: a new connection is the honest way on


async def answer(reader, writer, target: str, fields: dict[bytes, bytes], size: int) -> bool:
    """Answer one request; True when the connection may be used again."""
    path, _, query = target.partition("?")
    _, kind, *rest = path.split("/")
    coding, how = (*query.split("+"), "", "")[:2]
    if coding and coding.encode() not in fields.get(b"accept-encoding", b""):
        coding = ""
    kind_of_page = b"Content-Type: text/html; charset=utf-8\r\n"
    match kind:
        case "page" | "fresh" | "caps":
            body = page(rest[0]) if kind == "page" else fresh() if kind == "fresh" else too_much(rest[0])
            body, coding_field = coded(body, coding)
            cookies = b"Set-Cookie: session=1\r\nSet-Cookie: _ga_%b=2\r\nSet-Cookie: %b=3\r\n" % (
                (hashlib.md5(str(next(_numbers)).encode()).hexdigest()[:12].encode(),) * 2
            )
            return await send(writer, body, how, kind_of_page + coding_field + cookies)
        case "etag":
            known = b'W/"one"' in fields.get(b"if-none-match", b"") or b'"one"' in fields.get(
                b"if-none-match", b""
            )
            more = kind_of_page + b'ETag: "one"\r\n'
            if known:
                writer.write(b"HTTP/1.1 304 Not Modified\r\n" + more + b"\r\n")
                await writer.drain()
                return True
            return await send(writer, page("etag"), "length", more)
        case "upload":
            return await send(
                writer, b'{"length": %d}' % size, "length", b"Content-Type: application/json\r\n"
            )
        case "big":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % BIG)
            for _ in range(BIG // len(PIECE)):
                writer.write(PIECE)
                await writer.drain()
            return True
        case "events":
            return await events(writer)
        case "ws":
            return await echo(reader, writer)
        case "broken":
            return await broken(writer, rest[0])
        case _:
            return await send(writer, b"{}", "length", b"Content-Type: application/json\r\n")
