"""A name that is new after a site's first week: told once, in log, metric and to who should know."""

import asyncio
import contextlib
import hashlib
import hmac
import json

import pytest

from proxy.config.loading import load_config
from proxy.errors import ConfigError
from proxy.policy.model import DAY
from proxy.seen.names import Kind
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key, ReportedName, Seen
from tests.support.origin import Origin, html
from tests.support.proxying import config_text, proxying

NOW = 1_795_435_200
PAGE = b"<!doctype html><title>x</title><script src=https://new.vendor.example/a.js></script>"
SECRET = "0123456789abcdef0123"
OPENED = "Sec-Fetch-Dest: document"


class Receiver:
    """What a webhook got; it responds with `status`."""

    def __init__(self):
        self.got, self.status = [], b"200 OK"

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/hook?x=1"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await reader.readexactly(int(fields["Content-Length"]))
            self.got.append((head.split(" ")[1], fields, body))
            writer.write(
                b"HTTP/1.1 " + self.status + b"\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
            )
            await writer.drain()
        writer.close()


def alerting(receiver, **more):
    lines = "".join(f", {name}: {value}" for name, value in more.items())
    return f'alerts: {{ url: "{receiver.url}"{lines} }}'


@contextlib.asynccontextmanager
async def after_a_week(folder, receiver, **more):
    """A proxy whose site was first seen eight days ago."""
    (folder / "alerts.key").write_text(SECRET + "\n")
    async with Origin({b"/": html(PAGE)}) as origin:
        config = alerting(receiver, **more) if receiver else ""
        async with proxying(origin.url, folder=folder, more=config, clock=lambda: NOW) as proxy:
            store = SeenStore(proxy.server._store.database)
            await store.add(
                {Key("callkom.io", Kind.HOST, "old.example"): Seen(NOW - 8 * DAY, NOW, 1, by_us=True)}
            )
            yield proxy


async def turn(proxy):
    await proxy.server.seen.write()
    await proxy.server.seen.alert()


async def test_a_new_name_is_told_once_signed_and_counted(tmp_path):
    async with Receiver() as receiver, after_a_week(tmp_path, receiver, secret="alerts.key") as proxy:
        for _ in range(3):
            await proxy.ask("/", OPENED)
            await turn(proxy)
        told, figures = proxy.records("alert_raised"), proxy.figures()
    ((path, fields, body),) = receiver.got
    signed = f"{fields['X-Consent-Proxy-Id']}.{fields['X-Consent-Proxy-Time']}.".encode() + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()

    assert path == "/hook?x=1"
    assert [one["name"] for one in json.loads(body)["names"]] == ["new.vendor.example"]
    assert fields["X-Consent-Proxy-Signature"] == f"sha256={expected}"
    assert [(one["name"], one["path"], one["level"]) for one in told] == [
        ("new.vendor.example", "/", "warning")
    ]
    assert 'consent_proxy_alerts_total{outcome="sent",site="callkom.io"} 1.0' in figures


async def test_in_the_first_week_nothing_is_new(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, Receiver() as receiver:
        async with proxying(origin.url, folder=tmp_path, more=alerting(receiver)) as proxy:
            await proxy.ask("/", OPENED)
            await turn(proxy)

            assert proxy.records("alert_raised") == []
    assert receiver.got == []


async def test_what_one_network_reports_alarms_nobody_and_what_five_report_does(tmp_path):
    async with Receiver() as receiver, after_a_week(tmp_path, receiver) as proxy:
        for number in range(5):
            report = ReportedName(Kind.HOST, "reported.example", "script")
            proxy.server._shared.sightings.report("callkom.io", [report], f"192.0.{number}.0/24", NOW)
            await turn(proxy)
            assert len(receiver.got) == (number == 4)


async def test_without_a_receiver_log_and_metric_tell(tmp_path):
    async with after_a_week(tmp_path, None) as proxy:
        await proxy.ask("/", OPENED)
        await turn(proxy)

        assert len(proxy.records("alert_raised")) == 1
        assert 'consent_proxy_alerts_total{outcome="raised",site="callkom.io"} 1.0' in proxy.figures()


@pytest.mark.parametrize("status", [b"302 Found", b"500 Broken"])
async def test_no_redirect_is_followed_and_what_was_not_taken_is_tried_again(tmp_path, status):
    async with Receiver() as receiver, after_a_week(tmp_path, receiver) as proxy:
        receiver.status = status
        await proxy.ask("/", OPENED)
        await turn(proxy)
        first, told = len(receiver.got), proxy.records("alert_failed")
        await turn(proxy)

    assert (first, len(receiver.got)) == (1, 1), "it is tried again later, and nowhere else"
    assert told[0]["why"] == f"it responded {status.decode().split()[0]}"
    assert told[0]["given_up"] is False


@pytest.mark.parametrize(
    "url", ["http://hooks.example/x", "ftp://hooks.example", "https://user@hooks.example/", "nothing"]
)
def test_only_https_is_a_receiver(url):
    with pytest.raises(ConfigError, match="alerts.url"):
        load_config(config_text("http://127.0.0.1:1", more=f'alerts: {{ url: "{url}" }}'))
