"""What is stopped before the upstream is asked is stopped on the ordinary route and on the fast path."""

import pytest

from proxy.http.response import Response
from proxy.route import gates
from tests.support.guest import guest, ways
from tests.support.origin import Origin, ok
from tests.support.proxying import proxying, request


def gone(context):
    return Response(410, []) if context.request.path == b"/gone" else None


@pytest.mark.fast_path
async def test_a_gate_that_is_added_stops_the_first_request_and_the_repeated_one(tmp_path, monkeypatch):
    monkeypatch.setattr(gates, "GATES", (*gates.GATES, gone))
    async with Origin(otherwise=ok(b"x")) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        went = ways(proxy, origin)
        visitor = await guest(proxy)
        got = [await visitor.ask(request(target)) for target in ["/gone", "/a", "/a", "/gone", "/gone", "/a"]]

    assert [answer[9:12] for answer in got] == [b"410", b"200", b"200", b"410", b"410", b"200"]
    assert went == ["long", "short", "short"], "the head was known when it asked for what is gone"


@pytest.mark.parametrize(
    ("target", "status"),
    [("/.consent/state", b"200"), ("/metrics/collect?x=1", b"204"), ("/.well-known/gpc.json", b"200")],
)
async def test_what_is_stopped_is_stopped_again_when_its_head_is_known(tmp_path, target, status):
    async with Origin(otherwise=ok(b"x")) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        visitor = await guest(proxy)
        got = [await visitor.ask(request(one)) for one in (target, "/a", target, "/a", target)]

        assert [answer[9:12] for answer in got] == [status, b"200", status, b"200", status]
        assert [one.target for one in origin.seen] == [b"/a", b"/a"]


@pytest.mark.fast_path
async def test_an_observed_collection_request_passes_and_is_noted_on_both_routes(tmp_path):
    async with (
        Origin(otherwise=ok(b"x")) as origin,
        proxying(origin.url, folder=tmp_path, site="    mode: observe\n") as proxy,
    ):
        went = ways(proxy, origin)
        visitor = await guest(proxy)
        for _ in range(3):
            await visitor.ask(request("/metrics/x"))
        records = proxy.records("request_relayed")

    assert went == ["long", "short", "short"]
    assert [one["verdicts"] for one in records] == [records[0]["verdicts"]] * 3
    assert "request" in str(records[0]["verdicts"])
