"""One visitor of a soak as far as sockets go: arrives, asks, leaves; what is counted of all of them."""

import asyncio
import random
import socket
from collections import Counter
from dataclasses import dataclass, field

from tests.support.proxying import Got, read_answer, request

HOSTS = ("callkom.io", "www.callkom.io", "legacy.callkom.io")  # served throughout; legacy is only observed


@dataclass
class World:
    """What all visitors share: where to ask, when to stop, what was counted."""

    port: int
    seed: int = 1
    over: asyncio.Event = field(default_factory=asyncio.Event)
    asked: Counter = field(default_factory=Counter)  # visits, by what was done
    sent: int = 0  # requests that left
    answered: int = 0  # heads that came back
    choices: int = 0
    failures: list[str] = field(default_factory=list)


class Guest:
    """One visitor after the other on one connection at a time, with an answer of their own or none."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.chance = random.Random(f"{world.seed} {number}")
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.cookie = ""
        self.granted: frozenset[str] = frozenset()

    async def stay(self, habits: dict[str, int]) -> None:
        """Do one thing after the other until all is over, each as often as its number says."""
        while not self.world.over.is_set():
            [name] = self.chance.choices(list(habits), list(habits.values()))
            await self.do(name)
            await asyncio.sleep(self.chance.random() * 0.02)
        self.leave()

    async def do(self, name: str) -> None:
        self.world.asked[name] += 1
        try:
            async with asyncio.timeout(40):
                await getattr(self, name)()
        except Exception as error:
            if len(self.world.failures) < 50:
                self.world.failures.append(f"{name}: {type(error).__name__} {error}"[:300])
            self.leave()

    def leave(self) -> None:
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def arrive(self, *, small: bool = False) -> None:
        self.leave()
        sock = socket.socket()
        if small:  # so that a reader who stops is felt at once
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.world.port))
        self.reader, self.writer = await asyncio.open_connection(sock=sock, limit=2**16)

    def fields(self) -> list[str]:
        chance = self.chance
        fields = [
            f"X-Forwarded-For: 10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
            f"X-Forwarded-Proto: {chance.choice(['http', 'https'])}",
            f"X-Request-ID: {chance.getrandbits(64):x}",
            f"Accept-Language: {chance.choice(['en', 'fr', 'de', f'x{chance.randrange(10**6)}'])}",
            f"User-Agent: Soak/{chance.randrange(10**6)}",
            f"Accept-Encoding: {chance.choice(['identity', 'gzip', 'br', 'gzip, br'])}",
        ]
        if self.cookie:
            fields.append(
                f"Cookie: {self.cookie}; _ga=GA1.{chance.randrange(10**9)}; own{chance.randrange(10**6)}=1"
            )
        return fields

    async def send(self, target: str, *more: str, host: str = "", body: bytes = b"", **how) -> None:
        """Send a request, on the connection at hand where the other side has not ended it."""
        if self.reader is None or self.reader.at_eof() or self.chance.random() < 0.05:
            await self.arrive()
        host = host or self.chance.choice(HOSTS)
        self.writer.write(request(target, *self.fields(), *more, host=host, body=body, **how))
        self.world.sent += 1

    async def ask(self, target: str, *more: str, **how) -> Got:
        await self.send(target, *more, **how)
        got = await read_answer(self.reader, how.get("method", "GET"))
        self.world.answered += 1
        if got.one(b"Connection") == b"close" or not got.whole:
            self.leave()
        return got
