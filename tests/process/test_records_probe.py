"""A store of proofs that dies is noticed while nobody answers, and so is its return."""

import asyncio

import pytest

from proxy.process import records_probe
from tests.own.test_addresses import SAME, choose
from tests.support.origin import Origin
from tests.support.proxying import proxying

DOWN, UP = "consent_proxy_records_down 1.0", "consent_proxy_records_down 0.0"


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(records_probe, "PROBE_EVERY", 0.05)
    monkeypatch.setattr(records_probe, "RETRY_EVERY", 0.05)


async def until(check, seconds=30):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


def doubts(proxy):
    return proxy.server.ready()["doubts"]


async def test_a_store_that_dies_is_said_with_its_cause_and_cleared_when_it_is_back(tmp_path):
    folder, away = tmp_path / "proofs", tmp_path / "away"
    folder.mkdir()
    more = "records: sqlite:///proofs/proofs.db"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        assert doubts(proxy) == {}
        assert UP in proxy.figures()

        folder.rename(away)
        await until(lambda: doubts(proxy))
        why = doubts(proxy)["records"]
        failed = proxy.records("records_failed")
        assert "does not exist" in why
        assert [(one["level"], one["why"]) for one in failed] == [("error", why)]
        assert DOWN in proxy.figures()
        assert proxy.server.ready()["ready"] is True

        await asyncio.sleep(0.3)
        assert len(proxy.records("records_failed")) == 1  # once, however often it is asked

        away.rename(folder)
        await until(lambda: not doubts(proxy))
        assert UP in proxy.figures()
        assert len(proxy.records("records_restored")) == 1
        assert await proxy.server.snapshot.store.count() == 0


async def test_a_refusal_given_meanwhile_is_recorded_once_a_probe_finds_the_store_back(tmp_path):
    folder, away = tmp_path / "proofs", tmp_path / "away"
    folder.mkdir()
    more = "records: sqlite:///proofs/proofs.db"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        folder.rename(away)
        await until(lambda: doubts(proxy))
        refused = await choose(proxy, b"choice=refuse", SAME)
        accepted = await choose(proxy, b"choice=accept", SAME)
        away.rename(folder)
        store = proxy.server.snapshot.store
        await until(lambda: store.backlog == 0 and store.trouble is None)
        async with asyncio.timeout(20):
            while await store.count() == 0:  # it left the backlog to be written, which takes a moment
                await asyncio.sleep(0.02)

        assert (refused.status, accepted.status) == (303, 503)
        assert await store.count() == 1
        unproven = proxy.records("consent_unproven")
        assert [one["level"] for one in unproven] == ["error"]
        assert "does not exist" in unproven[0]["why"]


async def test_a_start_without_the_store_is_an_error_from_the_first_moment(tmp_path):
    more = "records: postgresql://nobody@127.0.0.1:1/proofs"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        assert doubts(proxy)["records"]
        assert proxy.records("records_failed")[0]["level"] == "error"
        assert DOWN in proxy.figures()
