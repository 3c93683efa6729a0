"""Addresses that cannot work are found before anybody connects."""

import errno
import socket

import pytest

from proxy.config.loading import load_config
from proxy.process.address_checks import address_findings, shared_addresses
from tests.ports import free_port

SITE = "sites: [{{ hosts: [www.example.com, example.com], upstream: [{}] }}]\n"


def found(text: str, upstream: str = "'http://192.0.2.1:80'") -> list[tuple[str, bool]]:
    return [(one.text, one.warning) for one in address_findings(load_config(text + SITE.format(upstream)))]


def test_a_port_of_another_program_is_told_and_one_of_a_running_proxy_is_not():
    with socket.socket() as other, socket.socket() as mine:
        other.bind(("127.0.0.1", 0))
        other.listen()
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        mine.bind(("127.0.0.1", 0))
        mine.listen()
        taken, shared = other.getsockname()[1], mine.getsockname()[1]
        [(text, warning)] = found(f"listen: [127.0.0.1:{taken}, 127.0.0.1:{shared}]\n")

    assert f"cannot listen on 127.0.0.1:{taken}" in text
    assert "another program has it" in text
    assert not warning


def test_a_visitor_who_connects_while_the_port_is_tried_meets_the_running_proxy():
    with socket.socket() as serving:
        serving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        serving.bind(("127.0.0.1", 0))
        serving.listen()
        port = serving.getsockname()[1]
        tried = address_findings(
            load_config(f"listen: 127.0.0.1:{port}\n" + SITE.format("'http://192.0.2.1'"))
        )
        list(tried)
        with socket.create_connection(("127.0.0.1", port)):
            serving.settimeout(10)
            serving.accept()[0].close()


def test_a_port_that_takes_a_right_is_a_doubt_since_the_unit_grants_it(monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    [(text, warning)] = found("listen: 127.0.0.1:443\n")

    assert "port 443 takes a right" in text
    assert warning


def test_an_address_that_this_machine_does_not_have_is_told():
    [(text, warning)] = found("listen: 192.0.2.77:8080\n")

    assert "no interface of this machine has it" in text
    assert not warning


@pytest.mark.parametrize(
    ("listen", "more", "told"),
    [
        ("0.0.0.0:{}", "admin: 127.0.0.1:{}\n", True),
        ("127.0.0.1:{}", "admin: localhost:{}\n", True),
        (":{}", "redirect: '[::1]:{}'\ntrusted_proxies: 10.0.0.0/8\n", True),
        ("'[::]:{}'", "admin: 127.0.0.1:{}\n", False),
        ("127.0.0.1:{}", "admin: 127.0.0.2:{}\n", False),
    ],
)
def test_two_uses_of_one_port_are_told_where_a_visitor_could_meet_either(listen, more, told):
    port = free_port()
    said = found(f"listen: {listen.format(port)}\n{more.format(port)}")

    assert [text for text, _ in said if "a port of its own" in text] == [text for text, _ in said]
    assert bool(said) is told


def test_an_admin_address_that_is_public_is_refused_and_a_private_one_is_not():
    said = found("listen: 127.0.0.1:0\nadmin: 8.8.8.8:9100\n")

    assert (
        "admin is 8.8.8.8, a public address: health and figures are for a private one, such as 127.0.0.1",
        False,
    ) in said
    assert found("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n") == []


@pytest.mark.parametrize(
    "upstream",
    [
        "http://127.0.0.1:{}",
        "http://localhost:{}",
        "https://127.0.0.1:{}",
        "http://callkom.localhost:{}",
        "http://0.0.0.0:{}",
    ],
)
@pytest.mark.parametrize("listen", ["127.0.0.1:{}", "0.0.0.0:{}", ":{}"])
def test_an_upstream_that_is_this_proxy_is_refused_however_it_is_written(upstream, listen):
    port = free_port()
    said = found(f"listen: {listen.format(port)}\n", f"'{upstream.format(port)}'")

    assert [warning for text, warning in said if "this proxy itself" in text] == [False]


def test_an_upstream_on_another_port_of_this_machine_is_fine():
    assert found(f"listen: 127.0.0.1:{free_port()}\n", "'http://127.0.0.1:1'") == []


def test_an_upstream_by_a_name_that_visitors_ask_for_is_a_doubt():
    port = free_port()
    [(text, warning)] = found(f"listen: 127.0.0.1:{port}\n", f"'http://www.example.com:{port}'")

    assert "go in a circle" in text
    assert warning


def test_an_address_where_a_running_proxy_listens_is_shared_and_one_that_is_only_bound_is_not():
    with socket.socket() as serving, socket.socket() as left:
        for sock in (serving, left):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(("127.0.0.1", 0))
        serving.listen()
        ports = [serving.getsockname()[1], left.getsockname()[1], free_port()]
        listen = ", ".join(f"127.0.0.1:{port}" for port in ports)
        config = load_config(f"listen: [{listen}]\n" + SITE.format("'http://192.0.2.1:80'"))

        assert shared_addresses(config) == [f"127.0.0.1:{ports[0]}"]
