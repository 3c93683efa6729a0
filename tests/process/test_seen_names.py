"""What a running proxy names, writes down, tells once and keeps."""

import json

import pytest

from proxy.process.seen_names import MOST_SOURCES, READ_EVERY, known_sources
from proxy.seen.names import Kind
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key, Seen
from tests.support.origin import Origin, html, ok
from tests.support.proxying import proxying

NOW = 1_795_435_200
PAGE = (
    b"<!doctype html><html><head><script src=https://cdn.vendor.example/a.js></script>"
    b"<script src=https://www.googletagmanager.com/gtag/js></script>"
    b"<style>p { background: url(https://css.other.example/i.png) }</style></head>"
    b"<body><img src=https://px.other.example/p.gif><p>Hello</p></body></html>"
)
OBSERVE = "    mode: observe\n"


def origin_of(page=PAGE, *lines):
    cookies = [b"Set-Cookie: " + line for line in lines]
    return Origin({b"/": html(page), b"/x": ok(b"{}", b"Content-Type: application/json", *cookies)})


async def post(proxy, report, *headers):
    body = json.dumps(report).encode()
    return await proxy.ask("/.consent/reports", *headers, method="POST", body=body)


def violation(blocked, page="https://callkom.io/", directive="script-src-elem"):
    return {"csp-report": {"blocked-uri": blocked, "document-uri": page, "effective-directive": directive}}


@pytest.mark.parametrize("site", ["", OBSERVE])
async def test_what_no_rule_speaks_of_is_told_once_with_element_page_and_evidence(tmp_path, site):
    async with (
        origin_of(PAGE, b"odd=1; Path=/") as origin,
        proxying(origin.url, folder=tmp_path, site=site) as proxy,
    ):
        for _ in range(2):
            await proxy.ask("/", "Sec-Fetch-Dest: document", "Cookie: fromscript=1")
            await proxy.ask("/x")
            await post(proxy, violation("https://late.vendor.example/b.js?id=7"))
            await proxy.server.seen.write()
        told = proxy.records("undeclared_seen")
        state = proxy.server.state()["sites"][0]["undeclared"]
        figures = proxy.figures()

    assert sorted((one["kind"], one["name"], one["evidence"], *one["element"]) for one in told) == [
        ("cookie", "fromscript", "reported"),
        ("cookie", "odd", "seen"),
        ("host", "cdn.vendor.example", "seen", "script"),
        ("host", "css.other.example", "seen", "style"),
        ("host", "late.vendor.example", "reported", "script"),
        ("host", "px.other.example", "seen", "img"),
    ]
    assert {one["path"] for one in told} == {"/", "/x"}
    assert (state["hosts"], state["cookies"]) == (4, 2)
    assert 'consent_proxy_undeclared_total{evidence="seen",kind="host",site="callkom.io"} 3.0' in figures


@pytest.mark.parametrize("site", ["", OBSERVE])
async def test_calls_in_inline_scripts_that_run_are_told_with_page_and_evidence(tmp_path, site):
    page = b"<!doctype html><title>x</title><script>start(); fbq('track', 'PageView'); gtag('js')</script>"
    async with origin_of(page) as origin, proxying(origin.url, folder=tmp_path, site=site) as proxy:
        for _ in range(2):
            await proxy.ask("/", "Sec-Fetch-Dest: document")
            await proxy.server.seen.write()
        told = proxy.records("undeclared_seen")

    assert [(one["kind"], one["name"], one["evidence"], one["element"], one["path"]) for one in told] == [
        ("call", "fbq", "seen", ["script"], "/")
    ]


@pytest.mark.parametrize("site", ["", OBSERVE])
async def test_hosts_of_the_sites_name_that_do_not_pass_here_are_listed(tmp_path, site):
    page = b"<!doctype html><html><head><script src=https://cloaked.callkom.io/a.js></script></head></html>"
    async with origin_of(page) as origin, proxying(origin.url, folder=tmp_path, site=site) as proxy:
        await proxy.ask("/", "Sec-Fetch-Dest: document")
        await proxy.server.seen.write()
        state = proxy.server.state()["sites"][0]

    assert state["own_hosts_elsewhere"] == ["cloaked.callkom.io"]
    assert state["undeclared"]["newest"] == []


async def test_names_survive_a_restart_and_are_not_told_again(tmp_path):
    async with origin_of() as origin:
        told = []
        for _ in range(2):
            async with proxying(origin.url, folder=tmp_path) as proxy:
                await proxy.ask("/", "Sec-Fetch-Dest: document")
                await proxy.server.seen.write()
                told.append(len(proxy.records("undeclared_seen")))

    assert told == [3, 0]


async def test_what_was_seen_last_is_written_when_the_proxy_stops(tmp_path):
    async with origin_of() as origin:
        async with proxying(origin.url, folder=tmp_path) as proxy:
            await proxy.ask("/", "Sec-Fetch-Dest: document")
        async with proxying(origin.url, folder=tmp_path) as proxy:
            await proxy.server.seen.write()
            known = proxy.server.state()["sites"][0]["undeclared"]

    assert known["hosts"] == 3


async def test_a_browser_need_not_report_twice_what_was_seen_today(tmp_path):
    async with origin_of() as origin, proxying(origin.url, folder=tmp_path, site=OBSERVE) as proxy:
        first = await proxy.ask("/", "Sec-Fetch-Dest: document")
        await post(proxy, violation("wss://live.vendor.example/", directive="connect-src"))
        await proxy.server.seen.write()
        second = await proxy.ask("/", "Sec-Fetch-Dest: document")
    policies = [got.one(b"Content-Security-Policy-Report-Only") for got in (first, second)]

    assert b"vendor.example" not in policies[0]
    assert b" wss://live.vendor.example:* " in policies[1]
    assert b"cdn.vendor.example:* " in policies[1]
    assert first.body == second.body == PAGE


async def test_a_name_that_is_known_is_followed_without_reading_all_names_again(tmp_path):
    now = [NOW]
    async with (
        origin_of() as origin,
        proxying(origin.url, folder=tmp_path, site=OBSERVE, clock=lambda: now[0]) as proxy,
    ):
        seen, host = proxy.server.seen, Key("callkom.io", Kind.HOST, "elsewhere.example")
        await proxy.ask("/", "Sec-Fetch-Dest: document")
        await seen.write()
        now[0] += 90_000
        await seen.write()
        await SeenStore(proxy.server._store.database).add({host: Seen(now[0], now[0], 1, by_us=True)})
        await proxy.ask("/", "Sec-Fetch-Dest: document")
        await seen.write()
        got = await proxy.ask("/", "Sec-Fetch-Dest: document")
        now[0] += READ_EVERY
        await seen.write()
        later = await proxy.ask("/", "Sec-Fetch-Dest: document")
    known = [one.one(b"Content-Security-Policy-Report-Only") for one in (got, later)]

    assert b"cdn.vendor.example:* " in known[0], "seen again today"
    assert [b"elsewhere.example" in policy for policy in known] == [False, True]


async def test_the_script_of_a_worker_is_observed_too(tmp_path):
    worker = ok(b"fetch('https://w.example/')", b"Content-Type: text/javascript")
    async with (
        Origin({b"/w.js": worker}) as origin,
        proxying(origin.url, folder=tmp_path, site=OBSERVE) as proxy,
    ):
        got = await proxy.ask("/w.js", "Sec-Fetch-Dest: worker")
        page = "https://callkom.io/w.js"
        await post(proxy, violation("https://w.example/", page=page, directive="connect-src"))
        await proxy.server.seen.write()
        told = proxy.records("undeclared_seen")

    assert b"report-uri" in got.one(b"Content-Security-Policy-Report-Only")
    assert [(one["name"], one["element"], one["side"]) for one in told] == [
        ("w.example", ["fetch"], ["worker"])
    ]


@pytest.mark.parametrize(
    "report",
    [
        violation("https://evil.example\n- forged/"),
        violation("https://<script>alert(1)</script>.example/"),
        {"storage": {"\x1b[31mred": 1, "a" * 200: 1}},
        {"cookies": {"a\r\nSet-Cookie: x": 1}},
        [violation("https://[::1")],
        {"csp-report": {"blocked-uri": ["https://list.example"], "document-uri": 7}},
    ],
)
async def test_what_is_no_name_is_not_kept(tmp_path, report):
    async with origin_of() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await post(proxy, report)
        await proxy.server.seen.write()

        assert got.status == 204
        assert proxy.records("undeclared_seen") == []


def test_known_hosts_are_bounded_and_a_day_old_at_most():
    host = Kind.HOST
    known = {Key("site", host, f"h{n}.example"): Seen(NOW - n, NOW - n) for n in range(1000)}
    known[Key("site", host, "old.example")] = Seen(NOW - 90_000, NOW - 90_000)
    known[Key("site", host, "a.*.example")] = Seen(NOW, NOW)
    known[Key("other", host, "elsewhere.example")] = Seen(NOW, NOW)

    found = known_sources(known, "site", NOW)

    assert len(found) <= MOST_SOURCES
    assert found.startswith(b"h0.example:* h1.example:* ")
    assert b"*.example" not in found.replace(b":*", b"")
    assert (
        known_sources({Key("site", host, "old.example"): Seen(NOW - 90_000, NOW - 90_000)}, "site", NOW)
        == b""
    )
