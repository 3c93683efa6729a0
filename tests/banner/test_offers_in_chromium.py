"""Single-page applications: whatever wants an offer gets one, whenever it appears and as often as it does."""

import subprocess

import pytest

from proxy.banner.render import Renderer
from proxy.filter.rules.judge import compile_rules
from tests.banner.npm import FOLDER, installed
from tests.banner.stage import OWN, Stage
from tests.banner.test_embeds import DEMO
from tests.patience import until

pytestmark = pytest.mark.e2e

FENCE = (
    "Content-Security-Policy",
    "default-src 'self' data:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'",
)
CARDS = "[...document.querySelectorAll('.ph')].map(card => card.textContent.match(/^\\s*(\\S+)/)[1])"
FRAME = '<iframe src="https://calendly.com/a/30min" width="600" height="400" title="A"></iframe>'
BOXES = {
    "Calendly's box": '<div class="calendly-inline-widget" data-url="https://calendly.com/a"></div>',
    "HubSpot's form": '<div class="hs-form-frame" data-region="eu1" data-form-id="a" data-portal-id="1"></div>',
    "HubSpot's meetings": '<div class="meetings-iframe-container" data-src="https://meetings.hubspot.com/a"></div>',
    "any box with a meeting": '<div data-src="https://meetings.hubspot.com/a"></div>',
    "a frame": FRAME,
    "an object": '<object data="https://calendly.com/a/30min" width="600" height="400"></object>',
}
DEMO_BOXES = {
    "a post of X": '<blockquote class="twitter-tweet"><p>Words</p> <a href="https://x.com/callkom/status/1">then</a></blockquote>',
    "a post of Facebook": '<div class="fb-post" data-href="https://www.facebook.com/callkom/posts/1"></div>',
    "a player": '<iframe src="https://www.youtube-nocookie.com/embed/x" width="560" height="315"></iframe>',
}


@pytest.fixture
def app(visit, stage):
    """Open a page whose main element is filled by script, under a fence; `asked`: before an answer."""

    def app(script="", *, asked=False, demo=False, body="<main></main>", html=None):
        stage.answered = not asked
        stage.headers = [FENCE]
        stage.files["/site.js"] = script.encode()
        if demo:
            stage.renderer, stage.rules = Renderer(DEMO, own=OWN), compile_rules(DEMO, OWN)
        stage.html = html or Stage.page(body=f'{body}<script src="/site.js"></script>')
        return visit()

    return app


def fill(visitor, markup: str) -> None:
    visitor.page.evaluate("markup => { document.querySelector('main').innerHTML = markup }", markup)


def cards(visitor, count: int) -> int:
    """Return how many cards there are, once there are that many and none more comes."""
    number = lambda: visitor.page.locator(".ph").count()  # noqa: E731
    until(number, count)
    visitor.page.wait_for_timeout(200)
    return number()


@pytest.mark.parametrize("name", [*BOXES, *DEMO_BOXES])
def test_each_kind_of_box_gets_its_offer_at_every_visit_of_its_route(app, name):
    visitor = app(demo=name in DEMO_BOXES)
    markup = BOXES.get(name) or DEMO_BOXES[name]
    for _ in range(3):
        fill(visitor, markup)
        assert cards(visitor, 1) == 1
        fill(visitor, "<p>elsewhere</p>")
        assert cards(visitor, 0) == 0
    assert visitor.errors == []


@pytest.mark.parametrize("name", BOXES)
def test_so_it_does_on_a_page_that_asks(app, name):
    held = '<script src="https://assets.calendly.com/assets/external/widget.js"></script>'
    visitor = app(asked=True, body=f"<main></main>{held}")
    fill(visitor, BOXES[name])
    assert cards(visitor, 1) == 1


def test_an_offer_goes_with_the_frame_it_stands_for_and_comes_with_the_next(app):
    visitor = app()
    fill(visitor, f"<section>{FRAME}</section>")
    assert cards(visitor, 1) == 1
    visitor.page.evaluate("document.querySelector('main iframe').remove()")
    assert cards(visitor, 0) == 0
    visitor.page.evaluate(
        "markup => document.querySelector('section').insertAdjacentHTML('beforeend', markup)", FRAME
    )
    assert cards(visitor, 1) == 1
    visitor.page.evaluate("document.querySelector('main iframe').src = '/own'")
    assert cards(visitor, 0) == 0
    assert visitor.page.locator("main iframe").is_visible(), "it shows a page of the site's own now"


def test_a_frame_inside_a_box_that_has_its_offer_has_none_of_its_own(app):
    visitor = app()
    fill(visitor, BOXES["Calendly's box"].replace("></div>", f">{FRAME}</div>"))

    assert cards(visitor, 1) == 1


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_box_that_names_no_page_offers_the_page_of_the_frame_inside_it(app, when):
    """React components write a box and its frame together, in one task or in two."""
    visitor = app()
    box = '<div class="calendly-inline-widget"></div>'
    fill(visitor, box if when == "later" else box.replace("></div>", f">{FRAME}</div>"))
    if when == "later":
        assert cards(visitor, 1) == 1
        visitor.page.evaluate(
            "frame => document.querySelector('main > div').insertAdjacentHTML('beforeend', frame)", FRAME
        )

    link = visitor.page.get_by_role("link", name="Open Calendly in a new tab")
    link.wait_for()
    assert link.get_attribute("href") == "https://calendly.com/a/30min"
    assert cards(visitor, 1) == 1
    assert not visitor.page.locator("main iframe").is_visible()
    assert visitor.errors == []


SHADOWS = {
    "declarative": f'<main><book-box><template shadowrootmode="open"><p>inside</p>{FRAME}</template></book-box></main>',
    "scripted": "<main><book-two></book-two></main>",
    "scripted and closed": "<main><book-three></book-three></main>",
}
DEFINE = f"""let of = mode => class extends HTMLElement {{
  connectedCallback() {{ this.root = this.attachShadow({{ mode }}); this.root.innerHTML = '<p>by script</p>{FRAME}' }} }};
customElements.define('book-two', of('open')); addEventListener('load', () => customElements.define('book-three', of('closed')));"""
INSIDE = "(e => e.shadowRoot || e.root)(document.querySelector('main').firstElementChild)"


@pytest.mark.parametrize("asked", [False, True], ids=["answered", "asked"])
@pytest.mark.parametrize("name", SHADOWS)
def test_in_a_shadow_root_the_card_is_styled_and_works(app, name, asked):
    if asked and "closed" in name:
        pytest.skip(
            "a page that asks brings what makes offers once a violation tells, and no page sees a closed root then"
        )
    visitor = app(DEFINE, asked=asked, body=SHADOWS[name])
    page = visitor.page
    there = f"{INSIDE}.querySelectorAll('.ph').length"
    assert until(lambda: page.evaluate(there), 1) == 1
    looks = f"{INSIDE}.querySelector('.ph') && getComputedStyle({INSIDE}.querySelector('.ph')).borderTopLeftRadius"
    assert until(lambda: page.evaluate(looks), "12px") == "12px"
    page.evaluate(f"{INSIDE}.querySelector('[data-cc-once]').scrollIntoView()")
    at = page.evaluate(
        f"(({{x, y}}) => [x + 5, y + 5])({INSIDE}.querySelector('[data-cc-once]').getBoundingClientRect())"
    )
    page.mouse.click(*at)
    frames = f"{INSIDE}.querySelectorAll('[data-cc-frame]').length"

    assert until(lambda: page.evaluate(frames), 1) == 1
    assert until(lambda: [choice["choice"] for choice in visitor.stage.choices], [["once"]]) == [["once"]]
    assert visitor.errors == []


def test_in_a_closed_declarative_root_that_no_script_reaches_the_card_leads_on_by_its_links(app):
    root = f'<book-box><template shadowrootmode="closed"><p>inside</p>{FRAME}</template></book-box>'
    page = app(body=f"<main>{root}</main>").page

    def follows(link: int) -> None:
        for _ in range(link):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.localName") == "book-box"
        page.keyboard.press("Enter")

    assert page.evaluate("document.querySelector('book-box').innerText.length") == 0, "it is closed"
    with page.context.expect_page() as opened:
        follows(2)  # behind the button, which needs the script
    opened.value.close()
    with page.expect_navigation(url="**/.consent/**"):
        follows(1)


def test_a_library_that_waits_for_a_frame_in_its_hidden_target_goes_on(app):
    """As react-hubspot-form does."""
    visitor = app(
        """var target = document.querySelector('main'); target.style.display = 'none';
        hbspt.forms.create({ region: 'eu1', portalId: '1', formId: 'a', target: 'main' });
        (function look() { target.querySelector('iframe') ? target.style.display = 'block' : setTimeout(look, 1) })()"""
    )
    assert cards(visitor, 1) == 1
    assert visitor.page.locator("main .ph").is_visible()


def test_where_a_target_stays_hidden_the_card_stands_beside_it(app):
    visitor = app(
        """document.querySelector('main').style.display = 'none';
        hbspt.forms.create({ region: 'eu1', portalId: '1', formId: 'a', target: 'main' });"""
    )
    visitor.page.locator(".ph").wait_for()

    assert visitor.page.evaluate("document.querySelector('.ph').nextElementSibling.localName") == "main"


FACADES = {
    "an optimizer's": (
        '<div class="rll-youtube-player" data-src="https://www.youtube.com/embed/abc" data-id="abc"></div>',
        "var r = document.querySelector('.rll-youtube-player'), f = document.createElement('iframe'); f.src = r.dataset.src + '?autoplay=1'; f.width = 560; f.height = 315; r.replaceChildren(f)",
    ),
    "a page builder's": (
        '<div class="elementor-video" style="height:300px"></div>',
        "var s = document.createElement('script'); s.src = 'https://www.youtube.com/iframe_api'; document.head.append(s); window.onYouTubeIframeAPIReady = () => new YT.Player(document.querySelector('.elementor-video'), { videoId: 'abc' })",
    ),
    "a page builder's that polls": (
        '<div id="video"></div>',
        "(function wait() { window.YT && YT.loaded ? new YT.Player('video', { videoId: 'abc', host: 'https://www.youtube-nocookie.com' }) : setTimeout(wait, 9) })()",
    ),
    "a component's": (
        '<lite-youtube videoid="abc"></lite-youtube>',
        "customElements.define('lite-youtube', class extends HTMLElement { connectedCallback() { var f = document.createElement('iframe'); f.src = 'https://www.youtube-nocookie.com/embed/' + this.getAttribute('videoid'); f.width = 560; f.height = 315; this.replaceChildren(f) } })",
    ),
    "Vimeo's": (
        '<div id="video"></div>',
        "new Vimeo.Player('video', { url: 'https://vimeo.com/76979871' }).ready().then(() => 1)",
    ),
}


LAZY = '<iframe data-src="https://www.youtube.com/embed/abc" width="560" height="315"></iframe>'
LOADER = "document.querySelectorAll('[data-src]').forEach(f => { f.src = f.dataset.src + %s })"
PICTURE = "<iframe width=560 height=315 srcdoc=\"<a href='https://www.youtube.com/embed/abc?a=1&amp;amp;b=2'>Play</a>\"%s></iframe>"


@pytest.mark.parametrize("asked", [False, True], ids=["answered", "asked"])
@pytest.mark.parametrize("more", ["''", "'?autoplay=1'"])
def test_a_lazy_frame_has_its_offer_before_and_after_its_loader_ran(app, asked, more):
    visitor = app(demo=True, asked=asked, body=f"<main>{LAZY}</main>")
    assert cards(visitor, 1) == 1
    visitor.page.evaluate(f"() => {{ {LOADER % more} }}")
    assert cards(visitor, 1) == 1
    assert visitor.page.locator("main > .ph [data-cc-once]").is_visible()
    assert not visitor.page.locator("main > iframe").is_visible()
    assert not [path for path in visitor.stage.served if "undefined" in path]
    assert visitor.errors == []


def test_a_frame_that_turns_to_a_page_of_the_site_is_seen_instead_of_the_offer(app):
    visitor = app(demo=True, body=f"<main>{LAZY}</main>")
    assert cards(visitor, 1) == 1
    visitor.page.evaluate("() => { document.querySelector('main iframe').src = '/own' }")
    assert cards(visitor, 0) == 0
    assert visitor.page.locator("main > iframe").is_visible()


@pytest.mark.parametrize("asked", [False, True], ids=["answered", "asked"])
def test_a_picture_of_a_player_turns_to_its_offer_once_it_is_clicked(app, asked):
    visitor = app(demo=True, asked=asked, body=f"<main>{PICTURE % ''}</main>")
    assert cards(visitor, 0) == 0
    visitor.page.frame_locator("main iframe").get_by_text("Play").click()
    assert cards(visitor, 1) == 1
    once = visitor.page.locator("main > .ph [data-cc-once]")
    assert once.get_attribute("data-cc-once") == "frame https://www.youtube.com/embed/abc?a=1&b=2"
    assert not visitor.page.locator("main > iframe").is_visible()


def test_a_picture_of_a_player_that_names_its_page_has_its_offer_at_once(app):
    visitor = app(demo=True, body=f"<main>{PICTURE % ' src=https://www.youtube.com/embed/abc'}</main>")

    assert cards(visitor, 1) == 1
    assert not visitor.page.locator("main > iframe").is_visible()


@pytest.mark.parametrize("name", FACADES)
def test_players_that_a_site_makes_by_script_have_their_offer_in_their_place(app, name):
    body, script = FACADES[name]
    visitor = app(script, demo=True, body=f"<main>{body}</main>")

    assert cards(visitor, 1) == 1
    assert visitor.page.evaluate(
        "document.querySelector('main > * .ph [data-cc-once]').dataset.ccOnce"
    ).startswith("frame https://")
    assert not [path for path in visitor.stage.served if "undefined" in path]
    assert visitor.errors == []


WHOLE = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>App</title></head><body><main><h1>App</h1>{FRAME}{BOXES["Calendly" + chr(39) + "s box"]}</main><script src="/app.js"></script></body></html>'
VUES = WHOLE.replace("<main>", "<main><section>").replace("</main>", "</section></main>")
REACT = """
import * as React from "react"; import { hydrateRoot } from "react-dom/client";
let e = React.createElement;
let App = () => e("html", { lang: "en" }, e("head", null, e("meta", { charSet: "utf-8" }), e("title", null, "App")), e("body", null, e("main", null, e("h1", null, "App"),
  e("iframe", { src: "https://calendly.com/a/30min", width: "600", height: "400", title: "A" }),
  e("div", { className: "calendly-inline-widget", "data-url": "https://calendly.com/a" })), e("script", { src: "/app.js" })));
hydrateRoot(document, e(App), { onRecoverableError() {} });
window.hydrated = 1;
"""
VUE = """
import { createSSRApp, h } from "vue";
createSSRApp({ render: () => h("section", [h("h1", "App"), h("iframe", { src: "https://calendly.com/a/30min", width: "600", height: "400", title: "A" }),
  h("div", { class: "calendly-inline-widget", "data-url": "https://calendly.com/a" })]) }).mount("main");
window.hydrated = 1;
"""
APPS = {
    "React 18": (REACT, ["react", "react-dom"], ()),
    "React 19": (
        REACT,
        ["react-19", "react-dom-19"],
        ("--alias:react=react-19", "--alias:react-dom=react-dom-19"),
    ),
    "Vue 3": (
        VUE,
        ["vue"],
        (
            "--alias:vue=vue/dist/vue.runtime.esm-bundler.js",
            "--define:__VUE_PROD_DEVTOOLS__=false",
            "--define:__VUE_OPTIONS_API__=true",
            "--define:__VUE_PROD_HYDRATION_MISMATCH_DETAILS__=false",
        ),
    ),
}


def bundled(name: str) -> bytes:
    code, packages, more = APPS[name]
    for package in (*packages, "esbuild"):
        installed(package)
    command = [
        "node",
        str(FOLDER / "node_modules" / "esbuild" / "bin" / "esbuild"),
        "--bundle",
        "--define:process.env.NODE_ENV='production'",
        *more,
    ]
    return subprocess.run(command, cwd=FOLDER, input=code.encode(), capture_output=True, check=True).stdout


@pytest.mark.parametrize("asked", [False, True], ids=["answered", "asked"])
@pytest.mark.parametrize("name", APPS)
def test_after_hydration_each_box_has_its_offer_and_never_twice(app, stage, name, asked):
    stage.files["/app.js"] = bundled(name)
    visitor = app(asked=asked, html=VUES if name == "Vue 3" else WHOLE)
    visitor.page.wait_for_function("window.hydrated")

    assert cards(visitor, 2) == 2
    assert visitor.page.locator("main .ph + iframe").count() == 1
    assert visitor.page.locator(".calendly-inline-widget .ph, [data-consent-class] .ph").count() == 1
    assert until(lambda: visitor.page.locator("#cc-l").count(), 1) == 1
    assert visitor.banner.count() == int(asked)


LOOKS = """() => {
    window.looks = 0;
    let ask = Document.prototype.querySelectorAll;
    Document.prototype.querySelectorAll = function (selector) {
        if (/calendly-inline-widget/.test(selector)) looks++;
        return ask.apply(this, arguments);
    };
    let task = (many, run) => new Promise(done => {
        let port = new MessageChannel(), next = () => { run(many--); many ? port.port2.postMessage(0) : setTimeout(done, 400); };
        port.port1.onmessage = next;
        next();
    });
    window.changes = (many, run) => task(many, run).then(() => [looks, looks = 0][0]);
}"""


def test_of_a_box_that_has_its_offer_no_tag_is_written_again(app):
    visitor = app(body=f"<main>{BOXES['an object']}</main>")
    assert cards(visitor, 1) == 1
    page = visitor.page
    page.evaluate("""() => {
      const make = DOMImplementation.prototype.createHTMLDocument;
      window.made = 0;
      DOMImplementation.prototype.createHTMLDocument = function () { made++; return make.apply(this, arguments); };
    }""")
    page.evaluate(
        "box => document.querySelector('main').insertAdjacentHTML('beforeend', box)", BOXES["Calendly's box"]
    )

    assert cards(visitor, 2) == 2
    assert page.evaluate("made") == 1


def test_a_page_that_never_rests_is_looked_at_now_and_then_and_not_for_texts(app):
    visitor = app(body=f"<main>{BOXES['an object']}<p>1</p></main>")
    assert cards(visitor, 1) == 1
    page = visitor.page
    page.wait_for_timeout(200)
    page.evaluate(LOOKS)
    texts = "n => { document.querySelector('p').textContent = n; document.body.dataset.n = n; }"
    rows = (
        "n => document.querySelector('main').insertAdjacentHTML('beforeend', n == 1500 ? box : '<p>row</p>')"
    )
    page.evaluate("box => { window.box = box }", BOXES["Calendly's box"])

    assert page.evaluate(f"changes(2000, {texts})") == 0
    assert 1 <= page.evaluate(f"changes(2000, {rows})") <= 40, "not at each of 2,000"
    assert cards(visitor, 2) == 2
