"""A provider's scripts under addresses of the site's own, known by how they begin (T31)."""

import gzip

import pytest

from tests.support.origin import Origin, ok
from tests.support.proxying import RULES, proxying

LIKE = RULES.replace(
    '- { path: "/metrics/*", purpose: performance }', "- { like: google-tag-manager, purpose: performance }"
).replace(
    "  hubspot:\n    name: HubSpot\n",
    "  hubspot:\n    name: HubSpot\n    requests: [{ like: hubspot, purpose: performance }]\n",
)
GTM = (
    b"""
// Copyright 2012 Google Inc. All rights reserved.

 (function(w,g){w[g]=w[g]||{};w[g].e=function(s){return eval(s);};})(window,'google_tag_manager');

(function(){

var data = {
"resource": {
  "version":"1",
"""
    + b"a" * 5000
)
HUBSPOT = b"// HubSpot Script Loader. Please do not block this resource. See more: http://hubs.ly/H0702_H0\n\nvar _hsp;"
OWN = b"// Copyright 2012 Example Inc. All rights reserved.\nvar data = { resource: 1 }; window.google_tag_manager;"
SCRIPT = (b"Content-Type: text/javascript; charset=utf-8", b'ETag: "1"', b"Last-Modified: Mon, 02 Nov 2026 10:00:00 GMT",
          b"Cache-Control: public, max-age=900", b"Set-Cookie: FPID=1; HttpOnly")  # fmt: skip
CHOICE = ("Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin")


async def answers(tmp_path, steps, *, granted=False, observe=False):
    site = "    mode: observe\n" if observe else ""
    async with (
        Origin({b"/x.js": steps}) as origin,
        proxying(origin.url, folder=tmp_path, rules=LIKE, site=site) as proxy,
    ):
        cookie = ()
        if granted:
            got = await proxy.ask("/.consent/choice", *CHOICE, method="POST", body=b"choice=accept")
            cookie = ("Cookie: " + got.one(b"Set-Cookie").partition(b";")[0].decode(),)
        return [await proxy.ask("/x.js", "Sec-Fetch-Dest: script", *cookie) for _ in range(3)]


@pytest.mark.parametrize(
    "steps",
    [
        ok(GTM, *SCRIPT),
        ok(HUBSPOT, *SCRIPT),
        ok(gzip.compress(GTM), *SCRIPT, b"Content-Encoding: gzip"),
        [ok(GTM, *SCRIPT).partition(b"\r\n\r\n")[0] + b"\r\n\r\n", 0.05, GTM],
    ],
)
async def test_a_script_that_begins_as_a_providers_is_held_under_any_address(tmp_path, steps):
    for got in await answers(tmp_path, steps):
        assert (got.status, got.body, got.one(b"Cache-Control")) == (204, b"", b"no-store")
        assert got.all(b"Set-Cookie") == []


async def test_granted_it_runs_and_nobody_keeps_it(tmp_path):
    for got in await answers(tmp_path, ok(GTM, *SCRIPT), granted=True):
        assert (got.status, got.body, got.one(b"Cache-Control")) == (200, GTM, b"private, no-cache")
        assert (got.one(b"ETag"), got.one(b"Last-Modified")) == (None, None)


@pytest.mark.parametrize("steps", [ok(OWN, *SCRIPT), ok(b"", *SCRIPT), ok(GTM, b"Content-Type: text/css")])
async def test_the_sites_own_files_pass(tmp_path, steps):
    for got in await answers(tmp_path, steps):
        assert got.status == 200


async def test_where_a_site_is_only_observed_it_passes(tmp_path):
    for got in await answers(tmp_path, ok(GTM, *SCRIPT), observe=True):
        assert (got.status, got.body) == (200, GTM)
