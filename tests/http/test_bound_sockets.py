"""Sockets are bound before anybody can connect, and several processes may share their ports."""

import errno
import socket

import pytest

from proxy.config.value_parsers import ListenAddress
from proxy.errors import StartError
from proxy.http.bound_sockets import bound_sockets
from tests.ports import free_port


def close(*lists) -> None:
    for sockets in lists:
        for one in sockets:
            one.close()


def test_what_is_bound_does_not_listen_yet():
    [sock] = bound_sockets(ListenAddress("127.0.0.1", 0))
    with socket.socket() as visitor, pytest.raises(ConnectionRefusedError):
        visitor.connect(sock.getsockname())
    assert sock.getsockname()[1] > 0
    assert not sock.getblocking()
    close([sock])


def test_processes_may_share_a_port():
    port = free_port()
    one, other = (bound_sockets(ListenAddress("127.0.0.1", port)) for _ in range(2))

    assert [sock.getsockname() for sock in one] == [sock.getsockname() for sock in other]
    close(one, other)


def test_without_a_host_every_address_is_bound_each_family_on_its_own():
    sockets = bound_sockets(ListenAddress("", free_port()))
    families = {sock.family for sock in sockets}

    assert socket.AF_INET in families
    assert len(families) == len(sockets)
    for sock in sockets:
        if sock.family == socket.AF_INET6:
            assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    close(sockets)


def test_a_port_that_somebody_took_for_themselves_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(
            StartError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"
        ) as error:
            bound_sockets(ListenAddress("127.0.0.1", port))
    assert error.value.__cause__.errno == errno.EADDRINUSE


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machines_is_told(host):
    with pytest.raises(StartError, match=f"cannot listen on {host}:8080: "):
        bound_sockets(ListenAddress(host, 8080))
