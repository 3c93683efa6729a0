"""The demo's own web server: six pages in two languages, as a site would serve them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template

from aiohttp import web

from proxy.demo.played import played_script

PAGES = {
    "en": {
        "home": "Home",
        "contact": "Contact",
        "booking": "Booking",
        "news": "News",
        "app": "Application",
        "checkout": "Checkout",
    },
    "fr": {
        "home": "Accueil",
        "contact": "Contact",
        "booking": "Rendez-vous",
        "news": "Actualités",
        "app": "Application",
        "checkout": "Paiement",
    },
}
PLAYS = web.AppKey("plays", bool)
LEGAL = {
    "en": "A demonstration. No account, no call and no payment here is real.",
    "fr": "Démonstration : aucun compte, aucun appel, aucun paiement n'est réel ici.",
}
MENU = {"en": "Menu", "fr": "Menu"}
TONGUES = {"en": "English", "fr": "Français"}
LANGUAGE_SCRIPT = "/wp-content/plugins/sitepress-multilingual-cms/res/js/cookies/language-cookie.js"


PLAYED = '<script src="/static/played.js"></script>\n'


@cache
def _file(*parts: str) -> str:
    return files("proxy.demo").joinpath(*parts).read_text(encoding="utf-8")


def _path(language: str, page: str) -> str:
    prefix = "" if language == "en" else f"/{language}"
    return f"{prefix}/" if page == "home" else f"{prefix}/{page}"


@cache
def page_html(language: str, page: str, *, plays: bool = False) -> str:
    """Return one page as the site would send it to anybody, consent or not.

    `plays`: with the script that plays the providers, for a machine without a network.
    """
    other = "fr" if language == "en" else "en"
    nav = "".join(
        f'<a href="{_path(language, name)}"{" aria-current=page" if name == page else ""}>{label}</a>'
        for name, label in PAGES[language].items()
    )
    return Template(_file("pages", "layout.html")).safe_substitute(
        lang=language,
        other=other,
        otherlabel=TONGUES[other],
        alternate=_path(other, page),
        home=_path(language, "home"),
        page=page,
        title=PAGES[language][page],
        menu=MENU[language],
        legal=LEGAL[language],
        nav=nav,
        played=PLAYED if plays else "",
        head=_file("pages", "insights.html") if page == "app" else "",
        content=_file("pages", f"{page}.{language}.html"),
    )


async def _page(request: web.Request) -> web.Response:
    language = request.match_info.get("language", "en")
    page = request.match_info.get("page", "home")
    if request.host.startswith(("app.", "integration.")) and page == "home":
        page = "app"
    if page not in PAGES[language]:
        raise web.HTTPNotFound
    text = page_html(language, page, plays=request.app[PLAYS])
    response = web.Response(text=text, content_type="text/html")
    _site_cookies(response, language)
    return response


def _site_cookies(response: web.Response, language: str) -> None:
    """Set what such sites set by server: a session, a language, and a tracking id nobody asked about."""
    response.headers.add("Set-Cookie", "PHPSESSID=4f2c9a; Path=/; HttpOnly; SameSite=Lax")
    response.headers.add("Set-Cookie", f"wp-wpml_current_language={language}; Max-Age=86400; Path=/")
    response.headers.add("Set-Cookie", "_ga=GA1.1.112233.445566; Max-Age=63072000; Path=/")
    response.headers.add("Set-Cookie", "hubspotutk=0d1e2f; Max-Age=34300800; Path=/; HttpOnly")


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name == "played.js":
        return web.Response(text=played_script(), content_type="text/javascript")
    kinds = {"site.css": "text/css", "site.js": "text/javascript"}
    if name not in kinds:
        raise web.HTTPNotFound
    return web.Response(text=_file("static", name), content_type=kinds[name])


async def _language_script(_: web.Request) -> web.Response:
    return web.Response(text=_file("static", "language-cookie.js"), content_type="text/javascript")


def demo_site(*, plays: bool = False) -> web.Application:
    """Return the site; it serves any host, and `plays` the providers that its pages carry."""
    app = web.Application()
    app[PLAYS] = plays
    app.router.add_get("/static/{name}", _static)
    app.router.add_get(LANGUAGE_SCRIPT, _language_script)
    app.router.add_get("/", _page)
    app.router.add_get("/{language:fr}/", _page)
    app.router.add_get("/{language:fr}/{page:[a-z]+}", _page)
    app.router.add_get("/{page:[a-z]+}", _page)
    app.router.add_post("/checkout", _page)
    return app
