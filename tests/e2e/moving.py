"""A site whose pages come otherwise than by loading: by its service worker, by fetch, by the back button."""

from aiohttp import web

from tests.banner.npm import installed

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>TITLE</title>
<meta name="viewport" content="width=device-width"><script>window.born = Math.random();</script>
<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script></head><body>
<h1>TITLE</h1><p><a href="/next">Next</a></p><p><label>Name <input id="name" name="name"></label></p>
<script>
setInterval(function () {
  new Image().src = "https://www.google-analytics.com/beat.gif?" + Math.random();
  document.cookie = "_ga=GA1.1.1.1; path=/; max-age=2592000";
}, 700);
</script>BODY</body></html>"""
FRAME = '<iframe id="inner" title="Inner" src="/inner" width="600" height="400"></iframe>'

# What most sites' workers do: pages from the network, or the copy kept from an earlier visit.
PASSING = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(clients.claim()));
addEventListener("fetch", event => event.respondWith(fetch(event.request)));
"""
KEEPING = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(clients.claim()));
addEventListener("fetch", event => {
  if (event.request.mode != "navigate" || event.request.method != "GET") return;
  event.respondWith(caches.open("pages").then(pages => pages.match(event.request).then(found =>
    found || fetch(event.request).then(page => (pages.put(event.request, page.clone()), page)))));
});
"""
# The two ways in which a page takes over another one's place.
INNER = """(async () => { const text = await (await fetch("/next")).text(), page = new DOMParser().parseFromString(text, "text/html");
  document.title = page.title; document.body.innerHTML = page.body.innerHTML; history.pushState({}, "", "/next"); return 1; })()"""
WHOLE = """(async () => { const text = await (await fetch("/next")).text(), page = new DOMParser().parseFromString(text, "text/html");
  document.documentElement.replaceWith(document.adoptNode(page.documentElement)); history.pushState({}, "", "/next"); return 1; })()"""
BODY = """(async () => { const text = await (await fetch("/next")).text(), page = new DOMParser().parseFromString(text, "text/html");
  document.head.append(...page.head.querySelectorAll("style")); document.body.replaceWith(document.adoptNode(page.body));
  history.pushState({}, "", "/next"); return 1; })()"""

# What browsers fetch, or even show unseen, before somebody follows a link.
RULES = """<script type="speculationrules">{"WAY": [{"source": "list", "urls": ["/next"], "eagerness": "immediate"}]}</script>"""
LINKED = '<link rel="prefetch" href="/next">'
AHEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Ahead</title>HINT<h1>Ahead</h1><p><a href="/next">Next</a></p></html>"""

# Links that htmx follows by fetching; it keeps the bodies it showed in the tab's storage.
BOOSTED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Boosted</title><script src="/htmx.js"></script>
<body hx-boost="true"><h1>Boosted</h1><p><a href="/boosted/one">One</a> <a href="/boosted/two">Two</a></p></body></html>"""


async def moving_site(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as this site's server does."""
    match request.path:
        case "/passing.js":
            return web.Response(text=PASSING, content_type="text/javascript")
        case "/keeping.js":
            return web.Response(text=KEEPING, content_type="text/javascript")
        case "/favicon.ico":
            return web.Response(status=404)
    if request.path == "/htmx.js":
        return web.FileResponse(installed("htmx.org") / "dist/htmx.min.js")
    if request.path.startswith("/boosted/"):
        return web.Response(text=BOOSTED, content_type="text/html")
    if request.path.startswith("/ahead"):
        way = request.path.removeprefix("/ahead/")
        hint = LINKED if way == "link" else RULES.replace("WAY", way)
        return web.Response(text=AHEAD.replace("HINT", hint), content_type="text/html")
    title = request.path.strip("/").capitalize() or "Home"
    page = PAGE.replace("TITLE", title).replace("BODY", FRAME if request.path == "/outer" else "")
    return web.Response(text=page, content_type="text/html")
