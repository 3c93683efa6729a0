"""Providers whose script is to be had from npm, run: what each stores and asks is what its block says.

`checked: { how: seen running, at: [https://www.npmjs.com/package/NAME/v/VERSION, ...] }` names what is run;
tests/data/providers has the few lines that start it. Every host of a provider is played.
"""

import asyncio
import re
import shutil
import subprocess
import time
from fnmatch import fnmatchcase

import pytest
from playwright.async_api import async_playwright

from proxy.catalogue.shipped import providers
from proxy.policy.hosts import covers
from tests.banner.npm import FOLDER, fetch, installed
from tests.catalogue.test_providers import using
from tests.shared import ROOT

pytestmark = [pytest.mark.load, pytest.mark.timeout(500)]

PACKAGE = re.compile(r"https://www\.npmjs\.com/package/(.+)/v/([0-9.]+)")
SEEN = {
    name: PACKAGE.fullmatch(one.checked.at[0]).groups()
    for name, one in providers().items()
    if one.checked.how == "seen running"
}
SCRIPTS = ROOT / "tests" / "data" / "providers"
PLACE = FOLDER.parent / "providers"
SITE = "https://site.example/"
KEPT = """async () => [...Object.keys(localStorage), ...Object.keys(sessionStorage),
  ...(await indexedDB.databases()).map(one => one.name)]"""
REPLIES = {
    "cdn.segment.com": '{"integrations":{"Segment.io":{"apiKey":"KEY"}},"plan":{},"remotePlugins":[]}',
}


@pytest.fixture(scope="module")
def bundles():
    """Return the script of each provider, with its package, in one piece."""
    esbuild = installed("esbuild") / "bin" / "esbuild"
    wanted = dict(SEEN.values())
    if not all((PLACE / "node_modules" / name).is_dir() for name in wanted):
        PLACE.mkdir(parents=True, exist_ok=True)
        if told := fetch(wanted, PLACE):
            pytest.skip(told)
    shutil.copytree(SCRIPTS, PLACE / "scripts", dirs_exist_ok=True)
    for name in SEEN:
        subprocess.run(
            [esbuild, f"scripts/{name}.js", "--bundle", "--format=iife", f"--outfile=built/{name}.js", "--log-level=error"],
            cwd=PLACE, check=True,
        )  # fmt: skip
    return PLACE


async def run(browser, bundles, name):
    """Return what a provider's script stores (cookies with their life in seconds), and whom it asks."""
    context = await browser.new_context()
    asked = set()

    async def answer(route):
        address = route.request.url.partition("?")[0]
        host = address.split("/")[2]
        if not address.startswith(SITE):
            asked.add(host)
            origin = route.request.headers.get("origin", "*")
            headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Headers": "*"}  # fmt: skip
            await route.fulfill(
                body=REPLIES.get(host, "{}"), headers=headers, content_type="application/json"
            )
        elif address == SITE:
            page = "<!doctype html><meta charset=utf-8><title>x</title><body><script src=/built.js></script>"
            await route.fulfill(body=page, content_type="text/html")
        else:
            path = address.removeprefix(SITE)
            file = bundles / ("built/" + name + ".js" if path == "built.js" else "node_modules/" + path.removeprefix("npm/"))  # fmt: skip
            found = file.read_bytes() if file.is_file() else b""
            kind = "text/css" if path.endswith("css") else "text/javascript"
            await route.fulfill(
                body=found, content_type=f"{kind}; charset=utf-8", status=200 if found else 404
            )

    await context.route("**/*", answer)
    page = await context.new_page()
    await page.goto(SITE)
    await asyncio.sleep(8)  # what a script does when it has been there for a while
    cookies = {one["name"]: one["expires"] - time.time() for one in await context.cookies(SITE)}
    kept = await page.evaluate(KEPT)
    await context.close()
    return cookies, kept, asked


async def test_what_a_provider_stores_and_asks_is_what_its_block_says(bundles):
    async with async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=shutil.which("chromium"))
        found = {}
        for names in (list(SEEN)[:8], list(SEEN)[8:]):  # together, as each needs its time
            ran = await asyncio.gather(*(run(browser, bundles, name) for name in names))
            found |= dict(zip(names, ran, strict=True))
        await browser.close()

    assert [name for name, (cookies, kept, asked) in found.items() if not (cookies or kept or asked)] == []
    assert {name: missing for name, seen in found.items() if (missing := undeclared(name, *seen))} == {}


def undeclared(name, cookies, kept, asked):
    """Return what a block says nothing of."""
    block = using(name).providers[0]
    rows = [(glob, row.lasts.seconds or 0) for row in block.cookies for glob in row.names]
    keys = [glob for rule in block.storage for glob in rule.keys]
    hosts = [*block.connect, *(host for tag in block.tags for host in tag.hosts)]
    too_long = [
        f"{one} for {life // 86_400} days"
        for one, life in cookies.items()
        if not any(fnmatchcase(one, glob) and life <= longest + 86_400 for glob, longest in rows)
    ]
    no_key = [one for one in kept if not any(fnmatchcase(one, glob) for glob in keys)]
    third = {host for host in asked if not any(covers(known, host) for known in hosts)}
    return [
        *too_long,
        *no_key,
        *sorted(third - {"www.googletagmanager.com"}),
    ]  # tarteaucitron's: as it was told


def test_there_is_a_script_for_each_that_is_said_to_be_seen_running():
    assert {path.stem for path in SCRIPTS.glob("*.js")} == set(SEEN)
    assert len(SEEN) >= 16
