"""What an operator watches is on /metrics, true within a second."""

import asyncio
import math
import re
from datetime import UTC, datetime, timedelta

import trustme

from proxy.process import records_probe
from proxy.telemetry.process_usage import cpu_seconds
from tests.own.test_addresses import SAME, choose
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, proxying


async def until(check, seconds=30):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.05)


def figure(proxy, name):
    found = re.search(rf"^consent_proxy_{name} (\S+)$", proxy.server.figures().decode(), re.MULTILINE)
    return float(found[1]) if found else None


async def test_a_proxy_that_serves_is_ready_and_says_what_it_uses(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/")
        await until(lambda: figure(proxy, "cpu_seconds_total"))
        first = figure(proxy, "cpu_seconds_total")
        await until(lambda: figure(proxy, "cpu_seconds_total") > first)
        assert figure(proxy, "cpu_seconds_total") <= cpu_seconds()
        whole = [
            figure(proxy, name) for name in ("ready", "workers_configured", "workers_alive", "workers_ready")
        ]
        proxy.server.health.stopping = True
        stopping = [figure(proxy, name) for name in ("ready", "workers_alive", "workers_ready")]

        assert whole == [1, 1, 1, 1]
        assert stopping == [0, 1, 0]
        assert 10_000_000 < figure(proxy, "resident_bytes") < 1_000_000_000
        assert 5 < figure(proxy, "open_files") < figure(proxy, "open_files_limit")
        assert figure(proxy, "certificate_days_left") is None


async def test_a_visitor_who_is_connected_counts_until_he_leaves(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await until(lambda: figure(proxy, "visitor_connections") == 0)
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await until(lambda: figure(proxy, "visitor_connections") == 1)
        writer.close()
        await until(lambda: figure(proxy, "visitor_connections") == 0)


async def test_an_upstream_that_is_gone_is_down_and_one_that_is_configured_no_more_is_neither(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin:
        async with proxying(origin.url, folder=tmp_path, files=True) as proxy:
            name = f'upstream_up{{site="callkom.io",upstream="{origin.url}"}}'
            await until(lambda: figure(proxy, re.escape(name)) == 1)
            [state] = proxy.server.snapshot.upstreams["callkom.io"].snapshot()
            assert state.up
            for pool in proxy.server.snapshot.upstreams["callkom.io"]._pools:
                pool.health.checked(False, "gone", 1)
            await until(lambda: figure(proxy, re.escape(name)) == 0)

            config = tmp_path / "config.yaml"
            config.write_text(config.read_text().replace(origin.url, "http://127.0.0.1:1"))
            await until(lambda: figure(proxy, re.escape(name.replace(origin.url, "http://127.0.0.1:1"))) == 1)
            gone = figure(proxy, re.escape(name))

    assert math.isnan(gone)


async def test_rules_that_are_refused_show_until_they_are_mended(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, files=True) as proxy:
        assert figure(proxy, "rules_refused") == 0
        (tmp_path / "rules.yaml").write_text("nonsense")
        await until(lambda: figure(proxy, "rules_refused") == 1)
        (tmp_path / "rules.yaml").write_text(RULES)
        await until(lambda: figure(proxy, "rules_refused") == 0)


async def test_days_until_the_certificate_ends_are_those_of_the_one_that_is_shown(tmp_path):
    authority = trustme.CA()

    def issue(days):
        leaf = authority.issue_cert("callkom.io", not_after=datetime.now(UTC) + timedelta(days=days))
        leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
        leaf.private_key_pem.write_to_path(tmp_path / "key.pem")

    issue(5)
    more = "tls: { certificate: cert.pem, key: key.pem }"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more, files=True) as proxy:
        assert 4.9 < figure(proxy, "certificate_days_left") <= 5
        issue(90)
        await until(lambda: figure(proxy, "certificate_days_left") > 89)


async def test_refusals_that_wait_for_the_store_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(records_probe, "RETRY_EVERY", 0.05)
    folder, away = tmp_path / "proofs", tmp_path / "away"
    folder.mkdir()
    more = "records: sqlite:///proofs/proofs.db"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        folder.rename(away)
        await choose(proxy, b"choice=refuse", SAME)
        await until(lambda: figure(proxy, "records_waiting") == 1)
        away.rename(folder)
        await until(lambda: figure(proxy, "records_waiting") == 0)
        assert figure(proxy, "records_lost") == 0
        assert not any("given up" in one["why"] for one in proxy.records("records_failed"))


async def test_refusals_that_still_wait_when_the_proxy_stops_are_told(tmp_path):
    folder = tmp_path / "proofs"
    folder.mkdir()
    more = "records: sqlite:///proofs/proofs.db"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        folder.rename(tmp_path / "away")
        await choose(proxy, b"choice=refuse", SAME)
        await until(lambda: figure(proxy, "records_waiting") == 1)
        await proxy.server.stop(0)
        told = proxy.records("records_failed")[-1]["why"]

    assert told == "refusals that waited and were given up, they hold without a record: 1"
