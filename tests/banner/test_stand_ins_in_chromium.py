"""Stand-ins at work: each way in which sites wait for a provider goes on, and no use of one breaks a page."""

import pytest

from proxy.banner.provider_signals import stubs
from proxy.policy.stand_ins import STAND_INS, Reply, ReplyKind, of_table
from tests.patience import until

pytestmark = pytest.mark.e2e

HIDING = """(function(a,s,y,n,c,h,i){s.className+=' '+y;h.start=1*new Date;h.end=i=function(){s.className=s.className.replace(RegExp(' ?'+y),'')};
(a[n]=a[n]||[]).hide=h;setTimeout(function(){i();h.end=null},1e6);h.timeout=c;})(window,document.documentElement,'async-hide','dataLayer',4000,{});
setTimeout(function wait() { document.documentElement.className.trim() ? setTimeout(wait, 9) : told.push("shown") })"""
QUEUED = "window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }\n"
WAITING = {
    "gtag, event_callback": (QUEUED + "gtag('event', 'a', { event_callback() { told.push(1) } })", [1]),
    "gtag, get": (QUEUED + "gtag('get', 'G-1', 'client_id', id => told.push(id))", [""]),
    "dataLayer, eventCallback": ("dataLayer.push({ event: 'a', eventCallback() { told.push(1) } })", [1]),
    "dataLayer, a function": ("dataLayer.push(function () { this.set('a', 1); told.push(1) })", [1]),
    "dataLayer, declared by the page": (
        "var dataLayer = [{ event: 'a', eventCallback() { told.push(1) } }]; dataLayer.push({ eventCallback() { told.push(2) } })",
        [1, 2],
    ),
    "the tag manager's page hiding": (HIDING, ["shown"]),
    "page hiding, on an array of the page's own": ("var dataLayer = [];" + HIDING, ["shown"]),
    "ga, hitCallback": ("ga('send', 'event', 'a', 'b', { hitCallback() { told.push(1) } })", [1]),
    "ga, hitCallback set": ("ga('set', 'hitCallback', () => told.push(1))", [1]),
    "ga, a function": (
        "ga(tracker => told.push(tracker.get('clientId'), String(ga.getAll()[0].get('a'))))",
        ["", ""],
    ),
    "ga, a plugin": (
        "ga('provide', 'mine', class { constructor() { told.push('never') } }); told.push(1)",
        [1],
    ),
    "_gaq, a function": ("(window._gaq = window._gaq || []).push(() => told.push(1))", [1]),
    "__gtagTracker": (
        "__gtagTracker('event', 'a', { event_callback() { told.push(1) } }); __gtagTracker('get', 'G-1', 'client_id', id => told.push(id))",
        [1, ""],
    ),
    "appInsights, flush": (
        "appInsights.flush(true, done => told.push(done)); appInsights.flush().then(done => told.push(done))",
        [True, True],
    ),
    "appInsights, awaited": (
        "(async () => { await appInsights.trackEvent({}); await appInsights.unload(); told.push(1) })()",
        [1],
    ),
    "appInsights, queue": ("appInsights.queue.push(() => told.push(1))", [1]),
    "appInsights, telemetry initializer": (
        "appInsights.addTelemetryInitializer(() => told.push('never')).remove(); told.push(1)",
        [1],
    ),
    "appInsights, settings": (
        "appInsights.config.isCookieUseDisabled = true; told.push(appInsights.config.isCookieUseDisabled, JSON.stringify({ key: appInsights.config.instrumentationKey }), 'trackEvent' in appInsights, typeof appInsights, appInsights.getCookieMgr().isEnabled())",
        [True, '{"key":""}', True, "object", False],
    ),
    "appInsights, made by the page": (
        "var mine = new Microsoft.ApplicationInsights.ApplicationInsights({ config: {} }); mine.loadAppInsights().trackPageView(); mine.loadAppInsights().flush(true, () => told.push(1)); mine.context.telemetryTrace.traceID.toString()",
        [1],
    ),
    "_hsq, a function": ("_hsq.push(() => told.push(1))", [1]),
    "_hsq, identity": ("_hsq.push(['addIdentityListener', (...all) => told.push(...all)])", ["", "", ""]),
    "_hsp, consent": (
        "window._hsp = window._hsp || []; _hsp.push(['addPrivacyConsentListener', said => told.push(said.allowed, said.categories.analytics)])",
        [False, False],
    ),
    "HubSpotConversations, ready": (
        "window.hsConversationsOnReady = [() => told.push(HubSpotConversations.widget.status().loaded ? 1 : 0)]",
        [1],
    ),
    "HubSpotConversations, ready later": (
        "window.hsConversationsOnReady = window.hsConversationsOnReady || []; hsConversationsOnReady.push(() => told.push(1))",
        [1],
    ),
    "HubSpotConversations, events": (
        "HubSpotConversations.on('conversationStarted', () => told.push('never')); HubSpotConversations.on('widgetLoaded', () => told.push(1))",
        [1],
    ),
    "hbspt, ready": ("window.hsFormsOnReady = [() => { hbspt.forms.create({}); told.push(1) }]", [1]),
    "fbq": ("fbq('init', '1'); fbq('track', 'PageView'); told.push(fbq.getState().pixels.length)", [0]),
    "FB": (
        "window.fbAsyncInit = () => { FB.init({}); FB.getLoginStatus(now => told.push(now.status)) }",
        ["unknown"],
    ),
    "FB, declared": ("function fbAsyncInit() { told.push(1) }", [1]),
    "hj": ("hj('identify', '1', {}); hj('event', 'a'); told.push(String(hj.globals.get('userId')))", [""]),
    "clarity": (
        "clarity('metadata', data => told.push(data.userId)); clarity('identify', 'a').then(one => told.push(one.id)); clarity('set', 'a', 'b')",
        ["", ""],
    ),
    "posthog, loaded": ("posthog.init('phc_1', { loaded(one) { told.push(one.get_distinct_id()) } })", [""]),
    "posthog, flags": (
        "posthog.onFeatureFlags((flags, variants) => told.push(flags.length, posthog.isFeatureEnabled('a'), posthog.getFeatureFlag('a') === undefined))",
        [0, False, True],
    ),
    "posthog, surveys": ("posthog.getActiveMatchingSurveys(all => told.push(all.length))", [0]),
    "Sentry, onLoad": ("Sentry.onLoad(() => { Sentry.init({ dsn: '' }); told.push(1) })", [1]),
    "sentryOnLoad": ("window.sentryOnLoad = () => told.push(1)", [1]),
    "Sentry, the site's own work": (
        "told.push(Sentry.startSpan({ name: 'a' }, span => { span.setAttribute('a', 1); return 7 }), Sentry.withScope(scope => { scope.setTag('a', 'b'); return 8 }))",
        [7, 8],
    ),
    "Sentry, flush": (
        "Sentry.flush(2000).then(done => told.push(done)).finally(() => told.push(Sentry.captureException(new Error('a'))))",
        [True, ""],
    ),
}
PAGE = "<!doctype html><html><head><script>{code}</script></head><body><script>var told = [];\n{script}</script>{more}</body></html>"
ALL = stubs(list(STAND_INS), hosts=["googletagmanager.com", "calendly.com"])


@pytest.fixture
def opened(browser_of_banner):
    contexts = []

    def opened(script, more="", code=ALL):
        context = browser_of_banner.new_context()
        contexts.append(context)
        page = context.new_page()
        page.told = []
        page.on("pageerror", lambda error: page.told.append(str(error)))
        body = PAGE.format(code=code, script=script, more=more)
        policy = {"Content-Security-Policy": "script-src 'self' 'unsafe-inline' 'unsafe-eval'"}
        page.route("**/*", lambda route: route.fulfill(body=body, content_type="text/html", headers=policy))
        page.goto("http://www.callkom.localhost/")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", WAITING)
def test_who_waits_for_a_provider_goes_on(opened, name):
    script, expected = WAITING[name]
    page = opened(script)

    assert until(lambda: page.evaluate("told"), expected) == expected
    assert page.told == []


def test_nothing_of_a_stand_in_breaks_a_page_whatever_it_does_with_it(opened):
    page = opened(
        """for (var one of [appInsights, ga, hbspt, posthog, Sentry, fbq, FB]) {
          one.any.thing.at.all('a', 1, null, undefined, Symbol.iterator); new one.Client().go(); [...one.list];
          `${one.text}` + one.count * 2; one.set = 1; delete one.set; Object.keys(one.list()); JSON.stringify(one);
          Promise.resolve(one).then(() => told.push(1)); [].concat(one.list); one.list.length; one.f instanceof Function; }"""
    )

    assert until(lambda: page.evaluate("told.length"), 7) == 7
    assert page.told == []


def test_a_stand_in_leaves_what_the_page_defines_itself(opened):
    page = opened("var dataLayer = { mine: 1 }; window.hj = () => 5; told.push(dataLayer.mine, hj())")

    assert page.evaluate("told") == [1, 5]


SCRIPT = "var s = document.createElement('script'); s.src = '{0}'; s.onload = () => told.push('load'); s.onerror = () => told.push('error'); document.head.append(s)"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://www.googletagmanager.com/gtag/js?id=G-1", "load"),
        ("https://assets.calendly.com/assets/external/widget.js", "load"),
        ("https://other.example/a.js", "error"),
    ],
)
def test_who_waits_for_a_providers_script_goes_on_with_the_stand_in(opened, address, expected):
    page = opened(SCRIPT.format(address))

    assert until(lambda: page.evaluate("told"), [expected]) == [expected]


def test_a_held_script_of_theirs_counts_as_loaded(opened):
    more = '<script type="text/plain" data-consent="performance" src="https://www.googletagmanager.com/gtag/js" onload="told.push(1)"></script>'

    assert until(lambda: opened("", more).evaluate("told"), [1]) == [1]


def test_a_table_of_a_rule_returns_and_calls_back_its_constants(opened):
    table = of_table(
        "acme",
        {
            "acme.variant": Reply(ReplyKind.RETURNS, ('"control"',)),
            "acme.ready": Reply(ReplyKind.CALLS_BACK, ('{"on":false}',)),
            "track": Reply(ReplyKind.RETURNS),
        },
    )
    page = opened(
        "told.push(acme.variant('a'), track(1) === undefined, typeof acme); acme.ready(now => told.push(now.on)); acme.ready().then(now => told.push(now.on)); acme.other.call()",
        code=stubs([], [table]),
    )
    expected = ["control", True, "object", False, False]

    assert (
        until(
            lambda: page.evaluate("told"),
            expected,
        )
        == expected
    )
    assert page.told == []
