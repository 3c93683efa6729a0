"""Every third party of the demo, played by one local TLS server that keeps a log.

Each host answers as its owner does in reality: from the side (script or HTTP) that sets the
cookie, with the lifetime that the provider really uses. What reached us is the ground truth
of every browser test: a request in `hits` is a leak or a load, whatever the browser says.
"""

import asyncio
import ssl
import threading
from dataclasses import dataclass, field

import trustme
from aiohttp import web

from tests.patience import until

SITE_DOMAIN_JS = "var d=location.hostname.split('.').slice(-2).join('.');"


def _cookie_js(name: str, value: str, seconds: int | None, domain: bool = True) -> str:
    life = f"; max-age={seconds}" if seconds else ""
    where = "; domain=.'+d+'" if domain else ""
    return f"document.cookie='{name}={value}; path=/{life}{where}';"


MONTH = 30 * 86400
SCRIPTS = {
    "hs-scripts.com": SITE_DOMAIN_JS
    + _cookie_js("hubspotutk", "h1", 13 * MONTH)
    + _cookie_js("__hstc", "t1", 13 * MONTH)
    + _cookie_js("__hssc", "s1", 1800)
    + _cookie_js("__hssrc", "1", None)
    + "window.hubspotRan=1;new Image().src='https://track-eu1.hubspot.com/__ptq.gif?k=1';"
    + "var s=document.createElement('script');s.src='https://js-eu1.hs-analytics.net/analytics/1.js';document.head.appendChild(s);",
    "hs-analytics.net": "window.hsAnalyticsRan=1;",
    "hsforms.net": "window.hbspt={forms:{create:function(o){var f=document.createElement('form');f.className='hs-form';"
    "f.textContent='HubSpot form '+o.formId;f.method='post';f.action='https://forms-eu1.hsforms.com/submissions/v3/'+o.formId;"
    "f.innerHTML+='<label>Email <input name=email></label><button>Send</button>';document.currentScript.parentNode.insertBefore(f,document.currentScript);"
    "fetch('https://forms-eu1.hsforms.com/embed/v3/'+o.formId,{credentials:'include',mode:'no-cors'});}}};"
    "document.querySelectorAll('.hs-form-frame').forEach(function(e){e.textContent='HubSpot form frame';});",
    "hsappstatic.net": "document.querySelectorAll('.meetings-iframe-container').forEach(function(e){var f=document.createElement('iframe');"
    "f.title='Meetings';f.src=e.dataset.src;e.appendChild(f);});",
    "googletagmanager.com": SITE_DOMAIN_JS
    + _cookie_js("_ga", "GA1.1.1.1", 63072000)
    + _cookie_js("_ga_CALLKOM001", "GS1.1.1", 63072000)
    + "window.gtagRan=1;navigator.sendBeacon('https://region1.google-analytics.com/g/collect?v=2');",
    "calendly.com": "window.Calendly={initPopupWidget:function(o){window.popup=o.url},initInlineWidget:function(){},initBadgeWidget:function(){}};"
    "document.querySelectorAll('.calendly-inline-widget[data-url]').forEach(function(e){var f=document.createElement('iframe');"
    "f.title='Calendly';f.src=e.dataset.url;f.width='100%';f.height='100%';e.appendChild(f);});",
    "js.monitor.azure.com": _cookie_js("ai_user", "u1", 31536000, domain=False)
    + _cookie_js("ai_session", "s1", 1800, domain=False)
    + "window.insightsRan=1;fetch('https://westeurope-5.in.applicationinsights.azure.com/v2/track',{method:'POST',mode:'no-cors',body:'{}'});",
    "js.stripe.com": SITE_DOMAIN_JS
    + _cookie_js("__stripe_mid", "m1", 365 * 86400)
    + _cookie_js("__stripe_sid", "s1", 1800)
    + "window.Stripe=function(){return{}};new Image().src='https://m.stripe.com/6';",
    "cloudflareinsights.com": "window.beaconRan=1;",
    # Networks look for posts on the page and put a frame in place of each.
    "platform.twitter.com": "document.querySelectorAll('blockquote.twitter-tweet').forEach(function(q){var a=[].slice.call(q.querySelectorAll('a')).pop(),"
    "f=document.createElement('iframe');f.title='Post on X';f.style.height='333px';f.src='https://platform.twitter.com/embed/Tweet.html?id='+a.href.split('/status/')[1].split('?')[0];"
    "q.replaceWith(f);});",
    "instagram.com": "document.querySelectorAll('blockquote.instagram-media').forEach(function(q){var f=document.createElement('iframe');"
    "f.title='Post on Instagram';f.src=q.dataset.instgrmPermalink.split('?')[0]+'embed/';q.replaceWith(f);});",
}
# Every way in which a form's library could meet its provider, cookies included where it can.
VECTORS = """
(() => {
  const host = "https://forms-eu1.hsforms.com/embed/v3/", put = (tag, set) => document.body.append(Object.assign(document.createElement(tag), set));
  put("script", { src: host + "script.js" });
  put("img", { src: host + "image.gif" });
  put("link", { rel: "stylesheet", href: host + "style.css" });
  const made = document.createElement("script"); made.setAttribute("src", host + "attribute.js"); document.head.append(made);
  const box = document.createElement("div"); box.innerHTML = `<img src="${host}inner.gif">`; document.body.append(box);
  new Image().src = host + "new.gif";
  fetch(host + "fetch", { method: "POST", credentials: "include", headers: { "Content-Type": "application/json" }, body: "{}" }).then(a => a.text()).then(t => { window.fetched = t });
  fetch(new Request(host + "request", { credentials: "include" }));
  const asked = new XMLHttpRequest(); asked.open("GET", host + "xhr"); asked.withCredentials = true; asked.send();
  navigator.sendBeacon(host + "beacon", new Blob(["{}"], { type: "application/json" }));
  document.cookie = "hubspotutk=1"; localStorage.setItem("a", "1"); window.kept = document.cookie + localStorage.getItem("a");
  try { parent.document.cookie; window.kept += "escaped"; } catch (apart) {}
  put("iframe", { name: "into" });
  const form = document.createElement("form"); form.method = "post"; form.target = "into"; form.action = host + "form"; document.body.append(form); form.submit();
  put("p", { id: "done", textContent: "done " + window.kept });
})();
"""
HTTP_COOKIES = {
    ".hubspot.com": ["_cfuvid=c1; Domain=.hubspot.com", "__cf_bm=b1; Domain=.hubspot.com; Max-Age=1800"],
    ".calendly.com": ["_cfuvid=c1; Domain=.calendly.com", "__cf_bm=b1; Domain=.calendly.com; Max-Age=1800"],
    ".hsforms.com": ["_cfuvid=c1; Domain=.hsforms.com"],
    ".youtube-nocookie.com": ["VISITOR_INFO1_LIVE=v1; Domain=.youtube-nocookie.com; Max-Age=15552000"],
    ".vimeo.com": ["vuid=v1; Domain=.vimeo.com; Max-Age=63072000"],
    ".twitter.com": ["guest_id=g1; Domain=.twitter.com; Max-Age=34214400"],
    ".instagram.com": ["mid=m1; Domain=.instagram.com; Max-Age=34560000"],
    ".facebook.com": ["fr=f1; Domain=.facebook.com; Max-Age=7776000"],
    "www.google.com": ["NID=n1; Domain=.google.com; Max-Age=15811200"],
    "m.stripe.com": ["m=m1; Domain=m.stripe.com; Max-Age=31536000"],
}


def _within(host: str, suffix: str) -> bool:
    bare = suffix.lstrip(".")
    return host == bare or host.endswith("." + bare)


@dataclass
class Providers:
    """The running server: its port, and (host, path, Cookie) of every request that reached it."""

    port: int = 0
    hits: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(
        default_factory=list
    )  # host, path, headers, body
    authority: trustme.CA | None = None

    def hosts(self) -> set[str]:
        return {host for host, _, _ in self.hits}

    def reached(self, suffix: str) -> bool:
        return any(_within(host, suffix) for host in self.hosts())

    def missing(self, *suffixes: str) -> list[str]:
        """Return which of these that have to be reached are not; they are given time."""
        return until(lambda: [suffix for suffix in suffixes if not self.reached(suffix)], [])

    def forget(self) -> None:
        self.hits.clear()
        self.asked.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(":")[0]
        self.hits.append((host, request.path, request.headers.get("Cookie", "")))
        self.asked.append((host, request.path, dict(request.headers), await request.read()))
        headers = {"Access-Control-Allow-Origin": request.headers.get("Origin", "*")}
        if "Origin" in request.headers:
            headers["Access-Control-Allow-Credentials"] = "true"
        if "Access-Control-Request-Headers" in request.headers:
            headers["Access-Control-Allow-Headers"] = request.headers["Access-Control-Request-Headers"]
        script = next((js for suffix, js in SCRIPTS.items() if _within(host, suffix)), "")
        wants_script = request.path.endswith((".js", "/js")) or request.path in (
            "/v3/",
            "/gtag/js",
            "/gtm.js",
        )
        if request.path == "/forms/embed/vectors.js":
            script = VECTORS
        if wants_script:
            response = web.Response(text=script, content_type="text/javascript", headers=headers)
        elif request.path.endswith((".gif", "/6", "/collect")):
            response = web.Response(
                body=b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", content_type="image/gif", headers=headers
            )
        else:
            response = web.Response(
                text=f"<!doctype html><title>{host}</title><p>{host}",
                content_type="text/html",
                headers=headers,
            )
        for suffix, lines in HTTP_COOKIES.items():
            if _within(host, suffix):
                for line in lines:
                    response.headers.add("Set-Cookie", f"{line}; Path=/; Secure; HttpOnly; SameSite=None")
        return response


def serve_in_thread(app_or_handler, *, tls: ssl.SSLContext | None = None) -> tuple[int, "callable"]:
    """Run an aiohttp handler or application on a free loopback port; return (port, stop)."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    state: dict = {}

    async def start() -> None:
        if isinstance(app_or_handler, web.Application):
            runner = web.AppRunner(app_or_handler, shutdown_timeout=0.1)
        else:
            runner = web.ServerRunner(web.Server(app_or_handler), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        state["runner"] = runner
        state["port"] = site._server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(state["runner"].cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(60)

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)

    return state["port"], stop


def tls_for(*names: str) -> tuple[ssl.SSLContext, trustme.CA, trustme.LeafCert]:
    """Return a server context for these names, its authority, and the certificate."""
    authority = trustme.CA()
    leaf = authority.issue_cert(*names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context, authority, leaf
