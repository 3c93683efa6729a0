"""Whatever the tests in rules.yaml say is kept for a visitor loads in that visitor's browser."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from proxy.policy.load import load_policy
from proxy.policy.model import Example
from tests.e2e.conftest import ROOT, in_front_of
from tests.patience import until

pytestmark = pytest.mark.e2e

EXAMPLES = [e for e in load_policy((ROOT / "rules.yaml").read_text()).examples if e.kind == "html"]
STATES = ("refused", "functional", "performance", "accepted")
LOADING = re.compile(
    r"<(?:script|img|iframe|embed|object|link(?! [^>]*rel=.(?:preconnect|canonical)))\b[^>]*?"
    r"\s(?:src|href|data)=[\"']?((?:https:)?//[^\"'\s>]+)"
)
LOADER = re.compile(r"\.src=[\"'](https://[^\"'/]+/[^\"']+[^\"'/])[\"']")
ELSEWHERE = re.compile(r"<(?:amp-|base|noscript)")
"""What a browser loads only with AMP's script, on another host, or without scripts."""


def kept(who: str) -> list[Example]:
    """Return what is kept for that visitor: also what is kept with less."""
    less = set(STATES) if who == "accepted" else {"refused", who}
    return [
        e
        for e in EXAMPLES
        if any(expected == "keep" and visitor in less for visitor, expected, _ in e.expect)
        and not ELSEWHERE.match(e.subject)
    ]


def fetched(example: Example) -> set[tuple[str, str]]:
    """Return host and path of what a browser asks other hosts for.

    What runs for everyone is the site's own code: what that loads needs its own consent.
    """
    by_everyone = any(who == "refused" and does == "keep" for who, does, _ in example.expect)
    loaded = [] if by_everyone else LOADER.findall(example.subject)
    addresses = (*LOADING.findall(example.subject), *loaded)
    parts = [urlsplit(unescape(address)) for address in addresses]
    return {(p.hostname, p.path) for p in parts if not p.hostname.endswith("callkom.io")}


def page(who: str) -> str:
    """Return a page on which all of it stands; the site's own code of an example may fail alone."""
    body = "\n".join(f"<div>{markup}</div>" for markup in (e.subject for e in kept(who)))
    return f"<!doctype html><title>Kept</title><h1>Kept</h1>\n{body}"


async def site(request: web.BaseRequest) -> web.Response:
    if request.path.strip("/") in STATES:
        return web.Response(text=page(request.path.strip("/")), content_type="text/html")
    plain = "<!doctype html><title>Home</title><h1>Home</h1>" if request.path == "/" else ""
    return web.Response(text=plain, content_type="text/html" if plain else "text/javascript")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with in_front_of(site, tmp_path_factory.mktemp("kept")) as proxy:
        yield proxy


def answers(visitor, who: str) -> None:
    visitor.goes("/")
    if who in ("refused", "accepted"):
        visitor.clicks("button", "Refuse all" if who == "refused" else "Accept all")
        return
    visitor.goes("/.consent/")
    visitor.page.locator(f"input[name=purpose][value={who}]").first.check()
    visitor.clicks("button", "Save my choices")


@pytest.mark.parametrize(
    ("who", "least"), [("refused", 8), ("functional", 20), ("performance", 25), ("accepted", 40)]
)
def test_whatever_a_test_of_the_rules_keeps_loads(visit, providers, running, who, least):
    wanted = {address for example in kept(who) for address in fetched(example)}
    visitor = visit(port=running.port)
    answers(visitor, who)
    providers.forget()
    visitor.goes(f"/{who}")

    assert len(wanted) >= least, sorted(wanted)
    assert until(lambda: wanted - {(host, path) for host, path, _ in providers.hits}, set()) == set()
