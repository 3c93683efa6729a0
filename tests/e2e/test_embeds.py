"""Embeds as sites write them, odd ones too: each gets its offer, none breaks the page, in a real browser."""

import asyncio

import pytest
from aiohttp import web

from tests.banner.npm import installed
from tests.banner.test_embeds import ROWS, SIGNS, WAYS
from tests.e2e.conftest import Running
from tests.e2e.providers import serve_in_thread
from tests.e2e.test_placeholders import recorded, refuse
from tests.patience import until

pytestmark = pytest.mark.e2e

SCRIPTED = [row for row in ROWS if "script" in row]
CREATE = 'hbspt.forms.create({{ region: "eu1", portalId: "1", formId: "{form}"{more} }});'
HANDLERS = [
    "ga('send', 'event', 'a', 'b')",
    "ga(function (tracker) { tracker.get('clientId') })",
    "__gtagTracker('send', 'pageview')",
    "gtag('event', 'click', { a: 1 })",
    "dataLayer.push({ event: 'click' })",
    "_hsq.push(['identify', { email: 'a@b.example' }])",
    "_hsp.push(['showBanner'])",
    "HubSpotConversations.widget.load({ widgetOpen: true })",
    "HubSpotConversations.widget.open()",
    "HubSpotConversations.on('conversationStarted', function () {})",
    "hbspt.forms.create({ portalId: '1', formId: '2', target: '#none' })",
    "hbspt.meetings.create('.none')",
    "hbspt.cta.load(1, '2', {})",
    "appInsights.trackEvent({ name: 'click' })",
    "appInsights.trackPageView()",
    "appInsights.getCookieMgr().setEnabled(false)",
    "Calendly.initInlineWidget({ url: 'https://calendly.com/c' })",
    "Calendly.initBadgeWidget({ url: 'https://calendly.com/c' })",
    "Calendly.destroyBadgeWidget()",
    "Calendly.initInlineWidgets()",
    "ga.getAll()[0].get('clientId')",
    "ga.create('UA-1', 'auto')",
    "hbspt.forms.create()",
]
WAITING = [
    "ga('send', 'event', 'a', 'b', { hitCallback: function () { told.push(0) } })",
    "gtag('event', 'click', { event_callback: function () { told.push(1) } })",
    "dataLayer.push({ event: 'click', eventCallback: function () { told.push(2) } })",
    "__gtagTracker('event', 'click', { event_callback: function () { told.push(3) } })",
]
CALENDLY = '<iframe src="https://calendly.com/c/30min" width="300" height="200"></iframe>'
PAGES = {
    "forms": '<div id="left"></div><p>Between</p><div id="right"></div>'
    '<script src="//js-eu1.hsforms.net/forms/embed/v2.js"></script><script>'
    + CREATE.format(form="a", more=', target: "#right"')
    + CREATE.format(form="b", more=', target: "#left"')
    + CREATE.format(form="c", more="")
    + "window.ranOn = 1;</script><p>After</p>",
    "meetings": '<div class="meetings-iframe-container" data-src="https://meetings-eu1.hubspot.com/a?embed=true"></div>'
    '<div id="second" data-src="https://meetings-eu1.hubspot.com/b?embed=true"></div>'
    '<script async src="https://static.hsappstatic.net/MeetingsEmbed/ex/MeetingsEmbedCode.js"></script>'
    '<script>hbspt.meetings.create(".meetings-iframe-container"); hbspt.meetings.create("#second");</script>',
    "places": f'<p id="paragraph">Before {CALENDLY} behind</p><table><tr><td id="cell">{CALENDLY}</td></tr></table>'
    f'<div id="hidden" style="display:none">{CALENDLY}</div>'
    f'<div style="display:flex"><div id="thin" style="width:90px">{CALENDLY}</div><p>Beside</p></div>'
    f'<div style="display:grid;grid-template-columns:1fr 1fr"><div id="cell2">{CALENDLY}</div><div>Beside</div></div>'
    f'<form id="form" action="/sent"><input name="a">{CALENDLY}</form>',
    "small": '<p>Above <iframe src="https://calendly.com/c/a" width="80" height="20"></iframe></p>'
    '<p id="below">Below <iframe src="https://calendly.com/c/a" width="80" height="20"></iframe></p>'
    '<iframe src="https://calendly.com/pixel" width="1" height="1"></iframe>',
    "late": '<div id="box" style="width:400px"></div><script>addEventListener("load", () => {'
    'box.innerHTML = "<iframe src=https://calendly.com/c/a height=333 width=400></iframe>'
    '<iframe src=https://calendly.com/pixel height=1 width=1></iframe>"; });</script>',
    "handlers": "".join(
        f'<button onclick="{code}; done.push({number})">{number}</button>'
        for number, code in enumerate(HANDLERS)
    )
    + "<script>var done = [], told = [];</script>",
    "computed": '<a href="" onclick="Calendly.initPopupWidget({url: where}); return false">Book</a>'
    '<script>var where = "https://calendly.com/c/" + 15 + "min";</script>',
    "linked": f'<a id="around" href="/elsewhere">Before {CALENDLY} behind</a><p>After</p>',
}


def page(body: str, lang: str = "en", direction: str = "ltr") -> str:
    return (
        f'<!doctype html><html lang="{lang}" dir="{direction}"><head><title>Embeds</title>'
        '<meta name="viewport" content="width=device-width"></head>'
        f"<body><main><h1>Embeds</h1>{body}</main></body></html>"
    )


async def paused(request: web.Request) -> web.StreamResponse:
    """Answer with the page of forms, whose last words come when what is before them was painted."""
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    before, last = page(PAGES["forms"]).split("<p>After</p>")
    await response.write(before.encode() + b"<p>Painted</p>" + b" " * 4096)
    await asyncio.sleep(1)
    await response.write(f"<p>After</p>{last}".encode())
    return response


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A site of embeds: /NAME from PAGES, /row/N for what its bundle does."""

    async def site(request):
        part = request.path.strip("/").split("/")
        if part[0] == "app":
            return web.Response(text=SCRIPTED[int(part[1])]["script"], content_type="text/javascript")
        if part[0] == "row":
            body = f'<div id="box"></div><script src="/app/{part[1]}"></script>'
            return web.Response(text=page(body), content_type="text/html")
        if part[0] == "paused":
            return await paused(request)
        direction = "rtl" if "rtl" in request.query else "ltr"
        body = PAGES.get(part[0], "")
        return web.Response(text=page(body, direction=direction), content_type="text/html")

    port, stop = serve_in_thread(site)
    running = Running(tmp_path_factory.mktemp("odd"), port)
    yield running
    running.stop()
    stop()


def offered(visitor) -> str:
    """Return what the cards on the page offer, in the words of the table."""
    cards = visitor.page.locator(".ph").evaluate_all("all => all.map(one => one.outerHTML)")
    return " | ".join(" ".join(way for way in WAYS if SIGNS[way] in card) for card in cards) or "none"


def test_what_a_bundle_makes_or_calls_for_is_offered_as_the_table_says(visit, providers, odd):
    visitor = visit(port=odd.port)
    found = []
    for number, row in enumerate(SCRIPTED):
        visitor.goes(f"/row/{number}")
        found.append(until(lambda: offered(visitor), row["ways"]))

    assert found == [row["ways"] for row in SCRIPTED]
    assert visitor.errors == []
    assert not providers.reached("calendly.com")
    assert not any(providers.reached(name) for name in ("hubspot.com", "hsforms.net", "hsappstatic.net"))


def test_each_form_of_a_script_stands_in_its_box_and_is_shown_once_by_itself(visit, providers, odd):
    visitor = visit(port=odd.port)
    visitor.goes("/forms")
    shown = "data-cc-once"

    assert visitor.page.locator("#right .ph button").get_attribute(shown) == "form eu1 1 a"
    assert visitor.page.locator("#left .ph button").get_attribute(shown) == "form eu1 1 b"
    assert visitor.page.locator("main > .ph button").get_attribute(shown) == "form eu1 1 c"
    visitor.page.locator("#right .ph button").click()
    visitor.page.frame_locator("#right [data-cc-frame]").get_by_text("HubSpot form a").wait_for()
    frame = visitor.page.locator("#right [data-cc-frame]")
    assert until(lambda: frame.bounding_box()["height"] < 100), "as high as the form: what is below moves up"
    last = visitor.page.locator("main > .ph button")
    last.scroll_into_view_if_needed()
    visitor.page.wait_for_timeout(300)  # the browser sends a click to a frame that stood there a moment ago
    last.click()
    visitor.page.frame_locator("main > iframe").get_by_text("HubSpot form c").wait_for()
    assert visitor.page.locator("#left .ph").is_visible(), "the second was not asked for"
    assert recorded(odd)[-2:] == [("once", "hubspot")] * 2
    assert "hubspotutk" not in visitor.cookie_names()
    visitor.goes("/forms")
    assert until(visitor.page.locator(".ph").count, 3) == 3
    assert visitor.errors == []


def test_meetings_named_by_a_call_are_offered_in_their_boxes_and_nowhere_twice(visit, providers, odd):
    visitor = visit(port=odd.port)
    visitor.goes("/meetings")

    assert until(visitor.page.locator(".ph").count, 2) == 2
    visitor.page.locator("#second .ph").get_by_role("button", name="Show it once").click()
    inner = visitor.page.frame_locator("#second iframe").frame_locator("iframe")
    inner.get_by_text("meetings-eu1.hubspot.com").wait_for()
    assert ("meetings-eu1.hubspot.com", "/b") in [(host, path) for host, path, _ in providers.hits]
    assert ("meetings-eu1.hubspot.com", "/a") not in [(host, path) for host, path, _ in providers.hits]
    assert visitor.errors == []


@pytest.mark.parametrize("path", ["/places", "/places?rtl"])
def test_wherever_it_stands_a_card_keeps_within_the_page_and_works(visit, providers, odd, path):
    visitor = visit(port=odd.port, viewport={"width": 320, "height": 700})
    refuse(visitor)
    visitor.goes(path)

    assert visitor.page.locator("#paragraph .ph").is_visible(), "a paragraph holds it"
    assert "behind" in visitor.page.locator("#paragraph").inner_text(), "and goes on behind it"
    assert visitor.page.locator("#cell .ph").is_visible()
    assert not visitor.page.locator("#hidden .ph").is_visible()
    assert visitor.page.locator("#form .ph").is_visible()
    thin = visitor.page.locator("#thin .ph")
    assert thin.bounding_box()["width"] <= 91
    assert thin.evaluate("box => box.scrollWidth <= box.clientWidth + 1"), "its buttons stay inside"
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
    visitor.page.locator("#form .ph").get_by_role("button", name="Show it once").press("Enter")
    visitor.page.frame_locator("#form [data-cc-frame]").frame_locator("iframe").get_by_text(
        "calendly.com"
    ).wait_for()
    assert "/sent" not in visitor.page.url, "no button of ours sends the site's form"
    visitor.page.evaluate("document.getElementById('hidden').style.display = ''")
    visitor.page.locator("#hidden .ph").get_by_role("button", name="Show it once").press("Enter")
    visitor.page.frame_locator("#hidden [data-cc-frame]").frame_locator("iframe").get_by_text(
        "calendly.com"
    ).wait_for()
    assert visitor.page.locator("main .ph").count() == 4, "each by itself"
    assert visitor.errors == []
    visitor.page.add_script_tag(content=(installed("axe-core") / "axe.min.js").read_text())
    found = visitor.page.evaluate(
        "axe.run({ include: ['.cc'] }).then(all => all.violations.map(one => one.id))"
    )
    assert found == []


def test_inside_a_link_the_ways_still_work(visit, providers, odd):
    """No parser keeps a link in a link: the ways leave their box, and still know what they are for."""
    visitor = visit(port=odd.port)
    visitor.goes("/linked")
    link = visitor.page.get_by_role("link", name="Open Calendly in a new tab")

    assert link.get_attribute("href") == "https://calendly.com/c/30min"
    visitor.page.get_by_role("button", name="Show it once").click()
    visitor.page.frame_locator("iframe[data-cc-frame]").frame_locator("iframe").get_by_text(
        "calendly.com"
    ).wait_for()
    assert visitor.errors == []
    assert visitor.page.url.endswith("/linked")


def test_equal_buttons_each_open_a_card_of_their_own_and_a_pixel_leaves_nothing(visit, providers, odd):
    visitor = visit(port=odd.port)
    refuse(visitor)
    visitor.goes("/small")

    assert until(visitor.page.locator(".ph").count, 2) == 2
    button = visitor.page.locator("#below [popovertarget]")
    button.press("Enter")
    card = visitor.page.locator("#below [popover]")
    card.wait_for()
    card.get_by_role("button", name="Show it once").press("Enter")
    visitor.page.frame_locator("#below [data-cc-frame]").frame_locator("iframe").get_by_text(
        "calendly.com"
    ).wait_for()
    assert visitor.page.locator(".ph").count() == 1, "the other one stays"
    assert visitor.errors == []


def test_a_frame_that_comes_late_has_an_offer_of_its_size_and_a_pixel_none(visit, providers, odd):
    visitor = visit(port=odd.port)
    refuse(visitor)
    visitor.goes("/late")
    visitor.page.locator(".ph").wait_for()
    visitor.settle()

    assert visitor.page.locator(".ph").count() == 1
    assert until(lambda: visitor.page.locator(".ph").bounding_box()["height"] >= 333)
    assert not providers.reached("calendly.com")


def test_no_handler_of_a_page_fails_for_want_of_a_provider(visit, providers, odd):
    visitor = visit(port=odd.port)
    refuse(visitor)
    visitor.goes("/handlers")
    visitor.page.evaluate("document.querySelectorAll('main button').forEach(one => one.click())")
    visitor.settle()

    assert visitor.errors == []
    assert visitor.page.evaluate("done") == list(range(len(HANDLERS)))
    assert not any(
        providers.reached(name)
        for name in ("hubspot.com", "hsforms.net", "calendly.com", "google-analytics.com")
    )


def test_who_waits_for_word_that_an_event_was_sent_gets_it(visit, providers, odd):
    visitor = visit(port=odd.port)
    refuse(visitor)
    visitor.goes("/handlers")
    for code in WAITING:
        visitor.page.evaluate(code)

    assert until(lambda: visitor.page.evaluate("told"), [0, 1, 2, 3]) == [0, 1, 2, 3]
    assert visitor.errors == []
    assert not providers.reached("google-analytics.com")


def test_a_popup_whose_address_the_page_computes_opens_the_providers_page(visit, providers, odd):
    visitor = visit(port=odd.port)
    visitor.goes("/computed")
    with visitor.context.expect_page() as opened:
        visitor.page.get_by_role("link", name="Book").click()

    opened.value.wait_for_url("https://calendly.com/c/15min")
    assert visitor.page.url.endswith("/computed")
    assert visitor.errors == []


@pytest.mark.parametrize("path", ["/forms", "/paused"])
def test_forms_that_move_into_their_boxes_shift_nothing_that_was_painted(visit, odd, path):
    visitor = visit(port=odd.port)
    refuse(visitor)
    visitor.goes(path)
    shifted = visitor.page.evaluate(
        "new Promise(done => new PerformanceObserver(seen => done(seen.getEntries().map(one => one.value)))"
        ".observe({ type: 'layout-shift', buffered: true }) || setTimeout(() => done([]), 1000))"
    )

    # A page in many packets may be painted between two of them; moved after all, these shift by 0.23.
    assert sum(shifted) < 0.1
