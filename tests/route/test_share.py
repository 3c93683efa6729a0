"""`share`: enforced for a part of all visitors, observed for the rest; `mode: off`: left alone."""

import json

import pytest

from tests.support.origin import Origin, html, ok
from tests.support.proxying import PAGE, RULES, config_text, proxying, read_answer, request

TRUSTED = "trusted_proxies: [127.0.0.1]\nadmin: 127.0.0.1:0"
OPENED = "Sec-Fetch-Dest: document"
NETWORKS = [f"X-Forwarded-For: 198.{18 + n // 250}.{n % 250}.7" for n in range(120)]
ACCEPT = b"choice=accept"


def site(share):
    return f"    share: {share} %\n"


def is_enforced(got):
    return b"Refuse all" in got.body or b"Manage my cookies" in got.body


async def enforced(proxy, *headers, target="/"):
    return is_enforced(await proxy.ask(target, OPENED, *headers))


async def test_a_part_of_the_networks_is_enforced_and_the_same_ones_when_the_part_grows(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin:
        found = []
        for share in (10, 50):
            async with proxying(origin.url, folder=tmp_path, site=site(share), more=TRUSTED) as proxy:
                found.append({line for line in NETWORKS if await enforced(proxy, line)})
                again = {line for line in NETWORKS[:10] if await enforced(proxy, line)}
            assert again == found[-1] & set(NETWORKS[:10])
    few, half = found

    assert 2 <= len(few) <= 30
    assert 40 <= len(half) <= 80
    assert few < half


async def test_the_rest_is_observed_on_both_routes_and_no_cache_keeps_it_for_others(tmp_path):
    sent = html(PAGE, b"Cache-Control: public, max-age=600")
    async with (
        Origin({b"/": sent}) as origin,
        proxying(origin.url, folder=tmp_path, site=site(0.001), more=TRUSTED) as proxy,
    ):
        reader, writer = await proxy.connect()
        got = []
        for _ in range(4):  # from the second time on the fast path takes it
            writer.write(request("/", OPENED, NETWORKS[0]))
            got.append(await read_answer(reader))

    assert [one.body for one in got] == [PAGE] * 4
    assert {one.one(b"Cache-Control") for one in got} == {b"private, no-cache"}
    assert all(one.one(b"Content-Security-Policy-Report-Only") for one in got)


async def test_whoever_has_answered_or_says_no_by_signal_is_always_enforced(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, site=site(0.001), more=TRUSTED) as proxy,
    ):
        answered = await proxy.ask("/.consent/choice", NETWORKS[0], method="POST", body=b"choice=refuse")
        cookie = answered.all(b"Set-Cookie")[0].partition(b";")[0].decode()
        by_answer = await enforced(proxy, NETWORKS[0], f"Cookie: {cookie}")
        by_signal = await enforced(proxy, NETWORKS[0], "Sec-GPC: 1")
        withheld = await enforced(
            proxy, NETWORKS[0], "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Referer: x"
        )
        frame = await proxy.ask("/", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: cross-site", NETWORKS[0])
        nobody = await enforced(proxy, NETWORKS[0])

    assert (by_answer, by_signal, nobody, withheld) == (True, True, False, False)
    assert b'type="text/plain"' in frame.body


async def test_a_reload_changes_the_share_and_turns_nobody_back_who_answered(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, site=site(100), more=TRUSTED, files=True) as proxy,
    ):
        answered = await proxy.ask("/.consent/choice", NETWORKS[0], method="POST", body=b"choice=refuse")
        cookie = answered.all(b"Set-Cookie")[0].partition(b";")[0].decode()
        before = await enforced(proxy, NETWORKS[1])
        (tmp_path / "config.yaml").write_text(config_text(origin.url, site=site(0.001), more=TRUSTED))
        assert await proxy.server.reload()
        after = await enforced(proxy, NETWORKS[1])
        still = await enforced(proxy, NETWORKS[0], f"Cookie: {cookie}")

    assert (before, after, still) == (True, False, True)


# -- off --------------------------------------------------------------------------------------------------

OFF = "    mode: off\n"
LINES = [b"_ga=1; Path=/", b"odd=1; Path=/", b"_fbp=1", b"session=1; Path=/; Max-Age=9000"]


async def test_a_site_that_is_off_passes_everything_but_refused_cookies(tmp_path):
    page = html(PAGE, *(b"Set-Cookie: " + line for line in LINES), b"Cache-Control: public")
    async with Origin({b"/": page, b"/metrics/x": ok(b"counted")}) as origin:
        async with proxying(origin.url, folder=tmp_path, site=OFF) as proxy:
            reader, writer = await proxy.connect()
            got = []
            for _ in range(3):
                writer.write(request("/", OPENED, "Cookie: _ga=1; a=2"))
                got.append(await read_answer(reader))
            collected = await proxy.ask("/metrics/x")
            panel = await proxy.ask("/.consent/")
        sent = origin.seen[0].get(b"cookie")

    assert [one.body for one in got] == [PAGE] * 3
    assert [one.all(b"Set-Cookie") for one in got] == [[LINES[1], LINES[3]]] * 3
    assert {one.one(b"Content-Security-Policy-Report-Only") for one in got} == {None}
    assert {one.one(b"Cache-Control") for one in got} == {b"public"}
    assert collected.body == b"counted"
    assert panel.status == 200
    assert sent == [b"_ga=1; a=2"]


async def test_off_is_loud_in_log_status_and_metrics_and_ends_by_reload(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, site=OFF, files=True) as proxy,
    ):
        await proxy.ask("/", OPENED)
        told = proxy.records("site_off")
        state = proxy.server.state()
        figures = proxy.figures()
        (tmp_path / "config.yaml").write_text(config_text(origin.url))
        assert await proxy.server.reload()
        after = await enforced(proxy)

    assert [(one["site"], one["level"]) for one in told] == [("callkom.io", "warning")]
    assert "callkom.io" in state["doubts"]["off"]
    assert state["sites"][0]["mode"] == "off"
    assert "consent_proxy_sites_off 1.0" in figures
    assert after


async def test_a_part_may_be_off_and_the_rest_is_enforced(tmp_path):
    off = "    paths:\n      - { path: /legacy, mode: off }\n"
    async with Origin({b"/": html(PAGE), b"/legacy/x": html(PAGE)}) as origin:
        async with proxying(origin.url, folder=tmp_path, site=off) as proxy:
            parts = [await enforced(proxy, target=target) for target in ("/", "/legacy/x", "/")]
            told = proxy.records("site_off")

    assert parts == [True, False, True]
    assert json.dumps(told).count("callkom.io") == 1


@pytest.mark.parametrize("value", ["0 %", "101 %", "10", "ten %", "-5 %"])
def test_a_share_is_a_part_of_a_hundred(value):
    from proxy.config.loading import load_config
    from proxy.errors import ConfigError

    with pytest.raises(ConfigError, match="a part of all visitors such as 10 %"):
        load_config(config_text("http://127.0.0.1:1", site=f"    share: {value}\n"))


def test_a_share_of_what_is_not_enforced_is_a_problem():
    from proxy.config.loading import load_config
    from proxy.errors import ConfigError

    with pytest.raises(ConfigError, match="says mode: observe"):
        load_config(config_text("http://127.0.0.1:1", site="    share: 10 %\n    mode: observe\n"))


@pytest.mark.parametrize(("more", "warns"), [("", True), ("trusted_proxies: [127.0.0.1]", False)])
def test_check_warns_of_a_share_behind_a_proxy_that_nobody_trusts(tmp_path, more, warns):
    from tests.commands.running import run

    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "config.yaml").write_text(config_text("http://127.0.0.1:1", site=site(10), more=more))
    said = run("check", str(tmp_path / "rules.yaml"), "--config", str(tmp_path / "config.yaml"))

    assert ("all visitors share one" in said.stderr) is warns
