"""The guard in a real Chromium: what it refuses, shortens and leaves exactly as it was."""

import gzip
import json
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from proxy.banner.assets import guard
from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.headers.guard_table import guard_table, since_attribute
from proxy.policy.load import load_policy, rehome
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.patience import until
from tests.policy.rules import policy_of, text_of
from tests.shared import ROOT

HOST = "www.callkom.localhost"
OWN = OwnHosts(frozenset({HOST, "app.callkom.localhost"}), "callkom.localhost")
DAY = 86_400

COOKIES = """
- { name: session, domain: .callkom.localhost, purpose: necessary, lasts: 1 year, why: x }
- { name: hubspotutk, domain: .callkom.localhost, purpose: functional, lasts: 6 months, why: x }
- { name: language, domain: .callkom.localhost, purpose: functional, lasts: Session, why: x }
- { name: __hstc, domain: .callkom.localhost, purpose: performance, lasts: 6 months, why: x }
- { name: __hssc, domain: .callkom.localhost, purpose: performance, lasts: 30 min, why: x }
- { name: [_ga, "_ga_*"], domain: .callkom.localhost, purpose: performance, lasts: 13 months, why: x }
- { name: ai_user, domain: app.callkom.localhost, purpose: performance, lasts: 11 months, why: x }
"""
POLICY = policy_of(cookies=COOKIES, storage='- { key: ["ai_*"], purpose: performance }')

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def chromium(browser_of_banner):
    return browser_of_banner


class Site(BaseHTTPRequestHandler):
    """A site that serves the pages given, and keeps what the guard reports."""

    def do_GET(self):
        pages = self.server.pages
        kind, body = pages.get(self.path, ("text/html", "<!doctype html><p>plain"))
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self):
        self.server.beacons.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def handle(self):
        with suppress(ConnectionError):  # a browser that has gone
            super().handle()

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    """A site of its own for each test: a page that is closed reports, too, and late."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.pages, server.beacons = {}, []
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Request:
    """One page of the site under the guard, in a browser without any cookie."""

    def __init__(self, chromium, site, *granted, policy=POLICY, since=None, host=HOST, body="", times=1):
        self.context = chromium.new_context()
        self.page = self.context.new_page()
        self.site, self.errors = site, []
        site.beacons.clear()
        code = guard(guard_table(policy, scope_of(policy).granted(granted), OWN))
        days = since_attribute(policy, since or {})
        tag = f'<script data-cfasync="false" data-since="{days}">{code}</script>'
        site.pages["/"] = (
            "text/html",
            f"<!doctype html><html><head>{tag * times}</head><body>{body}</body></html>",
        )
        self.origin = f"http://{host}:{site.server_port}"
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(self.origin + "/")

    def anew(self):
        """Open the page once more, and no other beside it."""
        for other in self.context.pages:
            if other != self.page:
                other.close()
        self.page.goto(self.origin + "/")

    def leave(self, *, reports=1):
        """Go to a page without the guard, and return what the last page reported."""
        self.page.goto(self.origin + "/plain")
        self.page.wait_for_timeout(300)
        until(lambda: len(self.site.beacons) >= reports)
        return self.site.beacons

    def run(self, script):
        return self.page.evaluate(script)

    def write(self, text):
        self.run(f"document.cookie = {json.dumps(text)}; document.cookie")  # read: wait until it is written

    def lives(self, name):
        """Return in how many seconds the cookie ends, None for the session, "gone" without it."""
        found = [cookie for cookie in self.context.cookies() if cookie["name"] == name]
        if not found:
            return "gone"
        ends = found[0]["expires"]
        return None if ends == -1 else ends - time.time()

    def names(self):
        return {cookie["name"] for cookie in self.context.cookies()}


@pytest.fixture
def visit(chromium, site):
    visits = []

    def begin(*granted, **how):
        visits.append(Request(chromium, site, *granted, **how))
        return visits[-1]

    yield begin
    for each in visits:
        assert each.errors == []
        each.context.close()


def nearly(seconds):
    return pytest.approx(seconds, abs=90)


def test_nothing_that_needs_consent_is_written_before_a_choice(visit):
    page = visit()
    for name in ("hubspotutk", "language", "__hstc", "__hssc", "_ga", "_ga_ABC123"):
        page.write(f"{name}=1; path=/; domain=callkom.localhost; max-age=600")

    assert page.names() == set()


def test_hubspotutk_is_refused_without_functional_while_its_neighbour_passes_with_performance(visit):
    page = visit("performance")
    page.write("hubspotutk=1; path=/")
    page.write("__hstc=1; path=/")

    assert page.names() == {"__hstc"}


def test_what_nobody_declared_is_refused_and_counted_by_name_only(visit):
    page = visit("functional", "performance")
    page.write("_fbp=secret; path=/")
    page.write("_fbp=secret; path=/")
    page.write("_gallery=1")
    page.run("cookieStore.set('_tt', 'secret')")

    assert page.names() == set()
    assert page.leave() == [{"cookies": {"_fbp": 2, "_gallery": 1, "_tt": 1}}]


def test_a_page_that_writes_a_thousand_names_reports_thirty(visit):
    page = visit()
    page.run("for (let i = 0; i < 1000; i++) document.cookie = 'x' + i + '=1'")

    assert len(page.leave()[0]["cookies"]) == 30


def test_a_page_that_was_refused_nothing_sends_nothing(visit):
    page = visit()
    page.write("session=1")

    assert page.leave(reports=0) == []


def test_undeclared_cookies_stay_where_the_site_keeps_them(visit):
    policy = policy_of(cookies=COOKIES, undeclared="{ cookies: keep, tags: hold }")
    page = visit(policy=policy)
    page.write("theme=dark; max-age=99999999")
    page.write("_ga=1")

    assert page.names() == {"theme"}


def test_the_consent_cookie_cannot_be_written_by_a_script(visit):
    page = visit("functional", "performance")
    page.write("consent_callkom=AQ; path=/deeper")
    page.write("consent_callkom=AQ; path=/; domain=callkom.localhost; max-age=999")

    assert page.names() == set()


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        ("_ga=1; max-age=63072000", "_ga", 395 * DAY),
        ("_ga=1; Max-Age = 63072000 ; path=/", "_ga", 395 * DAY),
        ("_ga=1; max-age=60; max-age=63072000", "_ga", 395 * DAY),
        ("_ga=1; max-age=63072000; max-age=60", "_ga", 60),
        ("_ga=1; max-age=63072000; expires=Thu, 01 Jan 2037 00:00:00 GMT", "_ga", 395 * DAY),
        ("_ga=1; expires=Thu, 01 Jan 2037 00:00:00 GMT", "_ga", 395 * DAY),
        ("_ga=1; EXPIRES=Thu, 01-Jan-2037 00:00:00 GMT", "_ga", 395 * DAY),
        ("_ga=1; max-age=600", "_ga", 600),
        ("_ga=1", "_ga", None),
        ("__hssc=1; max-age=86400", "__hssc", 1800),
        ("language=fr; max-age=86400", "language", None),
        ("language=fr; expires=Thu, 01 Jan 2037 00:00:00 GMT", "language", None),
        ("session=1; max-age=99999999", "session", 365 * DAY),
        ("_ga=1; expires=not a date", "_ga", None),
    ],
)
def test_a_granted_cookie_lives_no_longer_than_its_row_says(visit, text, name, left):
    page = visit("functional", "performance")
    page.write(text)

    assert page.lives(name) == (left if left is None else nearly(left))


def test_a_life_is_counted_from_the_day_of_consent_and_does_not_slide(visit):
    today = int(time.time()) // DAY
    page = visit("performance", since={"performance": today - 300})
    page.write("_ga=1; max-age=63072000")
    page.write("__hssc=1; max-age=1800")

    end = (today - 300 + 1 + 395) * DAY
    assert page.lives("_ga") == nearly(end - time.time())
    assert page.lives("__hssc") == nearly(1800)


def test_after_the_end_the_day_starts_anew(visit):
    today = int(time.time()) // DAY
    page = visit("performance", since={"performance": today - 400})
    page.write("_ga=1; max-age=63072000")

    assert page.lives("_ga") == nearly((today - 400 + 1 + 2 * 395) * DAY - time.time())


@pytest.mark.parametrize(
    "end",
    [
        "max-age=0",
        "max-age=-1",
        "expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "expires=Thu, 01-Jan-1970 00:00:01 GMT",
    ],
)
def test_a_script_may_always_delete_a_cookie(visit, end):
    page = visit()
    page.context.add_cookies(
        [{"name": n, "value": "1", "domain": HOST, "path": "/"} for n in ("_ga", "theme")]
    )
    page.write(f"_ga=; path=/; {end}")
    page.write(f"theme=; path=/; {end}")

    assert page.names() == set()


def test_an_empty_max_age_is_no_deletion(visit):
    page = visit()
    page.write("_ga=1; max-age=")
    page.write("_ga=1; max-age=0x0")

    assert page.names() == set()


@pytest.mark.parametrize(
    "text",
    [
        "=_ga=1",
        "_ga",
        "=_ga",
        "  _ga = 1",
        "\t_ga=1",
        "_ga=1;domain=.callkom.localhost",
        "_ga=1; Domain=elsewhere.example",
    ],
)
def test_no_spelling_of_a_refused_name_gets_through(visit, text):
    page = visit()
    page.write(text)

    assert page.context.cookies() == []


def test_a_row_for_one_host_speaks_of_that_host_only(visit):
    there = visit("performance", host="app.callkom.localhost")
    there.write("ai_user=1; max-age=99999999")
    here = visit("performance")
    here.write("ai_user=1; max-age=99999999")

    assert there.lives("ai_user") == nearly(335 * DAY)
    assert here.names() == set()


def test_a_necessary_cookie_is_written_exactly_as_without_the_guard(visit):
    line = 'session="a b|ü%20"; path=/; domain=callkom.localhost; max-age=600; samesite=strict; priority=high'
    guarded, bare = visit(), visit(times=0)
    for page in (guarded, bare):
        page.write(line)

    def plain(page):
        return [{**cookie, "expires": round(cookie["expires"], -2)} for cookie in page.context.cookies()]

    assert plain(guarded) == plain(bare) != []
    assert guarded.run("document.cookie") == bare.run("document.cookie")


def test_the_property_looks_to_scripts_as_it_did(visit):
    look = """(() => { let d = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
        return [typeof d.get, typeof d.set, d.enumerable, d.configurable, 'cookie' in document, document.hasOwnProperty('cookie')] })()"""

    assert visit().run(look) == visit(times=0).run(look)


def test_what_is_written_need_not_be_a_string(visit):
    page = visit()
    page.run("document.cookie = { toString() { return 'session=1' } }")
    page.run("document.cookie = null; document.cookie = undefined; document.cookie = 7")

    assert until(page.names, {"session"}) == {"session"}


def test_cookie_store_obeys_the_same_rows(visit):
    page = visit("performance")
    page.run("cookieStore.set('hubspotutk', '1')")
    page.run("cookieStore.set({ name: 'hubspotutk', value: '1', expires: Date.now() + 1e9 })")
    page.run("cookieStore.set('__hstc', '1')")
    page.run("cookieStore.set({ name: '_ga', value: '1', expires: Date.now() + 63072e6 })")
    page.run(
        "cookieStore.set({ name: '__hssc', value: '1', expires: Date.now() + 60e3, domain: 'callkom.localhost' })"
    )
    page.run("cookieStore.set({ name: 'session', value: '1', expires: null })")
    page.run("cookieStore.set({ name: '_ga_long', value: '1', maxAge: 63072000 })")
    page.run("cookieStore.set({ name: '_ga_short', value: '1', maxAge: 60 })")

    assert page.names() == {"__hstc", "_ga", "_ga_long", "_ga_short", "__hssc", "session"}
    assert [page.lives(name) for name in ("_ga", "_ga_long")] == [nearly(395 * DAY)] * 2
    assert [page.lives(name) for name in ("__hssc", "_ga_short")] == [nearly(60)] * 2
    assert (page.lives("__hstc"), page.lives("session")) == (None, None)
    assert page.run("cookieStore.get('session').then(c => c.value)") == "1"


def test_cookie_store_deletes_and_complains_as_ever(visit):
    page = visit("performance")
    page.run("cookieStore.set('_ga', '1').then(() => cookieStore.delete('_ga'))")

    assert page.names() == set()
    assert page.run("cookieStore.set('session', 'a;b').then(() => 0, error => error.name)") == "TypeError"


def test_storage_keys_are_refused_until_granted(visit):
    write = """localStorage.setItem('ai_session', '1'); sessionStorage.setItem('ai_buffer', '1'); localStorage.setItem('theme', 'dark');
        [localStorage.length, sessionStorage.length]"""

    assert visit().run(write) == [1, 0]
    assert visit("performance").run(write) == [2, 1]


def test_storage_keys_written_as_properties_are_gone_on_the_next_page(visit):
    page = visit()
    page.run("localStorage.ai_session = '1'; localStorage.theme = 'dark'")
    page.leave(reports=0)

    assert page.run("Object.keys(localStorage)") == ["theme"]


KNOWN = load_policy(
    text_of(cookies=COOKIES, storage='- { key: ["ai_*", ph_mine], purpose: performance }'),
    catalogue=shipped_catalogue(),
)
WRITING = """(async names => { for (let name of names) {
        localStorage.setItem(name, '1'); sessionStorage.setItem(name, '1');
        await new Promise(done => { try { let asked = indexedDB.open(name); asked.onsuccess = () => { asked.result.close(); done() } } catch (refused) { done(refused.name) } })
    } return [Object.keys(localStorage), Object.keys(sessionStorage), (await indexedDB.databases()).map(one => one.name)].map(all => all.sort()) })"""


def test_what_known_trackers_store_is_refused_whatever_they_store_it_in(visit):
    names = ["theme", "ph_phc_1_posthog", "ajs_anonymous_id", "amplitude_unsent", "AI_buffer_1"]
    page = visit(policy=KNOWN)

    assert page.run(f"{WRITING}({json.dumps(names)})") == [["theme"]] * 3
    assert page.errors == []


def test_a_rule_that_is_granted_lets_its_names_be_stored_and_no_other_trackers(visit):
    names = ["ph_mine", "ph_other", "ai_session"]

    assert visit(policy=KNOWN).run(f"{WRITING}({json.dumps(names)})") == [[]] * 3
    granted = visit("performance", policy=KNOWN).run(f"{WRITING}({json.dumps(names)})")
    assert granted == [["ai_session", "ph_mine"]] * 3


def test_what_a_tracker_stored_before_is_gone_before_the_first_script_reads_it(visit, site):
    seen = "<script>window.seen = [localStorage.ph_x_posthog, sessionStorage.ajs_user_id, localStorage.theme]</script>"
    page = visit(policy=KNOWN, body=seen)
    page.page.goto(page.origin + "/plain")
    page.run("localStorage.ph_x_posthog = sessionStorage.ajs_user_id = localStorage.theme = '1'")
    page.run(
        "new Promise(done => { let asked = indexedDB.open('mp_store'); asked.onsuccess = () => { asked.result.close(); done() } })"
    )
    page.page.goto(page.origin + "/")

    assert page.run("seen") == [None, None, "1"]
    assert until(lambda: page.run("indexedDB.databases().then(all => all.length)"), 0) == 0


def test_names_in_storage_are_counted_where_a_tracker_is_refused_or_nobody_knows_them(visit):
    page = visit("performance", policy=KNOWN)
    page.run(
        "localStorage.setItem('theme', 'secret'); localStorage.setItem('ph_other', 'secret'); localStorage.setItem('ai_user', '1')"
    )

    assert page.leave() == [{"cookies": {}, "storage": {"theme": 1, "ph_other": 1}}]


def test_names_of_platforms_that_their_scripts_write_pass_for_their_purpose(visit):
    def kept(*granted):
        page = visit(*granted, policy=KNOWN)
        for name in ("wp-settings-time-1", "pll_language", "sessionid", "_fbp"):
            page.write(f"{name}=1")
        return page.names()

    assert kept() == {"wp-settings-time-1"}
    assert kept("functional") == {"wp-settings-time-1", "pll_language"}


def test_where_undeclared_cookies_are_kept_known_trackers_are_refused(visit):
    keeping = load_policy(text_of(undeclared="{ cookies: keep }"), catalogue=shipped_catalogue())
    page = visit(policy=keeping)
    page.write("mystery=1")
    page.write("_fbp=1")

    assert page.names() == {"mystery"}


def test_loading_it_twice_is_harmless(visit):
    page = visit("performance", times=2)
    page.write("_ga=1; max-age=63072000")
    page.write("_fbp=1")
    page.run("cookieStore.set('__hstc', '1')")

    assert page.names() == {"_ga", "__hstc"}
    assert page.leave() == [{"cookies": {"_fbp": 1}}]


def test_a_frame_is_guarded_once_however_often_it_is_looked_at(visit):
    same = """(async () => { let f = document.body.appendChild(document.createElement('iframe'));
        let setter = () => Object.getOwnPropertyDescriptor(f.contentWindow.Document.prototype, 'cookie').set, first = setter();
        for (let i = 0; i < 20; i++) { document.body.append('x'); await null }
        return first === setter() })()"""

    assert visit().run(same)


COUNTS = """(() => {
    let { observe } = MutationObserver.prototype, Native = MutationObserver;
    window.heard = 0;
    window.MutationObserver = class extends Native { constructor(run) { super(records => { heard++; run(records) }) } };
})()"""


def test_what_scripts_put_into_a_page_that_was_read_is_not_told_to_it(chromium, site):
    context = chromium.new_context()
    context.add_init_script(COUNTS)
    page = context.new_page()
    code = guard(guard_table(POLICY, scope_of(POLICY).granted(()), OWN))
    site.pages["/"] = ("text/html", f"<!doctype html><script>{code}</script><body><p>a</p></body>")
    page.goto(f"http://{HOST}:{site.server_port}/")
    heard = page.evaluate(
        """(async () => { let before = heard; for (let i = 0; i < 100; i++) { document.body.append(document.createElement('p')); await null }
        return [before > 0, heard - before] })()"""
    )

    assert heard[0], "the instrument works: it heard of what the parser read"
    assert heard[1] <= 1
    context.close()


def test_stores_are_swept_before_a_window_gets_its_copy(visit, site):
    page = visit()
    page.page.goto(page.origin + "/plain")
    page.run("sessionStorage.setItem('ai_session', 1); sessionStorage.setItem('mine', 1)")
    page.page.goto(page.origin + "/")
    keys = page.run(
        "(w => Object.keys(Object.getOwnPropertyDescriptor(w, 'sessionStorage').get.call(w)))(open('about:blank'))"
    )

    assert keys == ["mine"]


FRAMES = {
    "contentWindow": "let f = document.body.appendChild(document.createElement('iframe')); f.contentWindow.document.cookie = '_ga=1'",
    "contentDocument": "let f = document.body.appendChild(document.createElement('iframe')); f.contentDocument.cookie = '_ga=1'",
    "setter": """let f = document.body.appendChild(document.createElement('iframe'));
        Object.getOwnPropertyDescriptor(f.contentWindow.Document.prototype, 'cookie').set.call(document, '_ga=1')""",
    "nested": """let f = document.body.appendChild(document.createElement('iframe')), d = f.contentDocument;
        d.body.appendChild(d.createElement('iframe')).contentDocument.cookie = '_ga=1'""",
    "storage": "document.body.appendChild(document.createElement('iframe')).contentWindow.localStorage.setItem('ai_session', '1')",
}


@pytest.mark.parametrize("way", FRAMES)
def test_a_frame_of_the_same_site_brings_no_fresh_setter(visit, way):
    page = visit()
    page.run(f"(() => {{ {FRAMES[way]} }})()")

    assert page.names() == set()
    assert page.run("localStorage.length") == 0


@pytest.mark.parametrize("how", ["static", "dynamic"])
def test_a_script_inside_srcdoc_is_guarded_too(visit, how):
    inner = "<script>document.cookie='_ga=1';document.cookie='session=1'<\\/script>"
    static = inner.replace("\\", "").replace("'", "&#39;")
    page = visit(body=f'<iframe srcdoc="{static}"></iframe>' if how == "static" else "")
    if how == "dynamic":
        page.run(
            f'(() => {{ let f = document.createElement("iframe"); f.srcdoc = "{inner}"; document.body.append(f) }})()'
        )

    assert until(page.names, {"session"}) == {"session"}


def test_foreign_frames_load_as_ever(visit, site):
    page = visit(body=f'<iframe src="http://elsewhere.localhost:{site.server_port}/plain"></iframe>')

    page.page.frame_locator("iframe").get_by_text("plain").wait_for()
    assert len(page.page.frames) == 2


def test_a_script_that_wraps_the_setter_later_still_works(visit):
    page = visit("performance")
    page.run("""(() => { let own = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
        Object.defineProperty(document, 'cookie', { configurable: true, get() { return own.get.call(this) }, set(v) { own.set.call(this, v) } }) })()""")
    page.write("_ga=1; max-age=63072000")
    page.write("hubspotutk=1")

    assert page.names() == {"_ga"}
    assert page.lives("_ga") == nearly(395 * DAY)


def test_it_runs_in_xhtml(chromium, site):
    code = guard(guard_table(POLICY, frozenset(), OWN))
    head = f'<head><title>x</title><script data-since="">{code}</script></head>'
    site.pages["/x"] = (
        "application/xhtml+xml",
        f'<html xmlns="http://www.w3.org/1999/xhtml">{head}<body/></html>',
    )
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://{HOST}:{site.server_port}/x")
    page.evaluate("document.cookie = '_ga=1'; document.cookie = 'session=1'")

    assert page.evaluate("document.cookie") == "session=1"
    context.close()


@pytest.mark.parametrize(("catalogue", "most"), [(None, 4680), (shipped_catalogue(), 5360)])
def test_with_callkoms_own_rules_it_weighs_little_with_the_names_of_known_trackers_too(catalogue, most):
    text = (ROOT / "rules.yaml").read_text()
    policy = rehome(load_policy(text, catalogue=catalogue), "callkom.io", "callkom.localhost")
    pairs = scope_of(policy)
    weights = {
        granted: len(gzip.compress(guard(guard_table(policy, pairs.granted(granted), OWN)).encode(), 9))
        for granted in ((), ("functional",), ("performance",), ("functional", "performance"))
    }

    assert max(weights.values()) <= most, weights


def test_once_an_answer_was_given_elsewhere_nothing_is_written_that_needs_one(visit):
    page = visit("functional", "performance")
    page.run("document.scripts[0].dataset.gone = 1")
    for name in (
        "_ga",
        "__hssc",
        "language",
        "hubspotutk",
    ):  # a fixed life, a sliding one, a session, another purpose
        page.write(f"{name}=1; max-age=1000")
        page.write(f"{name}=1")
    page.write("session=1")

    assert page.names() == {"session"}
