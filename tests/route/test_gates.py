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
    assert went == ["ordinary", "fast", "fast"], "the head was known when it asked for what is gone"


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

    assert went == ["ordinary", "fast", "fast"]
    assert [one["verdicts"] for one in records] == [records[0]["verdicts"]] * 3
    assert "request" in str(records[0]["verdicts"])


async def ask(tmp_path, *headers, method="OPTIONS", mode="enforce"):
    site = f"    mode: {mode}\n"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, site=site) as proxy:
        got = await proxy.ask("/x", *headers, method=method)
        said = [seen.get(b"max-forwards") for seen in origin.seen]
    return got.status, said


@pytest.mark.parametrize("mode", ["enforce", "observe"])
async def test_at_zero_we_answer_and_nobody_else_hears_of_it(tmp_path, mode):
    assert await ask(tmp_path, "Max-Forwards: 0", mode=mode) == (204, [])


@pytest.mark.parametrize("mode", ["enforce", "observe"])
@pytest.mark.parametrize(("said", "passed"), [("1", b"0"), ("010", b"9"), ("999999999", b"999999998")])
async def test_above_zero_it_goes_on_with_one_less(tmp_path, said, passed, mode):
    assert await ask(tmp_path, f"max-forwards: {said}", mode=mode) == (200, [[passed]])


@pytest.mark.parametrize(
    "said",
    [
        ["Max-Forwards: x"],
        ["Max-Forwards: -1"],
        ["Max-Forwards:"],
        ["Max-Forwards: 1"] * 2,
        ["Max-Forwards: 1000000000"],
    ],
)
async def test_what_is_no_number_is_refused(tmp_path, said):
    assert await ask(tmp_path, *said) == (400, [])


async def test_of_other_methods_it_is_none_of_our_business(tmp_path):
    assert await ask(tmp_path, "Max-Forwards: 0", method="GET") == (200, [[b"0"]])


async def test_an_options_request_without_it_passes(tmp_path):
    assert await ask(tmp_path) == (200, [[]])
