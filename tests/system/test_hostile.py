"""The product as a whole under hostile hands: faults of our own, odd answers, doubtful answers and origins."""

import gzip

import pytest

from proxy.filter.body import charset
from tests.route.test_relay import accept
from tests.support.origin import Origin, chunked, html, ok
from tests.support.proxying import PAGE, proxying

VENDOR = b'<script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
FORM = "Content-Type: application/x-www-form-urlencoded"
FAULTS = [ValueError, KeyError, RecursionError, MemoryError, AssertionError]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", ["feed", "close"])
async def test_a_fault_of_ours_lets_no_page_through(tmp_path, monkeypatch, fault, step):
    def broken(*_):
        raise fault("broken")

    length = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (2 * len(PAGE))
    slow = [length + PAGE, 0.2, PAGE]
    async with (
        Origin({b"/": html(PAGE), b"/slow": slow}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        for broken_step in (step, "whole"):  # a page that is here whole takes neither of the two
            monkeypatch.setattr(charset.PageText, broken_step, broken)
        whole, streamed = await proxy.ask("/"), await proxy.ask("/slow")
        monkeypatch.undo()
        after = await proxy.ask("/")

        assert (whole.status, b"Hello" in whole.body) == (500, False)
        assert (streamed.status == 500 and b"Hello" not in streamed.body) or not streamed.whole
        assert VENDOR not in whole.body + streamed.body
        assert after.status == 200
        assert VENDOR not in after.body
        assert {one["status"] for one in proxy.records("request_relayed")} == {500, 200}


async def test_a_fault_in_mid_page_cuts_it(tmp_path, monkeypatch):
    fed = charset.PageText.feed
    calls = []

    def broken(self, piece):
        calls.append(piece)
        if len(calls) > 1:
            raise ValueError("broken")
        return fed(self, piece)

    length = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (2 * len(PAGE))
    async with (
        Origin({b"/": [length + PAGE, 0.2, PAGE]}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        monkeypatch.setattr(charset.PageText, "feed", broken)
        got = await proxy.ask("/")

    assert (got.status, got.whole) == (200, False)
    assert got.body.count(b"Hello") == 1


TYPE = b"Content-Type: "


@pytest.mark.parametrize(
    "answer",
    [
        ok(PAGE),
        ok(PAGE, TYPE),
        ok(PAGE, TYPE + b"html"),
        ok(b"\x0b" + PAGE),
        ok(PAGE, TYPE + b"application/x-unknown-content-type"),
        ok(PAGE, TYPE + b"text/plain", TYPE + b"text/html"),
        ok(PAGE, TYPE + b"text/html, foo"),
        ok(PAGE, TYPE + b"text/html/foo"),
        ok(PAGE, TYPE + b"text/html", b"Content-Disposition: inline; filename=attachment"),
        ok(PAGE, TYPE + b"text/html", b"Content-Disposition: attachment\x0b"),
        ok(PAGE, TYPE + b"text/html", b"Content-Encoding: none"),
        ok(gzip.compress(PAGE), b"Content-Encoding: gzip"),
        ok(gzip.compress(PAGE)[:-6], TYPE + b"text/html", b"Content-Encoding: gzip"),
        ok(gzip.compress(PAGE[:60]) + gzip.compress(PAGE[60:]), TYPE + b"text/html", b"Content-Encoding: gzip"),
        chunked(PAGE, fields=[TYPE + b"text/html"], trailers=[b"Content-Type: text/plain"]),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain,\r\n text/html\r\nContent-Length: %d\r\n\r\n" % len(PAGE)
        + PAGE,
        b"HTTP/1.1 200 OK\r\nContent-Type : text/plain\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE,
        PAGE,
    ],
)  # fmt: skip
@pytest.mark.parametrize("dest", [None, "document", "iframe", "empty"])
async def test_no_odd_answer_brings_a_page_unread(tmp_path, answer, dest):
    headers = [f"Sec-Fetch-Dest: {dest}"] if dest else []
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", *headers)

    assert VENDOR not in got.body
    assert got.status in (200, 502)
    assert got.all(b"Content-Security-Policy")


GA = b"Set-Cookie: _ga=1; Domain=.callkom.io"


@pytest.mark.parametrize(
    "answer",
    [
        html(PAGE, *([GA] * 300)),
        ok(b"{}", TYPE + b"application/json", GA),
        ok(b"", GA, status=b"205 Reset Content"),
        b"HTTP/1.1 103 Early Hints\r\n" + GA + b"\r\n\r\n" + html(PAGE),
        b"HTTP/1.1 100 Continue\r\n" + GA + b"\r\n\r\n" + html(PAGE),
        b"HTTP/1.1 204 No Content\r\n" + GA + b"\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n" + GA + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" + GA + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\n " + GA + b"\r\nContent-Length: 0\r\n\r\n",
        ok(b"", b"Location: https://evil.example/", GA, status=b"302 Found"),
        chunked(PAGE, fields=[TYPE + b"text/html", b"Trailer: Set-Cookie"], trailers=[GA]),
    ],
)
async def test_no_answer_sets_a_refused_cookie_whatever_carries_it(tmp_path, answer):
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/")

    assert got.all(b"Set-Cookie") == []
    assert b"_ga=1" not in got.body


async def test_after_withdrawal_no_validator_brings_the_old_page_back(tmp_path):
    def page(seen):
        if seen.get(b"if-none-match") or seen.get(b"if-modified-since"):
            return b'HTTP/1.1 304 Not Modified\r\nETag: "abc"\r\n\r\n'
        return html(PAGE, b'ETag: "abc"', b"Last-Modified: Tue, 01 Jan 2019 00:00:00 GMT")

    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = await accept(proxy)
        kept = await proxy.ask("/", f"Cookie: {consent}")
        etag = kept.one(b"ETag").decode()
        assert VENDOR in kept.body
        for condition in (
            f"If-None-Match: {etag}",
            f'If-None-Match: "x", {etag}, "abc"',
            f"If-None-Match: {etag.removeprefix('W/')}",
            'If-None-Match: "abc"',
            "If-None-Match: *",
            "If-Modified-Since: Tue, 01 Jan 2030 00:00:00 GMT",
        ):
            got = await proxy.ask("/", condition, "Accept: text/html,*/*;q=0.8")

            assert (got.status, VENDOR in got.body) == (200, False), condition


async def test_a_doubtful_answer_grants_nothing(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = await accept(proxy)
        name, _, value = consent.partition("=")
        sure = await proxy.ask("/", f"Cookie: {consent}")
        assert VENDOR in sure.body
        for doubtful in (
            consent[:-1],
            consent + "A",
            f'{name}="{value}"',
            f"{name.upper()}={value}",
            f"={consent}",
            f"{name}=" + "a" * 5000,
            f"{name}=\xff\xfe",
        ):
            got = await proxy.ask("/", f"Cookie: {doubtful}")

            assert (got.status, VENDOR in got.body) == (200, False), doubtful


@pytest.mark.parametrize(
    "headers",
    [
        ("Sec-Fetch-Site: cross-site", "Origin: https://callkom.io"),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin"),
        ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"),
        ("Sec-Fetch-Site: same-site",),
        ("Sec-Fetch-Site: ",),
        ("Origin: null",),
        ("Origin: https://callkom.io.evil.example",),
        ("Origin: https://callkom.io@evil.example",),
        ("Origin: https://evil.example#callkom.io",),
        ("Origin: https://evil.example\\callkom.io",),
        ("Origin: https://evil.example", "Origin: https://callkom.io"),
        ("Origin: https://callkom.io, https://evil.example",),
        ("Origin: callkom.io",),
        ("Origin: https://[callkom.io",),
    ],
)
async def test_a_choice_with_a_doubtful_origin_changes_nothing(tmp_path, headers):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/.consent/choice", FORM, *headers, method="POST", body=b"choice=accept")

    assert (got.status, got.all(b"Set-Cookie")) == (403, [])
