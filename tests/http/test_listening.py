"""Sockets that visitors come in by."""

import asyncio
import socket
from pathlib import Path

import pytest
import uvloop

from proxy.config.value_parsers import ListenAddress
from proxy.http.listening import BACKLOG, Listener, bind
from proxy.http.server import HttpServer
from tests.support.visitor import hello


def room(sock: socket.socket) -> int:
    """How many visitors may wait to be taken in (Linux: tcpi_sacked of a listening socket)."""
    return int.from_bytes(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[28:32], "little")


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_crowd_that_comes_at_once_finds_room_to_wait(run):
    async def opened() -> int:
        listener = Listener(HttpServer(hello), bind(ListenAddress("127.0.0.1", 0))[0])
        await listener.open()
        found = room(listener.sock)
        await listener.shut()
        return found

    allowed = int(Path("/proc/sys/net/core/somaxconn").read_text())
    assert run(opened()) == min(BACKLOG, allowed)
