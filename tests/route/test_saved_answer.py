"""The word that a choice is saved: on the page seen next, and on none after it, by both routes of a request."""

import time

from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, proxying, read_answer, request

SAME = "Sec-Fetch-Site: same-origin"
OPENS = ("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")
SAVED = b"Saved. You can change it at any time with \xe2\x80\x9cManage my cookies\xe2\x80\x9d."
SAID = b'class="cc m n"'


class Clock:
    """A clock that somebody moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


async def answered(proxy, body=b"choice=accept", *headers):
    got = await proxy.ask("/.consent/choice", SAME, *headers, method="POST", body=body)
    lines = [line for line in got.all(b"Set-Cookie") if line.startswith(b"consent_callkom=")]
    return "Cookie: " + lines[-1].split(b";")[0].decode()


def text(got):
    return got.body.replace(b"&#8220;", b"\xe2\x80\x9c").replace(b"&#8221;", b"\xe2\x80\x9d")


async def test_the_page_after_a_choice_says_that_it_is_saved_and_no_later_one_does(tmp_path):
    clock = Clock()
    async with (
        Origin({b"/": html(PAGE, b'ETag: "v1"')}) as origin,
        proxying(origin.url, folder=tmp_path, clock=clock) as proxy,
    ):
        before = await proxy.ask("/", *OPENS)
        cookie = await answered(proxy)
        after = await proxy.ask("/", cookie, *OPENS)
        framed = await proxy.ask("/", cookie, "Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate")
        clock.now += 7
        later = await proxy.ask("/", cookie, *OPENS)

    assert SAID not in before.body
    assert SAVED in text(after)
    assert SAID in after.body
    assert SAVED not in text(framed)
    assert SAID not in later.body
    assert after.one(b"ETag") != later.one(b"ETag"), "or a browser would go on showing that page"


async def test_what_is_remembered_of_a_request_says_it_no_longer(tmp_path):
    clock = Clock()
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, clock=clock) as proxy,
    ):
        cookie = await answered(proxy)
        reader, writer = await proxy.connect()
        said = []
        for wait in (0, 0, 0, 7, 0, 0):
            clock.now += wait
            writer.write(request("/", cookie, *OPENS))
            said.append(SAID in (await read_answer(reader)).body)
        writer.close()

    assert said == [True, True, True, False, False, False]


async def test_after_a_withdrawal_the_page_says_how_many_cookies_were_deleted(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        cookie = await answered(proxy)
        jar = f"{cookie}; _ga=1; _ga_ABC=2; hubspotutk=3; session=4"
        withdrawn = await answered(proxy, b"choice=save&purpose=functional", jar)
        page = await proxy.ask("/", withdrawn, *OPENS)

    assert b"Cookies deleted: 2." in page.body, "hubspotutk is functional, and session the site's own"


async def test_a_program_is_told_their_names(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask(
            "/.consent/choice",
            SAME,
            "Accept: application/json",
            "Cookie: hubspotutk=3; _ga=1; session=4",
            method="POST",
            body=b"choice=refuse",
        )

    assert got.json["deleted"] == ["_ga", "hubspotutk"]
    assert got.json["saved"].endswith("Cookies deleted: 2.")
