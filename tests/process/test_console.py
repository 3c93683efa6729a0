"""The console of a proxy that runs: what it shows is what was asked, of one process or of several."""

import asyncio
import json
import os
import signal
import time

import pytest

from tests.process.test_worker_main import carried, telling
from tests.shared import ROOT
from tests.support.console import CONFIG, Operator
from tests.support.origin import Origin, html, ok
from tests.support.processes import running
from tests.support.proxying import PAGE, RULES

__all__ = ["telling"]

pytestmark = pytest.mark.timeout(200)

SAMPLE = json.loads((ROOT / "tests/data/console/data.json").read_text("utf-8"))
STRANGE = PAGE.replace(b"</head>", b'<script src="https://static.hotjar.com/c/h.js"></script></head>')
ORIGIN = {
    b"/": html(PAGE, b"Set-Cookie: _ga=GA1.2; Path=/"),
    b"/strange": html(STRANGE),
    b"/a.png": ok(b"png", b"Content-Type: image/png"),
    b"/broken": ok(b"no", b"Content-Type: text/plain", status=b"500 Broken"),
}
CONSOLE = {
    "proxy.console.app",
    "proxy.process.console",
    "email.policy",  # reads the Content-Type of a form
}
SUPERVISOR = {"argparse", "http.client", "http.server", "urllib.request", "wsgiref.simple_server"}
"""What the supervisor carries of Python and a worker does not: its libraries are imported whole."""
NULLABLE = {"rules.refused", "store.why", "minutes.upstream_ms.p50[]", "minutes.upstream_ms.p95[]",
            "minutes.own_ms.p50[]", "minutes.own_ms.p95[]"}  # fmt: skip


def shape(value, path=""):
    """Return the types of all values by their path; members of a list share one."""
    if isinstance(value, dict):
        return {line for key, one in value.items() for line in shape(one, f"{path}.{key}" if path else key)}
    if isinstance(value, list):
        return {(path, "list"), *(line for one in value for line in shape(one, f"{path}[]"))}
    if value is None and path in NULLABLE:
        return set()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {(path, "number")}
    return {(path, type(value).__name__)}


def beneath(lines, path):
    return {line for line in lines if line[0].startswith(path)}


async def visit(proxy, counts):
    """Ask for what is counted, on a connection each, so that every worker gets some."""
    wanted = [target for target, count in counts.items() for _ in range(count)]
    return await asyncio.gather(*(proxy.ask(target) for target in wanted))


async def answered(proxy):
    """Give an answer, and return the id of its receipt."""
    got = await proxy.ask(
        "/.consent/choice",
        "Sec-Fetch-Site: same-origin",
        "Content-Type: application/x-www-form-urlencoded",
        method="POST",
        body=b"choice=accept&return=/",
    )
    cookie = got.one(b"Set-Cookie").partition(b";")[0].decode()
    receipt = await proxy.ask("/.consent/receipt", "Accept: application/json", f"Cookie: {cookie}")
    return receipt.json["receipts"][0]["id"] if "receipts" in receipt.json else receipt.json["id"]


async def until(check, seconds=40):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.05)


async def until_most_of_a_minute_is_left():
    """Neither at its end nor where a busy machine may still close the one before."""
    while not 5 < time.time() % 60 < 40:
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("workers", [1, 2])
async def test_what_it_shows_is_what_a_client_counted_in_the_same_minute(tmp_path, workers, telling):
    async with (
        Origin(ORIGIN) as origin,
        running(
            origin.url, tmp_path, more=f"workers: {workers}\n{CONFIG}", beside=tmp_path / "telling"
        ) as proxy,
    ):
        await until(lambda: len(proxy.records("serving_started")) == workers)
        await until_most_of_a_minute_is_left()
        began = int(time.time()) // 60 * 60
        receipt = await answered(proxy)
        got = await visit(
            proxy, {"/": 12, "/strange": 1, "/a.png": 5, "/broken": 3, "/nothing": 2, "/.consent/": 4}
        )
        assert [one.status for one in got].count(500) == 3
        operator = await Operator(proxy).sign_in()
        await until(lambda: "static.hotjar.com" in {one["name"] for one in proxy.records("undeclared_seen")})
        data = await operator.data(
            lambda data: (
                data["totals"]["requests"] >= 29
                and data["stored_at"] is not None
                and all(one["ready"] for one in data["workers"])
            )
        )

        compare_counts(data, began)
        compare_store(data)
        assert shape(data) == shape(SAMPLE) - beneath(shape(SAMPLE), "rules.refused")
        started = [one["process"] for one in proxy.records("worker_started")] or [proxy.process.pid]
        assert sorted(one["pid"] for one in data["workers"]) == sorted(started)
        assert all(one["ready"] and one["memory_bytes"] > 10_000_000 for one in data["workers"])
        assert data["sites"][0]["upstreams"] == [{"address": origin.url, "up": True}]
        await look_up(proxy, operator, receipt)
        await reload(operator, tmp_path / "rules.yaml", data["rules"], workers)
        await until(lambda: len(proxy.records("console_reloaded")) == 2)
        assert [one["outcome"] for one in proxy.records("console_reloaded")] == ["refused", "loaded"]

        (serving,) = await telling(proxy.process.pid)
        assert "proxy.console.app" in serving
        assert carried(serving) <= (CONSOLE if workers == 1 else CONSOLE | SUPERVISOR)
        if workers > 1:
            for modules in await telling(*started):
                assert "proxy.process.worker" in modules
                assert {name for name in modules if name.startswith("proxy.console")} == set()
            await end_a_worker(operator, data["workers"][0]["pid"])


def compare_counts(data, began):
    assert data["totals"] == {"requests": 29, "documents": 13, "failed": 3, "own": 6}
    columns = data["minutes"]
    # with the minute before, which a busy machine closes late, and later ones, where it took that long
    at = max(columns["at"].index(began) - 1, 0)
    assert [sum(columns[name][at:]) for name in ("requests", "documents", "failed")] == [29, 13, 3]
    assert [sum(columns[name]) for name in ("requests", "documents", "failed")] == [29, 13, 3]
    at = max(range(len(columns["at"])), key=lambda one: columns["requests"][one])
    assert 0 < columns["own_ms"]["p50"][at] <= columns["own_ms"]["p95"][at]
    counts = {(one["provider"], one["what"], one["does"]): one["count"] for one in data["verdicts"]}
    assert counts["google", "tag", "hold"] == 13
    assert counts["google", "cookie", "drop"] == 12


def compare_store(data):
    assert [(one["accepted"], one["site"]) for one in data["consent"]] == [(1, "callkom.io")]
    granted = {one["purpose"]: one["granted"] for one in data["purposes"]}
    assert granted == {"functional": 1, "performance": 1}
    (hotjar,) = [one for one in data["found"] if one["name"] == "static.hotjar.com"]
    assert (hotjar["kind"], hotjar["count"]) == ("tag", 1)
    assert "hotjar" in hotjar["block"]


async def look_up(proxy, operator, receipt):
    record = (await operator.ask("/record", f"receipt={receipt}".encode())).json
    unknown = await operator.ask("/record", b"receipt=0000")
    assert (record["id"], record["granted"]) == (receipt, ["functional", "performance"])
    assert unknown.status == 404
    await until(lambda: len(proxy.records("console_record_read")) == 2)
    written = [(one["name"], one["receipt"], one["found"]) for one in proxy.records("console_record_read")]
    assert written == [("ops", receipt, True), ("ops", "0000", False)]


async def end_a_worker(operator, pid):
    """End a worker: it is shown as missing until another one is ready."""
    os.kill(pid, signal.SIGKILL)
    ended = await operator.data(lambda data: not all(one["ready"] for one in data["workers"]))
    again = await operator.data(lambda data: all(one["ready"] for one in data["workers"]))

    assert [one["pid"] for one in ended["workers"]].count(None) == 1
    assert len(ended["workers"]) == len(again["workers"]) == 2
    assert pid not in {one["pid"] for one in again["workers"]}


async def reload(operator, rules, before, workers):
    """Have faulty rules read, then others."""
    rules.write_text(RULES.replace("purpose: functional", "purpose: functionel") + "oops: 1\n")
    refused = (await operator.ask("/reload", b"")).json
    shown = (await operator.data())["rules"]
    rules.write_text(RULES.replace("version: 2026-11-01", "version: 2026-12-01"))
    loaded = (await operator.ask("/reload", b"")).json
    after = (await operator.data())["rules"]

    assert before["refused"] is None
    assert (refused["outcome"], refused["workers"]) == ("refused", workers)
    assert len(refused["problems"]) >= 2
    assert any("functionel" in one for one in refused["problems"])
    assert shown["refused"]["problems"] == refused["problems"]
    assert (shown["version"], shown["loaded_at"]) == ("2026-11-01", before["loaded_at"])
    assert abs(shown["refused"]["at"] - time.time()) < 600
    assert loaded == {"outcome": "loaded", "problems": [], "workers": workers}
    assert (after["version"], after["refused"]) == ("2026-12-01", None)
