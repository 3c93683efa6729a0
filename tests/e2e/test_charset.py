"""A page reads in the same encoding with us as without, wherever it says which, in a real Chromium."""

import pytest
from aiohttp import web

from tests.e2e.conftest import HOSTS, in_front_of
from tests.e2e.providers import serve_in_thread, tls_for

pytestmark = pytest.mark.e2e

TEXTS = {"windows-1252": "café €", "shift_jis": "日本語テスト", "utf-8": "café 日本", "utf-16": "café 日本"}
META = {encoding: f"<meta charset={encoding}>" for encoding in TEXTS} | {"utf-16": "<meta charset=utf-8>"}
PLACES = {
    "first": "<head>{meta}<title>t</title>",
    "after a script": "<head><script>var a=1</script>{meta}<title>t</title>",
    "after a script that speaks of one": "<head><script>'<meta charset=koi8-r>'</script>{meta}<title>t</title>",
    "late in the first kilobyte": "<head><style>" + "a{{}}" * 230 + "</style>{meta}<title>t</title>",
    "behind it": "<head><style>" + "a{{}}" * 400 + "</style>{meta}<title>t</title>",
    "nowhere": "<head><title>t</title>",
}
CASES = [(encoding, place) for encoding in TEXTS for place in PLACES]


def body(encoding: str, place: str) -> bytes:
    head = PLACES[place].format(meta=META[encoding])
    return f"<!doctype html><html lang=en>{head}</head><body><p id=text>{TEXTS[encoding]}</p></body></html>".encode(
        encoding  # utf-16 begins with its mark
    )


async def pages(request: web.BaseRequest) -> web.Response:
    number = request.path.strip("/")
    if not number.isdigit():
        return web.Response(status=404)
    return web.Response(body=body(*CASES[int(number)]), headers={"Content-Type": "text/html"})


@pytest.fixture(scope="module")
def plain():
    tls, _, _ = tls_for(*HOSTS)
    port, stop = serve_in_thread(pages, tls=tls)
    yield port
    stop()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    with in_front_of(pages, tmp_path_factory.mktemp("charset")) as running:
        yield running.port


def seen(visitor, number: int) -> tuple[str, str]:
    visitor.page.goto(f"https://callkom.io/{number}", wait_until="load")
    return tuple(
        visitor.page.evaluate("[document.characterSet, document.querySelector('#text').textContent]")
    )


def test_every_page_reads_as_it_does_without_us(visit, plain, proxied):
    bare, guarded = visit(port=plain), visit(port=proxied)
    without = {case: seen(bare, number) for number, case in enumerate(CASES)}
    through = {case: seen(guarded, number) for number, case in enumerate(CASES)}

    assert through == without
    assert all(
        without[encoding, place][1] == TEXTS[encoding] for encoding, place in CASES if place != "nowhere"
    )
