"""A scripted origin on loopback: real sockets, every byte of an answer under the test's control.

    async with Origin({b"/": ok(b"hello")}) as origin:
        ...  # origin.url, origin.seen, origin.connections

What a target is answered with is a step or a list of steps: bytes are written, numbers are seconds to wait,
CLOSE ends the connection cleanly, RESET does it with a RST, HANG waits until the other side goes.
A callable gets what was Seen and returns steps. What no target names gets `otherwise`, by default an echo.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Self


class Step(Enum):
    CLOSE = 1
    RESET = 2
    HANG = 3


CLOSE, RESET, HANG = Step.CLOSE, Step.RESET, Step.HANG


@dataclass
class Seen:
    """A request as it arrived, byte for byte."""

    method: bytes
    target: bytes
    version: bytes
    headers: list[tuple[bytes, bytes]]
    connection: int
    body: bytes = b""
    complete: bool = False
    raw_head: bytes = b""
    writer: asyncio.StreamWriter | None = field(default=None, repr=False)

    def get(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


Steps = bytes | float | Step | Sequence["bytes | float | Step"]
Answer = Steps | Callable[[Seen], Steps]


def ok(body: bytes = b"", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer with Content-Length; `fields` are whole header lines."""
    lines = [b"HTTP/1.1 " + status, *fields, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def html(body: bytes, *fields: bytes) -> bytes:
    return ok(body, b"Content-Type: text/html; charset=utf-8", *fields)


def chunked(*pieces: bytes, fields: Sequence[bytes] = (), trailers: Sequence[bytes] = ()) -> bytes:
    lines = [b"HTTP/1.1 200 OK", *fields, b"Transfer-Encoding: chunked"]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return (
        b"\r\n".join(lines)
        + b"\r\n\r\n"
        + body
        + b"0\r\n"
        + b"".join(t + b"\r\n" for t in trailers)
        + b"\r\n"
    )


def echo(seen: Seen) -> bytes:
    """Say what was asked, as JSON."""
    text = {
        "method": seen.method.decode("latin-1"),
        "target": seen.target.decode("latin-1"),
        "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in seen.headers],
        "length": len(seen.body),
        "connection": seen.connection,
    }
    body = json.dumps(text).encode()
    answer = ok(body, b"Content-Type: application/json")
    return answer[: -len(body)] if seen.method == b"HEAD" else answer


class Origin:
    def __init__(
        self,
        answers: Mapping[bytes, Answer] | None = None,
        *,
        otherwise: Answer = echo,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None,
        early: bool = False,  # answer when the head is here, before the body is read
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.answers = dict(answers or {})
        self.otherwise = otherwise
        self.serve = serve  # takes over each connection, for what a script cannot say
        self.early = early
        self.seen: list[Seen] = []
        self.connections = 0
        self.open = 0
        self.closed = asyncio.Event()  # set whenever the other side has closed or reset a connection
        self.host, self.port, self._tls = host, port, tls
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http{'s' * bool(self._tls)}://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, self.host, self.port, ssl=self._tls, limit=2**20, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        self.open += 1
        number = self.connections
        try:
            if self.serve is not None:
                await self.serve(reader, writer)
            else:
                while await self._one(reader, writer, number):
                    pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self.open -= 1
            self.closed.set()
            writer.close()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        method, target, version = first.split(b" ", 2)
        headers = [(k, v.strip(b" \t")) for k, _, v in (line.partition(b":") for line in lines)]
        seen = Seen(method, target, version, headers, number, raw_head=head, writer=writer)
        self.seen.append(seen)
        if not self.early:
            await self._read_body(reader, seen)
        answer = self.answers.get(target, self.otherwise)
        steps = answer(seen) if callable(answer) else answer
        alive = await self._play(steps, reader, writer)
        if alive and self.early:
            await self._read_body(reader, seen)
        return alive

    async def _read_body(self, reader: asyncio.StreamReader, seen: Seen) -> None:
        lengths = seen.get(b"content-length")
        if lengths:
            seen.body = await reader.readexactly(int(lengths[0]))
        elif seen.get(b"transfer-encoding"):
            while size := int((await reader.readline()).split(b";")[0], 16):
                seen.body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readuntil(b"\r\n")
        seen.complete = True

    async def _play(self, steps: Steps, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for step in [steps] if isinstance(steps, bytes | float | int | Step) else steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step is CLOSE:
                return False
            elif step is RESET:
                reset(writer)
                return False
            elif step is HANG:
                while await reader.read(65536):
                    pass
                return False
            else:
                await asyncio.sleep(step)
        return True


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds; a test that waits in vain fails."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)
