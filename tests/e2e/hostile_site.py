"""A site whose own scripts mean it: every way that we know to reach a third party, and pages that begin oddly."""

import json

from aiohttp import web

THIRD = "tracker.example"


def _element(tag: str, what: str, **more: str) -> str:
    words = "".join(f", {key}: {json.dumps(value)}" for key, value in more.items())
    return f"document.body.append(Object.assign(document.createElement('{tag}'), {{ {what}: T{words} }}))"


def _frame(part: str) -> str:
    return f"let f = document.createElement('iframe'); {part}; document.body.append(f);"


def _rules(kind: str, rule: str, *, late: bool = False) -> str:
    text = f's.textContent = JSON.stringify({{ {kind}: [{{ {rule}, eagerness: "immediate" }}] }});'
    insert = "document.head.append(s);"
    steps = (insert, text) if late else (text, insert)
    return "let s = document.createElement('script'); s.type = 'speculationrules'; " + "".join(steps)


_HOP = "urls: ['/hop?' + T]"
_OWN_REALM = "f.onload = () => new f.contentWindow.Image().src = T"
_INNER = "`<script>new Image().src = '${T}'<\\/script>`"
VECTORS = {
    "image": "new Image().src = T",
    "fetch": "fetch(T, { mode: 'no-cors' })",
    "keepalive": "fetch(T, { mode: 'no-cors', keepalive: true })",
    "xhr": "let x = new XMLHttpRequest(); x.open('GET', T); x.send()",
    "beacon": "navigator.sendBeacon(T)",
    "socket": "new WebSocket(T.replace('https', 'wss'))",
    "events": "new EventSource(T)",
    "script": _element("script", "src"),
    "module": _element("script", "src", type="module"),
    "import": "import(T)",
    "frame": _element("iframe", "src"),
    "object": _element("object", "data"),
    "embed": _element("embed", "src"),
    "video": _element("video", "src", preload="auto"),
    "audio": _element("audio", "src", preload="auto"),
    "poster": _element("video", "poster"),
    "sheet": _element("link", "href", rel="stylesheet"),
    "preload": _element("link", "href", rel="preload", **{"as": "script"}),
    "modulepreload": _element("link", "href", rel="modulepreload"),
    "css-import": "document.head.append(Object.assign(document.createElement('style'), { textContent: `@import '${T}';` }))",
    "css-image": "document.body.style.backgroundImage = `url(${T})`",
    "css-rule": "let s = document.head.appendChild(document.createElement('style')); s.sheet.insertRule(`body { background: url(${T}) }`)",
    "css-adopted": "let s = new CSSStyleSheet(); s.replaceSync(`body { background: url(${T}) }`); document.adoptedStyleSheets = [s]",
    "font": "new FontFace('x', `url(${T})`).load()",
    "svg-image": "document.body.insertAdjacentHTML('beforeend', `<svg><image href='${T}' width='9' height='9'/></svg>`)",
    "svg-filter": "document.body.insertAdjacentHTML('beforeend', `<svg><filter id='f'><feImage href='${T}'/></filter><rect width='9' height='9' filter='url(#f)'/></svg>`)",
    "input": _element("input", "src", type="image"),
    "srcset": "document.body.insertAdjacentHTML('beforeend', `<picture><source srcset='${T}'><img></picture>`)",
    "background": "document.body.setAttribute('background', T)",
    "markup": "document.body.insertAdjacentHTML('beforeend', `<img src=x onerror=\"new Image().src = '${T}'\">`)",
    "written": "document.write(`<img src='${T}'>`)",
    "shadow": "document.body.attachShadow({ mode: 'closed' }).innerHTML = `<img src='${T}'>`",
    "blob-worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${T}', { mode: 'no-cors' })`])))",
    "worker": "new Worker('/worker.js?' + T)",
    "cached-worker": "fetch('/worker.js?' + T).then(r => r.text()).then(() => new Worker('/worker.js?' + T))",
    "module-worker": "new Worker('/worker.js?' + T, { type: 'module' })",
    "shared-worker": "new SharedWorker('/worker.js?' + T)",
    "blob-module": "import(URL.createObjectURL(new Blob([`fetch('${T}', { mode: 'no-cors' })`], { type: 'text/javascript' })))",
    "eval": "(0, eval)('new Image().src = T')",
    "timer": "setTimeout('new Image().src = T')",
    "srcdoc": _frame(f"f.srcdoc = {_INNER}"),
    "blank": _frame("") + "f.contentDocument.write(`<img src='${T}'>`)",
    "blank-realm": _frame("") + "window[0].fetch(T, { mode: 'no-cors' })",
    "json-realm": _frame(f"f.src = '/data.json'; {_OWN_REALM}"),
    "text-realm": _frame(f"f.src = '/robots.txt'; {_OWN_REALM}"),
    "script-realm": _frame(f"f.src = '/worker.js'; {_OWN_REALM}"),
    "missing-realm": _frame(f"f.src = '/missing'; {_OWN_REALM}"),
    "own-realm": _frame(f"f.src = '/.consent/state'; {_OWN_REALM}"),
    "svg-document": _frame("f.src = '/scripted.svg?' + T"),
    "xml-document": _frame("f.src = '/scripted.xml?' + T"),
    "feed-document": _frame("f.src = '/scripted.rss?' + T"),
    "object-document": "document.body.append(Object.assign(document.createElement('object'), { data: '/scripted.svg?' + T }))",
    "blob-frame": _frame(f"f.src = URL.createObjectURL(new Blob([{_INNER}], {{ type: 'text/html' }}))"),
    "data-frame": _frame(f"f.src = 'data:text/html,' + encodeURIComponent({_INNER})"),
    "javascript-frame": _frame("f.src = `javascript:'<img src=${T}>'`"),
    "sandboxed": _frame(f"f.sandbox = 'allow-scripts'; f.srcdoc = {_INNER}"),
    "frame-form": _frame("f.name = 'x'") + "let m = document.body.appendChild(Object.assign(document.createElement('form'), { action: T, target: 'x', method: 'post' })); m.submit()",
    "frame-location": _frame("") + "f.contentWindow.location = T",
    "frame-refresh": _frame("f.srcdoc = `<meta http-equiv=refresh content='0;url=${T}'>`"),
    "link-ping": "let a = document.body.appendChild(Object.assign(document.createElement('a'), { href: '#x', ping: T })); a.click()",
    "manifest": "document.head.append(Object.assign(document.createElement('link'), { rel: 'manifest', href: T }))",
    "rules-prefetch": _rules("prefetch", "urls: [T]"),
    "rules-prerender": _rules("prerender", "urls: ['/plain', T]"),
    "rules-late": _rules("prefetch", "urls: [T]", late=True),
    "rules-links": "document.body.append(Object.assign(document.createElement('a'), { href: T }));" + _rules("prefetch", "where: { href_matches: 'https://*/*' }"),
    "rules-written": "document.write(`<script type='speculationrules'>{ \"prefetch\": [{ \"urls\": [\"${T}\"], \"eagerness\": \"immediate\" }] }<\\/script>`)",
    "rules-in-shadow": _rules("prefetch", "urls: [T]").replace("document.head.append(s)", "document.body.attachShadow({ mode: 'closed' }).append(s)"),
    "rules-fragment": _rules("prefetch", "urls: [T]").replace("document.head.append(s)", "let d = document.createElement('div'); d.append(s); document.body.append(d)"),
    "rules-hop-prefetch": _rules("prefetch", _HOP),
    "rules-hop-prerender": _rules("prerender", _HOP),
    "link-prefetch": _element("link", "href", rel="prefetch"),
    "link-prerender": _element("link", "href", rel="prerender"),
    "link-prerender-markup": "document.body.innerHTML = `<link rel='prerender' href='${T}'>`",
    "link-hop-prefetch": _element("link", "href", rel="prefetch").replace("href: T", "href: '/hop?' + T"),
    "link-hop-prerender": _element("link", "href", rel="prerender").replace("href: T", "href: '/hop?' + T"),
    "worklet": "CSS.paintWorklet.addModule(T)",
}  # fmt: skip

_PAYLOAD = """<script>document.cookie = "_ga=1; path=/; max-age=9999"; localStorage.setItem("_gcl_ls", 1); localStorage._gcl_x = 1; window.ran = 1;
new Image().src = "https://inside.tracker.example/a.gif";</script><img src="https://plain.tracker.example/b.gif">"""
_PAGE = f"<!doctype html><html><head><title>x</title></head><body>{_PAYLOAD}</body></html>"
BEGINNINGS = {
    "notice": "<br />\n<b>Warning</b>: Undefined variable $x in <b>/srv/x.php</b><br />" + _PAGE,
    "text": "Deprecated: strftime() in x.php on line 3\n" + _PAGE,
    "number": "0" + _PAGE,
    "mark": "\ufeff" + _PAGE,
    "two-marks": "\ufeff\ufeff" + _PAGE,
    "blank-lines": "\r\n" * 900 + _PAGE,
    "comment": "<!-- served by node 7 -->" + _PAGE,
    "short-comment": "<!-->" + _PAGE,
    "shorter-comment": "<!--->" + _PAGE,
    "open-comment-end": "<!-- a --!>" + _PAGE,
    "php": "<?php echo 1 ?>" + _PAGE,
    "xml-declaration": '<?xml version="1.0"?>' + _PAGE,
    "cdata": "<![CDATA[x]]>" + _PAGE,
    "old-doctype": _PAGE.replace(
        "<!doctype html>",
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">',
    ),
    "two-doctypes": "<!doctype html>" + _PAGE,
    "odd-doctype": _PAGE.replace("<!doctype html>", "<!doctype>"),
    "no-doctype": _PAGE.removeprefix("<!doctype html>"),
    "no-html": f"<title>x</title>{_PAYLOAD}",
    "script-alone": _PAYLOAD,
    "two-htmls": "<html><html lang=en>" + _PAGE,
    "two-heads": _PAGE.replace("<head>", "<head><head>"),
    "two-bodies": _PAGE.replace("<body>", "<body><body onload=0>"),
    "body-first": f"<body>{_PAYLOAD}",
    "end-first": "</html></body></head></p></br>" + _PAGE,
    "svg-first": "<svg><title>x</title></svg>" + _PAGE,
    "math-first": "<math><mi>x</mi></math>" + _PAGE,
    "table-first": "<table><tr><td>" + _PAGE,
    "select-first": "<select><option>x</select>" + _PAGE,
    "template-first": "<template><p>x</template>" + _PAGE,
    "noscript-first": "<noscript><p>x</p></noscript>" + _PAGE,
    "style-first": "<style>p { color: red }</style>" + _PAGE,
    "textarea-first": "<textarea><!-- </textarea>" + _PAGE,
    "base-first": '<base href="https://based.tracker.example/">' + _PAGE,
    "meta-first": '<meta http-equiv="refresh" content="9">' + _PAGE,
    "frame-first": '<iframe srcdoc="&lt;p>x"></iframe>' + _PAGE,
    "json-like": '{"a": 1}' + _PAGE,
    "entity-like": "&lt;html&gt;" + _PAGE,
    "capitals": _PAGE.replace("<!doctype html>", "<!DOCTYPE HTML>").replace("<html>", "<HTML>"),
    "amp": _PAGE.replace("<html>", "<html amp>"),
    "amp-sign": _PAGE.replace("<html>", "<html \u26a1 lang=en>"),
    "amp-mail": _PAGE.replace("<html>", "<html \u26a14email>"),
    "amp-late": "<html><html amp>" + _PAGE,
    "amp-body": _PAGE.replace("<body>", "<body amp \u26a1>"),
    "spaced-tags": _PAGE.replace("<html>", "<html\n\t>").replace("<head>", "<head\f>"),
    "in-a-srcdoc": '<!doctype html><iframe srcdoc="' + _PAYLOAD.replace("&", "&amp;").replace('"', "&quot;") + '"></iframe><script>window.ran = 1</script>',
}  # fmt: skip

_KINDS = {
    "/data.json": ("application/json", "{}"),
    "/robots.txt": ("text/plain", "User-agent: *"),
    "/worker.js": ("text/javascript", "fetch(location.search.slice(1), { mode: 'no-cors' })"),
    "/scripted.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'><script>fetch(location.search.slice(1), {mode: 'no-cors'})</script></svg>"),
    "/scripted.xml": ("text/xml", "<x xmlns:h='http://www.w3.org/1999/xhtml'><h:script>fetch(location.search.slice(1), {mode: 'no-cors'})</h:script></x>"),
    "/scripted.rss": ("application/rss+xml", "<rss xmlns:h='http://www.w3.org/1999/xhtml'><h:script>fetch(location.search.slice(1), {mode: 'no-cors'})</h:script></rss>"),
}  # fmt: skip


async def hostile_site(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as this site's server does."""
    kind, _, name = request.path.strip("/").partition("/")
    if kind == "vector" and name in VECTORS:
        code = f"let T = 'https://{name}.{THIRD}/x.gif'; addEventListener('load', () => {{ try {{ {VECTORS[name]} }} catch (e) {{}} }})"
        page = (
            f"<!doctype html><html><head><title>x</title></head><body><script>{code}</script></body></html>"
        )
        return web.Response(text=page, content_type="text/html")
    if kind == "beginning" and name in BEGINNINGS:
        return web.Response(text=BEGINNINGS[name], content_type="text/html")
    if request.path == "/hop":
        return web.Response(status=302, headers={"Location": request.query_string})
    if found := _KINDS.get(request.path):
        return web.Response(text=found[1], content_type=found[0])
    if request.path in ("/", "/plain"):
        return web.Response(text="<!doctype html><title>x</title><p>Plain", content_type="text/html")
    return web.Response(text="none", content_type="text/plain", status=404)
