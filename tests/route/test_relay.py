import asyncio
import base64
import gzip
import hashlib
import json
import os
import re

import pytest

from tests.support.origin import CLOSE, RESET, Origin, chunked, echo, html, ok, until
from tests.support.proxying import PAGE, RULES, chunks, proxying, read_answer, read_head, request

DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
GA = b"_ga=GA1.1; Domain=.callkom.io; Path=/"


async def test_a_page_reaches_the_visitor_with_refused_tags_held(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/")

    assert got.status == 200
    assert b'<script type="text/plain" data-consent="performance" src="https://www.google' in got.body
    assert b"<p>Hello</p>" in got.body


async def test_hosts_nobody_configured_are_misdirected_and_never_asked_or_logged(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", host="evil.example")

        assert got.status == 421
        assert origin.seen == []
        assert b"evil.example" not in proxy.log.getvalue()


async def test_a_host_of_30_kb_is_answered_as_one_nobody_configured(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        unknown = await proxy.ask("/", host="evil.example")
        names = await proxy.ask("/", host="a" * 30_000)
        ports = await proxy.ask("/", host="callkom.io:" + "1" * 30_000)

        assert names == ports == unknown
        assert unknown.status == 421
        assert origin.seen == []


async def test_ports_in_host_are_ignored_when_sites_are_matched(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/a", host="APP.callkom.io:8443")

    assert got.status == 200
    assert dict(map(tuple, got.json["headers"]))["Host"] == "APP.callkom.io:8443"


async def test_the_target_and_the_headers_reach_the_upstream_as_they_came(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask(
            "/a%2Fb/../c?x=%zz&y",
            "X-Odd: caf\xe9",
            "x-LOWER: 1",
            "X-Odd: two",
            "Connection: X-Hop",
            "X-Hop: 1",
        )
        seen = origin.seen[0]

    assert seen.target == b"/a%2Fb/../c?x=%zz&y"
    names = [pair for pair in seen.headers if pair[0].lower() in (b"x-odd", b"x-lower", b"x-hop")]
    assert names == [(b"X-Odd", b"caf\xe9"), (b"x-LOWER", b"1"), (b"X-Odd", b"two")]


async def test_the_upstream_learns_who_asks_from_us_alone(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask(
            "/",
            "X-Forwarded-For: 6.6.6.6",
            "x_real_ip: 6.6.6.6",
            "X-Forwarded-Proto: https",
            "X-Request-ID: mine",
        )
        seen = origin.seen[0]

    assert seen.get(b"X-Forwarded-For") == [b"127.0.0.1"]
    assert seen.get(b"X-Forwarded-Proto") == [b"http"]
    assert seen.get(b"X-Forwarded-Host") == [b"callkom.io"]
    assert seen.get(b"x_real_ip") == []
    assert seen.get(b"Via") == []
    assert seen.get(b"X-Request-ID") != [b"mine"]


async def test_a_trusted_proxy_is_believed_about_visitor_scheme_and_request_id(tmp_path):
    more = "trusted_proxies: 127.0.0.0/8"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        await proxy.ask(
            "/", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Request-ID: edge-1"
        )
        seen = origin.seen[0]

        assert seen.get(b"X-Real-IP") == [b"203.0.113.7"]
        assert seen.get(b"X-Forwarded-Proto") == [b"https"]
        assert seen.get(b"X-Request-ID") == [b"edge-1"]
        record = proxy.records("request_relayed")[0]

    assert record["request_id"] == "edge-1"
    assert record["visitor"] == "203.0.113.0/24"


SAID = (
    "X-Forwarded-User: admin",
    "X-Forwarded-Protocol: ssl",
    "X_Forwarded_Client_Cert: x",
)


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("mode", ["enforce", "observe"])
async def test_only_a_trusted_proxy_says_who_signed_in_and_how(tmp_path, trusted, mode):
    more = "trusted_proxies: 127.0.0.0/8" if trusted else ""
    async with (
        Origin() as origin,
        proxying(origin.url, folder=tmp_path, more=more, site=f"    mode: {mode}\n") as proxy,
    ):
        await proxy.ask("/", *SAID)

    told = [f"{name.decode()}: {value.decode()}" for name, value in origin.seen[0].headers]
    assert [line for line in SAID if line in told] == (list(SAID) if trusted else [])


async def test_no_twin_in_underscores_of_a_field_of_ours_reaches_the_upstream(tmp_path):
    """A CGI or WSGI server reads both spellings as one name."""
    twins = (
        "X_Request_ID: mine",
        "Content_Length: 5",
        "Transfer_Encoding: chunked",
        "x_forwarded_for: 6.6.6.6",
    )
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/", *twins, "My_Own: 1")

    assert [name for name, _ in origin.seen[0].headers if b"_" in name] == [b"My_Own"]


async def test_a_loop_is_noticed(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/", "CDN-Loop: cloudflare")
        others, ours = origin.seen[0].get(b"CDN-Loop")
        got = await proxy.ask("/", f"CDN-Loop: {others.decode()}, {ours.decode()}")

        assert others == b"cloudflare"
        assert got.status == 508
        assert len(origin.seen) == 1


async def test_another_installation_before_this_one_is_no_loop(tmp_path):
    (tmp_path / "other").mkdir()
    async with (
        Origin() as origin,
        proxying(origin.url, folder=tmp_path) as inner,
        proxying(f"http://127.0.0.1:{inner.port}", folder=tmp_path / "other") as outer,
    ):
        got = await outer.ask("/")

        assert got.status == 200
        assert len(origin.seen[0].get(b"CDN-Loop")) == 2


async def test_via_is_said_to_the_upstream_only_where_the_config_says_so(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, site="    via: yes\n") as proxy:
        await proxy.ask("/", "Via: 1.1 cdn")

    assert origin.seen[0].get(b"Via") == [b"1.1 cdn", b"1.1 consent-proxy"]


async def test_refused_cookies_are_hidden_from_the_upstream_and_undeclared_ones_pass(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/", "Cookie: session=1; _ga=GA1; odd=2; hubspotutk=3")

    assert origin.seen[0].get(b"Cookie") == [b"session=1; odd=2"]


@pytest.mark.parametrize(
    "status", [b"200 OK", b"302 Found", b"404 Not Found", b"500 Oops", b"304 Not Modified"]
)
async def test_set_cookie_is_judged_on_every_status(tmp_path, status):
    answer = ok(b"", b"Set-Cookie: " + GA, b"Set-Cookie: session=1; Path=/", b"Location: /x", status=status)
    if status.startswith(b"304"):
        answer = answer.replace(b"Content-Length: 0\r\n", b"")
    async with Origin(otherwise=answer) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/x")

    assert got.all(b"Set-Cookie") == [b"session=1; Path=/"]
    assert got.one(b"Location") == b"/x"


async def test_a_refused_collection_request_is_answered_204_and_goes_nowhere(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/metrics/collect?mail=me@example.com", method="POST", body=b"x=1")

        assert got.status == 204
        assert origin.seen == []
        assert "example.com" not in proxy.log.getvalue().decode()


async def test_refused_cookies_in_the_jar_are_expired_with_the_page(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Cookie: _ga=GA1")

    expired = got.all(b"Set-Cookie")
    assert any(line.startswith(b"_ga=;") and b"Domain=callkom.io" in line for line in expired)
    assert all(b"Max-Age=0" in line for line in expired)


async def test_a_request_from_which_cookies_are_withheld_sweeps_nothing(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask(
            "/",
            "Cookie: _ga=GA1",
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Mode: navigate",
            "Sec-Fetch-Dest: iframe",
        )

    assert got.all(b"Set-Cookie") == []
    assert b'type="text/plain"' in got.body


async def test_a_page_is_private_and_fenced_and_the_sites_own_policy_stays(tmp_path):
    page = html(PAGE, b"Cache-Control: public, max-age=600", b"Expires: Wed, 01 Jan 2031 00:00:00 GMT",
                b"Content-Security-Policy: object-src 'none'", b'ETag: "v1"')  # fmt: skip
    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/")

    assert got.one(b"Cache-Control") == b"private, no-cache"
    assert b"Cookie" in got.one(b"Vary")
    assert got.one(b"Expires") is None
    own, fence = got.all(b"Content-Security-Policy")
    assert own == b"object-src 'none'"
    assert fence.startswith(b"default-src 'self'")
    assert b"googletagmanager" not in fence


async def test_an_image_passes_byte_for_byte_with_its_cache_headers(tmp_path):
    image = ok(b"\x89PNG...", b"Content-Type: image/png", b"Cache-Control: max-age=31536000", b'ETag: "v1"')
    async with Origin({b"/a.png": image}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/a.png")

    assert got.body == b"\x89PNG..."
    assert [pair for pair in got.headers if pair[0] != b"Content-Security-Policy"] == [
        (b"Content-Type", b"image/png"),
        (b"Cache-Control", b"max-age=31536000"),
        (b"ETag", b'"v1"'),
        (b"Content-Length", b"7"),
    ]


async def test_a_page_asked_for_again_is_304_until_the_decision_changes(tmp_path):
    def page(seen):
        if seen.get(b"If-None-Match") == [b'"v1"']:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n'
        return html(PAGE, b'ETag: "v1"')

    navigation = ("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")
    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        first = await proxy.ask("/", *navigation)
        etag = first.one(b"ETag").decode("latin-1")
        again = await proxy.ask("/", f"If-None-Match: {etag}", *navigation)
        consent = await accept(proxy)
        after = await proxy.ask("/", f"If-None-Match: {etag}", f"Cookie: {consent}", *navigation)

    assert etag != '"v1"'
    assert again.status == 304
    assert again.one(b"ETag").decode("latin-1") == etag
    assert after.status == 200
    assert b'<script src="https://www.google' in after.body


@pytest.mark.parametrize("answered", [False, True])
async def test_a_304_lets_us_into_the_sites_policy_as_the_page_did(tmp_path, answered):
    """Browsers show the page they kept under the policy that came last."""
    policy = b"Content-Security-Policy: script-src 'nonce-a'; style-src 'nonce-a'"

    def page(seen):
        if seen.get(b"If-None-Match") == [b'"v1"']:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n' + policy + b"\r\n\r\n"
        return html(PAGE, b'ETag: "v1"', policy)

    svg = ok(DRAWING, b"Content-Type: image/svg+xml", policy)
    navigation = ["Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate"]
    async with (
        Origin({b"/": page, b"/drawing": svg}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        if answered:
            navigation.append(f"Cookie: {await accept(proxy)}")
        first = await proxy.ask("/", *navigation)
        drawing = await proxy.ask("/drawing", *navigation)
        etag = first.one(b"ETag").decode("latin-1")
        again = await proxy.ask("/", f"If-None-Match: {etag}", *navigation)

    page_policy, *fences = first.all(b"Content-Security-Policy")
    drawing_policy, *_ = drawing.all(b"Content-Security-Policy")
    kept_policy, *kept_fences = again.all(b"Content-Security-Policy")
    guard = re.search(rb"<script [^>]*>(.*?)</script>", drawing.body, re.DOTALL)[1]
    guard_hash = b" 'sha256-" + base64.b64encode(hashlib.sha256(guard).digest()) + b"'"
    assert again.status == 304
    assert kept_fences == fences
    # What the browser kept may be a page or other XML, whose guard is a script of its own.
    assert kept_policy == drawing_policy
    assert page_policy == kept_policy.replace(guard_hash, b"", 1) != kept_policy
    assert b"/.consent/page." in page_policy or not answered


async def accept(proxy, *purposes):
    body = (
        b"choice=accept" if not purposes else b"choice=save&" + b"&".join(b"purpose=" + p for p in purposes)
    )
    got = await proxy.ask(
        "/.consent/choice", "Content-Type: application/x-www-form-urlencoded", method="POST", body=body
    )
    assert got.status == 303, got.body
    return got.all(b"Set-Cookie")[0].split(b";")[0].decode()


async def test_after_consent_the_page_and_its_cookies_pass(tmp_path):
    page = html(PAGE, b"Set-Cookie: " + GA)
    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = await accept(proxy, b"performance")
        got = await proxy.ask("/", f"Cookie: {consent}; _ga=1; hubspotutk=2")

    assert b'<script src="https://www.google' in got.body
    assert got.all(b"Set-Cookie")[0] == GA
    assert all(b"hubspotutk" in line for line in got.all(b"Set-Cookie")[1:])
    assert b"_ga=1" in origin.seen[-1].get(b"Cookie")[0]
    assert b"hubspotutk" not in origin.seen[-1].get(b"Cookie")[0]


async def test_head_has_the_headers_of_get(tmp_path):
    def answer(seen):
        whole = html(PAGE, b'ETag: "v1"', b"Set-Cookie: " + GA)
        return whole if seen.method == b"GET" else whole[: -len(PAGE)]

    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        get = await proxy.ask("/")
        head = await proxy.ask("/", method="HEAD")

    without_length = [pair for pair in get.headers if pair[0] != b"Content-Length"]
    assert head.headers == without_length


async def test_the_first_piece_of_a_page_passes_before_the_second_is_sent(tmp_path):
    gate = asyncio.Event()

    async def slow(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        first = b"<!doctype html><html><head></head><body><p>one</p>"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%b\r\n" % (len(first), first))
        await gate.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await writer.drain()

    async with Origin(serve=slow) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request("/"))
        await read_head(reader)
        pieces = chunks(reader)
        first = await asyncio.wait_for(anext(pieces), 10)
        gate.set()
        rest = b"".join([piece async for piece in pieces])

    assert b"<p>one</p>" in first
    assert b"two" in rest


async def test_server_sent_events_pass_one_by_one(tmp_path):
    gate = asyncio.Event()

    async def events(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in (b"1", b"2"):
            writer.write(b"data: " + number + b"\n\n")
            await gate.wait()

    async with Origin(serve=events) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request("/events", "Accept: text/event-stream"))
        await read_head(reader)
        pieces = chunks(reader)
        assert await asyncio.wait_for(anext(pieces), 10) == b"data: 1\n\n"
        gate.set()
        assert await asyncio.wait_for(anext(pieces), 10) == b"data: 2\n\n"


async def test_a_gzipped_page_is_read_and_gzipped_again(tmp_path):
    page = html(gzip.compress(PAGE), b"Content-Encoding: gzip")
    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Accept-Encoding: gzip, zz")

    assert origin.seen[0].get(b"Accept-Encoding") == [b"gzip"]
    assert got.one(b"Content-Encoding") == b"gzip"
    assert b'type="text/plain"' in gzip.decompress(got.body)


async def test_a_page_in_an_unreadable_coding_is_asked_for_again_plain(tmp_path):
    def stubborn(seen):
        if seen.get(b"Accept-Encoding") == [b"identity"]:
            return html(PAGE)
        return html(b"???", b"Content-Encoding: dcb")

    async with Origin({b"/": stubborn}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Accept-Encoding: gzip")

    assert got.status == 200
    assert b"<p>Hello</p>" in got.body
    assert len(origin.seen) == 2


async def test_a_page_that_stays_unreadable_is_502_and_an_image_is_not(tmp_path):
    coded = b"Content-Encoding: dcb"
    answers = {b"/": html(b"???", coded), b"/a.png": ok(b"???", b"Content-Type: image/png", coded)}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        page = await proxy.ask("/")
        image = await proxy.ask("/a.png")

        assert page.status == 502
        assert b"The site sent an answer that cannot be shown safely." in page.body
        assert b"???" not in page.body
        assert image.body == b"???"
        assert [record["why"] for record in proxy.records("document_unreadable")]


async def test_on_error_pass_lets_an_unreadable_page_through_fenced_and_counted(tmp_path):
    answers = {b"/": html(b"???", b"Content-Encoding: dcb")}
    async with (
        Origin(answers) as origin,
        proxying(origin.url, folder=tmp_path, site="    on_error: pass\n") as proxy,
    ):
        got = await proxy.ask("/")

        assert (got.status, got.body) == (200, b"???")
        assert got.one(b"Content-Security-Policy")
        assert 'consent_proxy_passed_unread_total{site="callkom.io"} 1.0' in proxy.figures()


async def test_a_part_of_a_page_is_fetched_whole(tmp_path):
    def partial(seen):
        if seen.get(b"Range"):
            return ok(
                PAGE[:20],
                b"Content-Type: text/html",
                b"Content-Range: bytes 0-19/200",
                status=b"206 Partial Content",
            )
        return html(PAGE)

    async with Origin({b"/": partial}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Range: bytes=0-19")

    assert got.status == 200
    assert b"<p>Hello</p>" in got.body


async def test_a_part_of_a_film_stays_a_part(tmp_path):
    part = ok(
        b"hello", b"Content-Type: video/mp4", b"Content-Range: bytes 0-4/10", status=b"206 Partial Content"
    )
    async with Origin({b"/film": part}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/film", "Range: bytes=0-4")

    assert (got.status, got.body) == (206, b"hello")
    assert origin.seen[0].get(b"Range") == [b"bytes=0-4"]


async def test_a_page_that_breaks_in_its_middle_is_visibly_cut(tmp_path):
    body = gzip.compress(PAGE + os.urandom(5000).hex().encode())
    broken = [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
              b"%x\r\n" % 200, body[:200], b"\r\n", 0.2, b"4\r\nxxxx\r\n", 0.2, b"0\r\n\r\n"]  # fmt: skip
    async with Origin({b"/": broken}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Accept-Encoding: gzip")

    assert not got.whole


async def test_an_upstream_that_ends_too_early_leaves_a_visibly_cut_answer(tmp_path):
    short = [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nhello", CLOSE]
    async with Origin({b"/": short}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/")

    assert not got.whole


async def test_an_upstream_that_is_not_there_is_our_own_502(tmp_path):
    async with Origin() as origin:
        nowhere = origin.url
    async with proxying(nowhere, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Cookie: _ga=1")

        assert got.status == 502
        assert b"The site is not available just now." in got.body
        assert b"answer that cannot be shown" not in got.body
        assert got.all(b"Set-Cookie") == []
        assert got.one(b"Cache-Control") == b"no-store"
        assert proxy.records("upstream_failed")[0]["status"] == 502


async def test_a_line_that_is_no_field_costs_that_line(tmp_path):
    async with (
        Origin({b"/": ok(b"x", b"X-A b: c")}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        got = await proxy.ask("/")

    assert (got.status, got.body) == (200, b"x")
    assert not any(b"b" in name.split() for name, _ in got.headers)


async def test_an_observed_site_is_judged_and_reported_and_nothing_is_changed(tmp_path):
    page = html(PAGE, b"Set-Cookie: " + GA, b"Cache-Control: max-age=60", b'ETag: "v1"')
    async with (
        Origin({b"/": page}) as origin,
        proxying(origin.url, folder=tmp_path, site="    mode: observe\n") as proxy,
    ):
        got = await proxy.ask("/", "Cookie: _ga=1", 'If-None-Match: "v0"', "Accept-Encoding: zz")
        collected = await proxy.ask("/metrics/x")

        assert got.body == PAGE
        assert got.all(b"Set-Cookie") == [GA]
        assert got.one(b"Cache-Control") == b"max-age=60"
        assert got.one(b"ETag") == b'"v1"'
        assert got.all(b"Content-Security-Policy") == []
        assert b"report-uri /.consent/reports" in got.one(b"Content-Security-Policy-Report-Only")
        assert origin.seen[0].get(b"Cookie") == [b"_ga=1"]
        assert origin.seen[0].get(b"If-None-Match") == [b'"v0"']
        assert origin.seen[0].get(b"Accept-Encoding") == [b"zz"]
        assert collected.status == 200
        verdicts = proxy.records("request_relayed")[0]["verdicts"]

    assert any("tag hold google" in words for words in verdicts)
    assert any("cookie drop google" in words for words in verdicts)


async def test_one_visitors_cookies_never_reach_another(tmp_path):
    def answer(seen):
        return ok(
            json.dumps([c.decode() for c in seen.get(b"Cookie")]).encode(),
            b"Set-Cookie: session=of-one; Path=/",
        )

    async with Origin(otherwise=answer) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/", "Cookie: session=one")
        other = await proxy.ask("/")
        both = await asyncio.gather(*(proxy.ask("/", f"Cookie: session={n}") for n in range(20)))

    assert other.json == []
    assert [got.json for got in both] == [[f"session={n}"] for n in range(20)]


async def test_an_upload_streams_through(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/upload", method="POST", body=b"x" * 3_000_000)

    assert got.json["length"] == 3_000_000


EXPECTING = b"POST /u HTTP/1.1\r\nHost: callkom.io\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"


async def reads_on(reader, writer):
    """An origin that asks for the body, and says how it was asked."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(3)
    writer.write(ok(b"%d %b" % (head.lower().count(b"expect: 100-continue"), body)))


async def test_the_origins_100_continue_reaches_the_visitor(tmp_path):
    async with Origin(serve=reads_on) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(EXPECTING)
        assert (await read_head(reader)).status == 100
        writer.write(b"abc")
        got = await read_answer(reader)

    assert got.body == b"1 abc"


async def test_an_origin_that_wants_no_body_says_so_before_it_is_sent(tmp_path):
    answer = ok(b"no", status=b"401 Unauthorized")
    async with Origin(early=True, otherwise=answer) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(EXPECTING)
        got = await read_answer(reader)

    assert (got.status, got.body) == (401, b"no")
    assert origin.seen[0].get(b"Expect") == [b"100-continue"]


async def test_who_sends_the_body_without_waiting_is_answered_by_an_origin_that_never_says_100(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(EXPECTING + b"abc")
        got = await read_answer(reader)

    assert got.json["length"] == 3


async def test_our_own_forms_ask_for_their_body_themselves(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(
            b"POST /.consent/choice HTTP/1.1\r\nHost: callkom.io\r\nSec-Fetch-Site: same-origin\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n"
        )
        assert (await read_head(reader)).status == 100
        writer.write(b"choice=refuse")

        assert (await read_head(reader)).status == 303
    assert origin.seen == []


@pytest.mark.parametrize("status", [b"413 Content Too Large", b"401 Unauthorized"])
@pytest.mark.parametrize("after", [[], [CLOSE], [RESET]])
async def test_an_early_refusal_reaches_a_visitor_who_is_still_sending(tmp_path, status, after):
    answer = [ok(b"no", status=status), *after]
    async with Origin(early=True, otherwise=answer) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(b"POST /u HTTP/1.1\r\nHost: callkom.io\r\nContent-Length: 900000000\r\n\r\n")

        async def send_on() -> None:
            while True:
                writer.write(bytes(65_536))
                await writer.drain()
                await asyncio.sleep(0)

        sending = asyncio.create_task(send_on())
        got = await read_answer(reader)
        still_sending = not sending.done()
        sending.cancel()

    assert (got.status, got.body, still_sending) == (int(status[:3]), b"no", True)


async def test_purge_reaches_the_upstream_from_configured_networks_only(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        assert (await proxy.ask("/", method="PURGE")).status == 403
        assert (await proxy.ask("/", method="purge")).status == 403
        assert origin.seen == []
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more="purge: 127.0.0.0/8") as proxy:
        assert (await proxy.ask("/", method="PURGE")).json["method"] == "PURGE"


@pytest.mark.parametrize("method", ["QUERY", "VERSION-CONTROL", "x", "get", "FLUSH"])
async def test_any_other_method_that_is_a_token_reaches_the_upstream_with_its_body(tmp_path, method):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(request("/a?b", "Content-Length: 4", method=method) + b"data")
            assert (await read_answer(reader)).json["method"] == method
        assert [seen.body for seen in origin.seen] == [b"data"] * 2
        assert (await proxy.ask("/.consent/choice", method=method)).status == 405
        assert (await proxy.ask("/.consent/", method=method)).status == 405


async def test_who_closes_their_half_behind_a_request_gets_the_page(tmp_path):
    answers = {b"/": html(PAGE), b"/slow": [0.7, html(PAGE)]}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for number in range(4):  # the second and later ones take the fast path
            reader, writer = await proxy.connect()
            if number == 3:
                writer.write(request("/"))
                await read_answer(reader)
            writer.write(request("/slow" if number > 1 else "/"))
            writer.write_eof()
            if number > 1:
                assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            got = await read_answer(reader)
            assert got.status == 200
            assert b"</html>" in got.body
            assert await reader.read() == b""
        await until(lambda: not proxy.server.listeners[0].http_server.connections)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "trace", "Connect"])
async def test_methods_that_are_about_the_way_itself_are_refused(tmp_path, method):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        assert (await proxy.ask("/", method=method)).status in (400, 501)
    assert origin.seen == []


async def test_link_headers_to_refused_hosts_are_taken_out(tmp_path):
    link = b"Link: <https://www.googletagmanager.com/a.js>; rel=preload; as=script, </own.css>; rel=preload; as=style"
    async with Origin({b"/": html(PAGE, link)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/")

    assert got.one(b"Link") == b"</own.css>; rel=preload; as=style"


async def test_a_host_of_the_sites_domain_that_does_not_pass_here_is_logged_once_and_may_be_ruled(tmp_path):
    page = html(
        b'<!doctype html><script src="https://metrics.callkom.io/a.js"></script><img src="https://callkom.io/a">'
    )
    rules = RULES.replace(
        "- { from: hsforms.net",
        "- { from: self, purpose: necessary }\n      - { from: metrics.callkom.io, purpose: performance }\n      - { from: hsforms.net",
    )
    async with Origin({b"/": page}) as origin:
        async with proxying(origin.url, folder=tmp_path) as proxy:
            kept = [(await proxy.ask("/")).body for _ in range(2)]
            seen = proxy.records("own_host_seen")
        async with proxying(origin.url, folder=tmp_path, rules=rules) as proxy:
            held = (await proxy.ask("/")).body

    assert [one["host"] for one in seen] == ["metrics.callkom.io"]
    assert b'<script src="https://metrics' in kept[0]
    assert b'type="text/plain"' in held, "it wins over `self`"


async def test_a_worker_script_is_fenced_and_its_bytes_stay(tmp_path):
    script = ok(b"fetch('https://x.example')", b"Content-Type: text/javascript", b"Cache-Control: max-age=60")
    async with Origin({b"/w.js": script}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        worker = await proxy.ask("/w.js", "Sec-Fetch-Dest: worker")
        plain = await proxy.ask("/w.js", "Sec-Fetch-Dest: script")

    assert worker.body == plain.body
    assert worker.one(b"Content-Security-Policy").startswith(b"default-src")
    assert worker.one(b"Cache-Control") == b"private, no-cache"
    assert plain.one(b"Content-Security-Policy").startswith(b"default-src"), "it may become a worker later"
    assert plain.one(b"Cache-Control") == b"max-age=60"


WORKER = b"addEventListener('fetch', pass)"


async def test_a_service_worker_has_other_bytes_for_another_answer_and_the_same_for_the_same(tmp_path):
    script = ok(WORKER, b"Content-Type: text/javascript", b'ETag: "1"', b"Cache-Control: max-age=60")
    async with Origin({b"/sw.js": script}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        accepted = await proxy.ask("/.consent/choice", "Content-Type: application/x-www-form-urlencoded",
                                   "Sec-Fetch-Site: same-origin", method="POST", body=b"choice=accept")  # fmt: skip
        cookie = b"Cookie: " + accepted.one(b"Set-Cookie").partition(b";")[0]
        asking = [await proxy.ask("/sw.js", "Sec-Fetch-Dest: serviceworker") for _ in range(2)]
        granted = await proxy.ask("/sw.js", "Sec-Fetch-Dest: serviceworker", cookie.decode())
        withheld = await proxy.ask("/sw.js", "Sec-Fetch-Dest: serviceworker", "Sec-Fetch-Site: cross-site")

    assert all(WORKER + b"\n;" in got.body for got in (*asking, granted))
    assert all(got.body.index(b"respondWith") < got.body.index(WORKER) for got in (*asking, granted))
    assert asking[0].body == asking[1].body != granted.body
    assert asking[0].one(b"Content-Security-Policy") != granted.one(b"Content-Security-Policy")
    assert asking[0].one(b"ETag") != granted.one(b"ETag")
    assert asking[0].one(b"Cache-Control") == b"private, no-cache"
    assert withheld.body == WORKER, "nobody knows the answer of who asked"


async def test_a_service_worker_is_known_where_a_browser_says_no_destination(tmp_path):
    script = ok(WORKER, b"Content-Type: text/javascript", b"Cache-Control: max-age=60")
    async with Origin({b"/sw.js": script}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        named = await proxy.ask("/sw.js", "Sec-Fetch-Dest: serviceworker")
        old = await proxy.ask("/sw.js", "Service-Worker: script")

    assert old.body == named.body != WORKER
    assert old.one(b"Cache-Control") == b"private, no-cache"


async def test_a_service_worker_in_a_coding_we_cannot_read_passes_fenced(tmp_path):
    script = ok(WORKER, b"Content-Type: text/javascript", b"Content-Encoding: dcb")
    async with Origin({b"/sw.js": script}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/sw.js", "Sec-Fetch-Dest: serviceworker")

    assert (got.body, got.one(b"Content-Encoding")) == (WORKER, b"dcb")
    assert got.one(b"Content-Security-Policy").startswith(b"default-src")


async def test_what_is_logged_holds_no_query_no_cookie_value_and_no_whole_address(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/path?mail=me@example.com", "Cookie: secret=hush; _ga=hush", "Referer: https://x/?token=hush",
                        "User-Agent: hush")  # fmt: skip
        record = proxy.records("request_relayed")[0]
        text = proxy.log.getvalue().decode()

    assert record["path"] == "/path"
    assert "hush" not in text
    assert "example.com" not in text
    assert record["visitor"] == "127.0.0.0/24"


async def test_chunked_answers_keep_no_trailers(tmp_path):
    answer = chunked(b"hello", fields=[b"Content-Type: text/plain"], trailers=[b"Set-Cookie: _ga=1"])
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/")

    assert got.body == b"hello"
    assert got.all(b"Set-Cookie") == []


async def test_what_operations_want_to_know_is_counted(tmp_path):
    answers = {b"/": html(PAGE, b"Set-Cookie: " + GA), b"/a.png": ok(b"x", b"Content-Type: image/png")}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/")
        await proxy.ask("/a.png")
        await proxy.ask("/metrics/x")
        await proxy.ask("/.consent/")
        await proxy.ask("/.consent/nothing")
        figures = proxy.figures()

    for line in (
        'requests_total{kind="document",site="callkom.io",status="2xx"} 1.0',
        'requests_total{kind="other",site="callkom.io",status="2xx"} 2.0',
        'requests_total{kind="own",site="callkom.io",status="2xx"} 1.0',
        'requests_total{kind="own",site="callkom.io",status="4xx"} 1.0',
        'asked_total{site="callkom.io",why="first"} 1.0',
        f'rewritten_bytes_total{{site="callkom.io"}} {float(len(PAGE))}',
        'verdicts_total{does="drop",kind="cookie",provider="google",site="callkom.io"} 1.0',
        'verdicts_total{does="hold",kind="tag",provider="google",site="callkom.io"} 1.0',
        'verdicts_total{does="answer",kind="request",provider="google",site="callkom.io"} 1.0',
        'upstream_seconds_count{site="callkom.io"} 2.0',
    ):
        assert f"consent_proxy_{line}" in figures


@pytest.mark.parametrize("more", ["", "on_error: pass"])
async def test_only_pages_that_carry_the_banner_are_counted_as_asked(tmp_path, more):
    answers = {b"/": html(PAGE, b"Content-Encoding: dcb")}
    site = f"    {more}\n" if more else ""
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path, site=site) as proxy:
        assert (await proxy.ask("/")).status == (200 if more else 502)
        figures = proxy.figures()

    assert "asked_total{" not in figures


async def test_what_nobody_declared_is_counted_together_and_never_by_its_name(tmp_path):
    page = PAGE.replace(
        b"</head>", b"<script src=//a.example/x></script><script src=//b.example/x></script></head>"
    )
    answers = {b"/": html(page, b"Set-Cookie: unknown=1")}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/")
        figures = proxy.figures()

    labels = 'provider="undeclared",site="callkom.io"'
    assert f'verdicts_total{{does="hold",kind="tag",{labels}}} 2.0' in figures
    assert f'verdicts_total{{does="drop",kind="cookie",{labels}}} 1.0' in figures
    assert "example" not in figures
    assert "unknown" not in figures


async def test_a_visitor_who_leaves_frees_the_upstream_at_once(tmp_path):
    async def never(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()

    async with Origin(serve=never) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        _, writer = await proxy.connect()
        writer.write(request("/"))
        async with asyncio.timeout(10):
            while not origin.open:
                await asyncio.sleep(0.01)
        writer.transport.abort()
        await asyncio.wait_for(origin.closed.wait(), 10)
        await asyncio.sleep(0.05)
        record = proxy.records("request_relayed")[0]

    assert record["status"] == 499


def test_the_rules_used_here_are_sound():
    from proxy.policy.load import load_policy

    assert load_policy(RULES).providers
    assert echo


@pytest.mark.parametrize(
    ("entry", "line", "address"),
    [
        ("127.0.0.0/8", "X-Forwarded-For: 203.0.113.7:51234", b"203.0.113.7"),
        ("{ networks: 127.0.0.1, header: Forwarded }", 'Forwarded: for="[2001:db8::7]:1"', b"2001:db8::7"),
        (
            "{ networks: 127.0.0.1, header: CF-Connecting-IP }",
            "CF-Connecting-IP: 203.0.113.7",
            b"203.0.113.7",
        ),
        ("{ networks: 127.0.0.1, header: X-Real-IP }", "X-Real-IP: 203.0.113.7", b"203.0.113.7"),
    ],
)
async def test_the_upstream_learns_the_address_from_the_one_believed_header(tmp_path, entry, line, address):
    more = f"trusted_proxies: [{entry}]"
    lies = [
        f"{name}: 6.6.6.6" for name in ("True-Client-IP", "Fastly-Client-IP", "X-Azure-ClientIP", "Client-IP")
    ]
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        await proxy.ask("/", line, *lies)
        seen = origin.seen[0]

    assert seen.get(b"X-Real-IP") == [address]
    assert seen.get(b"CF-Connecting-IP") == ([address] if "CF" in line else [])
    assert b"6.6.6.6" not in seen.raw_head
