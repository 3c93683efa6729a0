"""A shop that stores and loads what tests/data/audit/planted.tsv says by hand, and the third parties it calls."""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import WSMsgType, web

from tests.shared import ROOT

DATA = ROOT / "tests" / "data" / "audit"
RULES = DATA / "rules.yaml"
MONTH = 30 * 86_400
PAGES = ("/", "/shop", "/blog", "/about")
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


class Planted(NamedTuple):
    """One thing that the site stores or loads."""

    kind: str
    name: str
    where: str
    side: str
    when: str
    refused: str
    accepted: str


def planted() -> list[Planted]:
    lines = (DATA / "planted.tsv").read_text("utf-8").splitlines()
    return [Planted(*line.split("\t")) for line in lines if line and not line.startswith("#")]


NAV = (
    "<nav>"
    + "".join(f'<a href="{page}">{page}</a> ' for page in PAGES)
    + (
        '<a href="/logout">Log out</a> <a href="/cart?delete=1">x</a> <a href="/mail?token=abc">mail</a>'
        '<a href="/price.pdf">Prices</a> <a href="/file" download>File</a> <a href="https://elsewhere.example/">Else</a>'
        '<a href="/unsubscribe">Newsletter</a></nav><form method="post" action="/order"><button>Order</button></form>'
    )
)
TOOL = """<div class="cmplz-cookiebanner"><p>We use cookies, you can withdraw at any time. <a href="/about">Policy</a></p>
<button type="button" class="cmplz-accept">Accept</button> <button type="button" class="cmplz-deny">Deny</button></div>"""
AGAIN = '<button type="button" class="cmplz-manage-consent">Consent</button>'
TOOL_SCRIPT = """<script>
(() => {
  const put = value => { document.cookie = "shop_choice=" + value + "; path=/"; location.reload(); };
  const on = (name, act) => document.querySelectorAll(name).forEach(one => one.addEventListener("click", act));
  on(".cmplz-accept", () => put("accepted")); on(".cmplz-deny", () => put("denied"));
  on(".cmplz-manage-consent", () => {
    const box = document.createElement("div"); box.className = "cmplz-cookiebanner";
    box.innerHTML = '<button type="button" class="cmplz-deny">Deny</button>'; document.body.append(box);
    on(".cmplz-deny", () => put("denied"));
  });
})();
</script>"""
SHOP = """
<link rel="preconnect" href="https://edge.adloop.example"><link rel="dns-prefetch" href="https://names.clipbox.example">
<link rel="stylesheet" href="https://type.typeset.example/a.css">
<img src="https://pixel.adloop.example/p.gif"><img srcset="https://set.adloop.example/s.gif 1x"><img src="/hop">
<img src="/mark.gif"><img src="https://pic.nobody-tells.example/x.gif">
<div style="background:url(https://bg.adloop.example/b.gif)">&nbsp;</div><p style="font-family:Letters">x</p>
<script src="https://tags.adloop.example/t.js"></script><script src="https://cdn.metrics-lab.example/m.js"></script>
<script src="https://code.nobody-tells.example/c.js"></script>
<script>
  document.cookie = "js_visits=1; path=/; max-age=86400"; document.cookie = "js_theme=dark; path=/; max-age=86400";
  document.cookie = "js_campaign=1; path=/; domain=callkom.io; max-age=86400"; document.cookie = "js_stray=1; path=/";
  document.cookie = "gone=1; max-age=-1";
  addEventListener("scroll", () => { document.cookie = "js_scrolled=1; path=/"; }, { once: true });
  cookieStore.set({ name: "store_probe", value: "1", expires: Date.now() + 86400000 }).catch(() => 0);
  for (const key of ["ls_recent", "theme_mode"]) try { localStorage.setItem(key, "1"); } catch {}
  try { localStorage.al_seen = "1"; sessionStorage.setItem("ss_step", "1"); } catch {}
  try { indexedDB.open("shop_drafts", 1); } catch {}
  caches.open("shop-shelf").catch(() => 0);
  new Image().src = "https://late.adloop.example/l.gif";
  navigator.sendBeacon("https://ping.adloop.example/p", "x");
  fetch("/fetched").catch(() => 0);
  import("https://mod.metrics-lab.example/mod.js").catch(() => 0);
  const late = document.createElement("script"); late.src = "https://late.nobody-tells.example/n.js"; document.head.append(late);
  new RTCPeerConnection({ iceServers: [{ urls: ["stun:stun.adloop.example:3478", "turn:turn.helpdock.example?transport=udp"], username: "u", credential: "c" }] });
  try { sessionStorage.al_moment = "1"; delete sessionStorage.al_moment; } catch {}
  new Worker("/worker.js");
</script>"""
FRAMES = """
<iframe src="https://video.clipbox.example/v.html"></iframe><video preload="auto" src="https://film.clipbox.example/f.mp4"></video>
<object data="https://object.clipbox.example/o.html" type="text/html"></object>"""
ACCEPTED = """<script src="https://chat.helpdock.example/w.js"></script>"""

SCRIPTS = {
    "cdn.metrics-lab.example": """
document.cookie = "_mlab_id=1; path=/; max-age=86400"; document.cookie = "_mlab_ses=1; path=/";
try { localStorage.setItem("ml_queue", "1"); sessionStorage.setItem("ml_tab", "1"); indexedDB.open("ml_events", 1); } catch {}
fetch("https://stats.metrics-lab.example/t", { mode: "no-cors", credentials: "include" }).catch(() => 0);
const asked = new XMLHttpRequest(); asked.open("GET", "https://xhr.metrics-lab.example/x"); asked.send();""",
    "tags.adloop.example": "document.cookie = '_adloop=1; path=/; max-age=86400';",
    "chat.helpdock.example": """
document.cookie = "hd_uid=1; path=/; max-age=86400"; document.cookie = "hd_open=1; path=/";
new WebSocket("wss://live.helpdock.example/s"); fetch("https://flow.helpdock.example/f", { mode: "no-cors" }).catch(() => 0);""",
}
FRAME = """<!doctype html><title>Player</title><script>document.cookie = "cb_pref=1; path=/; secure; samesite=none; max-age=86400";
try { localStorage.setItem("cb_volume", "5"); } catch {}</script><iframe src="https://deep.clipbox.example/d.html"></iframe>"""
CSS = "@font-face{font-family:Letters;src:url(https://letters.typeset.example/l.woff2)}"
THIRD_PARTY_COOKIES = {
    "pixel.adloop.example": ["al_uid=1; Domain=adloop.example; Max-Age=86400"],
    "stats.metrics-lab.example": ["ml_t=1; Max-Age=86400"],
    "video.clipbox.example": [
        "cb_viewer=1; Domain=clipbox.example; Max-Age=86400",
        "cb_part=1; Max-Age=86400; Partitioned",
        "cb_gone=; Max-Age=0",
        "cb_wrong=1; Domain=other.example",
    ],
    "pic.nobody-tells.example": ["nobody_id=1; Max-Age=86400"],
}


class Shop:
    """The shop: `asked` are the requests that came, by method and path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        choice = request.cookies.get("shop_choice", "")
        path = request.path
        if path in ("/mark.gif", "/hop", "/fetched"):
            return _small(path)
        if path == "/worker.js":
            text = "fetch('https://worker.metrics-lab.example/w', { mode: 'no-cors' }).catch(() => 0);"
            return web.Response(text=text, content_type="text/javascript")
        if path not in PAGES:
            raise web.HTTPNotFound
        body = self._body(path, choice)
        page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop {path}</title>{body}<div style="height:3000px"></div></html>'
        response = web.Response(text=page, content_type="text/html")
        if path == "/":
            response.headers["Link"] = (
                '<https://front.adloop.example>; rel="preconnect", </about>; rel=next,'
                " <https://early.clipbox.example/>; crossorigin; rel=dns-prefetch"
            )
        for line in _cookies(path, choice):
            response.headers.add("Set-Cookie", line)
        return response

    def _body(self, path: str, choice: str) -> str:
        body = NAV + (AGAIN if choice in ("accepted", "denied") else TOOL) + TOOL_SCRIPT
        if path in ("/", "/shop"):
            body += SHOP
        if path == "/blog":
            body += FRAMES
        return body + (ACCEPTED if choice == "accepted" and path == "/shop" else "")


def _cookies(path: str, choice: str) -> list[str]:
    if path == "/blog":
        return [f"blog_seen=1; Path=/; Max-Age={MONTH}"]
    if path != "/":
        return []
    lines = [
        "shop_sid=1; Path=/",
        "cart_ref=1; Path=/; Max-Age=3600",
        f"ab_bucket=1; Path=/; Max-Age={MONTH}",
        f"aff_src=1; Path=/; Domain=callkom.io; Max-Age={MONTH}",
        "login_memo=1; Path=/; HttpOnly; Max-Age=1728000",
        f"pref_money=eur; Path=/; Max-Age={MONTH}",
        "geo_guess=fr; Path=/",
        "chips_own=1; Path=/; Secure; SameSite=None; Partitioned",
        "old_name=; Path=/; Max-Age=0",
        "not_ours=1; Path=/; Domain=elsewhere.example",
    ]
    return lines + ([f"long_stat=1; Path=/; Max-Age={12 * MONTH}"] if choice == "accepted" else [])


def _small(path: str) -> web.Response:
    if path == "/hop":
        headers = {
            "Location": "https://hop.adloop.example/h.gif",
            "Set-Cookie": "hop_mark=1; Path=/; Max-Age=86400",
        }
        return web.Response(status=302, headers=headers)
    name = "img_mark" if path == "/mark.gif" else "fetch_mark"
    headers = {"Set-Cookie": f"{name}=1; Path=/; Max-Age=86400"}
    return web.Response(body=GIF, content_type="image/gif", headers=headers)


async def third_party(request: web.Request) -> web.StreamResponse:
    """Answer as whichever third party was asked."""
    host = request.host.partition(":")[0]
    if request.headers.get("Upgrade", "").lower() == "websocket":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
        return socket
    path = request.path
    if path.endswith(".js"):
        response = web.Response(text=SCRIPTS.get(host, "0;"), content_type="text/javascript")
    elif path.endswith(".css"):
        response = web.Response(text=CSS, content_type="text/css")
    elif path.endswith(".html"):
        text = FRAME if host == "video.clipbox.example" else "<!doctype html><title>x</title>"
        response = web.Response(text=text, content_type="text/html")
    else:
        response = web.Response(body=GIF, content_type="image/gif")
    response.headers["Access-Control-Allow-Origin"] = "*"
    for line in THIRD_PARTY_COOKIES.get(host, ()):
        response.headers.add("Set-Cookie", f"{line}; Path=/; Secure; SameSite=None")
    return response
