"""Who waits behind a half-closed connection stays, who is gone is noticed once something is sent to them."""

import asyncio
import socket
import struct
from dataclasses import dataclass

import pytest

from proxy.http import half_close
from proxy.http.half_close import CONTINUE, HalfClosed
from tests.support.origin import until


@dataclass
class Waits:
    started: bool = False
    version: tuple[int, int] = (1, 1)


class Kept(asyncio.Protocol):
    """Keeps its half open."""

    def __init__(self):
        self.lost = False

    def connection_made(self, transport):
        self.transport = transport

    def eof_received(self):
        return True

    def connection_lost(self, _):
        self.lost = True


@pytest.fixture
async def kept():
    """A connection whose visitor has closed their half, and the visitor's socket."""
    loop = asyncio.get_running_loop()
    protocol = Kept()
    server = await loop.create_server(lambda: protocol, "127.0.0.1", 0)
    visitor = socket.create_connection(server.sockets[0].getsockname())
    visitor.shutdown(socket.SHUT_WR)
    visitor.setblocking(False)
    await until(lambda: hasattr(protocol, "transport"))
    await asyncio.sleep(0.02)
    yield protocol, visitor
    visitor.close()
    protocol.transport.abort()
    server.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(half_close, "QUICK", 0.1)
    monkeypatch.setattr(half_close, "LOOK", 0.02)


def watch(protocol, request, idle=5.0):
    watched = HalfClosed(asyncio.get_running_loop(), protocol.transport, idle)
    watched.request = request
    return watched


async def read(visitor, seconds=0.4):
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(visitor, 1000), seconds)
    except TimeoutError:
        return None


async def test_who_waits_is_asked_once_and_kept(kept):
    protocol, visitor = kept
    watch(protocol, Waits())

    assert await read(visitor) == CONTINUE
    assert await read(visitor) is None
    assert not protocol.lost


@pytest.mark.parametrize("request_", [None, Waits(version=(1, 0)), Waits(started=True)])
async def test_nobody_is_asked_where_it_would_be_part_of_a_response(kept, request_):
    protocol, visitor = kept
    watch(protocol, request_)

    assert await read(visitor) is None
    assert not protocol.lost


async def test_who_is_gone_is_noticed_once_they_are_asked(kept):
    protocol, visitor = kept
    watch(protocol, Waits())
    visitor.close()

    await until(lambda: protocol.lost)


async def test_a_reset_is_noticed_though_nothing_is_sent(kept):
    protocol, visitor = kept
    watch(protocol, Waits(started=True))
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visitor.close()

    await until(lambda: protocol.lost)


async def test_who_is_sent_nothing_for_long_is_let_go(kept):
    protocol, _ = kept
    watched = watch(protocol, Waits(started=True), idle=0.8)
    for _ in range(5):
        await asyncio.sleep(0.2)
        watched.wrote()
    assert not protocol.lost

    await until(lambda: protocol.lost)
