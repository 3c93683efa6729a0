"""Responses that are not as they should be: what a browser would have used reaches the visitor.

By raw socket, enforced and observed. What a browser makes of each was measured (docs/responses.md).
"""

import asyncio
import gzip
import zlib
from pathlib import Path

import brotli
import pytest
import yaml
from backports import zstd

from tests.support.origin import CLOSE, Origin, html, ok
from tests.support.proxying import PAGE, proxying, request

HELD = b'type="text/plain" data-consent="performance"'
TAG = b'<script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
NAVIGATES = ("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Accept: text/html")
OBSERVED = "    mode: observe\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(PAGE)
CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE)
ENCODINGS = yaml.safe_load(Path("tests/data/content-encodings.yaml").read_text())


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


WRITE = {"plain": bytes, "gzip": lambda data: gzip.compress(data, mtime=0), "deflate": zlib.compress, "raw": raw_deflate,
         "br": brotli.compress, "zstd": zstd.compress}  # fmt: skip


def coded(sent: str) -> bytes:
    body = PAGE
    for coding in sent.split():
        body = WRITE[coding](body)
    return body


async def ask(tmp_path, response, *headers, site="", method="GET"):
    async with (
        Origin({b"/": [response, CLOSE]}) as origin,
        proxying(origin.url, folder=tmp_path, site=site) as proxy,
    ):
        got = await proxy.ask("/", *(headers or NAVIGATES), method=method)
    await asyncio.sleep(0.01)  # the loop closes what was aborted
    return got


@pytest.mark.parametrize("row", ENCODINGS, ids=lambda row: f"{row['said']!r} {row['sent']}")
async def test_a_content_encoding_is_read_as_browsers_read_it(tmp_path, row):
    lines = [b"Content-Encoding: " + value.encode("latin-1") for value in row["said"].split("|")]
    response = html(coded(row["sent"]), *lines)
    async with Origin({b"/": response}) as origin:
        async with proxying(origin.url, folder=tmp_path) as proxy:
            got = await proxy.ask("/", *NAVIGATES)
        async with proxying(origin.url, folder=tmp_path, site=OBSERVED) as proxy:
            observed = await proxy.ask("/", *NAVIGATES)

    assert TAG not in got.body
    if row["ours"] == "502":
        assert got.status == 502
    else:
        assert (got.status, HELD in got.body) == (200, row["ours"] == "page")
        assert got.one(b"Content-Encoding") == (row["label"].encode() if "label" in row else None)
    assert (observed.status, observed.body) == (200, coded(row["sent"]))
    assert observed.all(b"Content-Encoding") == [line.partition(b": ")[2] for line in lines]


CODED = gzip.compress(PAGE, mtime=0)
FLUSHED = zlib.compressobj(wbits=31)
NEVER_ENDED = FLUSHED.compress(PAGE) + FLUSHED.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    ("body", "ends"),
    [(CODED[:-8], False), (CODED[:-3], False), (NEVER_ENDED, False), (CODED[:-8] + bytes(8), True)],
    ids=["no sum", "half a length", "never ended", "wrong sum"],
)
async def test_a_gzipped_page_without_its_end_is_shown_as_browsers_show_it(tmp_path, body, ends):
    got = await ask(tmp_path, html(body, b"Content-Encoding: gzip"), *NAVIGATES, "Accept-Encoding: gzip")
    reader = zlib.decompressobj(31)
    page = reader.decompress(got.body)

    assert (got.status, got.whole, HELD in page, page.endswith(b"</html>")) == (200, True, True, True)
    assert reader.eof is ends, "what was cut stays so: nobody is told that it is whole"


def test_no_page_that_a_browser_shows_is_refused_because_of_its_content_encoding():
    for row in ENCODINGS:
        if "page" in (row["chromium"], row["firefox"]):
            assert row["ours"] == "page", row


@pytest.mark.parametrize("coding", [b"dcb", b"dcz", b"gzip, dcb"])
async def test_a_coding_that_a_browser_reads_by_its_own_dictionary_is_no_identity(tmp_path, coding):
    assert (await ask(tmp_path, html(PAGE, b"Content-Encoding: " + coding))).status == 502


UNREADABLE = [
    (b"Content-Type: text/html", b"Content-Encoding: gzip"),
    (b"Content-Type: text/html; charset=iso-2022-jp",),
    (b"Content-Type: multipart/related; boundary=x",),
    (b"Content-Type: text/html", b"Content-Security-Policy: default-src 'self'\x01"),
]


@pytest.mark.parametrize("fields", UNREADABLE)
@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 Go", b"308 Go"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_goes_by_its_head_whatever_its_body_is(tmp_path, fields, status, method):
    response = ok(PAGE, b"Location: /done", b"Set-Cookie: session=1", *fields, status=status)
    got = await ask(tmp_path, response, *NAVIGATES, method=method)

    assert (got.status, got.one(b"Location"), got.body) == (int(status[:3]), b"/done", b"")
    assert got.one(b"Set-Cookie") == b"session=1"
    assert got.one(b"Content-Encoding") is None
    assert got.whole


async def test_the_body_of_a_redirect_that_can_be_read_stays_and_is_filtered(tmp_path):
    got = await ask(tmp_path, ok(PAGE, b"Location: /done", b"Content-Type: text/html", status=b"302 Found"))

    assert (got.status, HELD in got.body, TAG in got.body) == (302, True, False)


@pytest.mark.parametrize("location", [(), (b"Location:",)])
async def test_a_redirect_without_a_place_is_shown_and_so_it_is_read_or_refused(tmp_path, location):
    coded_field = (b"Content-Type: text/html", b"Content-Encoding: gzip")
    got = await ask(tmp_path, ok(PAGE, *location, *coded_field, status=b"302 Found"))

    assert got.status == 502


@pytest.mark.parametrize("type_", [b"", b"Content-Type: text/html\r\n"])
async def test_a_redirect_whose_body_never_comes_is_followed_all_the_same(tmp_path, type_):
    head = b"HTTP/1.1 302 Found\r\nLocation: /done\r\n" + type_ + b"Content-Length: 9\r\n\r\n"
    got = await ask(tmp_path, head)

    assert (got.status, got.one(b"Location")) == (302, b"/done")


@pytest.mark.parametrize("fields", UNREADABLE)
@pytest.mark.parametrize(
    ("status", "method"),
    [(b"204 No Content", "GET"), (b"205 Reset", "POST"), (b"304 Not Modified", "GET"), (b"200 OK", "HEAD")],
)
async def test_what_has_no_body_for_anybody_goes_by_its_head(tmp_path, fields, status, method):
    body = b"" if method == "HEAD" else PAGE
    got = await ask(tmp_path, ok(body, *fields, status=status), *NAVIGATES, method=method)

    assert (got.status, got.body) == (int(status[:3]), b"")


async def test_a_challenge_keeps_its_fields_also_where_its_page_cannot_be_read(tmp_path):
    fields = (b'WWW-Authenticate: Basic realm="x"', b"Content-Type: text/html", b"Content-Encoding: gzip")
    got = await ask(tmp_path, ok(PAGE, *fields, status=b"401 Unauthorized"))

    assert (got.status, got.one(b"WWW-Authenticate"), got.body) == (401, b'Basic realm="x"', b"")


@pytest.mark.parametrize(
    ("status", "field"),
    [(b"401 Unauthorized", b"WWW-Authenticate: Basic"), (b"407 Proxy", b"Proxy-Authenticate: Basic"),
     (b"503 Busy", b"Retry-After: 120"), (b"500 Broken", b"X-Trace: 7")],
)  # fmt: skip
async def test_the_pages_of_challenges_and_errors_are_filtered_and_keep_their_fields(tmp_path, status, field):
    fields = (field, b"Content-Type: text/html", b"Content-Encoding: x-own")
    got = await ask(tmp_path, ok(PAGE, *fields, status=status))

    name, _, value = field.partition(b": ")
    assert (got.status, got.one(name), HELD in got.body) == (int(status[:3]), value, True)


async def test_an_error_page_that_fits_no_reading_is_502(tmp_path):
    fields = (b"Content-Type: text/html", b"Content-Encoding: gzip")
    assert (await ask(tmp_path, ok(PAGE, *fields, status=b"503 Busy"))).status == 502


READ = {
    "a control character": HEAD + b"X-A: a\x01b\r\n" + LENGTH + b"\r\n" + PAGE,
    "a DEL": HEAD + b"X-A: a\x7fb\r\n" + LENGTH + b"\r\n" + PAGE,
    "a NUL": HEAD + b"X-A: a\0b\r\n" + LENGTH + b"\r\n" + PAGE,
    "a control character in a cookie": HEAD + b"Set-Cookie: x=a\x01\r\n" + LENGTH + b"\r\n" + PAGE,
    "a control character in a place": HEAD + b"Location: /\x01\r\n" + LENGTH + b"\r\n" + PAGE,
    "a reason with a control character": b"HTTP/1.1 200 O\x01K" + HEAD[15:] + LENGTH + b"\r\n" + PAGE,
    "a name in UTF-8": HEAD + b"X-\xc3\x9c: 1\r\n" + LENGTH + b"\r\n" + PAGE,
    "a blank in a name": HEAD + b"X A: 1\r\n" + LENGTH + b"\r\n" + PAGE,
    "a blank before a colon": HEAD + b"X-A : 1\r\n" + LENGTH + b"\r\n" + PAGE,
    "a folded line": HEAD + b"X-A: 1\r\n 2\r\n" + LENGTH + b"\r\n" + PAGE,
    "a line without a colon": HEAD + b"Nothing\r\n" + LENGTH + b"\r\n" + PAGE,
    "a length twice": HEAD + LENGTH + LENGTH + b"\r\n" + PAGE,
    "a length twice in one field": HEAD + b"Content-Length: %d, %d\r\n\r\n" % (len(PAGE), len(PAGE)) + PAGE,
    "line feeds": (HEAD + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + PAGE,
    "padded sizes": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK.replace(b"\r\n<", b"  \r\n<"),
    "identity": HEAD + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + PAGE,
    "identity to the end": HEAD + b"Transfer-Encoding: identity\r\n\r\n" + PAGE,
    "HTTP/1.0 in chunks": b"HTTP/1.0" + HEAD[8:] + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "HTTP/1.0 that only says so": b"HTTP/1.0" + HEAD[8:] + b"Transfer-Encoding: chunked\r\n\r\n" + PAGE,
    "HTTP/2.0 in its line": b"HTTP/2.0" + HEAD[8:] + LENGTH + b"\r\n" + PAGE,
    "HTTP/1.2 in its line": b"HTTP/1.2" + HEAD[8:] + LENGTH + b"\r\n" + PAGE,
    "tabs in its line": b"HTTP/1.1\t200\tOK" + HEAD[15:] + LENGTH + b"\r\n" + PAGE,
    "a line feed behind an extension": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK.replace(b"\r\n", b";a=b\n", 1),
    "blanks in its line": b"HTTP/1.1  200  OK" + HEAD[15:] + LENGTH + b"\r\n" + PAGE,
    "a first line that goes on": HEAD[:17] + b" X-A: 1\r\n" + HEAD[17:] + LENGTH + b"\r\n" + PAGE,
    "a thousand fields": HEAD + b"X-A: 1\r\n" * 1000 + LENGTH + b"\r\n" + PAGE,
    "a head of 200 kB": HEAD + b"X-A: " + b"a" * 200_000 + b"\r\n" + LENGTH + b"\r\n" + PAGE,
    "a status of 600": b"HTTP/1.1 600 Odd" + HEAD[15:] + LENGTH + b"\r\n" + PAGE,
    "nosniff with a control character": HEAD + b"X-Content-Type-Options: nosniff\x01\r\n" + LENGTH + b"\r\n" + PAGE,
    "a charset with one": HEAD.replace(b"html", b"html; charset=ut\x01f-8") + LENGTH + b"\r\n" + PAGE,
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
async def test_one_bad_line_is_one_line(tmp_path, case):
    status = 600 if "600" in case else 200
    for fetched in (NAVIGATES, ("Sec-Fetch-Dest: empty",)):
        got = await ask(tmp_path, READ[case], *fetched)

        assert (got.status, HELD in got.body, got.whole) == (status, True, True)
        assert TAG not in got.body
    observed = await ask(tmp_path, READ[case], site=OBSERVED)

    assert (observed.status, observed.body, observed.whole) == (status, PAGE, True)


DOUBTFUL = {
    "two lengths": HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + PAGE,
    "two lengths in one field": HEAD + b"Content-Length: 5, 6\r\n\r\n" + PAGE,
    "a blank before the length's colon": HEAD + b"Content-Length : 5\r\n\r\n" + PAGE,
    "HTTP/0.9 in its line": b"HTTP/0.9" + HEAD[8:] + LENGTH + b"\r\n" + PAGE,
    "a status of four digits": b"HTTP/1.1 2000" + HEAD[12:] + LENGTH + b"\r\n" + PAGE,
    "framing behind a return": HEAD + b"X-A: a\rContent-Length: 5\r\n" + LENGTH + b"\r\n" + PAGE,
    "a line feed with framing behind it": HEAD + b"X-A: a\nContent-Length: 5\r\n" + LENGTH + b"\r\n" + PAGE,
    "a first line that goes on with framing": HEAD[:17] + b" Content-Length: 5\r\n" + LENGTH + b"\r\n" + PAGE,
}
ONLY_OBSERVED = {
    **{
        f"a length of {length!r}": HEAD + b"Content-Length: " + length + b"\r\n\r\n" + PAGE
        for length in (b"5x", b"x", b"-5", b"", b"9" * 23, b"5 5", b"5\x01", b"5\x7f", b"0x5")
    },
    "a folded length": HEAD + b"Content-Length:\r\n %d\r\n\r\n" % len(PAGE) + PAGE,
    "an end for some": HEAD + b"X-A: a\n\n" + PAGE,
    "another end for some": HEAD + b"X-A: a\n\r\n" + PAGE,
    "a coding with a control character": HEAD + b"Transfer-Encoding: chunked\x01\r\n\r\n" + PAGE,
    "a transfer coding nobody knows": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + PAGE,
    "no status": b"HTTP/1.1" + HEAD[15:] + LENGTH + b"\r\n" + PAGE,
    "chunks and a length": HEAD + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNK,
    "chunked twice": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNK,
    "identity and chunked": HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n" + CHUNK,
    "a coding without a name": HEAD + b"Transfer-Encoding:\r\n" + LENGTH + b"\r\n" + PAGE,
    "a hop-by-hop field with a control character": HEAD + b"Connection: x\x01\r\n" + LENGTH + b"\r\n" + PAGE,
    "a policy with a control character": HEAD + b"Content-Security-Policy: a\x01\r\n" + LENGTH + b"\r\n" + PAGE,
    "frame options with one": HEAD + b"X-Frame-Options: DENY\x7f\r\n" + LENGTH + b"\r\n" + PAGE,
}  # fmt: skip


@pytest.mark.parametrize("case", DOUBTFUL)
async def test_what_has_two_readings_is_502(tmp_path, case):
    assert (await ask(tmp_path, DOUBTFUL[case])).status == 502
    assert (await ask(tmp_path, DOUBTFUL[case], site=OBSERVED)).status == 502


@pytest.mark.parametrize("case", ONLY_OBSERVED)
async def test_what_browsers_read_alike_is_refused_only_where_it_is_enforced(tmp_path, case):
    enforced = await ask(tmp_path, ONLY_OBSERVED[case])
    observed = await ask(tmp_path, ONLY_OBSERVED[case], site=OBSERVED)

    assert (enforced.status, TAG in enforced.body) == (502, False)
    assert (observed.status, observed.body) == (200, PAGE)


@pytest.mark.parametrize("status", [20, 99])
async def test_a_status_below_100_is_shown_as_it_came_where_a_site_is_observed(tmp_path, status):
    response = b"HTTP/1.1 %03d Odd" % status + HEAD[15:] + LENGTH + b"\r\n" + PAGE

    async with (
        Origin({b"/": response}) as origin,
        proxying(origin.url, folder=tmp_path, site=OBSERVED) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(request("/", "Connection: close"))
        came = await reader.read()

    assert came.startswith(b"HTTP/1.1 %d Odd\r\n" % status)
    assert came.endswith(b"\r\n\r\n" + PAGE)
    assert (await ask(tmp_path, response)).status == 502


async def test_what_was_read_as_browsers_do_is_the_last_of_its_connection(tmp_path):
    odd = HEAD + b"X-A: a\n\n" + PAGE
    for response in (odd, b"HTTP/2.0" + HEAD[8:] + LENGTH + b"\r\n" + PAGE):
        async with (
            Origin({b"/": [response, 0.05, CLOSE] if response is odd else response}) as origin,
            proxying(origin.url, folder=tmp_path, site=OBSERVED) as proxy,
        ):
            for _ in range(2):
                assert (await proxy.ask("/")).body == PAGE
            assert origin.connections == 2


@pytest.mark.parametrize("type_", [b"text/html\x01", b"text/ht\x01ml", b"text/html\x7f"])
async def test_a_type_with_a_control_character_is_no_page_for_any_browser(tmp_path, type_):
    got = await ask(tmp_path, ok(PAGE, b"Content-Type: " + type_))

    assert (got.status, got.one(b"Content-Type"), got.body) == (200, type_, PAGE)


async def test_a_policy_with_a_control_character_stops_nothing_but_documents(tmp_path):
    got = await ask(tmp_path, ok(b"{}", b"Content-Type: application/json", b"X-Frame-Options: \x01"))

    assert (got.status, got.body) == (200, b"{}")


JSON = b'{"html": "' + TAG.replace(b'"', b"'") + b'"}'
FRAMED = ("Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate")
FETCHED = ("Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", "Accept: */*")


@pytest.mark.parametrize("body", [JSON, b"[" + JSON + b"]", b"\xef\xbb\xbf \r\n\t" + JSON])
@pytest.mark.parametrize(
    "headers",
    [FETCHED, ("Accept: application/json",), ("Accept: */*",), ("Accept: text/html", "X-Requested-With: XMLHttpRequest")],
)  # fmt: skip
async def test_json_that_calls_itself_html_passes_unchanged_and_fenced_where_a_script_gets_it(
    tmp_path, body, headers
):
    got = await ask(tmp_path, html(body, b"Cache-Control: public, max-age=60"), *headers)

    assert (got.status, got.body) == (200, body)
    assert b"googletagmanager" not in got.one(b"Content-Security-Policy")
    assert (got.one(b"Cache-Control"), got.one(b"Vary")) == (b"private, no-cache", b"Sec-Fetch-Dest")


@pytest.mark.parametrize("body", [JSON, b"[" + JSON + b"]"])
@pytest.mark.parametrize(
    "headers", [NAVIGATES, FRAMED, ("Accept: text/html",), ("Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: navigate")]
)  # fmt: skip
async def test_where_it_is_opened_it_is_filtered_fenced_and_guarded(tmp_path, body, headers):
    got = await ask(tmp_path, html(body), *headers)

    assert b"src='https://www.googletagmanager.com" in got.body
    assert HELD in got.body
    assert got.one(b"Content-Security-Policy")
    assert b"<script" in got.body.partition(b'{"html"')[0]


@pytest.mark.parametrize("body", [PAGE, b"<p>{}</p>" + TAG, b"x {}" + TAG, b'"{' + TAG])
async def test_what_a_script_gets_and_is_no_json_is_filtered(tmp_path, body):
    got = await ask(tmp_path, html(body), *FETCHED)

    assert (TAG in got.body, HELD in got.body) == (False, True)


async def test_json_that_begins_late_and_coded_is_told_by_its_first_bytes(tmp_path):
    coded_json = gzip.compress(b" " * 100 + JSON)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(coded_json)
    async with (
        Origin({b"/": [head + coded_json[:15], 0.02, coded_json[15:]]}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        got = await proxy.ask("/", "Accept-Encoding: gzip", *FETCHED)

    assert got.body == coded_json


RANGE = ("Range: bytes=4-", 'If-Range: "v"')
PART = ok(
    b"rest", b"Content-Range: bytes 4-7/8", b'ETag: "v"', b"Content-Type: application/zip", status=b"206 Part"
)


async def test_a_download_that_broke_off_in_chromium_goes_on(tmp_path):
    async with Origin({b"/": PART}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: navigate", *RANGE)
        seen = origin.seen[0]

    assert (got.status, got.body) == (206, b"rest")
    assert (seen.get(b"Range"), seen.get(b"If-Range")) == ([b"bytes=4-"], [b'"v"'])


async def test_a_part_that_could_be_shown_as_a_page_is_fetched_whole(tmp_path):
    def page(seen):
        part = ok(PAGE[4:], b"Content-Type: text/html", b"Content-Range: bytes 4-7/8", status=b"206 Part")
        return part if seen.get(b"Range") else html(PAGE)

    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: navigate", *RANGE)

    assert (got.status, HELD in got.body) == (200, True)


async def test_a_page_is_changed_under_the_condition_that_it_came_with(tmp_path):
    def page(seen):
        if seen.method == b"PUT":
            return ok(b"", status=b"204 Done" if seen.get(b"If-Match") == [b'"v7"'] else b"412 Failed")
        return html(PAGE, b'ETag: "v7"')

    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        etag = (await proxy.ask("/", *NAVIGATES)).one(b"ETag").decode()
        assert etag != '"v7"'
        saved = [
            (await proxy.ask("/", f"If-Match: {value}", method="PUT", body=b"new")).status
            for value in (etag, etag.removeprefix("W/"), '"v7"', '"v6"')
        ]

    assert saved == [204, 204, 204, 412]


@pytest.mark.parametrize("mode", ["", OBSERVED])
async def test_what_names_the_upstream_leads_to_the_visitors_host(tmp_path, mode):
    named = ok(
        b"",
        b"Location: http://app.internal.test/a",
        b"Content-Location: //app.internal.test/b",
        b"Refresh: 1; url=http://app.internal.test/c",
        b"Link: <http://app.internal.test/d.css>; rel=preload; as=style",
        b"Set-Cookie: session=1; Domain=app.internal.test; Path=/",
        status=b"302 Found",
    )
    site = "    upstream_host: app.internal.test\n" + mode
    async with Origin({b"/": named}) as origin, proxying(origin.url, folder=tmp_path, site=site) as proxy:
        got = [await proxy.ask("/", *NAVIGATES, host="callkom.io:8000") for _ in range(3)]

        assert origin.seen[0].get(b"Host") == [b"app.internal.test"]
    for each in got:
        assert each.one(b"Location") == b"http://callkom.io:8000/a"
        assert each.one(b"Content-Location") == b"//callkom.io:8000/b"
        assert each.one(b"Refresh") == b"1; url=http://callkom.io:8000/c"
        assert each.one(b"Link") == b"<http://callkom.io:8000/d.css>; rel=preload; as=style"
        assert each.all(b"Set-Cookie") == [b"session=1; Domain=callkom.io; Path=/"]


async def test_a_redirect_of_a_server_that_adds_its_own_port_stays_with_the_proxy(tmp_path):
    def redirect(seen):
        port = seen.writer.get_extra_info("sockname")[1]
        return ok(b"", b"Location: http://callkom.io:%d/dir/" % port, status=b"301 Moved")

    async with Origin({b"/dir": redirect}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/dir", *NAVIGATES)

    assert got.one(b"Location") == b"http://callkom.io/dir/"
