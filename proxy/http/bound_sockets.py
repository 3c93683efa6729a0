"""Sockets bound to the addresses of a config; several processes may share their ports."""

from __future__ import annotations

import socket

from proxy.config.value_parsers import ListenAddress
from proxy.errors import StartError


def bound_sockets(address: ListenAddress) -> list[socket.socket]:
    """Return bound sockets for an address, which do not listen yet: nobody can connect to them.

    StartError has the OSError as its cause.
    """
    try:
        found = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise StartError(f"cannot listen on {address}: {error.strerror}") from error
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, where in dict.fromkeys(found):
        sock = socket.socket(family, kind, protocol)
        sockets.append(sock)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setblocking(False)
            sock.bind(where)
        except OSError as error:
            for one in sockets:
                one.close()
            raise StartError(f"cannot listen on {address}: {error.strerror}") from error
    return sockets
