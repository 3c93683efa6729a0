"""What happens when somebody answers: without script, with it, in other tabs, on pages that rewrite themselves."""

import pytest
from playwright.sync_api import expect

from tests.banner.stage import BODY, Stage
from tests.patience import until

pytestmark = pytest.mark.e2e

SAVED = "Saved. You can change it at any time with “Manage my cookies”."
NO_SCRIPT = {"java_script_enabled": False}
LOW = {"viewport": {"width": 1280, "height": 500}}


def chosen(stage) -> list[str]:
    return [choice["choice"][0] for choice in stage.choices]


@pytest.mark.parametrize(("name", "choice"), [("Refuse all", "refuse"), ("Accept all", "accept")])
def test_without_script_one_click_answers_and_comes_back(visit, stage, name, choice):
    visitor = visit("/page?x=1", **NO_SCRIPT)
    with visitor.page.expect_navigation():
        visitor.button(name).click()

    assert visitor.page.url == stage.origin + "/page?x=1"
    assert chosen(stage) == [choice]
    assert visitor.banner.count() == 0


def test_without_script_customize_opens_and_saves(visit, stage):
    visitor = visit(**NO_SCRIPT)
    visitor.page.get_by_text("Customize", exact=True).click()
    visitor.page.get_by_role("checkbox", name="Performance").check()
    with visitor.page.expect_navigation():
        visitor.button("Save my choices").click()

    assert stage.choices[0]["purpose"] == ["performance"]


def test_without_script_it_is_seen(visit):
    assert visit(**NO_SCRIPT).banner.is_visible()


def test_without_script_the_panel_withdraws(visit, stage):
    """L8: link, tick, save; back where one was."""
    stage.granted, stage.answered = ("functional", "performance"), True
    visitor = visit("/here", **NO_SCRIPT)
    visitor.page.get_by_role("link", name="Manage my cookies", exact=True).click()
    visitor.page.get_by_role("checkbox", name="Functional").uncheck()
    with visitor.page.expect_navigation():
        visitor.button("Save my choices").click()

    assert visitor.page.url == stage.origin + "/here"
    assert stage.granted == ("performance",)


def test_refusing_closes_the_banner_and_nothing_else_happens(visit, stage):
    visitor = visit(**LOW)
    visitor.page.evaluate("window.same = 1; scrollTo(0, 200)")
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")

    until(lambda: bool(chosen(stage)))

    assert visitor.page.evaluate("[window.same, scrollY]") == [1, 200]
    assert chosen(stage) == ["refuse"]
    assert visitor.errors == []
    said = visitor.page.get_by_role("status")
    assert until(said.inner_text, SAVED) == SAVED
    expect(said).to_be_in_viewport()
    assert visitor.page.evaluate("document.activeElement === document.body")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.textContent") == "Product", (
        "reading goes on with the page"
    )


def test_accepting_reloads_at_the_same_place(visit, stage):
    visitor = visit(**LOW)
    visitor.page.evaluate("window.same = 1; scrollTo(0, 100)")
    with visitor.page.expect_navigation():
        visitor.button("Accept all").click()
    visitor.page.wait_for_load_state()

    assert visitor.page.evaluate("window.same") is None
    visitor.page.wait_for_function("scrollY == 100")
    assert visitor.banner.count() == 0


@pytest.mark.parametrize("how", [{}, NO_SCRIPT], ids=["script", "without"])
def test_the_page_after_an_answer_says_so_in_sight_and_politely(visit, stage, how):
    stage.answered, stage.saved = True, 3
    visitor = visit(**LOW, **how)
    visitor.page.reload()  # as behind an answer
    said = visitor.page.get_by_role("status")

    expect(said).to_have_text(SAVED + " Cookies deleted: 3.")
    expect(said).to_be_in_viewport()
    expect(visitor.page.locator("#cc-l a")).to_be_in_viewport()


def test_pages_that_somebody_goes_on_to_do_not_say_so_again(visit, stage):
    stage.answered, stage.saved = True, 0
    visitor = visit(**LOW)
    visitor.page.evaluate("location.href = '/page'")
    visitor.page.wait_for_url("**/page")

    expect(visitor.page.get_by_role("status")).to_have_text("")
    expect(visitor.page.locator("#cc-l a")).not_to_be_in_viewport()


def test_what_is_said_changes_once_to_be_read_out_and_goes_to_the_foot_after_a_while(visit, stage):
    stage.answered, stage.saved = True, 0
    visitor = visit(**LOW)
    visitor.page.clock.install()
    visitor.context.add_init_script(
        """window.said = []; new MutationObserver(all => all.forEach(one => one.target.role == "status" ? said.push(one.target.textContent.trim()) : 0))
        .observe(document, { childList: true, subtree: true })"""
    )
    visitor.page.reload()
    visitor.page.clock.run_for(200)

    assert visitor.page.evaluate("said") == [SAVED, SAVED], "as the page came, and a change"
    line = visitor.page.get_by_role("status")
    expect(line).to_be_in_viewport()
    visitor.page.clock.run_for(11_000)
    expect(line).not_to_be_in_viewport()
    expect(line).to_have_text(SAVED)
    assert visitor.page.evaluate("document.activeElement === document.body")
    assert visitor.errors == []


def test_saving_without_a_tick_is_a_refusal_like_any_other(visit, stage):
    visitor = visit()
    visitor.page.evaluate("window.same = 1")
    visitor.page.get_by_text("Customize", exact=True).click()
    visitor.button("Save my choices").click()
    visitor.banner.wait_for(state="detached")

    assert visitor.page.evaluate("window.same") == 1


def test_what_was_typed_is_not_lost_without_a_word(visit, stage):
    visitor = visit()
    visitor.page.get_by_label("Name").fill("Ada")
    visitor.button("Accept all").click()
    line = visitor.page.get_by_role("status")
    line.get_by_text("What you typed on it will be lost.").wait_for()

    assert visitor.page.get_by_label("Name").input_value() == "Ada"
    assert visitor.banner.count() == 0
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("link", name="Reload now").click()
    assert chosen(stage) == ["accept"]


def test_a_click_too_many_answers_once(visit, stage):
    visitor = visit()
    visitor.page.evaluate(
        """() => { for (const b of document.querySelectorAll('#cc-b button[value=refuse]')) { b.click(); b.click(); } }"""
    )
    visitor.banner.wait_for(state="detached")
    until(lambda: bool(chosen(stage)))

    assert chosen(stage) == ["refuse"]


def test_a_refusal_that_does_not_arrive_is_sent_as_without_script(visit, stage):
    stage.fails = True
    visitor = visit()
    with visitor.page.expect_navigation():
        visitor.button("Refuse all").click()

    assert chosen(stage) == ["refuse"]
    assert visitor.banner.count() == 0


def test_where_a_refusal_does_not_arrive_and_something_was_typed_the_banner_comes_back(visit, stage):
    stage.fails = True
    visitor = visit()
    visitor.page.get_by_label("Name").fill("Ada")
    visitor.button("Refuse all").click()
    until(lambda: stage.failed > 0)
    visitor.banner.wait_for()
    stage.fails = False
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
    until(lambda: bool(chosen(stage)))

    assert chosen(stage) == ["refuse"]


def test_where_no_frame_is_let_in_the_form_is_sent_as_without_script(visit, stage):
    stage.html = stage.page(head='<meta http-equiv="Content-Security-Policy" content="frame-src a.test">')
    visitor = visit("/page")
    with visitor.page.expect_navigation():
        visitor.button("Accept all").click()

    assert chosen(stage) == ["accept"]
    assert visitor.page.url == stage.origin + "/page"


UNTRUSTED = {
    "click": "document.querySelector('#cc-b button[value=accept]').click()",
    "event": "document.querySelector('#cc-b button[value=accept]').dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))",
    "ticked": "document.querySelector('#cc-b input[type=checkbox]').click(); document.querySelector('#cc-b button[value=save]').click()",
    "requestSubmit": "document.querySelector('#cc-b form').requestSubmit(document.querySelector('#cc-b button[value=accept]'))",
}


@pytest.mark.parametrize("way", UNTRUSTED)
def test_what_a_script_presses_grants_nothing(visit, stage, way):
    stage.html = stage.page(body=f'{BODY}<button id=theirs onclick="{UNTRUSTED[way]}">Theirs</button>')
    visitor = visit()
    visitor.page.locator("#theirs").click()
    visitor.page.wait_for_timeout(300)

    assert stage.choices == []
    assert visitor.banner.is_visible()


def test_a_script_refuses_for_its_visitor(visit, stage):
    stage.html = stage.page(
        body=BODY
        + "<script>setTimeout(() => document.querySelector('#cc-b button[value=refuse]').click())</script>"
    )
    visitor = visit()
    visitor.banner.wait_for(state="detached")
    until(lambda: bool(chosen(stage)))

    assert chosen(stage) == ["refuse"]


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_grants(visit, stage, key):
    visitor = visit()
    visitor.button("Accept all").focus()
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press(key)

    assert chosen(stage) == ["accept"]
    assert stage.gestures == ["?1"]


def test_a_refusal_closes_the_banner_before_anybody_heard_it(visit, stage):
    stage.fails = True
    visitor = visit()
    gone = visitor.page.evaluate(
        "() => { document.querySelector('#cc-b button[value=refuse]').click(); return !document.getElementById('cc-b'); }"
    )

    assert gone


def test_other_tabs_follow_when_they_are_looked_at(visit, stage):
    visitor = visit("/one")
    other = visitor.goes("/two", visitor.tab())
    other.evaluate("window.same = 1")
    with visitor.page.expect_navigation():
        visitor.button("Accept all").click()
    other.wait_for_function("window.same === undefined")

    assert other.locator("#cc-b").count() == 0


def test_a_hidden_tab_waits_until_it_is_seen(visit, stage):
    visitor = visit("/one")
    other = visitor.goes("/two", visitor.tab())
    other.evaluate(
        """() => { window.same = 1; Object.defineProperty(document, "hidden", { get: () => !window.seen, configurable: true }); }"""
    )
    with visitor.page.expect_navigation():
        visitor.button("Accept all").click()
    visitor.page.wait_for_timeout(300)

    assert other.evaluate("window.same") == 1
    other.evaluate("""() => { window.seen = 1; document.dispatchEvent(new Event("visibilitychange")); }""")
    other.wait_for_function("window.same === undefined")


def test_a_refusal_closes_the_banner_of_other_tabs_without_a_reload(visit, stage):
    visitor = visit("/one")
    other = visitor.goes("/two", visitor.tab())
    other.evaluate("window.same = 1")
    visitor.button("Refuse all").click()
    other.locator("#cc-b").wait_for(state="detached")

    assert other.evaluate("window.same") == 1


def test_another_tab_with_something_typed_says_so_and_waits(visit, stage):
    visitor = visit("/one")
    other = visitor.goes("/two", visitor.tab())
    other.get_by_label("Name").fill("Ada")
    with visitor.page.expect_navigation():
        visitor.button("Accept all").click()
    other.get_by_text("What you typed on it will be lost.").wait_for()

    assert other.get_by_label("Name").input_value() == "Ada"


def test_an_answer_on_the_panel_reaches_other_tabs_as_well(visit, stage):
    stage.granted, stage.answered = ("functional", "performance"), True
    visitor = visit("/one")
    other = visitor.goes("/two", visitor.tab())
    other.evaluate("window.same = 1")
    visitor.page.get_by_role("link", name="Manage my cookies", exact=True).click()
    visitor.button("Refuse all").click()
    other.wait_for_function("window.same === undefined")

    assert stage.granted == ()


def test_tabs_that_know_different_things_do_not_reload_each_other(visit, stage):
    """As behind a service worker that keeps pages of different answers."""
    stage.granted, stage.answered = ("functional",), True
    visitor = visit("/one")
    visitor.page.evaluate("window.same = 1")
    stage.granted = ()
    other = visitor.goes("/two", visitor.tab())
    other.reload()
    visitor.page.wait_for_timeout(300)

    assert visitor.page.evaluate("window.same") == 1


def test_other_tabs_hear_of_an_answer_though_something_was_typed_here(visit, stage):
    visitor = visit("/one")
    other = visitor.goes("/two", visitor.tab())
    other.evaluate("window.same = 1")
    visitor.page.get_by_label("Name").fill("Ada")
    visitor.button("Accept all").click()
    other.wait_for_function("window.same === undefined")

    assert visitor.page.get_by_label("Name").input_value() == "Ada"


def test_tabs_that_know_the_same_leave_each_other_alone(visit, stage):
    stage.granted, stage.answered = ("functional",), True
    visitor = visit("/one")
    visitor.page.evaluate("window.same = 1")
    visitor.goes("/two", visitor.tab())
    visitor.page.wait_for_timeout(300)

    assert visitor.page.evaluate("window.same") == 1


@pytest.mark.parametrize(
    "rewrite",
    [
        "document.body.innerHTML = '<div id=app>app</div>'",
        "document.body.replaceWith(document.createElement('body'))",
        "document.body.replaceChildren()",
        "document.getElementById('cc-l').remove()",
        "document.head.replaceChildren(); document.body.replaceChildren()",
        "document.open(); document.write('<h1>all new</h1>'); document.close()",
        "document.documentElement.replaceChildren(document.createElement('head'), document.createElement('body'))",
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_pages_that_rewrite_themselves_lose_neither_link_nor_banner(visit, stage, rewrite, asked):
    """L8."""
    stage.answered = not asked
    visitor = visit()
    visitor.page.evaluate(f"() => {{ {rewrite} }}")
    link = visitor.page.get_by_role("link", name="Manage my cookies", exact=True)
    link.wait_for()

    assert link.count() == 1
    styled = lambda: link.evaluate("e => getComputedStyle(e).display")  # noqa: E731
    assert until(styled, "inline-block") == "inline-block", "its style came along"
    assert visitor.banner.count() == int(asked)
    if asked:
        visitor.button("Refuse all").click()
        visitor.banner.wait_for(state="detached")
        until(lambda: bool(chosen(stage)))
        assert chosen(stage) == ["refuse"]


def test_a_page_swapped_in_by_fetch_brings_its_own_and_there_are_no_two(visit, stage):
    """Turbo and its kin: the body of the next page replaces this one's."""
    visitor = visit()
    visitor.page.evaluate(
        """async () => { const text = await (await fetch("/next")).text();
        document.body = document.adoptNode(new DOMParser().parseFromString(text, "text/html").body); }"""
    )
    visitor.page.wait_for_timeout(100)

    assert visitor.page.locator("#cc-l").count() == 1
    assert visitor.banner.count() == 1
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")


def test_the_sites_code_can_read_what_holds_and_not_change_it(visit, stage):
    stage.granted, stage.answered = ("functional",), True
    stage.html = Stage.page(
        head="<script>document.addEventListener('callkom:consent', e => window.told = e.detail)</script>"
    )
    visitor = visit()
    said = visitor.page.evaluate(
        """() => { "use strict"; const tries = [];
        for (const f of [() => callkomConsent.granted.push("x"), () => { callkomConsent.granted = [] }, () => { window.callkomConsent = 1 }])
          try { f(); tries.push("done"); } catch { tries.push("refused"); }
        return [tries, callkomConsent.granted, callkomConsent.asked, window.told === callkomConsent]; }"""
    )

    assert said == [["refused"] * 3, ["functional"], "no", True]


def test_the_sites_own_calls_of_refused_providers_break_nothing(visit, stage):
    stage.answered = True
    stage.html = Stage.page(
        body=BODY
        + """<script>
        gtag("event", "x"); ga("send", "pageview"); __gtagTracker("x"); _hsq.push(["trackPageView"]); dataLayer.push({});
        HubSpotConversations.widget.load(); HubSpotConversations.on("x", () => {});
        appInsights.trackEvent({ name: "x" }); appInsights.getCookieMgr().setEnabled(false); `${appInsights.config.name}`;
        Calendly.closePopupWidget(); (async () => { await appInsights; window.awaited = 1; })();
        window.opened = []; window.open = (...all) => { opened.push(all) };
        Calendly.initPopupWidget({ url: "https://calendly.com/x" }); window.ended = 1;
        </script>"""
    )
    visitor = visit()

    assert visitor.errors == []
    assert visitor.page.evaluate("[window.ended, window.awaited]") == [1, 1]
    assert visitor.page.evaluate("dataLayer[0][1]") == "default", "M1: denied is the first thing said"


def test_granted_providers_find_their_names_free(visit, stage):
    stage.granted, stage.answered = ("functional", "performance"), True
    visitor = visit()

    assert (
        visitor.page.evaluate(
            "[typeof Calendly, typeof hbspt, typeof appInsights, typeof HubSpotConversations]"
        )
        == ["undefined"] * 4
    )
    said = visitor.page.evaluate("[...dataLayer].map(entry => entry[1] || entry.callkom_consent)")
    assert said == ["default", "update", "functional performance"]


def test_what_the_next_page_names_is_there_before_it_asks_and_never_fetched_again(visit, stage):
    """Refusing leaves the page as it is; style and guard of the pages to come are fetched meanwhile."""
    visitor = visit()
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
    # Fetched whole: a page that came in between would ask once more.
    visitor.page.wait_for_function(
        "performance.getEntriesByType('resource').filter(one => /page\\./.test(one.name) && one.responseEnd).length == 2"
    )
    for path in ("/first", "/second"):
        visitor.goes(path)
        assert visitor.page.evaluate("callkomConsent.asked") == "no"

    files = [path for path in stage.served if path.startswith("/.consent/page.")]
    assert len(files) == len(set(files)) == 2
    assert visitor.errors == []


OLDER = """delete window.BroadcastChannel;
for (let name of ["showPopover", "hidePopover", "togglePopover", "popover"]) delete HTMLElement.prototype[name];"""


@pytest.mark.parametrize(("name", "choice"), [("Refuse all", "refuse"), ("Accept all", "accept")])
def test_a_browser_without_popovers_and_without_channels_answers_all_the_same(visit, stage, name, choice):
    """As Safari before 17 and before 15.4."""
    visitor = visit()
    visitor.context.add_init_script(OLDER)
    visitor.goes("/page")
    missing = "typeof BroadcastChannel + typeof document.body.showPopover"
    assert visitor.page.evaluate(missing) == "undefinedundefined", "the instrument works"
    assert visitor.banner.is_visible()
    assert visitor.page.evaluate("callkomConsent.asked") == "first"
    visitor.button(name).click()
    visitor.banner.wait_for(state="detached")
    until(lambda: bool(stage.choices))

    assert chosen(stage) == [choice]
    assert visitor.page.url == stage.origin + "/page"
    visitor.goes("/other")
    assert visitor.banner.count() == 0
    assert visitor.errors == []
