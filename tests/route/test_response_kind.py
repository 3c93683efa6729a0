"""What counts as a document, end to end: by type, by first bytes, by who asks (threats T5, T7, T8, T11, T54)."""

import gzip

import brotli
import pytest

from proxy.filter.headers.content_kind import BodyKind
from proxy.route.response_kind import sort_named
from tests.support.heads import responded
from tests.support.origin import Origin, chunked, ok
from tests.support.proxying import PAGE, proxying
from tests.support.visits import request

HELD = b'<script type="text/plain" data-consent="performance" src="https://www.google'
TAG = b'<script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script href="https://www.googletagmanager.com/x.js"/></svg>'
FEED = b"<?xml version='1.0'?><rss version='2.0'><channel>" + TAG + b"</channel></rss>"
HTML = b"Content-Type: text/html"
CACHE = b"Cache-Control: public, max-age=600"


async def ask(tmp_path, answer, *headers, target="/", method="GET"):
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        return await proxy.ask(target, *headers, method=method)


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Type: text/html",),
        (b"Content-Type: TEXT/HTML ; charset=utf-8",),
        (b"Content-Type: text/plain", b"Content-Type: text/html"),
        (b"Content-Type: text/plain, text/html",),
        (b"Content-Type: text/html, */*",),
        (b"Content-Type: text/html charset=utf-8",),
        (),
        (b"Content-Type: */*",),
        (b"Content-Type: unknown/unknown",),
        (b"Content-Type: application/unknown", b"X-Content-Type-Options: x"),
        (b"Content-Type:",),
    ],
)
async def test_whatever_a_browser_would_take_for_a_page_is_read(tmp_path, fields):
    answer = ok(PAGE, CACHE, *fields)
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for headers in [(), ("Sec-Fetch-Dest: document",), ("Sec-Fetch-Dest: empty",)]:
            got = await proxy.ask("/", *headers)

            assert (got.status, HELD in got.body) == (200, True), headers
            assert got.one(b"Cache-Control") == b"private, no-cache"


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Type: text/plain",),
        (b"Content-Type: text/html, text/plain",),
        (b"Content-Type: application/json",),
        (b"Content-Type: application/octet-stream",),
        (b"X-Content-Type-Options: nosniff",),
        (b"Content-Type: text/html", b"Content-Disposition: attachment; filename=a.html"),
    ],
)
async def test_what_no_browser_runs_as_a_page_passes_byte_for_byte(tmp_path, fields):
    got = await ask(tmp_path, ok(PAGE, CACHE, *fields), "Sec-Fetch-Dest: document")

    assert got.body == PAGE
    assert got.one(b"Cache-Control") == b"public, max-age=600"


async def test_a_page_without_a_type_is_told_by_bytes_that_come_slowly(tmp_path):
    slow = [
        chunked(b" \n\t", fields=[])[:-5],
        0.05,
        b"8\r\n<!doctyp\r\n",
        0.05,
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(PAGE), b"e html>" + PAGE[7:]),
    ]
    got = await ask(tmp_path, slow)

    assert (got.whole, HELD in got.body) == (True, True)


async def test_a_compressed_page_without_a_type_is_unfolded_to_be_sniffed(tmp_path):
    got = await ask(tmp_path, ok(gzip.compress(PAGE), b"Content-Encoding: gzip"), "Accept-Encoding: gzip")

    assert HELD in gzip.decompress(got.body)


async def test_an_empty_answer_without_a_type_is_nothing(tmp_path):
    got = await ask(tmp_path, ok(b""))

    assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize("fields", [(), (b"Content-Type: */*",)])
async def test_the_head_of_what_may_be_a_page_is_a_pages(tmp_path, fields):
    """No byte will tell: kept as a file, its head would let a cache keep the page."""
    answer = ok(PAGE, CACHE, b'ETag: "a"', *fields)
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        head, page = [
            await proxy.ask("/", "Sec-Fetch-Dest: document", method=method) for method in ("HEAD", "GET")
        ]

    assert (head.status, head.body) == (200, b"")
    for name in (b"Cache-Control", b"ETag", b"Content-Security-Policy", b"Vary"):
        assert head.all(name) == page.all(name)
    assert head.one(b"Cache-Control") == b"private, no-cache"


@pytest.mark.parametrize(
    "type_", [b"application/xhtml+xml", b"image/svg+xml", b"application/xml", b"text/xml", b"text/xsl"]
)
async def test_xml_shown_as_a_page_is_read(tmp_path, type_):
    answer = ok(SVG, CACHE, b"Content-Type: " + type_)
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for dest in ("document", "iframe", "object", "embed", None):
            got = await proxy.ask("/", *((f"Sec-Fetch-Dest: {dest}",) if dest else ()))

            assert b'type="text/plain"' in got.body, dest
            assert got.one(b"Cache-Control") == b"private, no-cache"
            assert got.all(b"Content-Security-Policy")


@pytest.mark.parametrize(
    ("type_", "dest", "body"),
    [
        (b"application/rss+xml", "document", FEED),
        (b"text/xml", "document", FEED),
        (b"application/xml", None, FEED),
        (b"application/xml", "empty", SVG),
        (b"image/svg+xml", "image", SVG),
    ],
)
async def test_a_feed_or_image_keeps_bytes_and_caches_under_the_strictest_fence(tmp_path, type_, dest, body):
    """A cache may hand it to anybody, so the fence is the same for everybody."""
    answer = ok(body, CACHE, b'ETag: "a"', b"Content-Type: " + type_)
    headers = (f"Sec-Fetch-Dest: {dest}",) if dest else ()
    async with Origin({b"/": answer}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = await proxy.ask(
            "/.consent/choice",
            "Content-Type: application/x-www-form-urlencoded",
            method="POST",
            body=b"choice=accept",
        )
        cookie = consent.all(b"Set-Cookie")[0].split(b";")[0].decode()
        refused = await proxy.ask("/", *headers)
        accepted = await proxy.ask("/", f"Cookie: {cookie}", *headers)

    assert accepted.headers == refused.headers
    assert accepted.body == refused.body == body
    assert (refused.one(b"Cache-Control"), refused.one(b"ETag")) == (b"public, max-age=600", b'"a"')
    assert b"googletagmanager" not in refused.one(b"Content-Security-Policy")


async def test_no_script_of_a_feeds_own_runs_where_it_is_opened(tmp_path):
    for type_ in (b"application/rss+xml", b"text/xml"):
        feed = await ask(tmp_path, ok(FEED, b"Content-Type: " + type_), "Sec-Fetch-Dest: iframe")
        assert b"; script-src 'self'" in feed.one(b"Content-Security-Policy")

    drawing = await ask(tmp_path, ok(SVG, b"Content-Type: image/svg+xml"), "Sec-Fetch-Dest: image")
    assert b"script-src" not in drawing.one(b"Content-Security-Policy"), (
        "it may move by script in an <object>"
    )


FILES = [
    b"application/json",
    b"text/plain",
    b"text/css",
    b"text/javascript",
    b"image/png",
    b"application/pdf",
]


@pytest.mark.parametrize("status", [b"200 OK", b"206 Partial Content", b"404 Not Found", b"304 Not Modified"])
@pytest.mark.parametrize("dest", [None, "script", "iframe"])
async def test_what_is_no_page_carries_one_fence_for_everybody_and_may_be_kept(tmp_path, status, dest):
    body = b"" if status.startswith(b"304") else b"1"
    files = {
        b"/%d" % at: ok(body, CACHE, b"Content-Type: " + kind, status=status) for at, kind in enumerate(FILES)
    }
    headers = (f"Sec-Fetch-Dest: {dest}",) if dest else ()
    async with Origin(files) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = await proxy.ask(
            "/.consent/choice",
            "Content-Type: application/x-www-form-urlencoded",
            method="POST",
            body=b"choice=accept",
        )
        cookie = consent.all(b"Set-Cookie")[0].split(b";")[0].decode()
        page = await proxy.ask("/nosuch", *headers)
        for path in files:
            refused = await proxy.ask(path.decode(), *headers)
            accepted = await proxy.ask(path.decode(), f"Cookie: {cookie}", *headers)

            assert accepted.headers == refused.headers
            assert refused.one(b"Cache-Control") == b"public, max-age=600"
            fences = refused.all(b"Content-Security-Policy")
            assert len(fences) == 1
            assert fences == page.all(b"Content-Security-Policy")


@pytest.mark.parametrize(
    ("status", "lines", "fenced"),
    [
        (b"204 No Content", (), False),
        (b"302 Found", (b"Location: /other",), False),
        (b"302 Found", (), True),
        (b"201 Created", (b"Location: /other",), True),
        (b"200 OK", (b"Content-Disposition: attachment",), False),
        (b"200 OK", (b"Content-Disposition: inline",), True),
        (b"200 OK", (b"Content-Type: text/javascript", b"Content-Disposition: attachment"), True),
    ],
)
async def test_what_is_saved_or_has_nothing_to_show_is_left_alone(tmp_path, status, lines, fenced):
    kind = () if any(line.startswith(b"Content-Type") for line in lines) else (b"Content-Type: text/csv",)
    body = b"" if status.startswith(b"204") else b"a,b"
    got = await ask(tmp_path, ok(body, *kind, *lines, status=status), "Sec-Fetch-Dest: iframe")

    assert bool(got.all(b"Content-Security-Policy")) is fenced


async def test_a_script_that_is_called_html_runs_unchanged_and_is_not_kept_for_a_page(tmp_path):
    code = b"document.write('" + TAG + b"')"
    got = await ask(tmp_path, ok(code, CACHE, b"Content-Type: text/html"), "Sec-Fetch-Dest: script")

    assert got.body == code
    assert (got.one(b"Cache-Control"), got.one(b"Vary")) == (b"private, no-cache", b"Sec-Fetch-Dest")


@pytest.mark.parametrize(
    "type_",
    [
        b"multipart/x-mixed-replace; boundary=x",
        b"multipart/related; boundary=x",
        b"application/signed-exchange;v=b3",
    ],
)
async def test_pages_in_parts_or_sealed_are_refused_as_pages_and_pass_as_files(tmp_path, type_):
    body = b"--x\r\nContent-Type: text/html\r\n\r\n" + PAGE + b"\r\n--x--"
    shown = await ask(tmp_path, ok(body, b"Content-Type: " + type_), "Sec-Fetch-Dest: document")
    image = await ask(tmp_path, ok(body, b"Content-Type: " + type_), "Sec-Fetch-Dest: image")

    assert (shown.status, TAG in shown.body) == (502, False)
    assert (image.status, image.body) == (200, body)


@pytest.mark.parametrize("named", [b"", b'; filename="letter.eml"'])
async def test_mail_that_a_link_opens_is_saved_as_a_file(tmp_path, named):
    mail = b"Subject: Hello\r\nContent-Type: text/html\r\n\r\n" + PAGE
    fields = [b"Content-Type: message/rfc822", *([b"Content-Disposition: inline" + named] if named else [])]
    opened = await ask(tmp_path, ok(mail, *fields), "Sec-Fetch-Dest: document")
    fetched = await ask(tmp_path, ok(mail, *fields), "Sec-Fetch-Dest: empty")

    assert (opened.status, opened.body) == (200, mail)
    assert opened.one(b"Content-Disposition") == b"attachment" + named
    assert fetched.body == mail
    assert fetched.one(b"Content-Disposition") == (b"inline" + named if named else None)


@pytest.mark.parametrize("type_", [b"application/zip", b"application/x-tar", b"application/gzip"])
async def test_an_archive_that_a_link_opens_passes(tmp_path, type_):
    got = await ask(tmp_path, ok(b"PK" + PAGE, b"Content-Type: " + type_), "Sec-Fetch-Dest: document")

    assert (got.status, got.body) == (200, b"PK" + PAGE)


async def test_digests_go_with_the_bytes_they_spoke_of(tmp_path):
    digests = (
        b"Digest: sha-256=x",
        b"Content-Digest: sha-256=:x:",
        b"Repr-Digest: sha-256=:x:",
        b"Content-MD5: x",
        b"Accept-Ranges: bytes",
    )
    page = await ask(tmp_path, ok(PAGE, *digests, b"Content-Type: text/html"))
    image = await ask(tmp_path, ok(b"\x89PNG", *digests, b"Content-Type: image/png"))

    names = {name.lower() for name, _ in page.headers}
    assert names & {b"digest", b"content-digest", b"repr-digest", b"content-md5", b"accept-ranges"} == set()
    assert {name.lower() for name, _ in image.headers} >= {
        b"digest",
        b"content-digest",
        b"repr-digest",
        b"content-md5",
    }


async def test_caches_on_the_way_are_told_nothing_of_a_page(tmp_path):
    said = (
        b"CDN-Cache-Control: max-age=60",
        b"Surrogate-Control: max-age=60",
        b"Expires: x",
        b"Cloudflare-CDN-Cache-Control: max-age=1",
        CACHE,
    )
    got = await ask(tmp_path, ok(PAGE, *said, b"Content-Type: text/html"))

    names = {name.lower() for name, _ in got.headers}
    assert (
        names & {b"cdn-cache-control", b"surrogate-control", b"expires", b"cloudflare-cdn-cache-control"}
        == set()
    )
    assert got.one(b"Cache-Control") == b"private, no-cache"


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        (b'{"prefetch":[{"urls":["/next"]}]}', b'{"prefetch":[{"urls":["/next"]}]}'),
        (b'{"prefetch":[{"urls":["https://www.googletagmanager.com/"]}]}', b"{}"),
    ],
)
async def test_a_file_of_speculation_rules_prefetches_from_nobody_refused(tmp_path, rules, left):
    answer = ok(
        brotli.compress(rules), b"Content-Type: application/speculationrules+json", b"Content-Encoding: br"
    )
    got = await ask(tmp_path, answer, "Sec-Fetch-Dest: speculationrules", "Accept-Encoding: br")

    assert brotli.decompress(got.body) == left


async def test_a_bomb_is_cut_and_harms_nobody(tmp_path):
    bomb = gzip.compress(b"<!doctype html>" + bytes(64 << 20))
    got = await ask(
        tmp_path,
        chunked(bomb, fields=[b"Content-Type: text/html", b"Content-Encoding: gzip"]),
        "Accept-Encoding: gzip",
    )

    assert got.status == 502 or not got.whole


async def test_a_truncated_compressed_page_is_cut_or_refused(tmp_path):
    cut = ok(gzip.compress(PAGE)[:-4], b"Content-Type: text/html", b"Content-Encoding: gzip")
    got = await ask(tmp_path, cut, "Accept-Encoding: gzip")
    plain = await ask(tmp_path, cut)

    with pytest.raises(EOFError):
        gzip.decompress(got.body)
    assert plain.status == 502 or not plain.whole


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le"])
async def test_a_page_in_utf_16_is_filtered_in_place(tmp_path, codec):
    page = PAGE.decode().encode(codec)
    got = await ask(tmp_path, ok(page, b"Content-Type: text/html; charset=utf-16"))

    assert HELD.decode() in got.body.decode(codec)


async def test_a_page_in_iso_2022_jp_is_refused(tmp_path):
    got = await ask(tmp_path, ok(PAGE, b"Content-Type: text/html; charset=iso-2022-jp"))

    assert got.status == 502
    assert TAG not in got.body


async def test_a_page_kept_before_this_proxy_came_is_fetched_anew(tmp_path):
    def page(seen):
        if seen.get(b"If-None-Match") or seen.get(b"If-Modified-Since"):
            return b"HTTP/1.1 304 Not Modified\r\n\r\n"
        return ok(PAGE, b'ETag: "old"', b"Content-Type: text/html")

    navigation = ("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")
    got = await ask(
        tmp_path,
        page,
        'If-None-Match: "old"',
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
        *navigation,
    )

    assert got.status == 200
    assert HELD in got.body


async def test_a_page_with_only_a_date_still_revalidates(tmp_path):
    date = "Sun, 06 Nov 1994 08:49:37 GMT"

    def page(seen):
        if seen.get(b"If-Modified-Since") == [date.encode()]:
            return b"HTTP/1.1 304 Not Modified\r\nLast-Modified: " + date.encode() + b"\r\n\r\n"
        return ok(PAGE, b"Last-Modified: " + date.encode(), b"Content-Type: text/html")

    navigation = ("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")
    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        first = await proxy.ask("/", *navigation)
        again = await proxy.ask("/", f"If-None-Match: {first.one(b'ETag').decode()}", *navigation)

    assert first.one(b"Last-Modified") is None
    assert (again.status, again.one(b"ETag")) == (304, first.one(b"ETag"))


async def test_a_page_from_before_undeclared_tags_were_held_is_not_confirmed(tmp_path):
    """The site's page is the same, so its server says 304: the browser must not go on with the unheld one."""

    def page(seen):
        if seen.get(b"If-None-Match") == [b'"one"']:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\n\r\n'
        return ok(PAGE.replace(b"www.googletagmanager.com", b"nobody.example"), b'ETag: "one"', HTML)

    navigation = ("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")
    async with Origin({b"/": page}) as origin:
        got = []
        for says in ("keep", "keep", "hold"):
            site = f"    undeclared: {{ tags: {says} }}\n"
            asks = (f"If-None-Match: {got[0].one(b'ETag').decode()}",) if got else ()
            async with proxying(origin.url, folder=tmp_path, site=site) as proxy:
                got.append(await proxy.ask("/", *asks, *navigation))

    assert [answer.status for answer in got] == [200, 304, 200]
    assert [b'<script src="https://nobody.example' in answer.body for answer in got] == [True, False, False]
    assert b"nobody.example" in got[2].body


async def test_a_page_remembered_for_one_visitor_is_not_another_visitors_page(tmp_path):
    """The same bytes, remembered, then asked for with consent, at another address, in French, in a frame."""
    answer = ok(PAGE, b"Content-Type: text/html; charset=utf-8")
    mute = ok(PAGE.replace(b" lang=en", b""), b"Content-Type: text/html; charset=utf-8")
    pages = {b"/": answer, b"/b": answer, b"/c": mute}
    async with Origin(pages) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        remembered = [(await proxy.ask("/")).body for _ in range(4)]
        choice = await proxy.ask(
            "/.consent/choice",
            "Content-Type: application/x-www-form-urlencoded",
            method="POST",
            body=b"choice=accept",
        )
        cookie = choice.all(b"Set-Cookie")[0].split(b";")[0].decode()
        accepted = (await proxy.ask("/", f"Cookie: {cookie}")).body
        elsewhere = (await proxy.ask("/b")).body
        spoken = [
            (await proxy.ask("/c", f"Accept-Language: {lang}")).body for lang in ("en", "en", "fr", "fr")
        ]
        framed = (await proxy.ask("/", "Sec-Fetch-Dest: iframe")).body
        squeezed = (await proxy.ask("/", "Accept-Encoding: gzip")).body
        figures = proxy.figures()

    assert remembered == remembered[:1] * 4
    assert HELD in remembered[0]
    assert (HELD in accepted, TAG in accepted) == (False, True)
    assert len({remembered[0], accepted, elsewhere, framed}) == 4
    assert [b"Tout refuser" in body for body in spoken] == [False, False, True, True]
    assert squeezed == remembered[0]
    assert "verdicts" in figures


async def test_a_page_remembered_under_one_policy_of_the_site_is_not_used_under_another(tmp_path):
    """A nonce is new in every answer; what is injected for it must be too."""
    count = iter(range(100))

    def page(_):
        nonce = b"n%d" % next(count)
        policy = b"Content-Security-Policy: script-src 'nonce-" + nonce + b"'"
        return ok(PAGE, policy, b"Content-Type: text/html; charset=utf-8")

    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = [await proxy.ask("/") for _ in range(4)]

    for number, answer in enumerate(got):
        assert b"'nonce-n%d'" % number in answer.all(b"Content-Security-Policy")[0]
        others = [b"n%d" % other for other in range(4) if other != number]
        assert not any(
            b"nonce=" + quote + other in answer.body for other in others for quote in (b"", b'"', b"'")
        )


META = b"<!doctype html><html><head><meta charset=windows-1252><title>caf\xe9</title></head><body>caf\xe9</body></html>"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_the_charset_a_page_declares_is_said_before_what_we_put_into_it(tmp_path, coding):
    body, fields = (gzip.compress(META), [b"Content-Encoding: gzip"]) if coding == "gzip" else (META, [])
    page = ok(body, b"Content-Type: text/html", *fields)
    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", "Accept-Encoding: gzip;q=0.1, identity")
        fetched = await proxy.ask("/", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin")

    assert got.one(b"Content-Type") == b"text/html; charset=windows-1252"
    assert fetched.one(b"Content-Type") == b"text/html"
    assert b"<title>caf\xe9</title>" in got.body
    assert got.body.replace(b"caf\xe9", b"").isascii()  # what we add means the same in every charset


async def test_two_content_types_are_left_to_the_browser(tmp_path):
    page = ok(META, b"Content-Type: text/html", b"Content-Type: text/html")
    async with Origin({b"/": page}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/")

    assert got.all(b"Content-Type") == [b"text/html"] * 2


async def test_a_page_whose_declaration_is_not_here_yet_does_not_wait_for_it(tmp_path):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(META)
    async with (
        Origin({b"/": [head + META[:20], 0.3, META[20:]]}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        got = await proxy.ask("/")

    assert got.one(b"Content-Type") == b"text/html"
    assert b"<title>caf\xe9</title>" in got.body


UNLIKE_PAGES = [
    b"<br />\n<b>Warning</b>: Undefined variable in <b>/srv/page.php</b>\n" + PAGE,
    b"Notice: x in line 1\n<p>Hello",
    b"<title>Home</title><p>Hello",
    b"<script>start()</script>" + PAGE,
    b"<p>Hello",
    b"plain text",
    b'{"a": 1}',
    b"<p>one<body><p>two<body id=b></body><p>three",
    b"<title>t</title><p>x</p><html amp><body>y",
]
ANY = "Accept: */*"
WANTED = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"


def parts(body):
    """Return whether guard, banner and link are in a page."""
    return tuple(mark in body for mark in (b"data-state=", b'id="cc-b"', b'id="cc-l"'))


@pytest.mark.parametrize("begins", UNLIKE_PAGES, ids=lambda body: body[:20])
async def test_what_a_browser_opens_is_dressed_however_it_begins(tmp_path, begins):
    async with (
        Origin({b"/": ok(begins, b"Content-Type: text/html; charset=utf-8")}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):

        async def got(*headers):
            return parts((await proxy.ask("/", *headers)).body)

        page, frame, fragment = (True, True, True), (True, False, False), (False, False, False)
        assert await got("Sec-Fetch-Dest: document", ANY) == page
        assert await got(WANTED) == page
        assert await got("Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: navigate") == page
        for dest in ("iframe", "frame", "object", "embed", "fencedframe"):
            assert await got(f"Sec-Fetch-Dest: {dest}", ANY) == frame
        fetched = page if b"<html" in begins else fragment  # wherever it says so
        assert await got("Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", WANTED) == fetched
        assert await got(ANY) == fetched
        assert await got(WANTED, "X-Requested-With: XMLHttpRequest") == fetched


async def test_a_page_that_a_service_worker_fetches_is_dressed(tmp_path):
    got = await ask(
        tmp_path,
        ok(PAGE, HTML),
        "Sec-Fetch-Dest: empty",
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Site: same-origin",
    )

    assert parts(got.body) == (True, True, True)


async def test_a_part_that_a_script_fetched_is_not_confirmed_as_a_page(tmp_path):
    def part(seen):
        if seen.get(b"If-None-Match") == [b'"one"']:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\n\r\n'
        return ok(b"<p>Hello", b'ETag: "one"', HTML)

    async with Origin({b"/": part}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        fetched = await proxy.ask("/", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors")
        asks = f"If-None-Match: {fetched.one(b'ETag').decode()}"
        again = await proxy.ask("/", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", asks)
        opened = await proxy.ask("/", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", asks)

    assert (again.status, opened.status) == (304, 200)
    assert parts(opened.body) == (True, True, True)


async def test_an_empty_answer_stays_empty(tmp_path):
    got = await ask(tmp_path, ok(b"", HTML), "Sec-Fetch-Dest: document")

    assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_what_is_here_whole_is_told_by_its_bytes_unless_it_has_none(method):
    """A HEAD is all here at once, and says nothing of what a GET would bring."""
    response = responded(method=method, bodiless=method == b"HEAD")
    response.complete = True
    response._pieces = [PAGE] if method == b"GET" else []

    assert sort_named(response, request()) is (BodyKind.HTML if method == b"GET" else None)


def test_what_is_not_here_yet_is_told_by_its_type_alone():
    opened = request(b"/", (b"Sec-Fetch-Dest", b"document"))

    assert sort_named(responded((b"Content-Type", b"text/html")), opened) is BodyKind.HTML
    assert sort_named(responded(), opened) is None
