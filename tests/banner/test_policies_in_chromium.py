"""Behind every kind of Content-Security-Policy that sites send, the banner looks and works the same."""

import pytest

from tests.banner.stage import BODY, Stage
from tests.patience import until

pytestmark = pytest.mark.e2e

CSP = "Content-Security-Policy"
NONCE = "script-src 'nonce-abc'; style-src 'nonce-abc'"
POLICIES = {
    "none": [],
    "nonce only": [NONCE],
    "hash only": [
        "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='; style-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"
    ],
    "strict-dynamic": ["script-src 'nonce-abc' 'strict-dynamic'; object-src 'none'; base-uri 'none'"],
    "unsafe-inline": [
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"
    ],
    "self only": ["default-src 'self'"],
    "nothing at all": ["default-src 'none'; connect-src 'self'; form-action 'self'"],
    "two headers": [NONCE, "default-src 'self' https:"],
    "two in one header": [f"{NONCE}, default-src 'self'"],
    "trusted types": ["require-trusted-types-for 'script'; trusted-types 'none'; script-src 'self'"],
    "element directives": [
        "script-src-elem 'self'; style-src-elem 'self'; script-src-attr 'none'; style-src-attr 'none'"
    ],
    "no connections": ["connect-src 'none'"],
}
PLAIN: list[dict] = []
HOLD_THEIR_OFFERS = {"strict-dynamic", "trusted types"}
"""Policies under which no script of ours could fetch another: it stands in the page."""


def seen(visitor):
    return [visitor.banner.bounding_box(), *(visitor.box(name) for name in ("Refuse all", "Accept all"))]


def offers(stage) -> list[str]:
    return [path for path in stage.served if path.startswith("/.consent/offers.")]


@pytest.mark.parametrize("name", POLICIES)
def test_it_looks_and_works_the_same(visit, stage, name):
    if not PLAIN:
        plain = visit()
        PLAIN.extend(seen(plain))
        plain.page.close()
    stage.headers = [(CSP, policy) for policy in POLICIES[name]]
    stage.served.clear()
    visitor = visit()

    assert seen(visitor) == PLAIN
    assert visitor.banner.evaluate("e => e.matches(':popover-open')"), "our script ran"
    wanted = 0 if name in HOLD_THEIR_OFFERS else 1
    assert until(lambda: len(offers(stage)), wanted) == wanted, stage.served
    with visitor.page.expect_navigation():
        visitor.button("Accept all").click()
    assert stage.granted == ("functional", "performance")
    assert visitor.banner.count() == 0


def test_a_policy_in_the_page_comes_too_late_to_stop_us(visit, stage):
    stage.html = Stage.page(
        head="<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'nonce-abc'\">"
    )
    visitor = visit()

    assert visitor.banner.evaluate("e => getComputedStyle(e).position") == "fixed"
    visitor.button("Refuse all").click()
    visitor.banner.wait_for(state="detached")
    assert [choice["choice"] for choice in stage.choices] == [["refuse"]]


@pytest.mark.parametrize("how", ["header", "meta"])
def test_where_forms_are_refused_a_link_leads_to_the_panel(visit, stage, how):
    if how == "header":
        stage.headers = [(CSP, "form-action 'none'")]
    else:
        stage.html = Stage.page(
            head='<meta http-equiv="Content-Security-Policy" content="form-action \'none\'">'
        )
    visitor = visit("/here")
    link = visitor.banner.get_by_role("link", name="Customize", exact=True)
    assert link.bounding_box()["width"] == visitor.banner.locator(".k").bounding_box()["width"]
    said = visitor.banner.locator(".t > :last-child")
    assert said.inner_text() == "This page allows no forms. Refuse, accept or customize on the next one."
    link.click()
    visitor.page.wait_for_url("**/.consent/**")
    with visitor.page.expect_navigation():
        visitor.button("Refuse all").click()

    assert stage.answered
    assert visitor.page.url == stage.origin + "/here"


@pytest.mark.parametrize(
    "sandbox", ["sandbox", "sandbox allow-scripts allow-forms", "sandbox allow-scripts allow-same-origin"]
)
def test_in_a_sandbox_a_link_leads_to_the_panel(visit, stage, sandbox):
    """A page of no origin posts as a stranger, and one without forms posts nothing."""
    stage.headers = [(CSP, sandbox)]
    visitor = visit("/here")
    assert visitor.banner.is_visible()
    visitor.banner.get_by_role("link", name="Customize", exact=True).click()
    visitor.page.wait_for_url("**/.consent/**")
    with visitor.page.expect_navigation():
        visitor.button("Accept all").click()

    assert stage.granted == ("functional", "performance")
    assert visitor.errors == []


def test_our_style_and_script_loosen_nothing_for_the_site(visit, stage):
    stage.headers = [(CSP, "script-src 'nonce-abc'; style-src 'nonce-abc'")]
    stage.html = Stage.page(
        head="<style>h1{color:rgb(1,2,3)}</style><script>window.theirs = 1</script><script nonce='abc'>window.allowed = 1</script>",
        body=BODY,
    )
    visitor = visit()

    assert visitor.page.evaluate("[window.theirs, window.allowed]") == [None, 1]
    assert (
        visitor.page.get_by_role("heading", level=1).evaluate("e => getComputedStyle(e).color")
        != "rgb(1, 2, 3)"
    )


def test_pages_of_our_own_show_their_style_under_their_policy(visit, stage):
    visitor = visit("/.consent/")

    assert visitor.button("Refuse all").evaluate("e => getComputedStyle(e).minHeight") == "44px"
    assert visitor.errors == []


AT_ONCE = "<script nonce=\"abc\">document.cookie = '_ga=1; path=/'; document.cookie = 'consent_callkom=x'; window.ran = 1</script>"
STAY_IN_THE_PAGE = {"strict-dynamic"}
RUN_THEIRS = {"none", "nonce only", "strict-dynamic", "unsafe-inline", "no connections"}


@pytest.mark.parametrize(
    "granted",
    [
        pytest.param((), id="refused"),
        pytest.param(("functional", "performance"), id="granted", marks=pytest.mark.load),
    ],
)
@pytest.mark.parametrize("name", POLICIES)
def test_after_an_answer_guard_and_style_reach_the_page_whatever_its_policy(visit, stage, name, granted):
    """As files where addresses count, in the page where they do not; before the site's first script either way."""
    stage.answered, stage.granted = True, granted
    stage.headers = [(CSP, policy) for policy in POLICIES[name]]
    stage.html = Stage.page(head=AT_ONCE)
    visitor = visit()
    visitor.page.evaluate("document.cookie = '_ga=2; path=/'")
    link = visitor.page.locator("#cc-l")

    assert visitor.errors == []
    assert visitor.page.evaluate("callkomConsent.granted") == list(granted)
    assert visitor.page.evaluate("document.cookie") == ""
    assert link.evaluate("e => getComputedStyle(e).textAlign") == "center"
    assert visitor.page.evaluate("window.ran") == (1 if name in RUN_THEIRS else None)
    assert visitor.page.evaluate("!!window.dataLayer"), "what is told in the page runs, too"
    files = [path for path in stage.served if path.startswith("/.consent/page.")]
    assert len(files) == (0 if name in STAY_IN_THE_PAGE else 2), files


@pytest.mark.parametrize("how", ["sandbox allow-scripts", "sandbox allow-scripts allow-same-origin"])
def test_after_an_answer_a_sandbox_keeps_everything_in_the_page(visit, stage, how):
    stage.answered = True
    stage.headers = [(CSP, how)]
    visitor = visit()

    assert visitor.page.evaluate("callkomConsent.asked") == "no"
    assert [path for path in stage.served if path.startswith("/.consent/page.")] == []


def test_after_an_answer_a_policy_in_the_page_comes_too_late_to_stop_us(visit, stage):
    stage.answered = True
    stage.html = Stage.page(head='<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">')
    visitor = visit()

    assert visitor.page.evaluate("callkomConsent.asked") == "no"
    assert visitor.page.locator("#cc-l").evaluate("e => getComputedStyle(e).textAlign") == "center"


def test_where_our_file_does_not_come_the_page_stands_and_providers_are_told(visit, stage):
    stage.answered, stage.granted = True, ("performance",)
    visitor = visit("/first")
    visitor.page.route("**/.consent/page.*", lambda route: route.abort())
    visitor.goes("/second")

    assert visitor.page.evaluate("window.callkomConsent") is None
    assert visitor.page.evaluate("dataLayer[0][1]") == "default"
    assert visitor.page.get_by_role("link", name="Manage my cookies", exact=True).is_visible()
    assert visitor.errors == []
