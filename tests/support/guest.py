"""A visitor who asks again and again on one connection, and which way each of their requests went."""

import asyncio
from collections.abc import Callable

from tests.support.origin import Origin
from tests.support.proxying import Proxy, chunks


async def raw_answer(reader: asyncio.StreamReader, method: str = "GET") -> bytes:
    """One answer, byte for byte."""
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if method == "HEAD" or head[9:12] in (b"204", b"304"):
            return head
        if b"transfer-encoding" in lower:
            return head + b"".join([piece async for piece in chunks(reader)])
        length = lower.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return head + await reader.readexactly(int(length))


class Guest:
    """One connection of one visitor."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *pieces: bytes, method: str = "GET") -> bytes:
        for piece in pieces:
            self.writer.write(piece)
            if piece is not pieces[-1]:
                await asyncio.sleep(0.002)
        return await raw_answer(self.reader, method)


async def guest(proxy: Proxy) -> Guest:
    return Guest(*await proxy.connect())


def on_fast_path(proxy: Proxy) -> int:
    """How many requests are there at this moment."""
    http_servers = {
        id(listener.http_server): listener.http_server for listener in proxy.server.listeners
    }.values()
    return sum(
        getattr(one, "on_fast_path", False) for http_server in http_servers for one in http_server.connections
    )


def ways(proxy: Proxy, origin: Origin) -> list[str]:
    """From now on: which way each request that the origin gets went, one visitor at a time."""
    noted: list[str] = []

    def noting(answer) -> Callable:
        def with_note(seen):
            noted.append("fast" if on_fast_path(proxy) else "ordinary")
            return answer(seen) if callable(answer) else answer

        return with_note

    origin.answers = {target: noting(answer) for target, answer in origin.answers.items()}
    origin.otherwise = noting(origin.otherwise)
    return noted
