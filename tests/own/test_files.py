"""Scripts and styles of ours as files: immutable by name, never missing, right for whoever asks."""

import gzip
import re

import brotli
import pytest
from backports import zstd

from tests.route.test_relay import accept
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, proxying

UNKNOWN = "/.consent/page.0123456789abcdef.js"


def files_of(page: bytes) -> list[str]:
    return re.findall(r' (?:src|href)="(/\.consent/[a-z]+\.[^"]*)"', page.decode())


async def test_a_page_names_files_that_never_change_once_its_visitor_has_answered(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        first = await proxy.ask("/")
        cookie = f"Cookie: {await accept(proxy, b'functional')}"
        page = await proxy.ask("/", cookie)
        sheet, script = [await proxy.ask(path, cookie) for path in files_of(page.body)]

    assert files_of(first.body) == [], "nothing is fetched before the banner paints"
    assert len(page.body) < len(first.body) / 5
    for got, kind in ((sheet, b"text/css; charset=utf-8"), (script, b"text/javascript; charset=utf-8")):
        assert got.status == 200
        assert got.one(b"Content-Type") == kind
        assert got.one(b"Cache-Control") == b"public, max-age=31536000, immutable"
        assert got.one(b"Vary") == b"Accept-Encoding"
        assert got.one(b"Cross-Origin-Resource-Policy") is None
        assert got.all(b"Set-Cookie") == []
    assert b"hubspotutk" in script.body, "the guard is in the script, with what was granted"


@pytest.mark.parametrize(
    ("accept_encoding", "coding", "decode"),
    [
        ("gzip, deflate, br, zstd", b"zstd", zstd.decompress),
        ("gzip, deflate, br", b"br", brotli.decompress),
        ("br;q=0.2, gzip;q=0.9", b"gzip", gzip.decompress),
        ("gzip", b"gzip", gzip.decompress),
        ("gzip;q=0", None, bytes),
        ("identity", None, bytes),
    ],
)
async def test_it_comes_in_few_bytes(tmp_path, accept_encoding, coding, decode):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        plain = await proxy.ask(UNKNOWN)
        got = await proxy.ask(UNKNOWN, f"Accept-Encoding: {accept_encoding}")

    assert got.one(b"Content-Encoding") == coding
    assert decode(got.body) == plain.body


async def test_a_name_of_another_process_is_answered_with_what_holds_for_the_visitor_and_kept_by_nobody(
    tmp_path,
):
    """Replicas during an upgrade, pages out of a service worker's cache: a guard is never missing."""
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = f"Cookie: {await accept(proxy, b'functional')}"
        page = await proxy.ask("/", cookie)
        script = await proxy.ask(files_of(page.body)[1])
        stranger = await proxy.ask(UNKNOWN)
        theirs = await proxy.ask(UNKNOWN, cookie)

    assert theirs.body == script.body
    assert theirs.body != stranger.body
    assert b"hubspotutk" in theirs.body
    assert b"hubspotutk" not in stranger.body, "without an answer all is refused"
    for got in (theirs, stranger):
        assert got.status == 200
        assert got.one(b"Cache-Control") == b"no-store"
        assert got.one(b"Cross-Origin-Resource-Policy") == b"same-origin"


async def test_two_processes_with_the_same_rules_name_the_same_files(tmp_path):
    names = []
    for _ in range(2):
        async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
            cookie = f"Cookie: {await accept(proxy)}"
            page = await proxy.ask("/", cookie)
            names.append(files_of(page.body))

    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask(names[0][1], cookie)

    assert names[0] == names[1]
    assert b"immutable" in got.one(b"Cache-Control"), "one that never made the page, too"


async def test_other_names_are_not_found_and_nothing_is_posted_there(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        wrong = await proxy.ask("/.consent/page.0123.js")
        posted = await proxy.ask(UNKNOWN, method="POST", body=b"x")
        head = await proxy.ask(UNKNOWN, method="HEAD")

    assert (wrong.status, posted.status, head.status) == (404, 404, 200)
    assert head.body == b""


async def test_a_site_that_asks_for_integrity_gets_everything_in_the_page(tmp_path):
    strict = html(PAGE, b"Integrity-Policy: blocked-destinations=(script)")
    async with Origin({b"/": strict}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        page = await proxy.ask("/", f"Cookie: {await accept(proxy)}")

    assert files_of(page.body) == []
    assert b"callkomConsent" in page.body


async def test_a_site_that_names_its_scripts_lets_our_file_in_by_its_address(tmp_path):
    strict = html(PAGE, b"Content-Security-Policy: script-src 'nonce-a'")
    async with Origin({b"/": strict}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        page = await proxy.ask("/", f"Cookie: {await accept(proxy)}")
        name = files_of(page.body)[1]

    theirs = page.all(b"Content-Security-Policy")[0].decode()
    scripts = r"( 'sha256-[^']+'){2}"  # the page's own, and the line that guards frames without an address
    assert re.fullmatch(rf"script-src 'nonce-a'{scripts} callkom\.io(:\d+)?{re.escape(name)}", theirs)


async def test_whole_addresses_for_a_page_with_a_base_are_those_of_whoever_asks(tmp_path):
    """Finished pages are remembered: one visitor's Host, port included, is never another's form."""
    based = html(PAGE.replace(b"<title>", b'<base href="https://elsewhere.example/"><title>'))
    async with Origin({b"/": based}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for _ in range(3):
            strange = await proxy.ask("/", host="CALLKOM.io:4444")
        usual = await proxy.ask("/")

    assert b'action="http://CALLKOM.io:4444/.consent/choice"' in strange.body
    assert b'action="http://callkom.io/.consent/choice"' in usual.body
    assert b"4444" not in usual.body
