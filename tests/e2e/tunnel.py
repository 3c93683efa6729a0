"""What stands for DNS where a browser cannot be told who is where: a proxy that maps names to ports."""

import asyncio
import contextlib
import threading
from collections.abc import Callable


class Tunnel:
    """Answers CONNECT on a free loopback port; `where` says which port of this machine a host is."""

    def __init__(self, where: Callable[[str], int]) -> None:
        self._where = where
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        calls = asyncio.all_tasks(self._loop)
        for call in calls:
            call.cancel()
        self._loop.run_until_complete(asyncio.gather(*calls, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))  # what was closed is closed in the next turn
        self._loop.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.decode("latin-1").split(" ", 2)
            if method == "CONNECT":
                port = self._where(target.rpartition(":")[0])
                far, farther = await asyncio.open_connection("127.0.0.1", port)
                ends.append(farther)
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await asyncio.gather(pour(reader, farther), pour(far, writer))
            else:  # plain http: nobody of these walks is asked that way
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        for end in ends:
            end.transport.abort()

    def stop(self) -> None:
        """Hang up on everybody."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


async def pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while read := await source.read(65536):
            into.write(read)
            await into.drain()
    into.close()
