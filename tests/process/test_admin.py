import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from proxy.process.admin import admin_app, is_admin_host


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:9100",
        "a.localhost",
        "127.0.0.1:9100",
        "[::1]:9100",
        "10.1.2.3",
        "metrics.internal:80",
    ],
)
def test_it_is_asked_by_loopback_addresses_and_configured_names(host):
    assert is_admin_host(host, {"metrics.internal"})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9100",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "",
    ],
)
def test_a_name_that_somebody_else_points_here_is_not_ours(host):
    assert not is_admin_host(host, {"metrics.internal"})


async def test_another_name_is_told_nothing():
    async with TestServer(admin_app(Source(), {"metrics.internal"})) as server, ClientSession() as client:
        found = [
            (await client.get(server.make_url("/status"), headers={"Host": host})).status
            for host in ("localhost", "metrics.internal", "evil.example")
        ]

    assert found == [200, 200, 421]


class Source:
    def ready(self):
        return {"ready": True}

    def state(self):
        return {}

    def figures(self):
        return b""
