"""SVG and other XML opened as documents: their own scripts meet the guard."""

import pytest
from aiohttp import web

pytestmark = pytest.mark.e2e

CODE = """document.cookie = '_ga=GA1.1; path=/; max-age=9999'; localStorage.setItem('_gcl_ls', 1);
window.ran = document.documentElement.firstElementChild.localName"""
XHTML = "http://www.w3.org/1999/xhtml"
DOCUMENTS = {
    "/drawing": (
        "image/svg+xml",
        f"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/><script>{CODE}</script></svg>",
    ),
    "/prefixed": (
        "image/svg+xml",
        f"<?xml version='1.0'?><!DOCTYPE html><s:svg xmlns:s='http://www.w3.org/2000/svg'><s:rect/><s:script>{CODE}</s:script></s:svg>",
    ),
    "/handler": (
        "image/svg+xml",
        f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{CODE.replace(chr(10), '')}\"><rect/></svg>",
    ),
    "/data": ("text/xml", f"<x><rect/><y xmlns:h='{XHTML}'><h:script>{CODE}</h:script></y></x>"),
    "/root": ("application/xml", f"<x xmlns:h='{XHTML}'><rect/><h:script>{CODE}</h:script></x>"),
    "/page": (
        "application/xhtml+xml",
        f"<h:html xmlns:h='{XHTML}'><h:rect/><h:script>{CODE.replace('firstElementChild', 'lastElementChild.previousElementSibling')}</h:script></h:html>",
    ),
}


async def site(request: web.BaseRequest) -> web.Response:
    kind, text = DOCUMENTS.get(request.path, ("text/html", "<!doctype html><title>x</title><p>Home"))
    headers = {"Content-Security-Policy": "script-src 'unsafe-inline'"} if "closed" in request.query else {}
    if "hashed" in request.query:
        headers = {"Content-Security-Policy": "script-src 'nonce-abc'"}
        text = text.replace("script>", "script nonce='abc'>", 1)
    return web.Response(text=text, content_type=kind, headers=headers)


def opened(visitor, path: str) -> tuple[str, bool, bool]:
    """Return what ran in it, and whether cookie and key were stored."""
    visitor.context.clear_cookies(name="_ga")
    visitor.page.goto(f"https://callkom.io{path}", wait_until="load")
    ran = visitor.page.evaluate("window.ran")
    return ran, *visitor.page.evaluate("[document.cookie.includes('_ga'), '_gcl_ls' in localStorage]")


PATHS = [*DOCUMENTS, "/drawing?closed", "/drawing?hashed"]


def test_without_us_each_of_these_documents_stores(visit, bare):
    visitor = visit(port=bare)

    assert {path: opened(visitor, path) for path in PATHS} == dict.fromkeys(PATHS, ("rect", True, True))


def test_before_a_choice_and_after_a_refusal_none_of_them_stores(visit, fenced):
    visitor = visit(port=fenced)
    expected = dict.fromkeys(PATHS, ("rect", False, False))

    assert {path: opened(visitor, path) for path in PATHS} == expected
    visitor.page.goto("https://callkom.io/")
    visitor.page.get_by_role("button", name="Refuse all", exact=True).click()
    visitor.page.locator("#cc-b").wait_for(state="detached")
    assert {path: opened(visitor, path) for path in PATHS} == expected
