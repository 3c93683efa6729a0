"""What Chromium calls the largest contentful paint of a page that asks: the page's own, not the banner."""

import pytest

from tests.banner.stage import RENDERER, Stage

pytestmark = pytest.mark.e2e

SENTENCE = "We build the phone integrations that let your team see who is calling, answer and keep the CRM."
PAGES = {
    "paragraphs": f"<h1>Your phone system</h1>{f'<p>{SENTENCE}</p>' * 12}",
    "long paragraphs": f"<h1>Your phone system</h1>{f'<p>{SENTENCE * 4}</p>' * 12}",
}
SIZES = {"phone": (360, 640), "desktop": (1280, 800)}
LARGEST = """() => new Promise(done => {
  let found = [];
  new PerformanceObserver(list => { for (let e of list.getEntries()) found.push([e.size, e.element ? !!e.element.closest('.cc') : null]); })
    .observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => done(found), 300);
})"""


@pytest.mark.parametrize(("page", "size"), [("paragraphs", "phone"), ("long paragraphs", "desktop")])
@pytest.mark.parametrize("language", sorted(RENDERER.languages.all))
def test_the_largest_contentful_paint_is_the_pages_own(visit, stage, language, page, size):
    stage.html = Stage.page(
        "<style>body{font:16px/1.5 sans-serif;margin:2em}</style>", PAGES[page], lang=language
    )
    width, height = SIZES[size]
    visitor = visit(viewport={"width": width, "height": height})
    found = visitor.page.evaluate(LARGEST)

    assert visitor.banner.is_visible()
    assert found, "this browser tells"
    assert found[-1][1] is False, found
