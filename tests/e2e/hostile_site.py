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

_NAMED = "let f = document.createElement('iframe'); f.name = T; document.body.append(f);"
_RULE = "JSON.stringify({ prefetch: [{ urls: [T], eagerness: 'immediate' }] })"
_MADE_RULES = "let s = document.createElement('script'); s.type = 'speculationrules'; "
_HOST = "let rpId = new URL(T).hostname, challenge = new Uint8Array(9); "
_PRICE = "{ total: { label: 'x', amount: { currency: 'EUR', value: '1' } } }"


def _markup(text: str) -> str:
    return f"document.body.insertAdjacentHTML('beforeend', `{text}`)"


def _worker(code: str, kind: str = "Worker") -> str:
    return f"new {kind}(URL.createObjectURL(new Blob([`{code}`])))"


def _realm(path: str) -> str:
    return _frame(f"f.src = '{path}'; {_OWN_REALM}")


TOGETHER = {
    "named-on-document": _markup("<iframe name=zz></iframe>") + "; document.zz.fetch(T, { mode: 'no-cors' })",
    "object-blob": f"document.body.append(Object.assign(document.createElement('object'), {{ type: 'text/html', data: URL.createObjectURL(new Blob([{_INNER}], {{ type: 'text/html' }})) }}))",
    "embed-data": _markup("<embed type='image/svg+xml' src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${T}' width='9' height='9'/></svg>\">"),
    "adopted": "let d = document.implementation.createHTMLDocument(''), i = d.createElement('img'); i.src = T; document.body.append(document.adoptNode(i))",
    "imported": "document.body.append(document.importNode(new DOMParser().parseFromString(`<img src='${T}'>`, 'text/html').images[0], true))",
    "contextual": "document.body.append(document.createRange().createContextualFragment(`<script src='${T}'><\\/script>`))",
    "markup-shadow": "let d = document.createElement('div'); document.body.append(d); d.setHTMLUnsafe(`<p><template shadowrootmode=closed><img src='${T}'></template></p>`)",
    "xml-sheet": _frame("f.src = URL.createObjectURL(new Blob([`<?xml-stylesheet type='text/css' href='${T}'?><x/>`], { type: 'text/xml' }))"),
    "svg-xlink": _markup("<svg width=9 height=9><image xlink:href='${T}' width=9 height=9 /></svg>"),
    "svg-foreign": _markup("<svg width=9 height=9><foreignObject width=9 height=9><iframe src='${T}'></iframe></foreignObject></svg>"),
    "svg-animate": _markup("<svg width=9 height=9><image width=9 height=9><set attributeName='href' to='${T}'/></image></svg>"),
    "srcdoc-nested": _frame("f.srcdoc = `<iframe srcdoc=\"<img src='${T}'>\"></iframe>`"),
    "data-nested": _frame("f.src = 'data:text/html,' + encodeURIComponent(`<iframe src=\"data:text/html,<img src='${T}'>\"></iframe>`)"),
    "frameset": _frame("f.srcdoc = `<frameset><frame src='${T}'></frameset>`"),
    "credentialless": _frame("f.credentialless = true; f.src = T"),
    "frame-navigation": _frame("") + "f.contentWindow.navigation.navigate(T)",
    "frame-anchor": _NAMED + "let a = Object.assign(document.createElement('a'), { href: T, target: T }); document.body.append(a); a.click()",
    "frame-button": _NAMED + "let m = document.createElement('form'); m.innerHTML = '<button></button>'; document.body.append(m); Object.assign(m[0], { formAction: T, formTarget: T, formMethod: 'post' }).click()",
    "frame-hop": _frame("f.src = '/hop?' + T"),
    "frame-inside": _frame("f.srcdoc = `<script>location = '${T}'<\\/script>`"),
    "image-realm": _realm("/dot.gif"),
    "refused-realm": _realm("/plain?' + 'a'.repeat(70000) + '"),
    "attached-worker": "fetch('/attached.js?' + T).then(r => r.text()).then(() => new Worker('/attached.js?' + T))",
    "worker-import": _worker("import('${T}')"),
    "worker-scripts": _worker("importScripts('${T}')"),
    "worker-nested": _worker("new Worker(URL.createObjectURL(new Blob([\\`fetch('${T}', { mode: 'no-cors' })\\`])))"),
    "worker-cache": _worker("caches.open('fine').then(c => c.add(new Request('${T}', { mode: 'no-cors' })))"),
    "worker-static": "new Worker(URL.createObjectURL(new Blob([`import '${T}'`], { type: 'text/javascript' })), { type: 'module' })",
    "shared-blob": _worker("fetch('${T}', { mode: 'no-cors' })", "SharedWorker"),
    "worklet-blob": "new OfflineAudioContext(1, 1, 44100).audioWorklet.addModule(URL.createObjectURL(new Blob([`import '${T}'`], { type: 'text/javascript' })))",
    "service-worker": "navigator.serviceWorker.register('/worker.js?' + T, { scope: '/none/' })",
    "service-import": "navigator.serviceWorker.register('/import.js?' + T, { scope: '/other/' })",
    "module-data": "import('data:text/javascript,' + encodeURIComponent(`import '${T}'`))",
    "module-json": "import(T, { with: { type: 'json' } })",
    "import-map": "let s = document.createElement('script'); s.type = 'importmap'; s.textContent = JSON.stringify({ imports: { zz: T } }); document.head.append(s); import('zz')",
    "beacon-hop": "navigator.sendBeacon('/hop?' + T)",
    "events-hop": "new EventSource('/hop?' + T)",
    "preload-hop": "document.head.append(Object.assign(document.createElement('link'), { rel: 'preload', as: 'image', href: '/hop?' + T }))",
    "cache": "caches.open('fine').then(c => c.add(new Request(T, { mode: 'no-cors' })))",
    "payment": f"new PaymentRequest([{{ supportedMethods: T.replace('x.gif', 'pay') }}], {_PRICE}).canMakePayment()",
    "sign-in": "navigator.credentials.get({ identity: { providers: [{ configURL: T, clientId: 'x' }] } })",
    "passkey": _HOST + "navigator.credentials.get({ publicKey: { challenge, rpId } })",
    "passkey-frame": _frame("") + _HOST + "f.contentWindow.navigator.credentials.create({ publicKey: { challenge, rp: { id: rpId, name: 'x' }, user: { id: challenge, name: 'x', displayName: 'x' }, pubKeyCredParams: [{ type: 'public-key', alg: -7 }] } })",
    "passkey-signal": _frame("") + _HOST + "f.contentWindow.PublicKeyCredential.signalUnknownCredential({ rpId, credentialId: 'AAAA' })",
    "track": "let v = document.createElement('video'); v.append(Object.assign(document.createElement('track'), { src: T, default: true })); v.crossOrigin = ''; v.textTracks[0].mode = 'showing'; document.body.append(v)",
    "image-tag": _markup("<image src='${T}'>"),
    "table": _markup("<table background='${T}'><tr><td>x</table>"),
    "image-sizes": "document.head.append(Object.assign(document.createElement('link'), { rel: 'preload', as: 'image', imageSrcset: T + ' 1x' }))",
    "sheet-data": "document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: 'data:text/css,' + encodeURIComponent(`@import '${T}';`) }))",
    "sheet-own": "document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '/import.css?' + T }))",
    "css-image-set": _markup("<p style=\"background: image-set('${T}' 1x)\">x"),
    "css-variable": _markup("<p style='--x: url(${T}); background: var(--x)'>x"),
    "css-typed": "document.body.attributeStyleMap.set('list-style-image', CSSStyleValue.parse('list-style-image', `url(${T})`)); document.body.style.display = 'list-item'",
    "css-animation": "document.body.animate([{ borderImageSource: `url(${T})` }, { borderImageSource: `url(${T})` }], 9999)",
    "rules-cloned": _MADE_RULES + f"s.textContent = {_RULE}; document.head.append(s.cloneNode(true))",
    "rules-surrounding": _MADE_RULES + f"let p = document.body.appendChild(document.createElement('p')), r = document.createRange(); p.append({_RULE}); r.selectNodeContents(p); r.surroundContents(s)",
    "rules-by-attribute": f"let s = document.createElement('script'), a = document.createAttribute('type'); a.value = 'SpeculationRules'; s.setAttributeNode(a); s.textContent = {_RULE}; document.head.append(s)",
    "rules-of-a-frame": _frame("") + f"let s = f.contentDocument.createElement('script'); s.type = 'speculationrules'; s.textContent = {_RULE}; document.head.append(s)",
    "rules-twice-named": _MADE_RULES + 's.textContent = `{ "prefetch": [{ "urls": ["/plain"], "urls": ["${T}"], "eagerness": "immediate" }] }`; document.head.append(s)',
}  # fmt: skip
"""Ways that do not disturb each other: one page goes all of them."""

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

_ASKS = "fetch(location.search.slice(1), { mode: 'no-cors' })"
_KINDS = {
    "/attached.js": ("text/javascript", _ASKS),
    "/import.js": ("text/javascript", "importScripts(location.search.slice(1))"),
    "/dot.gif": ("image/gif", "GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
    "/data.json": ("application/json", "{}"),
    "/robots.txt": ("text/plain", "User-agent: *"),
    "/worker.js": ("text/javascript", _ASKS),
    "/scripted.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'><script>fetch(location.search.slice(1), {mode: 'no-cors'})</script></svg>"),
    "/scripted.xml": ("text/xml", "<x xmlns:h='http://www.w3.org/1999/xhtml'><h:script>fetch(location.search.slice(1), {mode: 'no-cors'})</h:script></x>"),
    "/scripted.rss": ("application/rss+xml", "<rss xmlns:h='http://www.w3.org/1999/xhtml'><h:script>fetch(location.search.slice(1), {mode: 'no-cors'})</h:script></rss>"),
}  # fmt: skip


def _code(name: str) -> str:
    """Return what a page's script does once the page is there: it goes one way, or all those that go together."""
    address = "https://{}." + THIRD + "/x.gif"
    if name in VECTORS:  # code in a text sees only what is global
        return f"let T = '{address.format(name)}'; addEventListener('load', () => {{ try {{ {VECTORS[name]} }} catch (e) {{}} }})"
    ways = (
        f"(T => {{ try {{ {way} }} catch (e) {{}} }})('{address.format(each)}');"
        for each, way in TOGETHER.items()
    )
    return f"addEventListener('load', () => {{ {''.join(ways)} }})"


async def hostile_site(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as this site's server does."""
    kind, _, name = request.path.strip("/").partition("/")
    if kind == "vector" and (name in VECTORS or name == "together"):
        code = _code(name)
        page = (
            f"<!doctype html><html><head><title>x</title></head><body><script>{code}</script></body></html>"
        )
        return web.Response(text=page, content_type="text/html")
    if kind == "beginning" and name in BEGINNINGS:
        return web.Response(text=BEGINNINGS[name], content_type="text/html")
    if request.path == "/hop":
        return web.Response(status=302, headers={"Location": request.query_string})
    if request.path == "/import.css":
        return web.Response(text=f"@import '{request.query_string}';", content_type="text/css")
    if found := _KINDS.get(request.path):
        kept = {"Cache-Control": "max-age=3600", "Content-Disposition": "attachment"}
        headers = {"Content-Type": found[0], **(kept if "attached" in request.path else {})}
        return web.Response(body=found[1].encode("latin-1"), headers=headers)
    if request.path in ("/", "/plain"):
        return web.Response(text="<!doctype html><title>x</title><p>Plain", content_type="text/html")
    return web.Response(text="none", content_type="text/plain", status=404)
