"""Refusing after accepting: what was stored goes, wherever and however it was stored, and stays away."""

import pytest
from aiohttp import web

from tests.e2e.conftest import in_front_of
from tests.patience import until

pytestmark = pytest.mark.e2e

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Home</title></head>
<body><h1>Home</h1><p><label>Name <input name="who"></label></p><script>SCRIPT</script></body></html>"""
LIFE = "Max-Age=2592000"
BY_SERVER = {
    "callkom.io": [
        f"_ga=GA1.1.1.1; Domain=callkom.io; Path=/; {LIFE}; HttpOnly",  # parent domain, HttpOnly
        f"_ga=GA1.1.2.2; Path=/; {LIFE}",  # the same name, host-only
        f"hubspotutk=h1; Path=/; {LIFE}; HttpOnly",
        f"__hstc=t1; Domain=.callkom.io; Path=/; {LIFE}; Secure; SameSite=None",
        "__hssrc=1; Path=/",
        f"FPID=f1; Domain=callkom.io; Path=/; {LIFE}; Secure; HttpOnly",
        f"_ga_AREA=GS1; Path=/area; {LIFE}",  # only sent below /area
        f"_ga_DEEP=GS1; Domain=callkom.io; Path=/area/; {LIFE}; HttpOnly",
        f"_ga_PART=GS1; Path=/; {LIFE}; Secure; SameSite=None; Partitioned",
        "PHPSESSID=4f2c9a; Path=/; HttpOnly",
    ],
    "app.callkom.io": [
        f"ai_user=u1; Path=/; {LIFE}; HttpOnly",
        "ai_session=s1; Domain=app.callkom.io; Path=/; Max-Age=1800",
        f"_ga_APP=GS1; Domain=app.callkom.io; Path=/; {LIFE}",
    ],
}
BY_SCRIPT = """
document.cookie = "__hssc=s1; path=/; max-age=1800; domain=.callkom.io";
document.cookie = "_gid=g1; path=/; max-age=80000";
document.cookie = "_ga_SCRIPT=GS1; path=/; max-age=2592000; domain=callkom.io; secure";
document.cookie = "_ga_HERE=GS1; max-age=2592000";
document.cookie = "wp-wpml_current_language=en; path=/";
"""
EVERYTHING = {
    "_ga", "hubspotutk", "__hstc", "__hssrc", "FPID", "_ga_AREA", "_ga_DEEP", "_ga_PART", "__hssc", "_gid", "_ga_SCRIPT", "_ga_HERE",
    "wp-wpml_current_language", "ai_user", "ai_session", "_ga_APP",
}  # fmt: skip
STAYS = {"PHPSESSID", "consent_callkom", "legacy"}
SDK = """
window.renewed = 0;
setInterval(function () {
  document.cookie = "hubspotutk=sdk" + ++renewed + "; path=/; max-age=2592000; domain=.callkom.io";
  document.cookie = "_ga_SDK=sdk" + renewed + "; path=/; max-age=2592000";
  document.cookie = "__hssc=sdk" + renewed + "; path=/; max-age=1800; domain=.callkom.io";
  document.cookie = "__hssrc=sdk; path=/";
  document.cookie = "csrftoken=necessary; path=/; max-age=80000";
}, 100);
"""
RENEWED = {"hubspotutk", "_ga_SDK", "__hssc", "__hssrc"}


class Site:
    """The site's server: sets cookies once asked to, and keeps every Cookie header it was sent."""

    def __init__(self) -> None:
        self.sets = True
        self.sent: list[tuple[str, str, str]] = []  # host, path, Cookie

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.host.partition(":")[0]
        self.sent.append((host, request.path, request.headers.get("Cookie", "")))
        script = SDK if request.path == "/sdk" else BY_SCRIPT if self.sets else ""
        response = web.Response(text=PAGE.replace("SCRIPT", script), content_type="text/html")
        if self.sets and request.path != "/sdk":
            for line in BY_SERVER[host]:
                response.headers.add("Set-Cookie", line)
        return response

    def names(self) -> set[str]:
        """Names of all cookies that reached the server."""
        pairs = (pair for _, _, cookies in self.sent for pair in cookies.split(";") if pair)
        return {pair.partition("=")[0].strip() for pair in pairs}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    site = Site()
    with in_front_of(site.answer, tmp_path_factory.mktemp("withdrawal")) as running:
        site.port = running.port
        yield site


@pytest.fixture
def site(served):
    served.sets = True
    served.sent.clear()
    return served


def answer(visitor, button: str) -> None:
    visitor.clicks("button", button)
    visitor.page.wait_for_function(
        "window.callkomConsent?.asked === 'no'"
    )  # back on a page made for the answer


def everywhere(visitor) -> None:
    """Visit every place that a cookie may have been set for."""
    for host, path in [
        ("callkom.io", "/"),
        ("callkom.io", "/area/page"),
        ("callkom.io", "/area/deep/page"),
        ("app.callkom.io", "/"),
    ]:
        visitor.goes(path, host)


def accepted(visit, site):
    """A visitor who agreed to everything and whom the site gave everything there is."""
    visitor = visit(port=site.port)
    visitor.context.add_cookies(
        [{"name": "legacy", "value": "1", "domain": ".callkom.io", "path": "/", "expires": 4e9}]
    )
    visitor.goes("/")
    answer(visitor, "Accept all")
    everywhere(visitor)
    everywhere(visitor)
    assert until(lambda: (EVERYTHING | STAYS) - visitor.cookie_names(), set()) == set()
    assert len([c for c in visitor.context.cookies() if c["name"] == "_ga"]) == 2
    assert site.names() >= EVERYTHING, "with consent the site is sent what it set"
    return visitor


@pytest.mark.parametrize("still_sets", [False, True], ids=["the site stops", "the site goes on setting"])
def test_refusing_after_accepting_leaves_none_in_the_jar_and_forwards_none(visit, site, still_sets):
    visitor = accepted(visit, site)
    site.sets = still_sets
    visitor.goes("/.consent/")
    site.sent.clear()
    answer(visitor, "Refuse all")
    everywhere(visitor)

    assert visitor.cookie_names() & EVERYTHING == set()
    assert site.sent, "the site was asked"
    assert site.names() & EVERYTHING == set()
    assert visitor.cookie_names() == STAYS, "necessary and undeclared ones stay"
    assert {"PHPSESSID", "legacy"} <= site.names(), "and are forwarded"


def test_what_this_host_can_expire_is_gone_with_the_answer_itself(visit, site):
    visitor = accepted(visit, site)
    visitor.goes("/.consent/")
    answer(visitor, "Refuse all")

    sent_here = {c["name"] for c in visitor.context.cookies("https://callkom.io/.consent/choice")}
    assert sent_here & EVERYTHING == set(), "only what other hosts and folders hold waits for a visit there"


def test_withdrawing_one_purpose_takes_that_purposes_cookies_only(visit, site):
    visitor = accepted(visit, site)
    visitor.goes("/.consent/")
    visitor.page.get_by_role("checkbox", name="Performance").first.uncheck()
    site.sent.clear()
    answer(visitor, "Save my choices")
    everywhere(visitor)

    functional = {"hubspotutk", "wp-wpml_current_language"}
    assert visitor.cookie_names() & EVERYTHING == functional
    assert site.names() & EVERYTHING == functional


def two_tabs(visit, site, second: str = ""):
    """Two tabs of one visitor who agreed, an SDK in each renewing its cookies; `second` runs first in the other."""
    visitor = visit(port=site.port)
    visitor.goes("/sdk")
    answer(visitor, "Accept all")
    other = visitor.context.new_page()
    if second:
        other.add_init_script(second)
    other.goto("https://callkom.io/sdk")
    for tab in (visitor.page, other):
        tab.wait_for_function("window.renewed > 2")
    assert until(lambda: (RENEWED | {"csrftoken"}) - visitor.cookie_names(), set()) == set()
    return visitor, other


HIDDEN = """
Object.defineProperty(Document.prototype, "hidden", { get: () => true });
Object.defineProperty(Document.prototype, "visibilityState", { get: () => "hidden" });
"""
"""What a tab in the background says of itself; this browser calls every tab visible."""
HEARD = "[...document.scripts].some(script => script.dataset.gone)"
ANEW = "window.callkomConsent?.granted.length === 0 && document.readyState == 'complete'"
"""How a tab tells that it knows of an answer given elsewhere: hidden or typed into, or seen."""


@pytest.mark.parametrize("way", [pytest.param("panel", marks=pytest.mark.load), "panel, then back"])
@pytest.mark.parametrize("second", ["", HIDDEN], ids=["both seen", "other hidden"])
def test_two_seconds_after_withdrawal_in_one_tab_no_sdk_has_put_its_cookie_back(visit, site, way, second):
    visitor, other = two_tabs(visit, site, second)
    visitor.clicks("link", "Manage my cookies")
    answer(visitor, "Refuse all")
    if way == "panel, then back":
        visitor.page.goto("https://callkom.io/sdk")
    other.wait_for_function(HEARD if second else ANEW)
    visitor.page.wait_for_timeout(2000)

    assert visitor.cookie_names() & RENEWED == set()
    assert "csrftoken" in visitor.cookie_names(), "necessary ones stay"
    for tab in (visitor.page, other):
        assert {
            pair.partition("=")[0].strip() for pair in tab.evaluate("document.cookie").split(";")
        } & RENEWED == set()
    site.sent.clear()
    visitor.goes("/sdk")
    assert site.names() & RENEWED == set()


def test_a_tab_in_which_something_was_typed_is_kept_and_still_writes_nothing_refused(visit, site):
    visitor, other = two_tabs(visit, site)
    other.get_by_label("Name").fill("half a letter")
    other.get_by_label("Name").press_sequentially(" more")
    visitor.goes("/.consent/")
    answer(visitor, "Refuse all")
    visitor.page.goto("https://callkom.io/sdk")
    other.wait_for_function(HEARD)
    visitor.page.wait_for_timeout(2000)

    assert other.get_by_label("Name").input_value() == "half a letter more"
    assert visitor.cookie_names() & RENEWED == set()
    assert "csrftoken" in visitor.cookie_names()
