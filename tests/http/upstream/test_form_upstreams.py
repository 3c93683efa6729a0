"""A relayed form goes to public addresses alone, and to the very one that was looked at."""

import asyncio
import socket
import ssl

import pytest
import trustme

from proxy.config.loading import load_config
from proxy.errors import UpstreamError
from proxy.http.upstream.exchange import UpstreamRequest
from proxy.http.upstream.form_upstreams import FormUpstreams
from tests.support.origin import Origin, ok


def resolving(monkeypatch, *addresses):
    asked = []

    async def getaddrinfo(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("169.254.169.254",)])
async def test_a_name_that_leads_inside_is_not_followed(monkeypatch, addresses):
    """Not even where only one of several addresses does: which one is taken is not ours to bet on."""
    resolving(monkeypatch, *addresses)

    with pytest.raises(UpstreamError, match="no public address"):
        await FormUpstreams().fetch("js-eu1.hsforms.net", UpstreamRequest(b"GET", b"/", []))


async def test_a_name_that_leads_nowhere_says_so():
    with pytest.raises(UpstreamError, match="cannot be resolved"):
        await FormUpstreams().fetch("nowhere.invalid", UpstreamRequest(b"GET", b"/", []))


def config(folder, where, ca="ca.pem"):
    return load_config(
        "listen: 127.0.0.1:0\nsites:\n  - { hosts: callkom.io, upstream: 'http://127.0.0.1:1' }\n"
        f"relay: {{ resolve: {{ forms.example.net: '{where}' }}, ca: {ca} }}\n",
        folder=folder,
    )


def certified(folder, *names):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(tls)
    return tls


async def test_the_certificate_must_be_the_providers(tmp_path):
    async with Origin({b"/": ok(b"hello")}, tls=certified(tmp_path, "other.example.net")) as origin:
        upstreams = FormUpstreams()
        await upstreams.update(config(tmp_path, origin.url.removeprefix("https://")))
        with pytest.raises(UpstreamError, match=r"(?i)certificate"):
            await upstreams.fetch(
                "forms.example.net", UpstreamRequest(b"GET", b"/", [(b"Host", b"forms.example.net")])
            )
        await upstreams.close()


async def test_what_the_operator_resolves_is_taken_and_kept_until_the_config_changes(tmp_path):
    async with Origin({b"/": ok(b"hello")}, tls=certified(tmp_path, "forms.example.net")) as origin:
        where = origin.url.removeprefix("https://")
        upstreams = FormUpstreams()
        for _ in range(2):
            await upstreams.update(config(tmp_path, where))
            upstream_response = await upstreams.fetch(
                "forms.example.net", UpstreamRequest(b"GET", b"/", [(b"Host", b"forms.example.net")])
            )
            assert await upstream_response.read() == b"hello"
        assert origin.connections == 1

        await upstreams.update(config(tmp_path, "127.0.0.1:1"))
        with pytest.raises(UpstreamError):
            await upstreams.fetch("forms.example.net", UpstreamRequest(b"GET", b"/", []))
        await upstreams.close()
