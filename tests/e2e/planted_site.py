"""A site with sixty names that no rule speaks of, and the third parties they belong to."""

import json

from aiohttp import web

from proxy.seen.names import Kind
from tests.seen.planted import planted

ROWS = planted()
CHAIN = [row.name for row in ROWS if row.how == "chain"]
CALLS = ("fbq", "_paq", "dataLayer", "acmeq", "_acmecmd")
"""Global queues of the page below, which has lists of its own as well."""
NEUTRAL = "cdn.jsdelivr.net"
CHAIN_BEGINS = "js.qualified.com"
PAGE = "/shop/start"
SECOND = "/shop/next"
CALLING = "/shop/calls"


def hosts(how):
    return [row.name for row in ROWS if row.how == how and row.kind is Kind.HOST]


def writes(how):
    return [row for row in ROWS if row.how.partition(" of ")[0] in how]


def stores(row):
    """A statement that writes this cookie or key."""
    name = json.dumps(row.name)
    kind = row.how.split()[0]
    if kind == "script":
        return f"document.cookie = {name} + '=1; max-age=9000; path=/';"
    return f"{kind}Storage.setItem({name}, 1);"


def inject(host):
    return (
        f"var s = document.createElement('script'); s.src = 'https://{host}/s.js'; document.head.append(s);"
    )


def markup():
    head = [f'<script src="https://{host}/s.js"></script>' for host in hosts("script")]
    head += [f'<link rel="stylesheet" href="https://{host}/a.css">' for host in hosts("stylesheet")]
    body = [f'<img src="https://{host}/p.gif" alt="">' for host in hosts("img")]
    body += [f'<iframe src="https://{host}/f"></iframe>' for host in hosts("iframe")]
    body += [f'<video src="https://{host}/v.mp4" preload="auto"></video>' for host in hosts("video")]
    code = [f"(() => {{ {inject(host)} }})();" for host in hosts("loader")]
    code += [f"fetch('https://{host}/x', {{ mode: 'no-cors' }}).catch(() => 0);" for host in hosts("fetch")]
    code += [f"navigator.sendBeacon('https://{host}/b', '1');" for host in hosts("beacon")]
    code += [f"new WebSocket('wss://{host}/s');" for host in hosts("socket")]
    code += [
        f"new Worker(URL.createObjectURL(new Blob([\"fetch('https://{host}/x', {{ mode: 'no-cors' }}).catch(() => 0)\"])));"
        for host in hosts("blob worker")
    ]
    code += [
        stores(row)
        for row in writes({"script", "local", "session"})
        if row.kind.value != "host" and not row.setter
    ]
    code.append("new Worker('/worker.js');")
    return (
        f"<!doctype html><html lang=en><head><title>Planted</title>{''.join(head)}"
        f'<link rel="stylesheet" href="/own.css"></head><body><p class=f>Planted</p><div class=b></div>'
        f"{''.join(body)}<script>{' '.join(code)}</script></body></html>"
    )


def calling():
    """A page that makes queues, opens a database and a cache, and has a style sheet of a neutral host."""
    code = """
        !function(f) { if (f.fbq) return; var n = f.fbq = function() { n.queue.push(arguments) }; n.queue = [] }(window);
        fbq('track', 'PageView');
        var _paq = window._paq = window._paq || []; _paq.push(['trackPageView']);
        window.dataLayer = []; function gtag() { dataLayer.push(arguments) } gtag('js', 1);
        window.acmeq = function() { (acmeq.q = acmeq.q || []).push(arguments) }; acmeq('init');
        window._acmecmd = { push: function() {} };
        window.rows = [['a', 1], ['b', 2]]; window.total = 3; window._settings = { a: 1 }; window.empty = [];
        Object.defineProperty(window, 'late', { enumerable: true, get() { document.title = 'read' } });
        indexedDB.open('acme-db'); caches.open('acme-cache');
    """
    return (
        f'<!doctype html><title>Calls</title><style>@import "https://{NEUTRAL}/a.css"</style>'
        f"<script>{code}</script><p>Calls</p>"
    )


def own_css():
    images = ", ".join(f"url(https://{host}/i.png)" for host in hosts("css image"))
    fonts = "".join(
        f"@font-face {{ font-family: F; src: url(https://{host}/f.woff2) }}" for host in hosts("font")
    )
    return f"{fonts} .f {{ font-family: F }} .b {{ width: 9px; height: 9px; background: {images} }}"


def worker_js():
    return " ".join(
        f"fetch('https://{host}/x', {{ mode: 'no-cors' }}).catch(() => 0);" for host in hosts("worker")
    )


async def site(request: web.BaseRequest) -> web.Response:
    match request.path:
        case "/shop/start":
            response = web.Response(text=markup(), content_type="text/html")
            for row in writes({"server", "server HttpOnly"}):
                response.set_cookie(row.name, "1", max_age=9000, httponly="HttpOnly" in row.how)
            return response
        case "/shop/calls":
            return web.Response(text=calling(), content_type="text/html")
        case "/own.css":
            return web.Response(text=own_css(), content_type="text/css")
        case "/worker.js":
            return web.Response(text=worker_js(), content_type="text/javascript")
        case "/shop/next":
            return web.Response(
                text="<!doctype html><title>Next</title><p>Next</p>", content_type="text/html"
            )
        case _:
            return web.Response(status=404)


async def third_party(request: web.BaseRequest) -> web.Response:
    """Play every third party: its script writes what is its own, and loads the next of the chain."""
    if request.path != "/s.js":
        return web.Response(text="", content_type="text/plain")
    code = [stores(row) for row in ROWS if row.setter == request.host]
    links = [CHAIN_BEGINS, *CHAIN]
    if request.host in links[:-1]:
        code.append(f"(() => {{ {inject(links[links.index(request.host) + 1])} }})();")
    return web.Response(text=" ".join(code), content_type="text/javascript")
