"""Whatever a browser opens as a page has guard, fence and banner, however its bytes begin."""

import pytest
from aiohttp import web

from tests.patience import until

pytestmark = pytest.mark.e2e

TRACKER = "https://tracker.example/"
WRITES = f"<script>document.cookie='_ga=GA1.1; path=/'; new Image().src='{TRACKER}?' + location.pathname.slice(1); window.ran = 1;</script>"
BEGINNINGS = [
    "",
    "text ",
    "<br>\n<b>Warning</b>: x in <b>a.php</b>\n<!doctype html><html><head></head><body>",
    "Notice: x\n<!doctype html><html><head><title>t</title></head><body>",
    "<!-- a --><!-- <html> --><!doctype html>",
    "<!-- a -->",
    "<!--><p>x-->",
    "<!--->text",
    "<?php echo ?><html>",
    "<![CDATA[<html>]]>",
    "</p></body></html>",
    "</html><!doctype html>",
    "<title>t</title>",
    "<title><html></title>",
    "<style>p{}</style>",
    "<base href=/x/><meta charset=utf-8>",
    "<link rel=icon href=data:,><html lang=fr>",
    "<script></script><!doctype html><html><body>",
    "<noscript><p>x</noscript>",
    "<template><body><p>x</template>",
    "<svg><title>t</title></svg>",
    "<math></math>",
    "<p>x<body class=a><body id=b>",
    "<body></body><body>",
    "<html><html amp><body>",
    "<html amp>",
    "<html \u26a1><head></head><body>",
    "<!doctype html><html \u26a14ads>",
    "<body amp>",
    "<table><tr><td>x",
    "<select><option>x</select>",
    "<plain>",
    "{} [] 1 < 2 ",
    "\n\n\t <head>",
    "<head><head><body><head>",
    "\ufeff\ufefftext",
    '<img src=data:,x><!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN">',
    "<p" + " a" * 3000 + ">",
]


async def site(request: web.BaseRequest) -> web.Response:
    number = request.path.strip("/")
    begins = BEGINNINGS[int(number)] if number.isdigit() else "<h1>Home</h1>"
    return web.Response(text=f"{begins}{WRITES}<p>the end", content_type="text/html", charset="utf-8")


def test_without_us_each_of_these_pages_runs_and_reaches_a_third_party(visit, providers, bare):
    visitor = visit(port=bare)
    for number in range(len(BEGINNINGS)):
        visitor.page.goto(f"https://callkom.io/{number}")

    assert until(lambda: len(providers.hits) >= len(BEGINNINGS))
    assert "_ga" in visitor.cookie_names()


def test_every_page_asks_is_guarded_and_fenced(visit, providers, fenced):
    visitor = visit(port=fenced)
    odd = []
    for number, begins in enumerate(BEGINNINGS):
        visitor.page.goto(f"https://callkom.io/{number}")
        found = visitor.page.evaluate(
            "[document.querySelectorAll('#cc-b').length, document.querySelectorAll('#cc-l').length, window.ran, document.cookie]"
        )
        if found != [1, 1, 1, ""]:
            odd.append((begins[:60], found))

    assert odd == []
    assert not providers.reached("tracker.example")
    assert "_ga" not in visitor.cookie_names()


def test_in_a_frame_each_is_guarded_too(visit, providers, fenced):
    visitor = visit(port=fenced)
    visitor.page.goto("https://callkom.io/home")
    found = visitor.page.evaluate(
        """async count => {
          const odd = [];
          for (let number = 0; number < count; number++) {
            const frame = document.createElement("iframe");
            const loads = new Promise(end => { frame.onload = end; });
            frame.src = "/" + number; document.body.append(frame); await loads;
            if (frame.contentWindow.ran !== 1 || frame.contentDocument.cookie) odd.push(number);
            frame.remove();
          }
          return odd;
        }""",
        len(BEGINNINGS),
    )

    assert found == []
    assert not providers.reached("tracker.example")
    assert "_ga" not in visitor.cookie_names()
