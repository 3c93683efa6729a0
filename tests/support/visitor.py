"""A visitor on a raw socket, and a listener for it: what is sent and what comes back are bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy.http.server import HttpServer, IncomingMessage, RequestLimits, Response


class Listening:
    def __init__(self, http_server: HttpServer, port: int, errors: list[BaseException]) -> None:
        self.http_server, self.port, self.errors = http_server, port, errors

    async def ask(self, *pieces: bytes | float, until_closed: bool = True, seconds: float = 5.0) -> bytes:
        """Send the pieces (numbers are pauses) and return all that comes until the connection ends."""
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
            try:
                for piece in pieces:
                    if isinstance(piece, bytes):
                        writer.write(piece)
                        await writer.drain()
                    else:
                        await asyncio.sleep(piece)
                return await reader.read(-1 if until_closed else 2**20)
            except ConnectionResetError:
                return b""
            finally:
                writer.transport.abort()

    async def connect(self, limit: int = 2**16) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=limit)


async def hello(_: IncomingMessage) -> Response:
    return Response(200, [(b"Content-Type", b"text/plain")], b"hello")


@asynccontextmanager
async def listening(
    answer=hello, allowance: RequestLimits | None = None, **options
) -> AsyncIterator[Listening]:
    errors: list[BaseException] = []
    http_server = HttpServer(answer, allowance=allowance, report=errors.append, **options)
    server = await asyncio.get_running_loop().create_server(http_server, "127.0.0.1", 0)
    try:
        yield Listening(http_server, server.sockets[0].getsockname()[1], errors)
    finally:
        server.close()
        await http_server.shutdown(0.1)
        await asyncio.sleep(0.01)  # the loop closes what was aborted


def get(target: bytes = b"/", *fields: bytes, version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    return (
        b"\r\n".join([b"%b %b HTTP/%b" % (method, target, version), b"Host: a.test", *fields]) + b"\r\n\r\n"
    )


LAST = b"Connection: close"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def head_of(answer: bytes) -> list[bytes]:
    return answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n")


def body_of(answer: bytes) -> bytes:
    return answer.split(b"\r\n\r\n", 1)[1]
