"""`observe: page`: one script more, first in the head, and nothing else of the page changed."""

import gzip
import json
import re

import pytest

from tests.support.origin import Origin, html, ok
from tests.support.proxying import PAGE, proxying

SITE = "    mode: observe\n    observe: page\n"
TAG = re.compile(
    rb'<script data-cfasync="false" src="(/\.consent/observe\.[0-9a-f]{16}\.js)" data-known="([a-z0-9 ]*)"></script>'
)
PAGES = [
    PAGE,
    b"<!doctype html><title>No head</title><p>Hello",
    b"<html><head><style>p { background: url(https://x.example/a.png) }</style></head><body style='background: url(//y.example/b)'>",
    b"\xef\xbb\xbf<!doctype html><head><meta http-equiv=refresh content='9;url=https://www.googletagmanager.com/'></head>",
    b'<html><head><base href="https://elsewhere.example/"><script type=speculationrules>{"prefetch":[{"urls":["https://z.example/"]}]}</script>',
    b'<iframe srcdoc="&lt;script src=https://www.googletagmanager.com/gtm.js&gt;&lt;/script&gt;"></iframe><a href="https://hsforms.net/">x</a>',
]
OPENED = "Sec-Fetch-Dest: document"


def without_script(body):
    return TAG.sub(b"", body, count=1)


@pytest.mark.parametrize("page", PAGES)
async def test_with_the_script_taken_out_the_page_is_what_it_was(tmp_path, page):
    async with (
        Origin({b"/": html(page)}) as origin,
        proxying(origin.url, folder=tmp_path, site=SITE) as proxy,
    ):
        got = await proxy.ask("/", OPENED)

    assert len(TAG.findall(got.body)) == 1
    assert without_script(got.body) == page


async def test_a_page_comes_in_the_coding_that_it_has(tmp_path):
    sent = ok(gzip.compress(PAGE), b"Content-Type: text/html", b"Content-Encoding: gzip")
    async with Origin({b"/": sent}) as origin, proxying(origin.url, folder=tmp_path, site=SITE) as proxy:
        got = await proxy.ask("/", OPENED, "Accept-Encoding: gzip")

    assert got.one(b"Content-Encoding") == b"gzip"
    assert without_script(gzip.decompress(got.body)) == PAGE


async def test_the_script_is_a_file_that_may_be_kept_and_reports_to_us(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, site=SITE) as proxy,
    ):
        page = await proxy.ask("/", OPENED)
        file = await proxy.ask(TAG.search(page.body)[1].decode())

    assert file.status == 200
    assert b"immutable" in file.one(b"Cache-Control")
    assert b"/.consent/reports" in file.body


async def test_known_names_are_hashes_in_the_page_and_the_page_alone_tells_of_violations(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, site=SITE) as proxy,
    ):
        first = await proxy.ask("/", OPENED)
        body = json.dumps(
            {"page": "/", "seen": [["key", "theme", "", "self"], ["host", "late.example", "img-src", ""]]}
        )
        await proxy.ask("/.consent/reports", method="POST", body=body.encode())
        await proxy.server.seen.write()
        second = await proxy.ask("/", OPENED)
        told = proxy.records("undeclared_seen")
    policy = second.one(b"Content-Security-Policy-Report-Only")

    assert [(one["name"], one["element"], one["path"]) for one in told] == [
        ("late.example", ["img"], "/"),
        ("theme", [], "/"),
    ]
    assert TAG.search(first.body)[2] == b""
    assert len(TAG.search(second.body)[2].split()) == 3  # with what the page itself loads
    assert b"late.example:*" in policy
    assert b"report-uri" not in policy


async def test_a_policy_of_the_site_lets_the_script_in_and_nothing_else(tmp_path):
    sent = ok(
        PAGE, b"Content-Type: text/html", b"Content-Security-Policy: default-src 'none'; img-src x.example"
    )
    async with Origin({b"/": sent}) as origin, proxying(origin.url, folder=tmp_path, site=SITE) as proxy:
        got = await proxy.ask("/", OPENED)
    policy = got.one(b"Content-Security-Policy").decode()

    assert "callkom.io/.consent/observe." in policy
    assert "callkom.io/.consent/reports" in policy
    assert "img-src x.example" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "sent",
    [
        ok(PAGE, b"Content-Type: text/html", b"Integrity-Policy: blocked-destinations=(script)"),
        ok(b"not gzip at all", b"Content-Type: text/html", b"Content-Encoding: gzip"),
        ok(b'{"a": 1}', b"Content-Type: application/json"),
    ],
)
async def test_what_cannot_take_the_script_passes_byte_for_byte(tmp_path, sent):
    async with Origin({b"/": sent}) as origin, proxying(origin.url, folder=tmp_path, site=SITE) as proxy:
        got = await proxy.ask("/", OPENED)

    assert got.status == 200
    assert got.body == sent.partition(b"\r\n\r\n")[2]
    assert TAG.search(got.body) is None


async def test_a_page_that_was_not_changed_is_confirmed_for_the_copy_with_the_script(tmp_path):
    def answer(seen):
        same = seen.get(b"if-none-match") == [b'"one"']
        return (
            ok(b"", b'ETag: "one"', status=b"304 Not Modified")
            if same
            else ok(PAGE, b"Content-Type: text/html", b'ETag: "one"')
        )

    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path, site=SITE) as proxy:
        first = await proxy.ask("/", OPENED)
        tag = first.one(b"ETag").decode()
        second = await proxy.ask("/", OPENED, f"If-None-Match: {tag}")

    assert tag != '"one"'
    assert second.status == 304
    assert second.one(b"ETag").decode() == tag


async def test_frames_get_the_script_and_fragments_do_not(tmp_path):
    fragment = b"<p>Part of a page</p>"
    async with (
        Origin({b"/": html(fragment)}) as origin,
        proxying(origin.url, folder=tmp_path, site=SITE) as proxy,
    ):
        frame = await proxy.ask("/", "Sec-Fetch-Dest: iframe")
        part = await proxy.ask("/", "Sec-Fetch-Dest: empty")

    assert TAG.search(frame.body)
    assert part.body == fragment


async def test_headers_alone_leave_the_page_as_it_was(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, site="    mode: observe\n") as proxy,
    ):
        got = await proxy.ask("/", OPENED)

    assert got.body == PAGE
