"""An alert is posted once, to the address that was looked at, and delivered only where it was taken."""

import asyncio
import contextlib

import pytest

from proxy.process import webhook
from proxy.process.webhook import NotDeliveredError, post
from tests.process.test_alerts import Receiver


@pytest.mark.parametrize(
    "url", ["https://192.168.1.1/hook", "https://169.254.169.254/latest", "https://[64:ff9b::a9fe:a9fe]/hook"]
)
async def test_a_private_address_gets_nothing(url):
    """The last is a private IPv4 address, as a NAT64 gateway would unwrap it."""
    with pytest.raises(NotDeliveredError, match="leads to a private address"):
        await post(url, b"{}", {}, allow_private=False)


async def test_a_name_that_leads_into_a_private_network_gets_nothing(monkeypatch):
    import socket

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(NotDeliveredError, match="leads to a private address"):
        await post("https://hooks.example/x", b"{}", {}, allow_private=False)


async def test_an_alert_is_one_post_with_its_query_and_its_fields():
    async with Receiver() as receiver:
        await post(receiver.url, b'{"a":1}', {"X-Field": "b"}, allow_private=False)
        await post(receiver.url.partition("/hook")[0], b"{}", {}, allow_private=False)

    (path, fields, body), (bare, _, _) = receiver.got
    assert (path, fields["X-Field"], body, bare) == ("/hook?x=1", "b", b'{"a":1}', "/")


@pytest.mark.parametrize(("status", "taken"), [(b"200 OK", True), (b"204 No Content", True), (b"299 X", True), (b"300 X", False), (b"404 X", False)])  # fmt: skip
async def test_only_what_was_taken_is_delivered(status, taken):
    async with Receiver() as receiver:
        receiver.status = status
        if taken:
            await post(receiver.url, b"{}", {}, allow_private=False)
        else:
            with pytest.raises(NotDeliveredError, match=f"it responded {status[:3].decode()}"):
                await post(receiver.url, b"{}", {}, allow_private=False)


async def test_a_receiver_that_is_not_there_or_never_responds_is_told(monkeypatch):
    monkeypatch.setattr(webhook, "PATIENCE", 0.05)

    ended = asyncio.Event()

    async def silent(reader, writer):
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NotDeliveredError, match="[Tt]ime"):
        await post(f"http://127.0.0.1:{port}/", b"{}", {}, allow_private=False)
    await ended.wait()
    server.close()
    await server.wait_closed()
    with pytest.raises(NotDeliveredError, match="refused"):
        await post(f"http://127.0.0.1:{port}/", b"{}", {}, allow_private=False)


async def test_a_private_address_is_posted_to_where_the_config_says_so(monkeypatch):
    import socket

    tried = []
    monkeypatch.setattr(socket, "create_connection", lambda address, **_: tried.append(address) or _refuse())
    with pytest.raises(NotDeliveredError, match="nobody there"):
        await post("https://192.168.1.1:8443/hook", b"{}", {}, allow_private=True)

    assert tried == [("192.168.1.1", 8443)]


def _refuse():
    raise ConnectionRefusedError("nobody there")
