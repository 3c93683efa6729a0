"""What is asked again goes the fast path: to the visitor, the upstream and the records it is the same."""

import asyncio
import gc
import gzip
import itertools
import json
import re
import ssl
import weakref

import pytest
import trustme

from proxy.consent.decision import SAID_FOR
from proxy.http.upstream import pool
from proxy.route.relay import Relay
from tests.process.test_worker import certificate
from tests.route.test_relay import accept
from tests.support.guest import Guest, guest, raw_answer, ways
from tests.support.origin import CLOSE, HANG, RESET, Origin, chunked, html, ok, until
from tests.support.proxying import PAGE, RULES, proxying, request

GA = b"Set-Cookie: _ga=GA1.1; Domain=.callkom.io; Path=/"
OWN = b"Set-Cookie: session=1; Path=/; HttpOnly"
ODD = b"Set-Cookie: odd=1; Max-Age=99999999"
QUICK = "timeouts: { first_byte: 0.3, idle: 0.3, connect: 0.5 }"


@pytest.fixture(autouse=True)
def _quick_sweep(monkeypatch):
    monkeypatch.setattr(pool, "TICK", 0.02)


def nameless(data: bytes) -> bytes:
    """The same without the name of the request."""
    return re.sub(rb"\b[0-9a-f]{16}\b", b"...", data)


def said(proxy) -> list[dict]:
    """The records of requests, without what differs each time."""
    records = proxy.records("request_relayed")
    return [{k: v for k, v in one.items() if k not in ("at", "ms", "request_id")} for one in records]


def counted(proxy) -> dict[str, float]:
    """All figures but how long things took, and what holds at the moment."""
    now = (
        "consent_proxy_upstream_connections",
        "consent_proxy_upstream_waiting",
        "consent_proxy_upstream_in_use",
        "consent_proxy_visitor_connections",
        "consent_proxy_cpu_seconds_total",
        "consent_proxy_resident_bytes",
        "consent_proxy_open_files",
    )
    lines = [
        line.rpartition(" ") for line in proxy.figures().splitlines() if line.startswith("consent_proxy_")
    ]
    return {
        name: float(value)
        for name, _, value in lines
        if "_sum" not in name and "_bucket" not in name and name not in now
    }


def more(now: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0) for name, value in now.items() if value != before.get(name, 0)}


ANSWERS = {
    b"/page": html(
        PAGE,
        GA,
        OWN,
        ODD,
        b"Cache-Control: max-age=60",
        b'ETag: "v1"',
        b"Content-Security-Policy: default-src *",
    ),
    b"/gzip": html(gzip.compress(PAGE, mtime=0), b"Content-Encoding: gzip", b"Vary: Accept-Encoding"),
    b"/chunks": chunked(PAGE[:20], PAGE[20:], fields=[b"Content-Type: text/html"]),
    b"/404": ok(PAGE, b"Content-Type: text/html", GA, status=b"404 Nicht da"),
    b"/500": ok(b"broken", b"Content-Type: text/plain", status=b"500 Oops"),
    b"/json": ok(b'{"a": 1}', b"Content-Type: application/json", OWN, b"X-Odd: caf\xe9"),
    b"/js": ok(b"alert(1)", b"Content-Type: text/javascript", GA, b"Connection: X-Hop", b"X-Hop: 1"),
    b"/svg": ok(b"<svg xmlns='http://www.w3.org/2000/svg'><a/></svg>", b"Content-Type: image/svg+xml"),
    b"/feed": ok(b"<rss><a/></rss>", b"Content-Type: application/rss+xml"),
    b"/204": b"HTTP/1.1 204 No Content\r\n" + GA + b"\r\n" + OWN + b"\r\n\r\n",
    b"/304": b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n',
    b"/302": ok(b"", b"Location: /elsewhere", GA, OWN, status=b"302 Found"),
    b"/empty": ok(b"", b"Content-Type: text/html"),
    b"/unreadable": html(b"nonsense", b"Content-Encoding: dcb"),
    b"/bomb": html(b"\x1f\x8bnonsense", b"Content-Encoding: gzip"),
    b"/untyped": ok(b"<html>", b"Server: x"),
    b"/eof": [b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\n\r\na{}", CLOSE],
    b"/many": ok(b"x" * 3_000, b"Content-Type: image/png", *[b"X-%d: y" % n for n in range(60)]),
}
HEADS = {
    "nobody": (),
    "cookies": ("Cookie: session=1; _ga=GA1; hubspotutk=3; odd=2",),
    "signal": ("Sec-GPC: 1", "Accept-Language: fr, en;q=0.5", "Accept-Encoding: gzip, br"),
    "frame": ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Cookie: _ga=GA1"),
    "worker": ("Sec-Fetch-Dest: serviceworker", "Service-Worker: script"),
    "doubled": ("Cookie: consent_callkom=1; consent_callkom=2", "Connection: keep-alive, X-Gone", "X-Gone: 1"),
    "traced": ("traceparent: 00-@-00", "Cookie: _ga=1", "CF-RAY: @-CDG", "X-Request-ID: r@", "Connection: keep-alive, tracestate",
               "tracestate: a=@", "X-Azure-Ref: @"),
}  # fmt: skip
"""An @ is another one in each request."""


def numbered(headers, number: int) -> tuple[str, ...]:
    return tuple(header.replace("@", f"{number}") for header in headers)


WHO = [*((who, "enforce") for who in HEADS), ("nobody", "observe"), ("cookies", "observe")]


async def alike(proxy, origin, heads, targets, *, figures=False) -> None:
    """Ask for each twice: the second time it goes the fast path, and nothing else is different."""
    went, numbers = ways(proxy, origin), itertools.count()
    someone = await guest(proxy)
    for headers in heads:
        await someone.ask(request("/known", *numbered(headers, next(numbers))))
        for target in targets:
            answers, seen, counts, same = [], [], [], next(numbers)
            for way in ("ordinary", "fast"):
                await someone.ask(
                    request("/warm", *numbered(headers, next(numbers)))
                )  # for an idle connection
                asked = request(target.decode(), *numbered(headers, same))
                pieces = [asked] if way == "fast" else [asked[:-1], asked[-1:]]
                before, start = counted(proxy) if figures else {}, len(origin.seen)
                answers.append(nameless(await someone.ask(*pieces)))
                counts.append(more(counted(proxy), before) if figures else {})
                seen.append([nameless(one.raw_head) for one in origin.seen[start:]])
                assert went[-len(seen[-1])] == way, (target, headers)
            assert answers[0] == answers[1], (target, headers)
            assert seen[0] == seen[1], (target, headers)
            assert counts[0] == counts[1], (target, headers)
            records = [one for one in said(proxy) if one["path"] == target.decode()]
            assert records[-1] == records[-2], (target, headers)


@pytest.mark.parametrize(("who", "mode"), WHO)
async def test_the_second_answer_is_byte_for_byte_the_first(tmp_path, who, mode):
    async with (
        Origin(ANSWERS, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path, site=f"    mode: {mode}\n") as proxy,
    ):
        await alike(proxy, origin, [HEADS[who]], list(ANSWERS), figures=who == "cookies")


async def test_it_is_the_same_for_who_has_agreed_and_for_who_has_refused(tmp_path):
    now = [1_800_000_000.0]
    async with (
        Origin(ANSWERS, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path, clock=lambda: now[0]) as proxy,
    ):
        some = await accept(proxy, b"performance")
        every = await accept(proxy)
        now[0] += SAID_FOR  # the page right after an answer says that it was saved
        heads = [
            (f"Cookie: {some}; _ga=1",),
            (f"Cookie: {every}; _ga=1",),
            (f"Cookie: {every}", "Sec-GPC: 1"),
        ]
        await alike(proxy, origin, heads, list(ANSWERS)[:6])


@pytest.mark.parametrize("trusted", [False, True])
async def test_each_request_is_passed_on_with_what_is_new_in_it(tmp_path, trusted):
    more = "trusted_proxies: 127.0.0.0/8" if trusted else ""
    steps = [ANSWERS[b"/page"][:-30], 0.02, ANSWERS[b"/page"][-30:]]
    async with (
        Origin({b"/drips": steps, b"/unreadable": ANSWERS[b"/unreadable"]}, otherwise=ok(b"x")) as origin,
        proxying(origin.url, folder=tmp_path, more=more) as proxy,
    ):
        went = ways(proxy, origin)
        someone = await guest(proxy)
        for number, target in enumerate(["/a", "/a", "/a", "/drips", "/a", "/unreadable", "/a"]):
            await someone.ask(request(target, *numbered(HEADS["traced"], number)))
        records = proxy.records("request_relayed")

    assert went == ["ordinary", *["fast"] * 5, "ordinary", "fast"], "one is asked for anew, without a coding"
    numbers = [b"0", b"1", b"2", b"3", b"4", b"5", b"5", b"6"]
    told = [
        [one.get(name) for name in (b"CF-RAY", b"traceparent", b"X-Azure-Ref", b"tracestate")]
        for one in origin.seen
    ]
    assert told == [[[n + b"-CDG"], [b"00-" + n + b"-00"], [n], []] for n in numbers]
    names = [one.get(b"X-Request-ID") for one in origin.seen]
    assert all(len(name) == 1 for name in names)
    assert (names == [[b"r" + n] for n in numbers]) is trusted
    assert trusted or len({name[0] for name in names}) == 7
    assert [one["request_id"].encode() for one in records] == [name for [name] in (*names[:5], *names[6:])]


async def test_a_name_that_cannot_be_one_is_not_passed_on_for_being_new(tmp_path):
    async with (
        Origin(otherwise=ok(b"x")) as origin,
        proxying(origin.url, folder=tmp_path, more="trusted_proxies: 127.0.0.0/8") as proxy,
    ):
        someone = await guest(proxy)
        for name in ("one", "two", "no/name", "{no}", "three"):
            await someone.ask(request("/", f"X-Request-ID: {name}"))

    names = [one.get(b"X-Request-ID")[0] for one in origin.seen]
    assert [name for name in names if not re.fullmatch(rb"[0-9a-f]{16}", name)] == [b"one", b"two", b"three"]


async def test_where_a_page_that_cannot_be_read_passes_it_passes_again(tmp_path):
    async with (
        Origin(ANSWERS, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path, site="    on_error: pass\n") as proxy,
    ):
        await alike(proxy, origin, [()], [b"/unreadable", b"/bomb", b"/page"])


def limit(proxy, connections: int) -> None:
    for one in proxy.server.snapshot.upstreams["callkom.io"]._pools:
        one._shares.limit = connections


async def short_guest(proxy, *headers) -> Guest:
    """A visitor whose next request with these headers goes the fast path."""
    someone = await guest(proxy)
    for _ in range(2):
        await someone.ask(request("/warm", *headers))
    return someone


async def test_other_methods_between_go_their_own_way(tmp_path):
    async with (
        Origin({b"/page": ANSWERS[b"/page"]}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        someone = await guest(proxy)
        first = await someone.ask(request("/page"))
        for _ in range(3):
            head = await someone.ask(request("/json", method="HEAD"), method="HEAD")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            posted = await someone.ask(request("/form", method="POST", body=b"a=1\r\n\r\n"))
            assert json.loads(posted.partition(b"\r\n\r\n")[2])["length"] == 7
            assert b'"OPTIONS"' in await someone.ask(request("/x", method="OPTIONS"))
            assert await someone.ask(request("/page")) == first

    assert [one.method for one in origin.seen] == [b"GET"] + [b"HEAD", b"POST", b"OPTIONS", b"GET"] * 3


# -- an upstream that does not answer in one piece ---------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [
        [ANSWERS[b"/page"][:10], 0.05, ANSWERS[b"/page"][10:]],
        [ANSWERS[b"/page"][:-30], 0.05, ANSWERS[b"/page"][-30:]],
        [ANSWERS[b"/page"][: -len(PAGE)], 0.05, PAGE],
        [0.1, ANSWERS[b"/page"]],
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0.05, ANSWERS[b"/page"]],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWERS[b"/page"]],
        [step for n in range(0, len(ANSWERS[b"/page"]), 64) for step in (ANSWERS[b"/page"][n : n + 64], 0.001)],
    ],
    ids=["head cut", "body cut", "head alone", "late", "interim", "interim with it", "drips"],
)  # fmt: skip
async def test_an_answer_in_pieces_is_the_same_answer(tmp_path, steps):
    answers = {b"/page": steps}
    async with (
        Origin(answers, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        went = ways(proxy, origin)
        someone = await guest(proxy)
        first = await someone.ask(request("/page"))
        await someone.ask(request("/warm"))
        second = await someone.ask(request("/page"))
        third = await someone.ask(request("/page"))

        assert body(first) == body(second) == body(third)
        assert went[-1] == "fast"
        assert said(proxy)[0] == said(proxy)[2] == said(proxy)[3]


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([b"SSH-2.0-OpenSSH\r\n", HANG], 502),
        ([b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], 502),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"], 502),
        ([b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", HANG], 502),
        ([HANG], 504),
        ([CLOSE], 502),
        ([RESET], 502),
    ],
    ids=["garbage", "half a head", "two lengths", "switch", "silent", "closed", "reset"],
)
async def test_a_failure_on_the_short_way_is_the_page_and_the_record_of_any_other(tmp_path, steps, status):
    async with (
        Origin({b"/": steps}, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path, more=QUICK) as proxy,
    ):
        went = ways(proxy, origin)
        before = counted(proxy)
        first = await (await guest(proxy)).ask(request("/"))
        long = more(counted(proxy), before)
        someone = await short_guest(proxy)
        before = counted(proxy)
        second = await someone.ask(request("/"))

        assert "fast" in went[-2:]
        assert nameless(second) == nameless(first)
        assert first.startswith(b"HTTP/1.1 %d " % status)
        assert more(counted(proxy), before) == long
        failed = proxy.records("upstream_failed")
        assert [one["status"] for one in failed] == [status] * 2
        assert failed[0]["why"] == failed[1]["why"]
        assert said(proxy)[0] == said(proxy)[-1]


async def test_a_used_connection_that_ends_before_a_byte_is_tried_again_once(tmp_path):
    async with (
        Origin({b"/": [CLOSE]}, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        someone = await short_guest(proxy)
        origin.answers[b"/"] = lambda seen: [CLOSE] if seen.connection == 1 else ok(b"again")
        before = counted(proxy)
        answer = await someone.ask(request("/"))

        assert answer.endswith(b"again")
        assert [one.target for one in origin.seen[-2:]] == [b"/", b"/"]
        assert len({one.raw_head for one in origin.seen[-2:]}) == 1  # the same request by the same name
        assert origin.connections == 2
        figures = more(counted(proxy), before)
        assert figures.pop('consent_proxy_requests_total{kind="other",site="callkom.io",status="2xx"}') == 1
        assert not [name for name in figures if "failures" in name]


async def test_where_that_upstream_is_gone_the_next_one_is_asked(tmp_path):
    asked = []

    def gone(origin):
        def answer(_):
            asked.append(origin)
            if len(asked) == 1:
                origin._server.close()
            return [CLOSE] if origin is asked[0] else ok(b"here")

        return answer

    async with Origin(otherwise=ok(b"warm")) as one, Origin(otherwise=ok(b"warm")) as other:
        for origin in (one, other):
            origin.answers[b"/gone"] = gone(origin)
        async with proxying(one.url, other.url, folder=tmp_path) as proxy:
            someone = await guest(proxy)
            for _ in range(6):
                await someone.ask(request("/warm"))
            answer = await someone.ask(request("/gone"))

            assert answer.endswith(b"here")
            assert len(asked) == 2
            assert sorted(
                pool.health.failures for pool in proxy.server.snapshot.upstreams["callkom.io"]._pools
            ) == [
                0,
                1,
            ]
            assert proxy.records("upstream_failed") == []


async def test_upstreams_share_the_requests_on_the_short_way(tmp_path):
    async with Origin(otherwise=ok(b"one")) as one, Origin(otherwise=ok(b"other")) as other:
        async with proxying(one.url, other.url, folder=tmp_path) as proxy:
            someone = await guest(proxy)
            for _ in range(40):
                await someone.ask(request("/"))

    assert 15 <= len(one.seen) <= 25


@pytest.mark.parametrize("late", [0, 0.001, 0.05])
async def test_a_second_answer_nobody_asked_for_is_never_given_to_anybody(tmp_path, late):
    bait = [ok(b"bait"), late, ok(b"poison")] if late else [ok(b"bait") + ok(b"poison")]
    async with (
        Origin({b"/bait": bait}, otherwise=ok(b"fine")) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        someone, other = await short_guest(proxy), await short_guest(proxy)
        assert (await someone.ask(request("/bait"))).endswith(b"bait")
        await asyncio.sleep(late + 0.02)
        for visitor in (someone, other, someone):
            assert (await visitor.ask(request("/next"))).endswith(b"fine")


async def test_where_all_upstream_connections_are_busy_a_request_waits_in_line(tmp_path):
    def slow(seen):
        return [0.02, ok(seen.target)]

    async with (
        Origin(otherwise=slow) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        limit(proxy, 2)
        guests = [await short_guest(proxy) for _ in range(6)]
        answers = await asyncio.gather(*(one.ask(request(f"/{n}")) for n, one in enumerate(guests)))

        assert [answer.rpartition(b"/")[2] for answer in answers] == [b"%d" % n for n in range(6)]
        assert origin.connections <= 2


# -- what changes between two requests with one head -------------------------------------------------------


async def test_new_rules_hold_for_the_next_request_with_a_known_head(tmp_path):
    async with (
        Origin({b"/": html(PAGE, GA)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        went = ways(proxy, origin)
        someone = await guest(proxy)
        for _ in range(2):
            assert b'type="text/plain"' in await someone.ask(request("/"))
        (tmp_path / "rules.yaml").write_text(
            RULES.replace("performance: { basis: consent }", "performance: { basis: legitimate interest }")
        )
        assert await proxy.server.reload()
        answers = [await someone.ask(request("/")) for _ in range(2)]

        assert went == ["ordinary", "fast", "ordinary", "fast"]
        assert answers[0] == answers[1]
        assert b'type="text/plain"' not in answers[0]
        assert b"_ga=GA1.1" in answers[0]


async def test_what_rules_were_before_is_not_kept_by_the_heads_that_came_under_them(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, files=True) as proxy:
        someone = await guest(proxy)
        for _ in range(3):
            await someone.ask(request("/", "X: never again"))
        sites = weakref.ref(proxy.server.snapshot.sites)
        await proxy.server.reload()
        for _ in range(3):
            await someone.ask(request("/", "X: other"))

        def forgotten():
            gc.collect()
            return sites() is None

        await until(forgotten)


async def test_an_answer_expires_while_its_head_is_remembered(tmp_path):
    now = [1_800_000_000.0]
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, clock=lambda: now[0]) as proxy,
    ):
        cookie = f"Cookie: {await accept(proxy)}"
        now[0] += SAID_FOR  # the page right after an answer says that it was saved
        went = ways(proxy, origin)
        someone = await guest(proxy)
        for _ in range(3):
            assert b'type="text/plain"' not in await someone.ask(request("/", cookie))
        now[0] += 400 * 86_400
        assert b'type="text/plain"' in await someone.ask(request("/", cookie))
        now[0] -= 400 * 86_400
        assert b'type="text/plain"' not in await someone.ask(request("/", cookie))
        assert went[1:] == ["fast"] * 4


async def test_a_name_given_by_a_trusted_proxy_is_kept_each_time(tmp_path):
    async with (
        Origin() as origin,
        proxying(origin.url, folder=tmp_path, more="trusted_proxies: 127.0.0.0/8") as proxy,
    ):
        someone = await guest(proxy)
        for _ in range(3):
            await someone.ask(request("/", "X-Request-ID: edge-1", "X-Forwarded-For: 203.0.113.7"))
        for _ in range(3):
            await someone.ask(request("/", "X-Forwarded-For: 203.0.113.7"))

    assert [one.get(b"X-Request-ID") for one in origin.seen[:3]] == [[b"edge-1"]] * 3
    assert len({one.get(b"X-Request-ID")[0] for one in origin.seen}) == 4
    assert {one.get(b"X-Real-IP")[0] for one in origin.seen} == {b"203.0.113.7"}


async def test_each_visitor_with_one_head_is_named_by_their_own_address(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        went = ways(proxy, origin)
        guests = []
        for last in (1, 2, 1, 2):
            made = await asyncio.open_connection("127.0.0.1", proxy.port, local_addr=(f"127.0.0.{last}", 0))
            proxy.opened.append(made[1])
            guests.append(Guest(*made))
        for one in guests * 2:
            await one.ask(request("/"))

        assert went == ["ordinary"] + ["fast"] * 7
        assert [one.get(b"X-Forwarded-For")[0] for one in origin.seen] == [b"127.0.0.1", b"127.0.0.2"] * 4


async def test_behind_tls_it_is_the_same(tmp_path):
    ca = trustme.CA()
    certificate(tmp_path, ca)
    context = ssl.create_default_context()
    ca.configure_trust(context)
    more_config = "tls: { certificate: cert.pem, key: key.pem }"
    async with (
        Origin({b"/": html(PAGE, GA)}) as origin,
        proxying(origin.url, folder=tmp_path, more=more_config) as proxy,
    ):
        went = ways(proxy, origin)
        made = await asyncio.open_connection(
            "127.0.0.1", proxy.port, ssl=context, server_hostname="callkom.io"
        )
        proxy.opened.append(made[1])
        someone = Guest(*made)
        answers = [await someone.ask(request("/")) for _ in range(4)]

        assert went[2:] == ["fast", "fast"]
        assert len(set(answers)) == 1
        assert {one.get(b"X-Forwarded-Proto")[0] for one in origin.seen} == {b"https"}


# -- what is never asked of an upstream --------------------------------------------------------------------


async def test_a_known_head_opens_no_way_to_what_is_refused_or_ours(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        someone = await short_guest(proxy)
        origin.seen.clear()
        for _ in range(2):
            assert (await someone.ask(request("/metrics/collect?a=b"))).startswith(b"HTTP/1.1 204 ")
            assert b'"gpc"' in await someone.ask(request("/.well-known/gpc.json"))
            state = await someone.ask(request("/.consent/state"))
            assert state.startswith(b"HTTP/1.1 200 ")
        assert origin.seen == []
        await someone.ask(request("/.consen%74/state"))
        assert [one.target for one in origin.seen] == [b"/.consen%74/state"]


async def test_a_known_head_with_an_upgrade_is_a_handshake_and_nothing_less(tmp_path):
    handshake = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
    switch = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello"
    )
    async with Origin({b"/ws": [switch, HANG]}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for _ in range(3):
            someone = await short_guest(proxy, *handshake[2:])
            someone.writer.write(request("/ws", *handshake))
            assert (await someone.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            assert await someone.reader.readexactly(5) == b"hello"
            # bytes in a tunnel are no request, however well their head is known
            someone.writer.write(request("/tunnel", *handshake[2:]))
            someone.writer.close()
        await asyncio.sleep(0.05)
        assert b"/tunnel" not in [one.target for one in origin.seen]


async def test_an_event_stream_may_be_silent_however_often_it_was_asked_for(tmp_path):
    stream = [
        0.45,
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
        0.45,
        b"data: 2\n\n",
        CLOSE,
    ]
    async with (
        Origin({b"/events": stream}, otherwise=ok(b"warm")) as origin,
        proxying(origin.url, folder=tmp_path, more=QUICK) as proxy,
    ):
        someone = await short_guest(proxy, "Accept: text/event-stream")
        answer = await someone.ask(request("/events", "Accept: text/event-stream"))

        assert answer.endswith(b"data: 1\n\ndata: 2\n\n")


# -- a crowd -----------------------------------------------------------------------------------------------


async def test_in_a_crowd_nobody_gets_what_is_another_visitors(tmp_path):
    """Forty visitors of four kinds at once, some of whom leave: each answer is for who asked, and judged so."""

    def answer(seen):
        cookie = (seen.get(b"Cookie") or [b""])[0]
        text = PAGE.replace(b"Hello", b"<var>%b|%b|%b</var>" % (seen.target, cookie, seen.get(b"X-Who")[0]))
        whole = html(text, GA, b"X-Target: " + seen.target)
        number = int(seen.target.rpartition(b"/")[2])
        return [whole] if number % 3 else [whole[: 50 + number], 0.001, whole[50 + number :]]

    async with (
        Origin(otherwise=answer) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        limit(proxy, 8)
        every = await accept(proxy)
        kinds = [
            ("", ("X-Who: a",)),
            ("session=b", ("X-Who: b", "Cookie: session=b; _ga=1")),
            (f"session=c; {every}; _ga=2", ("X-Who: c", f"Cookie: session=c; {every}; _ga=2")),
            ("", ("X-Who: d", "Sec-GPC: 1", "Cookie: hubspotutk=d")),
        ]

        async def visit(number):
            shown, headers = kinds[number % 4]
            who = headers[0][-1]
            someone = await guest(proxy)
            for step in range(12):
                target = f"/{number}/{step}"
                asked = request(target, *headers)
                if number % 10 == 7 and step % 4 == 3:  # leaves, and comes again
                    someone.writer.write(asked)
                    await asyncio.sleep(0.001 * (step % 3))
                    someone.writer.transport.abort()
                    someone = await guest(proxy)
                    continue
                if step % 5 == 4:  # asks for two at once
                    someone.writer.write(asked + request(target, *headers))
                    got = [await raw_answer(someone.reader), await raw_answer(someone.reader)]
                else:
                    got = [await someone.ask(asked)]
                for one in got:
                    assert b"X-Target: " + target.encode() + b"\r\n" in one
                    found = re.search(rb"<var>(.*)</var>", one)[1].decode()
                    assert found.startswith(f"{target}|{shown.split('; ')[0]}")
                    assert found.endswith(f"|{who}")
                    assert (b"_ga=GA1.1" in one) == (b'type="text/plain"' not in one) == (who == "c")

        async with asyncio.timeout(30):
            await asyncio.gather(*(visit(number) for number in range(40)))


async def test_what_a_script_fetches_goes_the_short_way_whatever_it_turns_out_to_be(tmp_path, monkeypatch):
    """Whether it is data that calls itself HTML, only its first bytes tell, and they are here."""
    answers = {
        b"/part": html(b"<p>part</p>"),
        b"/data": html(b'{"a": "<script src=//a.example/x></script>"}'),
    }
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        went = ways(proxy, origin)
        whole = []
        relayed = Relay.whole
        monkeypatch.setattr(Relay, "whole", lambda *given: whole.append(1) or relayed(*given))
        someone = await guest(proxy)
        fetched = [
            await someone.ask(request(target, "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors"))
            for target in ("/part", "/part", "/data", "/data")
        ]

    assert went == ["ordinary", "fast", "fast", "fast"]
    assert len(whole) == 3, "none of them was handed over"
    assert nameless(fetched[0]) == nameless(fetched[1])
    assert body(fetched[2]) == body(fetched[3]) == answers[b"/data"].partition(b"\r\n\r\n")[2]
